/*  pt_response: the bytes of a response -> values.
 *
 *  A bounded cursor over msgpack: no allocation for map bodies, every length checked against the
 *  bytes that are there, duplicate keys of the envelope refused, PT_DEPTH_MAX levels at most.
 *  Texts of the result point into the caller's bytes.
 */
#ifndef PT_RESPONSE_H
#define PT_RESPONSE_H

#include "pt_model.h"

#ifdef __cplusplus
extern "C" {
#endif

//  What is wrong with an envelope, in words: "http_status: out of range (100 to 599)".
#define PT_ERROR_BYTES_MAX 160

/*  Decode the envelope (PROTOCOL.md, "Response") and find the body's bounds.
 *
 *  Only the envelope can be wrong: a body of any kind is taken, as PT_BODY_NONE where it has no
 *  fields. On failure *out_response still holds the fields that were read well (so that an id or
 *  a provider can be echoed), and out_error, of PT_ERROR_BYTES_MAX, says what is wrong and where.
 *  Returns PT_OK or the kind of fault.
 */
PT_MUST_CHECK pt_status_t pt_response_decode(pt_bytes_t frame, pt_response_t *out_response, char *out_error);

//  Finds the shape of a provider's bodies by the name that the envelope gives; never NULL.
typedef struct {
    const pt_shape_t *(*find)(void *context, pt_text_t provider);
    void *context;
} pt_shape_finder_t;

/*  pt_response_decode and pt_facts_extract at once, with one walk over the body where it is a map that
 *  stands behind the provider. `finder` is asked at most once, and only for a provider that was read
 *  well. The result is the same as of the two; after a fault the facts are empty.
 */
PT_MUST_CHECK pt_status_t pt_response_read(pt_bytes_t frame, const pt_shape_finder_t *finder,
                                           pt_response_t *out_response, pt_facts_t *out_facts, char *out_error);

/*  Pick what a shape asks for out of a body. Total: a field of an unexpected type is an absent
 *  one, text that is not JSON is a body without fields. A JSON body costs the allocations of the
 *  JSON library; a msgpack body none. Texts that are printed or joined stand in out_facts->scratch,
 *  so facts are never copied; texts out of a JSON body stand in memory that pt_facts_release gives back.
 */
void pt_facts_extract(const pt_response_t *response, const pt_shape_t *shape, pt_facts_t *out_facts);

/*  What pt_facts_release does where there is something to release. */
void pt_facts_release_json(pt_facts_t *facts);

/*  Release what a JSON body needed. Call it once for every pt_facts_extract; cheap for others. */
static inline void
pt_facts_release(pt_facts_t *facts)
{
    if (facts->json)
        pt_facts_release_json(facts);
}

#ifdef __cplusplus
}
#endif
#endif
