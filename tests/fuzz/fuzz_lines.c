//  JSON Lines: every line becomes one response, made of it or the line itself; none is lost, none is read twice.
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd_lines.h"
#include "fuzz.h"
#include "pt_model.h"

static uint64_t
s_count_lines(const uint8_t *data, size_t size)
{
    uint64_t count = size && data[size - 1] != '\n';
    for (size_t i = 0; i < size; i++)
        count += data[i] == '\n';
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
    uint64_t count = 0;
    for (; cmd_lines_next(&lines, true, &line) == CMD_LINES_LINE; count++)
        s_take_line(line, count + 1);
    FUZZ_REQUIRE(!lines.error && lines.number == count && count == s_count_lines(data, size));
    return 0;
}
