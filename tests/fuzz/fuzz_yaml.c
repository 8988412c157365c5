//  Catalog YAML: every text ends in faults or in a source; a source without faults in an image that opens.
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pt_source_t source = {0};
    pt_faults_t faults = {0};
    pt_compile_file_t file = {.name = "fuzz.yaml", .text = {data, size}};
    pt_status_t status = pt_compile_files(&source, &file, 1, &faults);
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
