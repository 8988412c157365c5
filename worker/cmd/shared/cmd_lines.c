/*  Reads JSON Lines for the commands. An id is added to what a line was packed as, behind its other keys. */
#include "cmd_lines.h"

#include "pt_cursor.h"
#include "pt_json.h"
#include "pt_response.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <msgpack/pack.h>
#include <msgpack/sbuffer.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (64 * 1024)

//  Stepped over at a time where the caller does not wait; arbitrary.
#define BLANK_LINES_MAX 4096

bool
cmd_lines_open(cmd_lines_t *self, const char *path)
{
    *self = (cmd_lines_t) {0};
    self->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    return self->fd >= 0;
}

//  Hand out the line that ends at `newline` (an offset), or what is left at the end of the input.
static cmd_lines_state_t
s_hand_out(cmd_lines_t *self, size_t newline, pt_text_t *out_line)
{
    size_t len = newline - self->start;
    *out_line = (pt_text_t) {self->buffer + self->start, len < CMD_LINE_BYTES_MAX ? len : CMD_LINE_BYTES_MAX};
    self->start = newline < self->end ? newline + 1 : newline;
    self->number++;
    return CMD_LINES_LINE;
}

//  Make room for another read. A line over the limit keeps its beginning only.
static bool
s_make_room(cmd_lines_t *self)
{
    if (self->start) {
        memmove(self->buffer, self->buffer + self->start, self->end - self->start);
        self->end -= self->start;
        self->start = 0;
    }
    if (self->end > CMD_LINE_BYTES_MAX)
        self->end = CMD_LINE_BYTES_MAX;
    if (self->capacity - self->end >= READ_BYTES)
        return true;
    size_t capacity = self->capacity ? self->capacity * 2 : 2 * READ_BYTES;
    char *grown = realloc(self->buffer, capacity);
    if (!grown) {
        self->error = ENOMEM;
        return false;
    }
    self->buffer = grown;
    self->capacity = capacity;
    return true;
}

//  Read once into the room there is. False when the input ended or failed.
static bool
s_read_more(cmd_lines_t *self)
{
    ssize_t got;
    do
        got = read(self->fd, self->buffer + self->end, READ_BYTES);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        self->error = errno;
    if (got <= 0)
        return false;
    self->end += (size_t) got;
    return true;
}

static bool
s_is_readable(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    return poll(&item, 1, 0) != 0;
}

static cmd_lines_state_t
s_next_line(cmd_lines_t *self, bool wait, pt_text_t *out_line)
{
    size_t scanned = self->start;
    for (;;) {
        char *newline = self->end > scanned ? memchr(self->buffer + scanned, '\n', self->end - scanned) : NULL;
        if (newline)
            return s_hand_out(self, (size_t) (newline - self->buffer), out_line);
        if (self->ended)
            break;
        if (!wait && !s_is_readable(self->fd))
            return CMD_LINES_AGAIN;
        //  Making room moves what is there, and cuts it: only what comes now is new.
        bool room = s_make_room(self);
        scanned = self->end;
        self->ended = !room || !s_read_more(self);
    }
    if (self->start < self->end)
        return s_hand_out(self, self->end, out_line);
    return CMD_LINES_END;
}

//  What was cut may hold something behind the cut.
static bool
s_is_blank(pt_text_t line)
{
    size_t at = 0;
    while (at < line.len && memchr(" \t\r", line.data[at], 3))
        at++;
    return at == line.len && at < CMD_LINE_BYTES_MAX;
}

cmd_lines_state_t
cmd_lines_next(cmd_lines_t *self, bool wait, pt_text_t *out_line)
{
    cmd_lines_state_t state = s_next_line(self, wait, out_line);
    for (unsigned blank = 1; state == CMD_LINES_LINE && s_is_blank(*out_line); blank++) {
        //  Whoever does not wait has other things to look at.
        if (!wait && blank == BLANK_LINES_MAX)
            return CMD_LINES_AGAIN;
        state = s_next_line(self, wait, out_line);
    }
    return state;
}

void
cmd_lines_close(cmd_lines_t *self)
{
    free(self->buffer);
    if (self->fd > STDIN_FILENO)
        close(self->fd);
    *self = (cmd_lines_t) {.fd = -1};
}

static pt_status_t
s_copy_line(pt_text_t line, cmd_item_t *item)
{
    item->bytes = malloc(line.len ? line.len : 1);
    if (!item->bytes)
        return PT_E_NOMEM;
    memcpy(item->bytes, line.data, line.len);
    item->len = line.len;
    return PT_OK;
}

//  Whether the item is a map that names no id (an id of a wrong type is one: it is a fault of its own). Beside
//  that, which key stands twice, if one does.
static bool
s_lacks_id(const cmd_item_t *item, char out_doubled[PT_ERROR_BYTES_MAX])
{
    pt_response_t response;
    char error[PT_ERROR_BYTES_MAX];
    pt_status_t status = pt_response_decode((pt_bytes_t) {item->bytes, item->len}, &response, error);
    bool is_map = item->len && (item->bytes[0] >> 4 == 0x8 || item->bytes[0] == 0xde || item->bytes[0] == 0xdf);
    snprintf(out_doubled, PT_ERROR_BYTES_MAX, "%s", status == PT_E_DUPLICATE ? error : "");
    bool id_faulty = status != PT_OK && strncmp(error, "id:", 3) == 0;
    return is_map && !response.id.data && !id_faulty;
}

static void
s_cut(cmd_item_t *item)
{
    if (item->len > PT_RESPONSE_BYTES_MAX)
        item->len = PT_RESPONSE_BYTES_MAX + 1;
}

//  "line 1, column 7: …" of one line's text -> "column 7: …": the caller knows which line it is.
static void
s_drop_line_number(char *error)
{
    static const char prefix[] = "line 1, ";
    size_t len = sizeof prefix - 1;
    if (strncmp(error, prefix, len) == 0)
        memmove(error, error + len, strlen(error + len) + 1);
}

//  How many pairs the item, a map, is to have with an id of ours behind the others. An id that is null gives way to it:
//  what stood there is cut out.
static uint32_t
s_make_place(cmd_item_t *item, size_t *out_head)
{
    pt_cursor_t cursor = pt_cursor_open((pt_bytes_t) {item->bytes, item->len});
    pt_value_t map, key, value;
    //  These are our own bytes: each value is whole.
    pt_status_t status = pt_cursor_next(&cursor, &map);
    *out_head = (size_t) (cursor.at - item->bytes);
    for (uint32_t i = 0; i < map.as.count && status == PT_OK; i++) {
        size_t start = (size_t) (cursor.at - item->bytes);
        status = pt_cursor_next(&cursor, &key);
        bool is_id = status == PT_OK && pt_text_equal(key.as.text, PT_TEXT("id"));
        pt_cursor_t at = cursor;
        if (is_id && pt_cursor_next(&at, &value) == PT_OK && value.kind == PT_VALUE_NIL) {
            size_t end = (size_t) (at.at - item->bytes);
            memmove(item->bytes + start, item->bytes + end, item->len - end);
            item->len -= end - start;
            return map.as.count;
        }
        if (status == PT_OK)
            status = pt_cursor_skip(&cursor, PT_DEPTH_MAX);
    }
    return map.as.count + 1;
}

//  Give the item, a map, an id behind its other keys: `line:N`.
static pt_status_t
s_name(uint64_t number, cmd_item_t *item)
{
    char id[32];
    int id_len = snprintf(id, sizeof id, "line:%" PRIu64, number);
    size_t head;
    uint32_t pairs = s_make_place(item, &head);
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    if (msgpack_pack_map(&packer, pairs) ||
        msgpack_sbuffer_write(&buffer, (const char *) item->bytes + head, item->len - head) ||
        msgpack_pack_str_with_body(&packer, "id", 2) || msgpack_pack_str_with_body(&packer, id, (size_t) id_len)) {
        msgpack_sbuffer_destroy(&buffer);
        return PT_E_NOMEM;
    }
    free(item->bytes);
    item->len = buffer.size;
    item->bytes = (uint8_t *) msgpack_sbuffer_release(&buffer);
    return PT_OK;
}

static pt_status_t
s_make_item(pt_text_t line, uint64_t number, cmd_item_t *out_item)
{
    *out_item = (cmd_item_t) {0};
    char doubled[PT_ERROR_BYTES_MAX];
    pt_status_t status = pt_json_to_msgpack(line, &out_item->bytes, &out_item->len, out_item->error);
    out_item->is_json = status == PT_OK;
    if (status == PT_E_NOMEM)
        return status;
    if (status != PT_OK) {
        s_drop_line_number(out_item->error);
        return s_copy_line(line, out_item);
    }
    if (s_lacks_id(out_item, doubled))
        status = s_name(number, out_item);
    memcpy(out_item->error, doubled, sizeof doubled);
    return status;
}

void
cmd_lines_hint(pt_text_t line, uint64_t number)
{
    while (line.len && strchr(" \t\r", line.data[line.len - 1]))
        line.len--;
    bool array = line.len && line.data[0] == '[', document = line.len == 1 && line.data[0] == '{';
    if (number == 1 && (array || document))
        fprintf(stderr, "hint: each line is one object; 'jq -c %s FILE' makes such lines of %s\n", array ? ".[]" : ".",
                array ? "an array" : "a document over several lines");
}

pt_status_t
cmd_item_of_line(pt_text_t line, uint64_t number, cmd_item_t *out_item)
{
    pt_status_t status = s_make_item(line, number, out_item);
    if (status == PT_OK)
        s_cut(out_item);
    return status;
}

void
cmd_item_clear(cmd_item_t *item)
{
    free(item->bytes);
    *item = (cmd_item_t) {0};
}
