/*  The whole product in one function; every other file brings it bytes or carries them away. */
#include "pt_triage.h"

#include <assert.h>

#include "pt_policy.h"

void
pt_triage_init(pt_triage_t *self, const pt_catalog_t *catalog)
{
    assert(self);
    assert(catalog);

    pt_masking_t masking = self->masking;
    memset(self, 0, sizeof(*self));
    self->masking = masking;
    self->catalog = catalog;
    self->catalog_hash = pt_catalog_hash(catalog);
}

//  Longest number, of 64 bits.
#define S_NUMBER_BYTES_MAX 20
_Static_assert(PT_TEXT_HEX_DIGITS + 3 * (S_NUMBER_BYTES_MAX + 1) <= PT_PLACE_BYTES_MAX, "a place holds its parts");

//  Print a number and return its end; by hand, because it is done for each response without an id.
static char *
s_print_number(char *out, uint64_t number)
{
    char digits[S_NUMBER_BYTES_MAX];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char) ('0' + number % 10);
        number /= 10;
    } while (number);
    memcpy(out, digits + at, sizeof(digits) - at);
    return out + (sizeof(digits) - at);
}

void
pt_place_init(pt_place_t *self, uint64_t producer, uint64_t epoch, uint64_t seq, bool plain)
{
    assert(self);

    pt_text_hex(producer, self->producer);
    self->producer[PT_TEXT_HEX_DIGITS] = 0;
    memcpy(self->prefix, self->producer, PT_TEXT_HEX_DIGITS);
    char *at = self->prefix + PT_TEXT_HEX_DIGITS;
    *at++ = '/';
    at = s_print_number(at, epoch);
    *at++ = '/';
    at = s_print_number(at, seq);
    *at++ = '/';
    self->prefix_len = (size_t) (at - self->prefix);
    self->plain = plain;
}

//  Print place and index into `out`, of PT_PLACE_BYTES_MAX.
static pt_text_t
s_print_place(const pt_place_t *place, uint32_t index, char *out)
{
    memcpy(out, place->prefix, place->prefix_len);
    char *end = s_print_number(out + place->prefix_len, index);
    return (pt_text_t) {out, (size_t) (end - out)};
}

static inline void
s_encode_decision(pt_triage_t *self, const pt_place_t *place, uint8_t *out, pt_triaged_t *out_triaged)
{
    pt_decision_t *decision = &self->decision;
    decision->on_bus = place != NULL;
    decision->masking = self->masking;
    if (place && !place->plain)
        decision->producer = (pt_text_t) {place->producer, PT_TEXT_HEX_DIGITS};
    out_triaged->route = decision->route;
    out_triaged->category = (uint8_t) decision->category;
    out_triaged->match = (uint8_t) decision->match;
    out_triaged->alert = decision->alert.present && decision->alert.active;
    out_triaged->alert_kind = place ? pt_alert_kind(decision) : PT_ALERT_NONE;
    if (out_triaged->alert_kind != PT_ALERT_NONE)
        out_triaged->alert_key = pt_alert_key(decision);
    if (out_triaged->alert_kind == PT_ALERT_IF_FREQUENT)
        out_triaged->alert_rate =
            (pt_alert_rate_t) {self->verdict.rule->alert_count, self->verdict.rule->alert_span_ms};
    pt_status_t status = pt_decision_encode(decision, out, PT_DECISION_BYTES_MAX, &out_triaged->bytes);
    //  Every part of a decision has a limit, and PT_DECISION_BYTES_MAX is above their sum.
    assert(status == PT_OK);
    (void) status;
}

//  Finds a provider's shape and remembers the provider, which is asked for once.
typedef struct {
    const pt_catalog_t *catalog;
    const pt_provider_t *provider; //  NULL: not asked yet, or none that the catalog knows
    bool is_asked;
} s_finder_t;

static const pt_shape_t *
s_find_shape(void *context, pt_text_t name)
{
    s_finder_t *self = context;
    self->provider = pt_catalog_provider(self->catalog, name);
    self->is_asked = true;
    return pt_provider_shape(self->provider);
}

void
pt_triage_response(pt_triage_t *self, pt_bytes_t bytes, const pt_place_t *place, uint32_t index, uint64_t now_ms,
                   uint8_t *out, pt_triaged_t *out_triaged)
{
    assert(self);
    assert(out);
    assert(out_triaged);

    pt_response_t *response = &self->response;
    s_finder_t found = {self->catalog, NULL, false};
    pt_shape_finder_t finder = {s_find_shape, &found};
    pt_status_t status = pt_response_read(bytes, &finder, response, &self->facts, self->error);
    if (!response->id.data && place)
        response->id = s_print_place(place, index, self->id);
    if (!found.is_asked)
        s_find_shape(&found, response->provider);
    const pt_provider_t *provider = found.provider;
    out_triaged->provider = provider ? pt_provider_index(provider) : PT_TRIAGE_NO_PROVIDER;
    out_triaged->invalid = status != PT_OK;
    if (status == PT_OK) {
        pt_catalog_lookup(self->catalog, provider, response, &self->facts, &self->verdict);
        pt_policy_decide(&self->verdict, response, &self->facts, self->catalog_hash, now_ms, &self->decision);
    } else {
        pt_policy_decide_invalid(response, bytes, pt_text_of(self->error), self->catalog_hash, now_ms, &self->decision);
    }
    s_encode_decision(self, place, out, out_triaged);
    pt_facts_release(&self->facts);
}

void
pt_triage_poison(pt_triage_t *self, pt_bytes_t bytes, const pt_place_t *place, uint32_t index, uint64_t now_ms,
                 uint8_t *out, pt_triaged_t *out_triaged)
{
    assert(self);
    assert(place);
    assert(out);
    assert(out_triaged);

    memset(&self->response, 0, sizeof(self->response));
    self->response.attempt = 1;
    self->response.id = s_print_place(place, index, self->id);
    out_triaged->provider = PT_TRIAGE_NO_PROVIDER;
    out_triaged->invalid = true;
    pt_policy_decide_invalid(&self->response, bytes, PT_TEXT("poison: the worker died twice while it read this batch"),
                             self->catalog_hash, now_ms, &self->decision);
    s_encode_decision(self, place, out, out_triaged);
}
