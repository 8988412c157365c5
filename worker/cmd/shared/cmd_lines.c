/*  Reads JSON Lines for the commands. An id is added to the text, before it is transcoded, because
 *  there it is one insertion: JSON readers take the last of two equal keys, so it also replaces
 *  an explicit null. For the same reason keys that stand twice are looked for before.
 */
#include "cmd_lines.h"

#include "cmd_pairs.h"

#include "pt_json.h"
#include "pt_response.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

//  `{…}` -> `{…,"id":"line:N"}`. The text is known to be one JSON object.
static char *
s_insert_id(pt_text_t line, uint64_t number)
{
    const char *close = memrchr(line.data, '}', line.len);
    const char *open = memchr(line.data, '{', line.len);
    size_t head = (size_t) (close - line.data);
    bool empty = strspn(open + 1, " \t\r\n") == (size_t) (close - open - 1);
    char *text = NULL;
    if (asprintf(&text, "%.*s%s\"id\":\"line:%" PRIu64 "\"}", (int) head, line.data, empty ? "" : ",", number) < 0)
        return NULL;
    return text;
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

static pt_status_t
s_convert(pt_text_t line, cmd_item_t *item)
{
    pt_status_t status = pt_json_to_msgpack(line, &item->bytes, &item->len, item->error);
    item->is_json = status == PT_OK;
    return status == PT_OK ? cmd_pairs_restore(line, &item->bytes, &item->len) : status;
}

//  The item of the same line with an id behind its other keys; `doubles`: one of these stands twice, and stays so.
static pt_status_t
s_name(pt_text_t line, uint64_t number, bool doubles, cmd_item_t *item)
{
    char *text = s_insert_id(line, number);
    if (!text)
        return PT_E_NOMEM;
    cmd_item_clear(item);
    pt_status_t status = pt_json_to_msgpack(pt_text_of(text), &item->bytes, &item->len, NULL);
    if (status == PT_OK && doubles)
        status = cmd_pairs_restore(pt_text_of(text), &item->bytes, &item->len);
    item->is_json = status == PT_OK;
    free(text);
    return status;
}

static pt_status_t
s_make_item(pt_text_t line, uint64_t number, cmd_item_t *out_item)
{
    *out_item = (cmd_item_t) {0};
    char doubled[PT_ERROR_BYTES_MAX];
    pt_status_t status = s_convert(line, out_item);
    if (status == PT_E_NOMEM)
        return status;
    if (status != PT_OK) {
        s_drop_line_number(out_item->error);
        return s_copy_line(line, out_item);
    }
    if (s_lacks_id(out_item, doubled))
        status = s_name(line, number, doubled[0] != '\0', out_item);
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
