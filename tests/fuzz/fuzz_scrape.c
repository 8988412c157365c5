//  A page of metrics, as `top` and `check` get it of whatever answers at an address: samples lie inside of the page,
//  and a page without one sums to nothing.
#include <string.h>

#include "cmd_scrape.h"
#include "fuzz.h"

static void
s_take_sample(const cmd_sample_t *sample, const char *page, size_t size)
{
    static const char *const labels[] = {"provider", "subscriber", "topic", ""};
    FUZZ_REQUIRE(sample->name.data >= page && sample->name.data + sample->name.len <= page + size);
    fuzz_touch(sample->name.data, sample->name.len);
    fuzz_touch(sample->labels.data, sample->labels.len);
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        pt_text_t value = cmd_scrape_label(sample, labels[i]);
        if (!value.data)
            continue;
        FUZZ_REQUIRE(value.data >= sample->labels.data);
        FUZZ_REQUIRE(value.data + value.len < sample->labels.data + sample->labels.len);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *page = malloc(size + 1);
    memcpy(page, data, size);
    page[size] = 0;
    const char *at = page;
    cmd_sample_t sample;
    size_t count = 0;
    for (; cmd_scrape_next(&at, &sample); count++)
        s_take_sample(&sample, page, strlen(page));
    FUZZ_REQUIRE(at == page + strlen(page));
    bool any;
    double sum = cmd_scrape_sum(page, "up", NULL, NULL, &any);
    FUZZ_REQUIRE(!any || count);
    FUZZ_REQUIRE(any || sum == 0);
    free(page);
    return 0;
}
