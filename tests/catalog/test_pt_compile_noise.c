/*  Files that nobody wrote: real ones cut at each byte, and bent at random. Whatever they hold, the
 *  compiler ends with a verdict; the sanitizers watch the rest. Seeded, so each run is the same.
 */
#include "compile_support.h"

#include "pt_build.h"

#define S_MUTATIONS 20000
#define S_CUT_BYTES_MAX 6000

static uint64_t s_seed = UINT64_C(0x9e3779b97f4a7c15);

//  xorshift64*
static size_t
s_random(size_t below)
{
    s_seed ^= s_seed >> 12;
    s_seed ^= s_seed << 25;
    s_seed ^= s_seed >> 27;
    return (size_t) ((s_seed * UINT64_C(2685821657736338717)) >> 33) % below;
}

//  The bytes in a block of exactly their size, so that a read past the end is seen.
static void
s_try(const char *text, size_t bytes)
{
    char *copy = malloc(bytes ? bytes : 1);
    assert_non_null(copy);
    if (bytes)
        memcpy(copy, text, bytes);
    s_compiled_t compiled = s_compile_bytes(copy, bytes);
    free(copy);
    bool has_errors = compiled.faults.errors > 0;
    if (compiled.status != PT_OK)
        assert_true(compiled.status == PT_E_SYNTAX && has_errors);
    if (!has_errors) {
        uint8_t *image = NULL;
        size_t image_bytes = 0;
        pt_status_t status = pt_build_image(&compiled.source, &compiled.faults, &image, &image_bytes);
        assert_true(status == PT_OK || compiled.faults.errors > 0);
        free(image);
    }
    s_clear(&compiled);
}

static void
a_file_cut_at_any_byte_gives_a_verdict(void **state)
{
    (void) state;
    s_file_t file = s_read_file(PT_SOURCE_DIR "/catalog/providers/jamespay.yaml");
    size_t last = file.bytes < S_CUT_BYTES_MAX ? file.bytes : S_CUT_BYTES_MAX;
    for (size_t bytes = 0; bytes <= last; bytes++)
        s_try(file.text, bytes);
    free(file.text);
}

//  One small edit: a bent byte, a character that means something in YAML, a lost or a doubled piece.
static size_t
s_mutate(char *text, size_t bytes, size_t room)
{
    static const char meaningful[] = "{}[],:#&*!|>'\"%@`-? \n\t0~\\";
    size_t at = s_random(bytes);
    size_t piece = 1 + s_random(40);
    if (piece > bytes - at)
        piece = bytes - at;
    switch (s_random(5)) {
    case 0:
        text[at] = (char) s_random(256);
        return bytes;
    case 1:
        text[at] = meaningful[s_random(sizeof meaningful - 1)];
        return bytes;
    case 2:
        memmove(text + at, text + at + piece, bytes - at - piece);
        return bytes - piece;
    case 3:
        if (bytes + piece > room)
            return bytes;
        memmove(text + at + piece, text + at, bytes - at);
        return bytes + piece;
    default:
        memmove(text + s_random(bytes - piece + 1), text + at, piece);
        return bytes;
    }
}

static void
mutated_files_give_a_verdict(void **state)
{
    (void) state;
    s_file_t file = s_read_file(SAMPLE);
    size_t room = file.bytes + 400;
    char *text = malloc(room);
    assert_non_null(text);
    for (int i = 0; i < S_MUTATIONS; i++) {
        memcpy(text, file.text, file.bytes);
        size_t bytes = file.bytes;
        for (size_t edits = 1 + s_random(4); edits && bytes; edits--)
            bytes = s_mutate(text, bytes, room);
        s_try(text, bytes);
    }
    free(text);
    free(file.text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_cut_at_any_byte_gives_a_verdict),
        cmocka_unit_test(mutated_files_give_a_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
