/*  pt_response_parts: the keys of an envelope, for the files of pt_response. Internal to pt_response*.c. */
#ifndef PT_RESPONSE_PARTS_H
#define PT_RESPONSE_PARTS_H

#include "pt_cursor.h"
#include "pt_response.h"

#ifdef __cplusplus
extern "C" {
#endif

//  The largest integer that every client holds exactly.
#define MS_MAX ((UINT64_C(1) << 53) - 1)

typedef enum {
    PT_RESPONSE_TEXT,
    PT_RESPONSE_UINT16,
    PT_RESPONSE_UINT32,
    PT_RESPONSE_UINT64,
    PT_RESPONSE_BOOL,
    PT_RESPONSE_TRANSPORT,
    PT_RESPONSE_BODY
} pt_response_kind_t;

typedef struct {
    const char *name;
    pt_response_kind_t kind;
    size_t offset; //  of the field in pt_response_t
    uint64_t min;  //  of a number, or of a text's bytes
    uint64_t max;
} pt_response_key_t;

typedef enum {
    PT_KEY_ID,
    PT_KEY_PROVIDER,
    PT_KEY_OPERATION,
    PT_KEY_HTTP_STATUS,
    PT_KEY_TRANSPORT,
    PT_KEY_BODY,
    PT_KEY_ATTEMPT,
    PT_KEY_FIRST_ATTEMPT_MS,
    PT_KEY_RECEIVED_MS,
    PT_KEY_IDEMPOTENT,
    PT_KEY_REFERENCE,
    PT_KEY_ACCOUNT,
    PT_KEY_RETRY_AFTER_MS,
    PT_KEY_REDRIVEN,
    PT_KEY_COUNT_ //  also: a key that is not ours
} pt_response_index_t;

#define FIELD(name) offsetof(pt_response_t, name)

//  A constant in each file that looks at it: where the key is known so are its bounds.
static const pt_response_key_t pt_response_keys[PT_KEY_COUNT_] = {
    [PT_KEY_ID] = {"id", PT_RESPONSE_TEXT, FIELD(id), 1, PT_ID_BYTES_MAX},
    [PT_KEY_PROVIDER] = {"provider", PT_RESPONSE_TEXT, FIELD(provider), 1, PT_PROVIDER_BYTES_MAX},
    [PT_KEY_OPERATION] = {"operation", PT_RESPONSE_TEXT, FIELD(operation), 0, PT_OPERATION_BYTES_MAX},
    [PT_KEY_HTTP_STATUS] = {"http_status", PT_RESPONSE_UINT16, FIELD(http_status), 100, 599},
    [PT_KEY_TRANSPORT] = {"transport", PT_RESPONSE_TRANSPORT, FIELD(transport), 0, 0},
    [PT_KEY_BODY] = {"body", PT_RESPONSE_BODY, FIELD(body), 0, 0},
    [PT_KEY_ATTEMPT] = {"attempt", PT_RESPONSE_UINT32, FIELD(attempt), 1, UINT32_MAX},
    [PT_KEY_FIRST_ATTEMPT_MS] = {"first_attempt_ms", PT_RESPONSE_UINT64, FIELD(first_attempt_ms), 0, MS_MAX},
    [PT_KEY_RECEIVED_MS] = {"received_ms", PT_RESPONSE_UINT64, FIELD(received_ms), 0, MS_MAX},
    [PT_KEY_IDEMPOTENT] = {"idempotent", PT_RESPONSE_BOOL, FIELD(idempotent), 0, 0},
    [PT_KEY_REFERENCE] = {"reference", PT_RESPONSE_TEXT, FIELD(reference), 0, PT_REFERENCE_BYTES_MAX},
    [PT_KEY_ACCOUNT] = {"account", PT_RESPONSE_TEXT, FIELD(account), 0, PT_ACCOUNT_BYTES_MAX},
    [PT_KEY_RETRY_AFTER_MS] = {"retry_after_ms", PT_RESPONSE_UINT64, FIELD(retry_after_ms), 0, MS_MAX},
    [PT_KEY_REDRIVEN] = {"redriven", PT_RESPONSE_BOOL, FIELD(redriven), 0, 0},
};

/*  Whether a text that is as long as the literal is the literal. */
#define PT_RESPONSE_IS(text, literal) (memcmp((text).data, literal, sizeof(literal) - 1) == 0)

/*  The key of a name, which is none of the usual ones; PT_KEY_COUNT_ where it is not ours. */
pt_response_index_t pt_response_find_rare_key(pt_text_t name);

/*  Take the value of a key, whatever it is but a body. PT_E_TYPE, PT_E_RANGE or PT_E_UTF8: it does not belong there,
 *  and nothing was taken.
 */
PT_MUST_CHECK pt_status_t pt_response_take(const pt_response_key_t *key, const pt_value_t *value,
                                           pt_response_t *out_response);

/*  Take a body of any kind, whose bytes stand from `start` to `end`; what has no fields is no fault. */
void pt_response_take_body(const pt_value_t *value, const uint8_t *start, const uint8_t *end,
                           pt_response_t *out_response);

/*  Say what is wrong with the value of a key, in at most PT_ERROR_BYTES_MAX bytes. Nothing a peer wrote is repeated. */
void pt_response_describe(pt_status_t status, pt_response_index_t index, char *error);

/*  What is wrong with bytes that do not begin with a map. */
const char *pt_response_describe_root(pt_status_t status, pt_bytes_t frame);

#ifdef __cplusplus
}
#endif
#endif
