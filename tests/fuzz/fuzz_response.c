//  A response's bytes through the whole spine: envelope, body (msgpack or JSON), catalog, policy, decision.
#include "fuzz.h"
#include "pt_triage.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static pt_triage_t triage;
    static uint8_t out[PT_DECISION_BYTES_MAX], again[PT_DECISION_BYTES_MAX];
    static pt_pair_t fields[PT_FIELDS_MAX];
    if (!triage.catalog)
        pt_triage_init(&triage, pt_catalog_builtin());

    pt_place_t place;
    pt_triaged_t triaged;
    pt_decision_t decision;
    size_t bytes;
    pt_place_init(&place, 1, 2, 3, false);
    pt_triage_response(&triage, (pt_bytes_t) {data, size}, &place, 7, 1764000000000, out, &triaged);
    FUZZ_REQUIRE(triaged.bytes <= sizeof out);
    //  What was encoded can be decoded, and encodes to the same bytes again.
    FUZZ_REQUIRE(pt_decision_decode((pt_bytes_t) {out, triaged.bytes}, fields, &decision) == PT_OK);
    FUZZ_REQUIRE(decision.route == triaged.route);
    //  Masked already; a text that was cut might be masked otherwise.
    decision.masking = PT_MASKING_NONE;
    FUZZ_REQUIRE(pt_decision_encode(&decision, again, sizeof again, &bytes) == PT_OK);
    FUZZ_REQUIRE(bytes == triaged.bytes);
    FUZZ_REQUIRE(memcmp(out, again, bytes) == 0);
    return 0;
}
