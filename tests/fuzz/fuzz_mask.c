//  Masking: what is written stays inside of the copy, nothing but what is masked changes, and a second
//  time finds nothing.
#include "fuzz.h"
#include "pt_mask.h"

static void
s_check_text(pt_text_t text, size_t copy_len, void mask(pt_text_t, char *, size_t))
{
    char *copy = malloc(copy_len + 1), *twice = malloc(copy_len + 1);
    memcpy(copy, text.data, copy_len);
    mask(text, copy, copy_len);
    for (size_t i = 0; i < copy_len; i++)
        FUZZ_REQUIRE(copy[i] == text.data[i] || (copy[i] == '*' && text.data[i] >= '0' && text.data[i] <= '9'));
    memcpy(twice, copy, copy_len);
    mask((pt_text_t) {copy, copy_len}, twice, copy_len);
    if (copy_len == text.len)
        FUZZ_REQUIRE(memcmp(copy, twice, copy_len) == 0);
    free(copy);
    free(twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    pt_text_t text = {(const char *) data + 1, size - 1};
    size_t copy_len = data[0] < text.len ? data[0] : text.len;
    s_check_text(text, text.len, pt_mask_text);
    s_check_text(text, copy_len, pt_mask_text);
    s_check_text(text, text.len, pt_mask_identifier);
    uint8_t *copy = malloc(size);
    memcpy(copy, text.data, text.len);
    pt_mask_raw((pt_bytes_t) {data + 1, text.len}, copy, copy_len);
    pt_mask_response((pt_bytes_t) {data + 1, text.len}, copy);
    free(copy);
    return 0;
}
