//  JSON text to msgpack and back, and any msgpack as JSON: a line of a file, a body, what a journal prints.
#include "fuzz.h"
#include "pt_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void
s_print(pt_bytes_t bytes, bool required)
{
    char *json = NULL;
    pt_status_t status = pt_json_of_msgpack(bytes, &json);
    FUZZ_REQUIRE(!required || status == PT_OK || status == PT_E_DEPTH);
    FUZZ_REQUIRE((status == PT_OK) == (json != NULL));
    free(json);
}

//  What another parser refuses and ours takes.
static bool
s_is_refused_by_jansson_alone(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    return code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
           code == json_error_invalid_utf8 || strstr(error->text, "invalid Unicode '");
}

//  Another parser must say the same, unless it has limits of its own: a number too long, half of a pair of surrogates,
//  what is no UTF-8, a zero byte in a key or one between tokens that it passes over, and not ours in depth.
static void
s_compare(pt_text_t text, pt_status_t status, pt_bytes_t packed)
{
    if (status == PT_E_DEPTH || (text.len && memchr(text.data, 0, text.len)))
        return;
    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        text = (pt_text_t) {text.data + 3, text.len - 3};
    json_error_t error;
    json_t *root = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!root && s_is_refused_by_jansson_alone(&error))
        return;
    FUZZ_REQUIRE((root != NULL) == (status == PT_OK));
    if (!root)
        return;
    char *theirs = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY), *ours = NULL;
    FUZZ_REQUIRE(pt_json_of_msgpack(packed, &ours) == PT_OK);
    FUZZ_REQUIRE(theirs && strcmp(ours, theirs) == 0);
    free(theirs);
    free(ours);
    json_decref(root);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    char error[160];
    pt_text_t text = {(const char *) data, size};
    pt_status_t status = pt_json_to_msgpack(text, &bytes, &len, error);
    s_compare(text, status, (pt_bytes_t) {bytes, len});
    if (status == PT_OK) {
        s_print((pt_bytes_t) {bytes, len}, true);
        free(bytes);
    }
    s_print((pt_bytes_t) {data, size}, false);
    return 0;
}
