/*  pt_triage: the spine. One response's bytes in, one encoded decision out.
 *
 *      bytes
 *        │ pt_response_read      what the orchestrator sent, and     proto    may fail
 *        │                       what its gateway's body says
 *        │ pt_catalog_lookup     what the gateway meant              catalog  cannot fail
 *        │ pt_policy_decide      what happens next                   catalog  cannot fail
 *        ▼ pt_decision_encode    the decision's bytes                proto
 *      decision
 *
 *  Bytes that are no response become a decision too, with match `invalid`: nothing is dropped here
 *  and nothing can be refused. No allocation, no lock, no clock, no system call.
 */
#ifndef PT_TRIAGE_H
#define PT_TRIAGE_H

#include "pt_alert_key.h"
#include "pt_catalog.h"
#include "pt_decision.h"
#include "pt_response.h"

//  Longest place: two ids of 16 digits, three numbers of at most 20, their slashes.
#define PT_PLACE_BYTES_MAX 96

//  Where a response stood; names those that bring no id: `producer/epoch/seq/index`.
typedef struct {
    char prefix[PT_PLACE_BYTES_MAX]; //  all up to the index
    size_t prefix_len;
    char producer[17];
    bool plain; //  from a plain client, so no producer is named in the decision
} pt_place_t;

//  What the caller must know about a decision to publish it.
typedef struct {
    pt_route_t route;
    bool alert;                 //  an active alert
    bool invalid;               //  the bytes were no response
    uint8_t category;           //  pt_category_t
    uint8_t match;              //  pt_match_t
    size_t provider;            //  pt_provider_index, or PT_TRIAGE_NO_PROVIDER
    size_t bytes;               //  of the encoded decision
    pt_alert_kind_t alert_kind; //  NONE off the bus
    pt_alert_rate_t alert_rate; //  of IF_FREQUENT
    XXH128_hash_t alert_key;    //  unless NONE
} pt_triaged_t;

#define PT_TRIAGE_NO_PROVIDER SIZE_MAX

//  The room that one thread works in; 21 KiB, not for a stack of unknown size.
typedef struct {
    const pt_catalog_t *catalog; //  borrowed
    uint64_t catalog_hash;
    pt_masking_t masking; //  of what is encoded; card numbers in texts unless changed
    pt_response_t response;
    pt_facts_t facts;
    pt_verdict_t verdict;
    pt_decision_t decision;
    char error[PT_ERROR_BYTES_MAX];
    char id[PT_PLACE_BYTES_MAX];
} pt_triage_t;

/*  Prepare `self`, which is zero, or decided by another catalog until now: nothing of that one is left, and only
 *  the masking stays. The catalog must outlive `self`.
 */
void pt_triage_init(pt_triage_t *self, const pt_catalog_t *catalog);

/*  The place of a batch's responses, printed once for all of them. */
void pt_place_init(pt_place_t *self, uint64_t producer, uint64_t epoch, uint64_t seq, bool plain);

/*  Decide about one response. `place` may be NULL off the bus: then no producer is named and a
 *  response without an id has none. `now_ms` is the wall clock, unix ms, read once per batch. The
 *  decision is written to out[0..PT_DECISION_BYTES_MAX).
 */
void pt_triage_response(pt_triage_t *self, pt_bytes_t bytes, const pt_place_t *place, uint32_t index, uint64_t now_ms,
                        uint8_t *out, pt_triaged_t *out_triaged);

/*  The decision about a response that must not be read: a dead letter with its raw bytes. */
void pt_triage_poison(pt_triage_t *self, pt_bytes_t bytes, const pt_place_t *place, uint32_t index, uint64_t now_ms,
                      uint8_t *out, pt_triaged_t *out_triaged);

#endif
