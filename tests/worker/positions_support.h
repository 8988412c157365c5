/*  What the tests of pt_positions share: a log of what is told, and a worker of one topic. */
#ifndef POSITIONS_SUPPORT_H
#define POSITIONS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pt_positions.h"

#define WORKER UINT64_C(0x77)
#define EPOCH UINT64_C(3)
#define TOPIC PT_TEXT("retry.opn.")

typedef struct {
    uint64_t lost_first, lost_next, losses;
    unsigned faults[PT_FAULT_COUNT_];
} log_t;

static inline void
s_log_lost(void *context, pt_text_t topic, uint64_t worker, uint64_t epoch, uint64_t first, uint64_t next)
{
    (void) topic, (void) worker, (void) epoch;
    log_t *log = context;
    log->lost_first = first;
    log->lost_next = next;
    log->losses++;
}

static inline void
s_log_fault(void *context, pt_positions_fault_t fault, uint64_t worker, uint64_t epoch)
{
    (void) worker, (void) epoch;
    ((log_t *) context)->faults[fault]++;
}

static inline pt_positions_t *
s_positions(pt_positions_mode_t mode, log_t *log)
{
    pt_positions_options_t options = {.mode = mode};
    pt_positions_handlers_t handlers = {log, s_log_lost, s_log_fault};
    *log = (log_t) {0};
    pt_positions_t *positions = pt_positions_new(&options, &handlers);
    assert_non_null(positions);
    return positions;
}

static inline pt_decisions_t
s_message(uint64_t epoch, uint64_t first, uint32_t count, uint64_t head, uint32_t flags)
{
    return (pt_decisions_t) {
        .worker = WORKER, .epoch = epoch, .first_seq = first, .head_seq = head, .count = count, .flags = flags};
}

//  Take a message and deliver what may be; the first number delivered, or 0 for none.
static inline uint64_t
s_take(pt_positions_t *positions, uint64_t epoch, uint64_t first, uint32_t count)
{
    pt_decisions_t message = s_message(epoch, first, count, first + count, 0);
    pt_arrived_t arrived;
    assert_int_equal(pt_positions_decisions(positions, TOPIC, &message, &arrived), PT_OK);
    assert_int_not_equal(arrived.arrival, PT_ARRIVAL_HOLD);
    if (arrived.arrival != PT_ARRIVAL_DELIVER)
        return 0;
    pt_positions_delivered(positions, arrived.stream, first + count);
    return arrived.from_seq;
}

static inline void
s_head(pt_positions_t *positions, uint64_t epoch, uint64_t retained, uint64_t head, const char *endpoint)
{
    pt_head_t message = {WORKER, epoch, retained, head, pt_text_of(endpoint)};
    assert_int_equal(pt_positions_head(positions, TOPIC, &message), PT_OK);
}

static inline pt_request_t
s_expect(pt_positions_t *positions, pt_kind_t kind, int64_t now_ms)
{
    pt_request_t request;
    assert_true(pt_positions_ask(positions, true, now_ms, &request));
    assert_int_equal(request.kind, kind);
    return request;
}

static inline void
s_expect_silence(pt_positions_t *positions, int64_t now_ms)
{
    pt_request_t request;
    assert_false(pt_positions_ask(positions, true, now_ms, &request));
}

static inline void
s_open(pt_positions_t *positions, uint64_t retained, uint64_t head, uint64_t position)
{
    s_head(positions, EPOCH, retained, head, "ipc://replay");
    pt_request_t open = s_expect(positions, PT_KIND_OPEN, 0);
    pt_opened_t opened = {.req_id = open.req_id,
                          .worker = WORKER,
                          .epoch = EPOCH,
                          .topic_count = 1,
                          .topics = {{TOPIC, retained, head, position}}};
    assert_int_equal(pt_positions_opened(positions, &opened, 0), PT_OK);
}

#endif
