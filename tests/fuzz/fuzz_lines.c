//  JSON Lines: every line that is not blank becomes one response, made of it or the line itself; none is lost, none is
//  read twice.
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd_lines.h"
#include "fuzz.h"
#include "pt_model.h"

static uint64_t
s_count_lines(const uint8_t *data, size_t size, uint64_t *out_filled)
{
    uint64_t count = size && data[size - 1] != '\n';
    bool filled = false;
    *out_filled = 0;
    for (size_t i = 0; i < size; i++) {
        bool ends = data[i] == '\n';
        *out_filled += ends && filled;
        filled = !ends && (filled || !strchr(" \t\r", data[i]) || !data[i]);
        count += ends;
    }
    *out_filled += filled;
    return count;
}

static void
s_take_line(pt_text_t line, uint64_t number)
{
    cmd_item_t item;
    fuzz_touch(line.data, line.len);
    FUZZ_REQUIRE(cmd_item_of_line(line, number, &item) == PT_OK);
    FUZZ_REQUIRE(item.len <= PT_RESPONSE_BYTES_MAX + 1);
    fuzz_touch(item.bytes, item.len);
    //  What is no JSON goes on as it is.
    if (!item.is_json)
        FUZZ_REQUIRE(item.len == line.len && memcmp(item.bytes, line.data, line.len) == 0);
    cmd_item_clear(&item);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    //  One file and one buffer for all inputs: they cost more than the lines.
    static cmd_lines_t lines;
    if (!lines.fd)
        lines.fd = memfd_create("lines", MFD_CLOEXEC);
    FUZZ_REQUIRE(lines.fd > STDIN_FILENO && ftruncate(lines.fd, 0) == 0);
    FUZZ_REQUIRE(pwrite(lines.fd, data, size, 0) == (ssize_t) size && lseek(lines.fd, 0, SEEK_SET) == 0);
    lines = (cmd_lines_t) {.fd = lines.fd, .buffer = lines.buffer, .capacity = lines.capacity};
    pt_text_t line;
    uint64_t count = 0, filled;
    for (; cmd_lines_next(&lines, true, &line) == CMD_LINES_LINE; count++)
        s_take_line(line, lines.number);
    FUZZ_REQUIRE(!lines.error && lines.number == s_count_lines(data, size, &filled) && count == filled);
    return 0;
}
