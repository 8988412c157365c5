/*  pt_topics: the sequence of each topic, and when its HEAD is due.
 *
 *  A subscriber cannot see that the last message was lost; the HEAD that follows tells. A topic's
 *  HEAD is due at once when it is new, 100 ms after its last decisions, and every second. After ten
 *  seconds without decisions it is named in its queue's HEADS list instead, once a second, and its
 *  own HEAD comes every ten seconds, for subscribers of that topic alone. No clock in here: times
 *  are monotonic ms that the caller gives.
 */
#ifndef PT_TOPICS_H
#define PT_TOPICS_H

#include "pt_catalog.h"
#include "pt_job.h"
#include "pt_store.h"

#define PT_TOPIC_QUIET_MS 100
#define PT_TOPIC_HEAD_MS 1000
#define PT_TOPIC_IDLE_MS 10000

typedef struct {
    char name[PT_TOPIC_BYTES_MAX + 1];
    pt_queue_t queue;
    uint64_t head_seq;       //  the next number to be given
    uint64_t first_retained; //  by the journal; 0: nothing is kept
    int64_t data_ms;         //  the last decisions; before any, when the topic was added
    int64_t head_ms;         //  the last HEAD
    bool announced;          //  there was a HEAD
    bool fresh;              //  decisions since the last HEAD
} pt_topic_t;

typedef struct pt_topics pt_topics_t;

/*  An empty table. NULL when out of memory. */
pt_topics_t *pt_topics_new(void);
void pt_topics_destroy(pt_topics_t **self_p);

/*  The topic of that name, added with the next number 1 when it is new. It lives as long as the
 *  table. NULL when out of memory.
 */
pt_topic_t *pt_topics_get(pt_topics_t *self, pt_queue_t queue, const char *name, int64_t now_ms);

/*  The topic of that name, or NULL. */
pt_topic_t *pt_topics_find(pt_topics_t *self, const char *name);

/*  Topics in the order they were added. index < pt_topics_count. */
size_t pt_topics_count(const pt_topics_t *self);
pt_topic_t *pt_topics_at(pt_topics_t *self, size_t index);

/*  Add the topics of all gateways of a catalog, those of settled decisions only where they are numbered. Topics of a
 *  gateway that a new catalog has lost stay, with their numbers. False when out of memory.
 */
PT_MUST_CHECK bool pt_topics_add_catalog(pt_topics_t *self, const pt_catalog_t *catalog, bool settled, int64_t now_ms);

/*  Go on where the journal is: its numbers, and topics of gateways that the catalog has lost. False when out of
 *  memory, or when the journal cannot be read or has a topic of no queue.
 */
PT_MUST_CHECK bool pt_topics_restore(pt_topics_t *self, pt_store_t *journal, int64_t now_ms);

/*  The journal trims while a topic is silent too. Only where it begins is taken over: its end moves when its decisions
 *  are published. What cannot be read is left as it was.
 */
void pt_topics_see_trimmed(pt_topics_t *self, pt_store_t *journal);

/*  Give the next `count` numbers and return the first of them. */
uint64_t pt_topic_number(pt_topic_t *self, uint32_t count, int64_t now_ms);

/*  Numbers were given by the journal: take over how far it is. */
void pt_topic_move(pt_topic_t *self, uint64_t first_retained, uint64_t head_seq, int64_t now_ms);

/*  When the topic's own HEAD is due; a time that has passed means now. */
int64_t pt_topic_due_ms(const pt_topic_t *self);

/*  The topic's HEAD was sent. */
void pt_topic_announce(pt_topic_t *self, int64_t now_ms);

/*  Whether the topic belongs in its queue's HEADS list. */
bool pt_topic_is_idle(const pt_topic_t *self, int64_t now_ms);

#endif
