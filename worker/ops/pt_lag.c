/*  Counted here and not by the writer, whose time is the producers'. */
#include "pt_lag.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
s_behind_topic(pt_store_view_t *view, const char *name, const pt_store_head_t *head)
{
    uint64_t position = 0;
    if (pt_store_view_position(view, name, head->topic, &position) != PT_OK || position < head->first_retained)
        position = head->first_retained;
    return head->next_seq > position ? head->next_seq - position : 0;
}

static uint64_t
s_behind(pt_store_view_t *view, const pt_store_subscriber_t *subscriber)
{
    uint64_t behind = 0;
    pt_store_head_t head = {.topic = ""};
    while (pt_store_view_topic(view, head.topic, &head) == PT_OK)
        if (pt_store_covers(subscriber, head.topic))
            behind += s_behind_topic(view, subscriber->name, &head);
    return behind;
}

//  The subscriber behind `after`; false when there is none.
static bool
s_read_next(pt_store_t *store, const char *after, pt_store_subscriber_t *subscriber, pt_lag_t *out_lag)
{
    pt_store_view_t *view;
    bool found =
        pt_store_view_open(store, &view) == PT_OK && pt_store_view_subscriber(view, after, subscriber) == PT_OK;
    if (found) {
        *out_lag = (pt_lag_t) {.durable = subscriber->durable, .seen_ms = subscriber->seen_ms};
        memcpy(out_lag->name, subscriber->name, sizeof(out_lag->name));
        out_lag->behind = s_behind(view, subscriber);
    }
    pt_store_view_close(&view);
    return found;
}

size_t
pt_lag_read(pt_store_t *store, pt_lag_t *out_lags, size_t room)
{
    assert(store);
    assert(out_lags);

    pt_store_subscriber_t *subscriber = malloc(sizeof(*subscriber));
    size_t count = 0;
    while (subscriber && count < room &&
           s_read_next(store, count ? out_lags[count - 1].name : "", subscriber, &out_lags[count]))
        count++;
    free(subscriber);
    return count;
}
