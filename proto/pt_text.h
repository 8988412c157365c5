/*  pt_text: borrowed bytes, as a pointer and a length.
 *
 *  Nothing here owns memory: a text lives as long as what it points into. A text with data NULL
 *  is absent; one with data and length 0 is present and empty.
 */
#ifndef PT_TEXT_H
#define PT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *data; //  not terminated; NULL: absent
    size_t len;       //  bytes
} pt_text_t;

typedef struct {
    const uint8_t *data;
    size_t len;
} pt_bytes_t;

/*  A text over a string literal. */
#define PT_TEXT(literal) ((pt_text_t) {(literal), sizeof(literal) - 1})
#define PT_TEXT_NONE ((pt_text_t) {NULL, 0})

static inline pt_text_t
pt_text_of(const char *string)
{
    return (pt_text_t) {string, string ? strlen(string) : 0};
}

/*  Whether 8 to 16 bytes are equal: two words that may overlap, where a call would cost more. */
static inline bool
pt_text_equal_words(const char *left, const char *right, size_t len)
{
    uint64_t words[4];
    memcpy(&words[0], left, 8);
    memcpy(&words[1], right, 8);
    memcpy(&words[2], left + len - 8, 8);
    memcpy(&words[3], right + len - 8, 8);
    return ((words[0] ^ words[1]) | (words[2] ^ words[3])) == 0;
}

static inline bool
pt_text_equal(pt_text_t left, pt_text_t right)
{
    if (left.len != right.len)
        return false;
    if (left.len - 8 <= 8)
        return pt_text_equal_words(left.data, right.data, left.len);
    return left.len == 0 || memcmp(left.data, right.data, left.len) == 0;
}

/*  Present and not empty. */
static inline bool
pt_text_is_set(pt_text_t text)
{
    return text.data && text.len;
}

/*  The first `bytes_max` bytes, never cutting a UTF-8 character in two. */
pt_text_t pt_text_cut(pt_text_t text, size_t bytes_max);

/*  Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool pt_text_is_utf8(pt_text_t text);

#ifdef __cplusplus
}
#endif
#endif
