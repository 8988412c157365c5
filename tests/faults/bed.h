/*  bed: a worker process to be broken, with a broker, a producer, a durable subscriber and a judge.
 *
 *  The worker is the real program; the others live in the process of the test. The judge knows every
 *  response that was put, and looks at three things: that each of them is acknowledged and its
 *  decision delivered; that none is delivered twice; and that a number of a topic, once published,
 *  stands for the same decision in the journal for ever.
 */
#ifndef BED_H
#define BED_H

#include <czmq.h>
#include <sys/types.h>

#include "pt_broker.h"
#include "pt_producer.h"
#include "pt_subscriber.h"

#define BED_PATH_BYTES 96 //  of an ipc endpoint at most
#define BED_QUEUES 4
#define BED_TOPICS_MAX 64
#define BED_VARIABLES_MAX 4
#define BED_LIVES_MAX 8 //  of one worker in one turn; more are a fault

typedef struct {
    const char *program;
    const char *journal_bytes; //  --journal-size
    const char *rule;          //  switched off; NULL: none
    uint32_t batch;            //  responses
    uint32_t window;           //  batches
    uint32_t patience_ms;      //  without any progress
    size_t filler;             //  bytes more in each response
    bool quiet;                //  count violations, do not print them
} bed_options_t;

//  How the worker of one turn is to end.
typedef struct {
    const char *variable[BED_VARIABLES_MAX]; //  of its environment, "NAME=VALUE"; NULL: none
    unsigned lives;                          //  that have them; the others are left alone
    uint64_t kill_at;                        //  SIGKILL once so many responses of this turn are accepted; 0: never
    unsigned spin;                           //  loops between that and the kill
    bool aborts;                             //  also an abort is
    bool fails;                              //  an exit with a reason is expected, not only a death
} bed_fault_t;

typedef struct {
    uint64_t turns, deaths, failures, accepted, delivered, dropped, repeats, fetched, resent, busy, published,
        violations;
} bed_counts_t;

typedef struct {
    char name[PT_TOPIC_BYTES_MAX + 1];
    uint32_t *crcs; //  by number; 0: not seen
    size_t capacity;
} bed_topic_t;

typedef struct {
    bed_options_t options;
    char dir[BED_PATH_BYTES / 2];
    char journal[BED_PATH_BYTES];
    char words[BED_PATH_BYTES]; //  file of the worker's stderr
    char publish[BED_QUEUES][BED_PATH_BYTES];
    char replay[BED_PATH_BYTES];
    pt_broker_t *broker;
    pt_producer_t *producer;
    pt_subscriber_t *subscriber;
    zsock_t *raw;
    pid_t worker; //  0: none
    uint64_t put; //  responses so far; their ids are the numbers below
    uint64_t delivered;
    uint8_t *states; //  by number
    size_t capacity;
    bed_topic_t topics[BED_TOPICS_MAX];
    size_t topic_count;
    uint64_t accepted_before; //  of producers that are gone
    uint64_t poison;          //  number of the response that comes back as invalid, plus 1; 0: none
    uint64_t alerts_due;      //  decisions with an active alert, less alerts
    bed_counts_t counts;
} bed_t;

/*  Make the bed, with a new journal. Ends the process when the machine does not allow it. */
void bed_open(bed_t *self, const bed_options_t *options);
void bed_close(bed_t *self);

/*  Forget the journal, so that the next worker makes another. */
void bed_renew_journal(bed_t *self);

/*  The subscriber goes away for good, or comes back under its name. */
void bed_drop_subscriber(bed_t *self);
void bed_add_subscriber(bed_t *self);

/*  One turn: start a worker, put responses, let the worker end as `fault` says and start it again, until
 *  everything is acknowledged and delivered; then stop it and read its journal. `raw` replaces the bytes
 *  of the first response. The violations are counted.
 */
void bed_turn(bed_t *self, const bed_fault_t *fault, uint64_t responses, pt_bytes_t raw);

/*  Count and print a violation. */
void bed_violate(bed_t *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*  Parts of a turn, for plans of their own. */
void bed_start_worker(bed_t *self, const bed_fault_t *fault, unsigned life);
bool bed_put(bed_t *self, pt_bytes_t raw); //  false: the window is full
void bed_poll(bed_t *self, uint32_t wait_ms);
bool bed_is_finished(const bed_t *self);
void bed_stop_worker(bed_t *self);
void bed_compare_journal(bed_t *self);

int64_t bed_now_ms(void);
uint64_t bed_random(uint64_t *state);

#endif
