//  paytriage.yml: settings, or faults with their places.
#include <string.h>

#include "fuzz.h"
#include "pt_config.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static pt_config_t config;
    FUZZ_REQUIRE(pt_config_init(&config) == PT_OK);
    FUZZ_REQUIRE(pt_config_read(&config, "fuzz.yml", (pt_bytes_t) {data, size}) == PT_OK);
    for (int id = 0; id < PT_OPTION_COUNT_; id++) {
        char origin[PT_CONFIG_ORIGIN_BYTES];
        const pt_setting_t *setting = &config.settings[id];
        for (size_t i = 0; i < setting->count; i++)
            fuzz_touch(setting->values[i].text, strlen(setting->values[i].text));
        FUZZ_REQUIRE(pt_config_origin(&config, (pt_option_id_t) id, origin)[0]);
    }
    for (size_t i = 0; i < config.faults.count; i++)
        FUZZ_REQUIRE(config.faults.faults[i].text[0]);
    pt_config_clear(&config);
    return 0;
}
