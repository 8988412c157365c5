//  Templates and messages: "TEMPLATE\nMESSAGE". A match is the message again when its pieces are joined.
#include "fuzz.h"
#include "pt_template.h"

static void
s_check_match(const pt_template_t *template, pt_text_t message)
{
    pt_text_t values[PT_PARAMS_MAX];
    if (!pt_template_match(template, message, values))
        return;
    size_t bytes = pt_template_literal_bytes(template);
    for (size_t i = 0; i < template->hole_count; i++) {
        FUZZ_REQUIRE(values[i].data >= message.data);
        FUZZ_REQUIRE(values[i].data + values[i].len <= message.data + message.len);
        bytes += values[i].len;
        pt_template_has_token(values[i], PT_TEXT("105"));
    }
    //  A no-break space is one byte longer than the space that it equals, a full stop may be missing.
    FUZZ_REQUIRE(message.len <= 2 * bytes + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = memchr(data, '\n', size);
    size_t len = line ? (size_t) (line - data) : size;
    pt_text_t message = {line ? (const char *) line + 1 : (const char *) data, line ? size - len - 1 : size};
    char *plain = malloc(len + 1);
    pt_text_t text = {plain, pt_template_plain((pt_text_t) {(const char *) data, len}, plain)};
    FUZZ_REQUIRE(text.len <= len);
    for (int stop = 0; stop < 2; stop++) {
        pt_template_t template;
        if (pt_template_parse(text, stop, &template) != PT_OK)
            continue;
        s_check_match(&template, message);
        //  Quadratic, and a longer text has no other cases.
        if (text.len < 64)
            FUZZ_REQUIRE(pt_template_overlap(&template, &template) || template.hole_count == 0 || text.len == 0);
    }
    free(plain);
    return 0;
}
