//  A decision's bytes as a subscriber gets them: what is accepted can be encoded and printed.
#include "fuzz.h"
#include "pt_decision.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[PT_DECISION_BYTES_MAX];
    static pt_pair_t fields[PT_FIELDS_MAX];
    pt_decision_t decision;
    size_t bytes;
    if (pt_decision_decode((pt_bytes_t) {data, size}, fields, &decision) != PT_OK)
        return 0;
    FUZZ_REQUIRE(pt_decision_encode(&decision, out, sizeof out, &bytes) == PT_OK);
    char *json = pt_decision_json(&decision);
    FUZZ_REQUIRE(json);
    free(json);
    return 0;
}
