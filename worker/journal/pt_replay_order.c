/*  Bytes of whoever may write to the journal's folder: bounded, and refused where they are odd. */
#include "pt_replay_order.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pt_replay.h"

static bool
s_is_word(pt_bytes_t bytes, const char *word)
{
    return bytes.len == strlen(word) && memcmp(bytes.data, word, bytes.len) == 0;
}

//  "TOPIC SEQ". False: it is not.
static bool
s_read_discard(pt_bytes_t order, pt_request_t *out_request)
{
    char text[PT_TOPIC_BYTES_MAX + 24];
    char *end;
    if (order.len >= sizeof(text) || memchr(order.data, 0, order.len))
        return false;
    memcpy(text, order.data, order.len);
    text[order.len] = 0;
    char *space = strrchr(text, ' ');
    if (!space || space - text > PT_TOPIC_BYTES_MAX || space[1] < '0' || space[1] > '9')
        return false;
    *space = 0;
    memcpy(out_request->topics[0].topic, text, (size_t) (space - text) + 1);
    errno = 0;
    out_request->topics[0].next_seq = strtoull(space + 1, &end, 10);
    out_request->topic_count = 1;
    return *end == 0 && errno == 0;
}

static bool
s_read_name(pt_bytes_t name, pt_request_t *out_request)
{
    if (name.len > PT_STORE_NAME_BYTES_MAX)
        return false;
    if (name.len)
        memcpy(out_request->name, name.data, name.len);
    out_request->name[name.len] = 0;
    return true;
}

bool
pt_replay_order_read(pt_bytes_t verb, pt_bytes_t what, pt_request_t *out_request)
{
    assert(out_request);

    if (s_is_word(verb, PT_CONTROL_FORGET)) {
        out_request->kind = PT_REQUEST_FORGET;
        return s_read_name(what, out_request);
    }
    out_request->kind = PT_REQUEST_DISCARD;
    out_request->unread_too = s_is_word(verb, PT_CONTROL_DISCARD_UNREAD);
    return (out_request->unread_too || s_is_word(verb, PT_CONTROL_DISCARD)) && s_read_discard(what, out_request);
}

const char *
pt_replay_order_word(pt_status_t status)
{
    if (status == PT_OK)
        return PT_CONTROL_OK;
    return status == PT_E_NOT_FOUND ? PT_CONTROL_UNKNOWN : PT_CONTROL_BUSY;
}
