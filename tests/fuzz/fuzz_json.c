//  JSON text to msgpack and back, and any msgpack as JSON: a line of a file, a body, what a journal prints.
#include "fuzz.h"
#include "pt_json.h"

static void
s_print(pt_bytes_t bytes, bool required)
{
    char *json = NULL;
    pt_status_t status = pt_json_of_msgpack(bytes, &json);
    FUZZ_REQUIRE(!required || status == PT_OK || status == PT_E_DEPTH);
    FUZZ_REQUIRE((status == PT_OK) == (json != NULL));
    free(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    char error[160];
    if (pt_json_to_msgpack((pt_text_t) {(const char *) data, size}, &bytes, &len, error) == PT_OK) {
        s_print((pt_bytes_t) {bytes, len}, true);
        free(bytes);
    }
    s_print((pt_bytes_t) {data, size}, false);
    return 0;
}
