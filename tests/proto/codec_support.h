/*  codec_support: what the tests of the codecs share: vectors, exactly sized copies, bytes of
 *  JSON text, and a seeded generator.
 */
#ifndef PT_TEST_CODEC_SUPPORT_H
#define PT_TEST_CODEC_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pt_json.h"

#define assert_text(text, expected)                                                                                    \
    do {                                                                                                               \
        pt_text_t left_ = (text), right_ = pt_text_of(expected);                                                       \
        assert_int_equal(left_.data == NULL, right_.data == NULL);                                                     \
        assert_int_equal(left_.len, right_.len);                                                                       \
        if (right_.len)                                                                                                \
            assert_memory_equal(left_.data, right_.data, right_.len);                                                  \
    } while (0)

/*  A copy in a block of exactly its size, so that a sanitizer sees the first byte read too far. */
static inline uint8_t *
support_copy(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len);
    if (len) {
        assert_non_null(copy);
        memcpy(copy, bytes, len);
    }
    return copy;
}

/*  A copy whose last byte is the last one that may be read: behind it stands a page that faults, for every
 *  build. munmap() support_page_end's data by support_page_release.
 */
static inline uint8_t *
support_page_end(const uint8_t *bytes, size_t len)
{
    size_t page = (size_t) sysconf(_SC_PAGESIZE);
    size_t room = (len / page + 1) * page;
    uint8_t *pages = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + room, page, PROT_NONE), 0);
    if (len)
        memcpy(pages + room - len, bytes, len);
    return pages + room - len;
}

static inline void
support_page_release(uint8_t *copy, size_t len)
{
    size_t page = (size_t) sysconf(_SC_PAGESIZE);
    size_t room = (len / page + 1) * page;
    assert_int_equal(munmap(copy + len - room, room + page), 0);
}

/*  A whole file; free() the data. */
static inline pt_bytes_t
support_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size_t len = (size_t) ftell(file);
    rewind(file);
    uint8_t *data = malloc(len);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, len, file), len);
    fclose(file);
    return (pt_bytes_t) {data, len};
}

/*  The vectors of a folder, "response" or "decision": their .msgpack files. globfree() them. */
static inline glob_t
support_vectors(const char *folder)
{
    char pattern[512];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/tests/vectors/%s/*.msgpack", PT_SOURCE_DIR, folder);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 8);
    return found;
}

/*  The JSON line beside a vector, terminated and without its newline; free() it. */
static inline char *
support_read_json(const char *msgpack_path)
{
    char path[1024];
    const char *dot = strrchr(msgpack_path, '.');
    snprintf(path, sizeof path, "%.*s.json", (int) (dot - msgpack_path), msgpack_path);
    pt_bytes_t bytes = support_read(path);
    assert_true(bytes.len > 0 && bytes.data[bytes.len - 1] == '\n');
    char *json = strndup((const char *) bytes.data, bytes.len - 1);
    free((void *) (uintptr_t) bytes.data);
    assert_non_null(json);
    return json;
}

/*  The msgpack of JSON text; free() the data. */
static inline pt_bytes_t
support_pack(const char *json)
{
    uint8_t *data;
    size_t len;
    char error[160];
    if (pt_json_to_msgpack(pt_text_of(json), &data, &len, error) != PT_OK)
        fail_msg("%s: %s", error, json);
    return (pt_bytes_t) {data, len};
}

static inline void
support_free(pt_bytes_t bytes)
{
    free((void *) (uintptr_t) bytes.data);
}

/*  xorshift64*: the same numbers in every run. */
static inline uint64_t
support_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

#endif
