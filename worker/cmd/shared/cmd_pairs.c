/*  The text is walked at its outermost level only, and it has been parsed before: here are no faults to find. */
#include "cmd_pairs.h"

#include "pt_cursor.h"
#include "pt_json.h"

#include <msgpack/pack.h>
#include <msgpack/sbuffer.h>
#include <stdlib.h>
#include <string.h>

//  The closing quote of the string that begins at `at`.
static size_t
s_string_end(pt_text_t json, size_t at)
{
    for (at++; at < json.len && json.data[at] != '"'; at++)
        if (json.data[at] == '\\')
            at++;
    return at;
}

//  Where the key or the value that begins at `at` is over: at a colon, a comma or the object's end.
static size_t
s_part_end(pt_text_t json, size_t at)
{
    size_t depth = 0;
    for (; at < json.len; at++) {
        char byte = json.data[at];
        if (byte == '"')
            at = s_string_end(json, at);
        else if (byte == '{' || byte == '[')
            depth++;
        else if (depth == 0 && (byte == ':' || byte == ',' || byte == '}'))
            return at;
        else if (byte == '}' || byte == ']')
            depth--;
    }
    return json.len;
}

//  Where the first key begins, after a byte order mark or blanks.
static size_t
s_first_part(pt_text_t json)
{
    const char *open = memchr(json.data, '{', json.len);
    return open ? (size_t) (open - json.data) + 1 : json.len;
}

//  Colons at the outermost level.
static uint32_t
s_count_pairs(pt_text_t json)
{
    uint32_t count = 0;
    for (size_t at = s_first_part(json); at < json.len; at++) {
        at = s_part_end(json, at);
        count += at < json.len && json.data[at] == ':';
    }
    return count;
}

static pt_status_t
s_pack_part(pt_text_t json, size_t at, size_t end, msgpack_sbuffer *buffer)
{
    uint8_t *bytes;
    size_t len;
    pt_status_t status = pt_json_to_msgpack((pt_text_t) {json.data + at, end - at}, &bytes, &len, NULL);
    if (status != PT_OK)
        return status;
    status = msgpack_sbuffer_write(buffer, (const char *) bytes, len) == 0 ? PT_OK : PT_E_NOMEM;
    free(bytes);
    return status;
}

static pt_status_t
s_pack_pairs(pt_text_t json, uint32_t count, msgpack_sbuffer *buffer)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, buffer, msgpack_sbuffer_write);
    pt_status_t status = msgpack_pack_map(&packer, count) == 0 ? PT_OK : PT_E_NOMEM;
    size_t at = s_first_part(json);
    for (uint32_t part = 0; part < 2 * count && status == PT_OK; part++) {
        size_t end = s_part_end(json, at);
        status = s_pack_part(json, at, end, buffer);
        at = end + 1;
    }
    return status;
}

pt_status_t
cmd_pairs_restore(pt_text_t json, uint8_t **bytes, size_t *len)
{
    pt_cursor_t cursor = pt_cursor_open((pt_bytes_t) {*bytes, *len});
    pt_value_t root;
    if (pt_cursor_next(&cursor, &root) != PT_OK || root.kind != PT_VALUE_MAP)
        return PT_OK;
    uint32_t count = s_count_pairs(json);
    if (count == root.as.count)
        return PT_OK;
    msgpack_sbuffer buffer;
    msgpack_sbuffer_init(&buffer);
    pt_status_t status = s_pack_pairs(json, count, &buffer);
    if (status != PT_OK) {
        msgpack_sbuffer_destroy(&buffer);
        return status;
    }
    free(*bytes);
    *len = buffer.size;
    *bytes = (uint8_t *) msgpack_sbuffer_release(&buffer);
    return PT_OK;
}
