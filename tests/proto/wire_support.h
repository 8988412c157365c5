/*  What the tests of the wire share: vectors from disk, frames from a line of text, exact copies. */
#ifndef WIRE_SUPPORT_H
#define WIRE_SUPPORT_H

#include <assert.h>
#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pt_wire.h"

#define WIRE_ID UINT64_C(0x00c0ffee12345678)
#define WIRE_WORKER UINT64_MAX
#define WIRE_EPOCH UINT64_C(1760000000000)

/*  A copy of the bytes in memory of just that size, so that a sanitizer sees the first byte that
 *  is read beyond. free() the data.
 */
static inline pt_bytes_t
wire_copy(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len)
        memcpy(copy, data, len);
    return (pt_bytes_t) {copy, len};
}

static inline void
wire_free(pt_bytes_t bytes)
{
    union {
        const uint8_t *borrowed;
        uint8_t *owned;
    } pointer = {bytes.data};
    free(pointer.owned);
}

/*  tests/vectors/wire/NAME.msgpack. free() the data. */
static inline pt_bytes_t
wire_vector(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/vectors/wire/%s.msgpack", PT_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t bytes[PT_HEADER_BYTES_MAX];
    size_t len = fread(bytes, 1, sizeof bytes, file);
    assert_true(feof(file));
    fclose(file);
    return wire_copy(bytes, len);
}

/*  Pack a line of words: `[3` begins an array of three, `{1` a map of one pair, `'abc` is a str,
 *  `"abc` a bin, `nil`, `true`, `false`, and everything else an integer. Nothing here knows the rules of the wire,
 *  so broken frames are as easy to make as sound ones.
 */
static inline void
wire_pack_word(msgpack_packer *packer, const char *word)
{
    size_t len = strlen(word + 1);
    if (word[0] == '[')
        msgpack_pack_array(packer, strtoul(word + 1, NULL, 10));
    else if (word[0] == '{')
        msgpack_pack_map(packer, strtoul(word + 1, NULL, 10));
    else if (word[0] == '\'')
        msgpack_pack_str_with_body(packer, word + 1, len);
    else if (word[0] == '"')
        msgpack_pack_bin_with_body(packer, word + 1, len);
    else if (strcmp(word, "nil") == 0)
        msgpack_pack_nil(packer);
    else if (strcmp(word, "true") == 0)
        msgpack_pack_true(packer);
    else if (strcmp(word, "false") == 0)
        msgpack_pack_false(packer);
    else if (word[0] == '-')
        msgpack_pack_int64(packer, strtoll(word, NULL, 10));
    else
        msgpack_pack_uint64(packer, strtoull(word, NULL, 10));
}

static inline pt_bytes_t
wire_pack(const char *line)
{
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    char *words = strdup(line);
    assert_non_null(words);
    char *rest = NULL;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        wire_pack_word(&packer, word);
    pt_bytes_t bytes = wire_copy((const uint8_t *) buffer.data, buffer.size);
    msgpack_sbuffer_destroy(&buffer);
    free(words);
    return bytes;
}

/*  xorshift64: the same numbers everywhere from the same seed. */
static inline uint64_t
wire_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/*  A copy of `original` that is spoilt by one to four changed bytes, and at times by a cut or by
 *  bytes at the end.
 */
static inline pt_bytes_t
wire_mutate(pt_bytes_t original, uint64_t *state)
{
    uint8_t bytes[PT_HEADER_BYTES_MAX + 8];
    size_t len = original.len;
    memcpy(bytes, original.data, len);
    for (uint64_t changes = 1 + wire_random(state) % 4; len && changes; changes--)
        bytes[wire_random(state) % len] = (uint8_t) wire_random(state);
    uint64_t shape = wire_random(state) % 8;
    if (shape == 0 && len)
        len = wire_random(state) % len;
    else if (shape == 1)
        for (uint64_t more = 1 + wire_random(state) % 8; more; more--)
            bytes[len++] = (uint8_t) wire_random(state);
    return wire_copy(bytes, len);
}

#endif
