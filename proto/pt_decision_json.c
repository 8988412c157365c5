/*  pt_decision_json: a decision as JSON, by way of its wire form, so that keys, order and limits
 *  are the same in both.
 */
#include <assert.h>
#include <stdlib.h>

#include "pt_decision.h"
#include "pt_json.h"

char *
pt_decision_json(const pt_decision_t *decision)
{
    assert(decision);
    uint8_t *bytes = malloc(PT_DECISION_BYTES_MAX);
    if (!bytes)
        return NULL;
    char *json = NULL;
    size_t len;
    pt_status_t status = pt_decision_encode(decision, bytes, PT_DECISION_BYTES_MAX, &len);
    if (status == PT_OK)
        status = pt_json_of_msgpack((pt_bytes_t) {bytes, len}, &json);
    free(bytes);
    return status == PT_OK ? json : NULL;
}
