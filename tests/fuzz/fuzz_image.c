//  Catalog images. A random file never passes the checksum, so the input is a list of changes (place,
//  byte) to a good image, whose checksum is then put right: what the checks accept, no lookup may leave.
#include <stdio.h>

#include "fuzz.h"
#include "pt_build.h"
#include "pt_compile.h"
#include "pt_image.h"
#include "pt_triage.h"

#define S_CHANGE_BYTES 4
#define S_FILE_BYTES_MAX (64 * 1024)

static uint8_t *s_good;
static size_t s_good_bytes;

static void
s_make_good(void)
{
    static uint8_t text[S_FILE_BYTES_MAX];
    FILE *file = fopen(PT_FUZZ_CATALOG, "rb");
    FUZZ_REQUIRE(file);
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    pt_source_t source = {0};
    pt_faults_t faults = {0};
    pt_compile_file_t in = {.name = "sample.yaml", .text = {text, len}};
    FUZZ_REQUIRE(pt_compile_files(&source, &in, 1, &faults) == PT_OK);
    FUZZ_REQUIRE(pt_build_image(&source, &faults, &s_good, &s_good_bytes) == PT_OK);
    pt_faults_clear(&faults);
    pt_source_destroy(&source);
}

static void
s_view(const pt_catalog_t *catalog)
{
    for (size_t i = 0; i < pt_catalog_entry_count(catalog); i++) {
        pt_entry_view_t view = pt_catalog_entry_view(catalog, pt_catalog_entry_at(catalog, i));
        fuzz_touch(view.id.data, view.id.len);
        fuzz_touch(view.message.data, view.message.len);
        fuzz_touch(view.todo.data, view.todo.len);
        fuzz_touch(view.rule, sizeof *view.rule);
    }
    for (size_t i = 0; i < pt_catalog_provider_count(catalog); i++) {
        const pt_provider_t *provider = pt_catalog_provider_at(catalog, i);
        fuzz_touch(pt_provider_name(provider).data, pt_provider_name(provider).len);
        for (size_t j = 0; j < pt_provider_operation_count(provider); j++)
            fuzz_touch(pt_provider_operation_at(provider, j).name.data, pt_provider_operation_at(provider, j).name.len);
    }
}

static void
s_decide(const pt_catalog_t *catalog)
{
    static const char *const bodies[] = {
        "{\"responseCode\":\"4009001\",\"a\":{\"b\":{\"message\":\"Invalid: [105]\"}}}",
        "{\"error\":{\"fields\":{\"x\":\"FORMAT\"}}}",
        "{\"responseCode\":4009201,\"code\":\"05\",\"advice_code\":\"03\"}",
        "{\"status\":\"paid\"}",
        "{}",
    };
    static pt_triage_t triage;
    static uint8_t out[PT_DECISION_BYTES_MAX];
    pt_triage_init(&triage, catalog);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        uint8_t bytes[512] = "\x83\xa8provider\xa4"
                             "acme\xabhttp_status\xcd\x01\xf7\xa4"
                             "body\xd9";
        size_t head = 36, len = strlen(bodies[i]);
        pt_triaged_t triaged;
        bytes[head] = (uint8_t) len;
        memcpy(bytes + head + 1, bodies[i], len);
        pt_triage_response(&triage, (pt_bytes_t) {bytes, head + 1 + len}, NULL, 0, 1764000000000, out, &triaged);
        FUZZ_REQUIRE(!triaged.invalid);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!s_good)
        s_make_good();
    pt_catalog_t *catalog;
    //  The bytes as a file of their own.
    FUZZ_REQUIRE(pt_catalog_open((pt_bytes_t) {data, size}, &catalog) != PT_OK);

    uint8_t *image =
        aligned_alloc(PT_IMAGE_ALIGN, (s_good_bytes + PT_IMAGE_ALIGN - 1) / PT_IMAGE_ALIGN * PT_IMAGE_ALIGN);
    memcpy(image, s_good, s_good_bytes);
    for (size_t at = 0; at + S_CHANGE_BYTES <= size; at += S_CHANGE_BYTES) {
        size_t place = ((size_t) data[at] | (size_t) data[at + 1] << 8 | (size_t) data[at + 2] << 16) % s_good_bytes;
        image[place] = data[at + 3];
    }
    uint64_t checksum = pt_image_checksum((pt_bytes_t) {image, s_good_bytes});
    memcpy(image + offsetof(pt_image_header_t, checksum), &checksum, sizeof checksum);
    if (pt_catalog_open((pt_bytes_t) {image, s_good_bytes}, &catalog) == PT_OK) {
        s_view(catalog);
        s_decide(catalog);
        pt_catalog_destroy(&catalog);
    }
    free(image);
    return 0;
}
