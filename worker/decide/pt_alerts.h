/*  pt_alerts: which alerts are told at once, and which are folded into a count.
 *
 *  Alerts of one kind share a key. The first one is told; those that follow within the window are
 *  folded, and when it ends one summary tells how many they were, of which the first stands for all.
 *  After a window without any, the next one is told at once again. What alerts `if_frequent` is told
 *  when so many came within so long, and summed up only while they still do.
 *
 *  Nothing is dropped: told ones and the counts of summaries add up to all that came. The number of keys
 *  is bounded; once all are in use, kinds without one are folded together as "others".
 *
 *  No thread, no clock, no I/O: one for a process, where all jobs pass one after the other.
 */
#ifndef PT_ALERTS_H
#define PT_ALERTS_H

#include "pt_alert_key.h"

#define PT_ALERTS_KEYS_MAX 4096
#define PT_ALERTS_SAMPLE_BYTES_MAX 4096
#define PT_ALERTS_WINDOW_MS_DEFAULT (5 * 60 * 1000)
#define PT_ALERTS_FREQUENT_COUNT_DEFAULT 10
#define PT_ALERTS_FREQUENT_COUNT_MAX 1000

typedef struct {
    uint64_t window_ms;      //  of folding; 0: every active alert is told, and none is folded
    uint32_t frequent_count; //  so many, 1 to PT_ALERTS_FREQUENT_COUNT_MAX,
    uint64_t frequent_ms;    //  within so long, are frequent
} pt_alerts_options_t;

typedef enum {
    PT_ALERT_TOLD,    //  publish it; it stands for `count`
    PT_ALERT_FOLDED,  //  a summary will count it
    PT_ALERT_COUNTED, //  not frequent yet
    PT_ALERT_SUMMED,  //  of summaries: `count` were folded
} pt_alert_fate_t;

//  What became of one alert, to be undone if the batch that brought it is refused.
typedef struct {
    pt_alert_fate_t fate;
    uint32_t slot;
    uint32_t count;
    uint64_t opened_ms;
} pt_alert_receipt_t;

typedef struct {
    pt_alert_receipt_t receipt;
    pt_bytes_t sample; //  of the first that was folded; valid until the next one is counted
    uint64_t first_ms; //  unix ms, when the first of them was decided
    uint64_t last_ms;
    bool others; //  they are of many kinds
} pt_alert_summary_t;

typedef struct pt_alerts pt_alerts_t;

/*  NULL when out of memory. About 600 KiB, and up to 4 KiB for each key with folded alerts. */
pt_alerts_t *pt_alerts_new(const pt_alerts_options_t *options);
void pt_alerts_destroy(pt_alerts_t **self_p);

/*  Count one alert; `kind` is not NONE, and `rate` is for IF_FREQUENT only. `now_ms` is monotonic, `decided_ms`
 *  unix ms.
 */
pt_alert_receipt_t pt_alerts_count(pt_alerts_t *self, XXH128_hash_t key, pt_alert_kind_t kind, pt_alert_rate_t rate,
                                   int64_t now_ms, uint64_t decided_ms);

/*  Whether a folded alert is to stand for the others; then give what shows it, at most
 *  PT_ALERTS_SAMPLE_BYTES_MAX. They are copied; without memory the next one is asked for.
 */
bool pt_alerts_wants_sample(const pt_alerts_t *self, const pt_alert_receipt_t *receipt);
void pt_alerts_keep_sample(pt_alerts_t *self, const pt_alert_receipt_t *receipt, pt_bytes_t sample);

/*  As if it had not come: the last ones first, before anything else is counted or summed up. */
void pt_alerts_undo(pt_alerts_t *self, const pt_alert_receipt_t *receipt);

/*  When the next summary is due, monotonic ms; it may turn out to be none. INT64_MAX: never. */
int64_t pt_alerts_due_ms(const pt_alerts_t *self);

/*  The next summary that is due, or, at the end, any that will be. False: there is none. */
bool pt_alerts_sum_up(pt_alerts_t *self, int64_t now_ms, bool at_the_end, pt_alert_summary_t *out);

/*  Keys in use. */
size_t pt_alerts_keys(const pt_alerts_t *self);

#endif
