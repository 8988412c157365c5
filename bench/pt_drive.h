/*  pt_drive: the driver of the bus bench: producers and a subscriber in one thread.
 *
 *  It sends batches, and accounts for every response: a batch is complete when it is acknowledged and
 *  when as many decisions as it has responses have come back, and its alerts as well. Latency is the
 *  time from the moment at which a batch was meant to be sent to the arrival of its last decision; the
 *  time to its ACK is counted apart.
 */
#ifndef PT_DRIVE_H
#define PT_DRIVE_H

#include "pt_histogram.h"
#include "pt_job.h"
#include "pt_payloads.h"

#define PT_DRIVE_PRODUCERS_MAX 64

typedef struct {
    const char *front;
    const char *publish[PT_QUEUE_COUNT_];
    const pt_payloads_t *payloads;
    unsigned producers;  //  1 to PT_DRIVE_PRODUCERS_MAX, a connection each
    unsigned window;     //  batches under way at most, all producers together
    bool expects_alerts; //  the worker publishes every active alert on operator_alert, and folds none
    bool checks_each;    //  read every decision, and look at every id
} pt_drive_options_t;

typedef struct {
    uint64_t responses; //  complete
    uint64_t batches;   //  complete
    uint64_t bytes_in;  //  of the payloads of these
    uint64_t bytes_out; //  of all items that came back
    uint64_t busy;      //  NACK busy: sent again
    double seconds;     //  that these took
    double driver_cpu_s;
    pt_histogram_t latency; //  ns, of each batch: to its last decision
    pt_histogram_t ack;     //  ns, of each batch: to its ACK, with all repeats after NACK busy
} pt_drive_result_t;

typedef struct pt_drive pt_drive_t;

/*  Connect. NULL with one line on stderr when an endpoint is refused. */
pt_drive_t *pt_drive_new(const pt_drive_options_t *options);
void pt_drive_destroy(pt_drive_t **self_p);

/*  Send batches until one has come back whole, so that every connection and subscription is known to
 *  work. False, with one line on stderr, when none does for some fifteen seconds.
 */
bool pt_drive_connect(pt_drive_t *self);

//  Called when measuring begins and when it ends.
typedef void pt_drive_mark_fn(void *context, bool is_end);

/*  Keep the window full for `seconds`, after a tenth of that to warm up. False, with one line on
 *  stderr, when something is not accounted for; *out_result is then what was.
 */
bool pt_drive_closed(pt_drive_t *self, double seconds, pt_drive_mark_fn *mark, void *context,
                     pt_drive_result_t *out_result);

//  Called when so many responses are complete, `seconds` after the start.
typedef void pt_drive_count_fn(void *context, uint64_t responses, double seconds);

/*  Keep the window full until the last of `marks` is reached, numbers of responses in rising order, and
 *  call `tell` at each. What is then under way still is counted in *out_result as well.
 */
bool pt_drive_counted(pt_drive_t *self, const uint64_t *marks, size_t mark_count, pt_drive_count_fn *tell,
                      void *context, pt_drive_result_t *out_result);

/*  Send `rate` responses a second, batch by batch at equal intervals, whatever comes back. */
bool pt_drive_open(pt_drive_t *self, double rate, double seconds, pt_drive_mark_fn *mark, void *context,
                   pt_drive_result_t *out_result);

#endif
