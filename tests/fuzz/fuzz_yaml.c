//  Catalog YAML: every text ends in faults or in a source; a source without faults in an image that opens. What follows
//  a line "---" is a second file, so that overlays are laid over something.
#include <string.h>

#include "fuzz.h"
#include "pt_build.h"
#include "pt_catalog.h"
#include "pt_compile.h"

static void
s_build(const pt_source_t *source, pt_faults_t *faults)
{
    uint8_t *image = NULL;
    size_t bytes;
    pt_catalog_t *catalog;
    if (pt_build_image(source, faults, &image, &bytes) != PT_OK)
        return;
    FUZZ_REQUIRE(pt_catalog_open((pt_bytes_t) {image, bytes}, &catalog) == PT_OK);
    pt_catalog_destroy(&catalog);
    free(image);
}

static size_t
s_split(const uint8_t *data, size_t size, pt_compile_file_t out_files[2])
{
    static const char line[] = "\n---\n";
    const uint8_t *end = memmem(data, size, line, sizeof line - 1);
    size_t first = end ? (size_t) (end - data) + 1 : size;
    size_t second = end ? first + 4 : size;
    out_files[0] = (pt_compile_file_t) {.name = "fuzz.yaml", .text = {data, first}};
    out_files[1] = (pt_compile_file_t) {.name = "over.yaml", .text = {data + second, size - second}};
    return end ? 2 : 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pt_source_t source = {0};
    pt_faults_t faults = {0};
    pt_compile_file_t files[2];
    pt_status_t status = pt_compile_files(&source, files, s_split(data, size, files), &faults);
    FUZZ_REQUIRE(status == PT_OK || status == PT_E_SYNTAX);
    FUZZ_REQUIRE((status == PT_E_SYNTAX) == (faults.errors > 0));
    if (status == PT_OK)
        pt_compile_check(&source, &faults);
    if (status == PT_OK && !faults.errors)
        s_build(&source, &faults);
    pt_faults_clear(&faults);
    pt_source_destroy(&source);
    return 0;
}
