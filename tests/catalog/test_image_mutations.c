/*  A hundred thousand images that are not what the compiler wrote: each is refused, or, where its checksum
 *  was made to fit, answers without leaving it. The seed is fixed, so a failure comes again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pt_image.h"
#include "pt_load.h"

//  One thread has no races to be looked for: ThreadSanitizer, which takes a hundred times as long, gets a share.
#ifdef __SANITIZE_THREAD__
#define S_MUTATIONS 2000
#else
#define S_MUTATIONS 100000
#endif

static uint64_t s_random = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t
s_next_random(void)
{
    s_random ^= s_random << 13;
    s_random ^= s_random >> 7;
    s_random ^= s_random << 17;
    return s_random;
}

//  One to four changes of bits, bytes or words; half of them in the first sections. Returns the length.
static size_t
s_mutate(uint8_t *image, size_t bytes)
{
    size_t len = bytes;
    for (uint64_t n = 1 + s_next_random() % 4; n > 0; n--) {
        size_t range = s_next_random() % 2 ? bytes : 1024;
        size_t at = s_next_random() % (range - 8);
        switch (s_next_random() % 4) {
        case 0:
            image[at] ^= (uint8_t) (1u << s_next_random() % 8);
            break;
        case 1:
            image[at] = (uint8_t) s_next_random();
            break;
        case 2:
            memset(image + at, s_next_random() % 2 ? 0xff : 0, 4);
            break;
        default:
            len = s_next_random() % 8 ? len : PT_IMAGE_HEADER_BYTES + s_next_random() % (bytes - PT_IMAGE_HEADER_BYTES);
            image[at + 3] ^= 0x80;
            break;
        }
    }
    return len;
}

static void
s_ask_everything(const pt_catalog_t *catalog)
{
    static pt_facts_t s_facts;
    pt_verdict_t verdict;
    pt_response_t response = {.provider = PT_TEXT("smilepayz"), .operation = PT_TEXT("pay_in"), .http_status = 500};
    const pt_provider_t *provider = pt_catalog_provider(catalog, response.provider);
    s_facts.is_map = true;
    s_facts.codes[0] = PT_TEXT("5009000");
    s_facts.messages[0] = PT_TEXT("System error: Failed to generate order number");
    pt_catalog_lookup(catalog, provider, &response, &s_facts, &verdict);
    for (size_t i = 0; i < pt_catalog_entry_count(catalog); i += 37) {
        pt_entry_view_t view = pt_catalog_entry_view(catalog, pt_catalog_entry_at(catalog, i));
        provider = pt_catalog_entry_provider(catalog, pt_catalog_entry_at(catalog, i));
        s_facts.codes[0] = view.code;
        s_facts.messages[0] = view.message;
        pt_catalog_lookup(catalog, provider, &response, &s_facts, &verdict);
        assert_non_null(verdict.rule);
        assert_true(pt_image_is_rule_good(verdict.rule));
    }
}

static void
a_hundred_thousand_mutated_images_are_refused_or_answer(void **state)
{
    (void) state;
    pt_bytes_t good = pt_catalog_image(pt_catalog_builtin());
    uint8_t *image = malloc(good.len);
    assert_non_null(image);
    size_t accepted = 0;
    for (unsigned i = 0; i < S_MUTATIONS; i++) {
        memcpy(image, good.data, good.len);
        size_t len = s_mutate(image, good.len);
        bool changed = len != good.len || memcmp(image, good.data, len) != 0;
        //  Half of them by somebody who knows how to make the checksum fit.
        bool hostile = i % 2;
        if (hostile) {
            uint64_t checksum = pt_image_checksum((pt_bytes_t) {image, len});
            memcpy(image + offsetof(pt_image_header_t, checksum), &checksum, sizeof checksum);
        }
        pt_catalog_t *catalog = NULL;
        pt_status_t status = pt_catalog_open((pt_bytes_t) {image, len}, &catalog);
        //  An accident never gets in.
        if (!hostile)
            assert_true(status != PT_OK || !changed);
        if (status == PT_OK) {
            accepted++;
            s_ask_everything(catalog);
            pt_catalog_destroy(&catalog);
        }
    }
    free(image);
    //  Texts and numbers may say anything; so some were accepted, and were asked.
    assert_true(accepted > 0);
}

static void
s_expect_refusal(const pt_image_header_t *header, const char *reason)
{
    pt_bytes_t good = pt_catalog_image(pt_catalog_builtin());
    char path[] = "/tmp/paytriage-image-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(header, sizeof *header, 1, file), 1);
    assert_int_equal(fwrite(good.data + sizeof *header, good.len - sizeof *header, 1, file), 1);
    assert_int_equal(fclose(file), 0);
    pt_load_options_t options = {.paths = {path}, .path_count = 1};
    pt_load_t load;
    pt_load_result_t result = pt_load(&options, &load);
    unlink(path);
    assert_int_equal(result, PT_LOAD_REFUSED);
    if (!strstr(load.error, reason))
        fail_msg("'%s' does not say '%s'", load.error, reason);
    pt_load_clear(&load);
}

static void
other_versions_and_machines_are_refused_with_reasons_of_their_own(void **state)
{
    (void) state;
    pt_image_header_t header;
    pt_image_header_t good;
    memcpy(&good, pt_catalog_image(pt_catalog_builtin()).data, sizeof good);
    header = good;
    header.major = PT_IMAGE_MAJOR - 1;
    s_expect_refusal(&header, "older format");
    header.major = PT_IMAGE_MAJOR + 1;
    s_expect_refusal(&header, "newer format");
    header = good;
    header.magic = __builtin_bswap64(header.magic);
    s_expect_refusal(&header, "other byte order");
    header = good;
    header.hash_id++;
    s_expect_refusal(&header, "hash table");
    header = good;
    header.checksum++;
    s_expect_refusal(&header, "checksum");
    header = good;
    header.file_bytes++;
    s_expect_refusal(&header, "truncated");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_thousand_mutated_images_are_refused_or_answer),
        cmocka_unit_test(other_versions_and_machines_are_refused_with_reasons_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
