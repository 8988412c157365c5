//  Cases of `paytriage catalog test`, YAML as well.
#include "cmd_cases.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cmd_cases_t cases;
    pt_faults_t faults = {0};
    pt_status_t status = cmd_cases_read(&cases, "fuzz.yaml", (pt_bytes_t) {data, size}, &faults);
    FUZZ_REQUIRE(status == PT_OK || status == PT_E_SYNTAX);
    FUZZ_REQUIRE((status == PT_E_SYNTAX) == (faults.errors > 0));
    cmd_cases_clear(&cases);
    pt_faults_clear(&faults);
    return 0;
}
