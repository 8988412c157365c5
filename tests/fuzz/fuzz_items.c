//  Payload frames, and the bytes below them: items, the cursor, marking as redriven.
#include "fuzz.h"
#include "pt_cursor.h"
#include "pt_redriven.h"
#include "pt_wire.h"

//  Every count that can be right for the bytes, up to a few.
static void
s_walk(pt_status_t open(pt_bytes_t, uint32_t, pt_items_t *), pt_bytes_t payload)
{
    for (uint32_t count = 0; count < 5; count++) {
        pt_items_t items;
        pt_bytes_t item;
        uint32_t seen = 0;
        if (open(payload, count, &items) != PT_OK)
            continue;
        for (; pt_items_next(&items, &item); seen++)
            fuzz_touch(item.data, item.len);
        FUZZ_REQUIRE(seen == count);
    }
}

static void
s_mark(pt_bytes_t response)
{
    uint8_t *out = malloc(response.len + PT_REDRIVEN_BYTES_MAX), *twice;
    size_t bytes, bytes_twice;
    if (pt_redriven_mark(response, PT_TEXT("name"), out, &bytes) == PT_OK) {
        FUZZ_REQUIRE(bytes <= response.len + PT_REDRIVEN_BYTES_MAX);
        twice = malloc(bytes + PT_REDRIVEN_BYTES_MAX);
        FUZZ_REQUIRE(pt_redriven_mark((pt_bytes_t) {out, bytes}, PT_TEXT("other"), twice, &bytes_twice) == PT_OK);
        free(twice);
    }
    free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pt_bytes_t bytes = {data, size};
    pt_items_t items;
    pt_bytes_t item;
    s_walk(pt_items_open_batch, bytes);
    s_walk(pt_items_open_decisions, bytes);
    if (pt_items_open_plain(bytes, &items) != PT_OK)
        FUZZ_REQUIRE(items.left == 0);
    while (pt_items_next(&items, &item))
        fuzz_touch(item.data, item.len);
    s_mark(bytes);
    pt_cursor_t bounded = pt_cursor_open(bytes), deep = bounded;
    //  What is well within the bound is well without one, and ends at the same byte.
    if (pt_cursor_skip(&bounded, PT_DEPTH_MAX) == PT_OK) {
        FUZZ_REQUIRE(pt_cursor_skip_deep(&deep) == PT_OK);
        FUZZ_REQUIRE(bounded.at == deep.at);
    }
    return 0;
}
