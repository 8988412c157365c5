/*  pt_log: what a daemon says while it runs: one event, one line.
 *
 *  An event has a stable name, a level and fields. It is written as `key=value` text, as a line of JSON, or
 *  with fields into systemd's journal. Names never change their meaning once released; docs/operations.md
 *  says what to do about each. Fields hold names, numbers and reasons, never the bytes of a response.
 *
 *  Any thread may log. It locks and writes, so nothing logs per response: what may come often is counted
 *  where it happens and told once a second at most.
 */
#ifndef PT_LOG_H
#define PT_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef enum { PT_LOG_ERROR, PT_LOG_WARNING, PT_LOG_INFO, PT_LOG_DEBUG, PT_LOG_LEVEL_COUNT_ } pt_log_level_t;
typedef enum { PT_LOG_AUTO, PT_LOG_TEXT, PT_LOG_JSON, PT_LOG_JOURNAL, PT_LOG_FORMAT_COUNT_ } pt_log_format_t;

typedef enum {
    PT_EVENT_SERVICE_STARTED,
    PT_EVENT_SERVICE_ENDPOINT,
    PT_EVENT_SERVICE_READY,
    PT_EVENT_SERVICE_STOPPING,
    PT_EVENT_SERVICE_DRAINED,
    PT_EVENT_SERVICE_DRAIN_LATE,
    PT_EVENT_SERVICE_NOT_NOTIFIED,
    PT_EVENT_SERVICE_DESCRIPTORS,
    PT_EVENT_CONFIG_WARNING,
    PT_EVENT_LOG_LEVEL,
    PT_EVENT_BROKER_COUNTS,
    PT_EVENT_BROKER_NO_WORKER,
    PT_EVENT_BROKER_WORKERS,
    PT_EVENT_BROKER_DROPPED,
    PT_EVENT_GATE_OPENED,
    PT_EVENT_GATE_COUNTS,
    PT_EVENT_GATE_NOTICE,
    PT_EVENT_WORKER_COUNTS,
    PT_EVENT_WORKER_NO_BROKER,
    PT_EVENT_WORKER_BROKERS,
    PT_EVENT_WORKER_RATES,
    PT_EVENT_WORKER_INVALID,
    PT_EVENT_WORKER_GARBAGE,
    PT_EVENT_CATALOG_SWITCHED,
    PT_EVENT_CATALOG_UNCHANGED,
    PT_EVENT_CATALOG_REFUSED,
    PT_EVENT_CONTROL_NONE,
    PT_EVENT_JOURNAL_OPENED,
    PT_EVENT_JOURNAL_NONE,
    PT_EVENT_JOURNAL_SUSPECTS,
    PT_EVENT_JOURNAL_FULL,
    PT_EVENT_JOURNAL_ROOM,
    PT_EVENT_JOURNAL_NO_ROOM,
    PT_EVENT_JOURNAL_DEAD_READER,
    PT_EVENT_JOURNAL_TOPICS,
    PT_EVENT_JOURNAL_DAMAGED,
    PT_EVENT_JOURNAL_FAILED,
    PT_EVENT_COUNT_
} pt_event_t;

//  A field: its key, [a-z_], and a text, or NULL and a number.
typedef struct {
    const char *key;
    const char *text;
    uint64_t number;
} pt_log_field_t;

#define PT_LOG_S(name, value) ((pt_log_field_t) {.key = (name), .text = (value)})
#define PT_LOG_N(name, value) ((pt_log_field_t) {.key = (name), .number = (value)})
#define PT_LOG_FIELDS_MAX 12
#define PT_LOG_TEXT_BYTES_MAX 400 //  of one field; the rest is cut

/*  Log an event with its fields: pt_log(PT_EVENT_SERVICE_READY, PT_LOG_N("elapsed_ms", 12)). */
#define pt_log(event, ...) pt_log_event((event), (const pt_log_field_t[]) {__VA_ARGS__, {0}})
void pt_log_event(pt_event_t event, const pt_log_field_t *fields);

/*  Where lines go and how they look; AUTO: the journal where `stream` is connected to it
 *  (JOURNAL_STREAM), else text. A warning or an error comes at most 5 times in `limit_ms`; how many did
 *  not come is told with the next one, or by pt_log_tick. Until this is called, text goes to stderr.
 */
void pt_log_open(FILE *stream, pt_log_format_t format, pt_log_level_t level, uint64_t limit_ms);

/*  Text, JSON or the journal; never AUTO. */
pt_log_format_t pt_log_format(void);

/*  Change the level while it runs. From any thread. */
void pt_log_set_level(pt_log_level_t level);
pt_log_level_t pt_log_level(void);

/*  Change the time of the limit; what is held back stays counted. */
void pt_log_set_limit(uint64_t limit_ms);

/*  The level's word: error, warning, info, debug; and back, or -1. */
const char *pt_log_level_text(pt_log_level_t level);
int pt_log_level_parse(const char *text);

/*  Tell what was held back longer ago than the limit. Call it about once a second. */
void pt_log_tick(void);

/*  The event's name, such as "journal.full"; its meaning, in one plain line. */
const char *pt_event_name(pt_event_t event);
const char *pt_event_meaning(pt_event_t event);

#endif
