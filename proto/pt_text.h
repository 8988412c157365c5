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

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/*  Whether `bytes` (at most 4096) from `data` on can be read whatever follows the text, because they are in its
 *  page: then a load of one size may take the place of a branch on the length, and what it reads too much is
 *  not looked at. Never so for checkers of memory and of races, and for whoever defines PT_STRICT_LOADS.
 */
static inline bool
pt_text_may_read_on(const void *data, size_t bytes)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(PT_STRICT_LOADS)
    return __builtin_expect(((uintptr_t) data & 4095) <= 4096 - bytes, 1);
#else
    (void) data;
    (void) bytes;
    return false;
#endif
}

/*  The same pointer, of which the compiler knows nothing: it may see the text, and must not conclude that nothing
 *  is read behind it.
 */
static inline const void *
pt_text_block(const void *data)
{
    __asm__("" : "+r"(data));
    return data;
}

/*  Whether 1 to 16 bytes are equal, which can be read on for 16 each. */
static inline bool
pt_text_equal_block(const char *left, const char *right, size_t len)
{
#ifdef __SSE2__
    __m128i one = _mm_loadu_si128((const __m128i *) pt_text_block(left));
    __m128i other = _mm_loadu_si128((const __m128i *) pt_text_block(right));
    unsigned different = ~(unsigned) _mm_movemask_epi8(_mm_cmpeq_epi8(one, other));
    return (different << (16 - len) & 0xffffu) == 0;
#else
    return memcmp(left, right, len) == 0;
#endif
}

/*  Whether a text equals another one of its length, of which `front` holds the first 16 bytes, filled up. */
static inline bool
pt_text_equal_front(pt_text_t text, const char front[16], const char *other)
{
    if (text.len - 1 < 16 && pt_text_may_read_on(text.data, 16))
        return pt_text_equal_block(front, text.data, text.len);
    return text.len == 0 || memcmp(other, text.data, text.len) == 0;
}

static inline bool
pt_text_equal(pt_text_t left, pt_text_t right)
{
    if (left.len != right.len)
        return false;
    if (left.len - 1 < 16 && pt_text_may_read_on(left.data, 16) && pt_text_may_read_on(right.data, 16))
        return pt_text_equal_block(left.data, right.data, left.len);
    return left.len == 0 || memcmp(left.data, right.data, left.len) == 0;
}

/*  Present and not empty: an absent text has no length either. */
static inline bool
pt_text_is_set(pt_text_t text)
{
    return text.len != 0;
}

#define PT_TEXT_HEX_DIGITS 16

/*  Print a number as 16 hex digits, most significant first. */
static inline void
pt_text_hex(uint64_t value, char *out)
{
#ifdef __SSE2__
    //  A byte for each nibble; a letter where it is above 9.
    __m128i bytes = _mm_cvtsi64_si128((long long) __builtin_bswap64(value));
    __m128i low = _mm_set1_epi8(0x0f);
    __m128i nibbles = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi64(bytes, 4), low), _mm_and_si128(bytes, low));
    __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(nibbles, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
    __m128i digits = _mm_add_epi8(_mm_add_epi8(nibbles, _mm_set1_epi8('0')), letters);
    _mm_storeu_si128((__m128i *) (void *) out, digits);
#else
    for (int digit = 0; digit < PT_TEXT_HEX_DIGITS; digit++)
        out[digit] = "0123456789abcdef"[value >> (60 - 4 * digit) & 15];
#endif
}

/*  The text without the byte order mark (of UTF-8) that it may begin with. */
static inline pt_text_t
pt_text_after_mark(pt_text_t text)
{
    bool is_marked = text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0;
    return is_marked ? (pt_text_t) {text.data + 3, text.len - 3} : text;
}

/*  The first `bytes_max` bytes, never cutting a UTF-8 character in two. */
pt_text_t pt_text_cut(pt_text_t text, size_t bytes_max);

/*  What pt_text_is_utf8 does for texts of any length. */
bool pt_text_is_long_utf8(pt_text_t text);

//  A block of text, and what keeps its first n bytes: bytes PT_TEXT_BLOCK_BYTES - n to 2 * PT_TEXT_BLOCK_BYTES - 1 - n.
#define PT_TEXT_BLOCK_BYTES 64
extern const uint8_t pt_text_masks[2 * PT_TEXT_BLOCK_BYTES];

#ifdef __SSE2__
/*  A quarter of a block, without what does not belong to the text. */
static inline __m128i
pt_text_quarter(pt_text_t text, size_t quarter)
{
    const __m128i *bytes = (const __m128i *) pt_text_block(text.data);
    //  Hidden, or the compiler finds the place of each quarter anew.
    const __m128i *masks = (const __m128i *) pt_text_block(pt_text_masks + PT_TEXT_BLOCK_BYTES - text.len);
    return _mm_and_si128(_mm_loadu_si128(bytes + quarter), _mm_loadu_si128(masks + quarter));
}
#endif

/*  Whether 1 to 64 bytes, which can be read on for 64, are ASCII; false where that is not known. */
static inline bool
pt_text_is_ascii_block(pt_text_t text)
{
#ifdef __SSE2__
    __m128i front = _mm_or_si128(pt_text_quarter(text, 0), pt_text_quarter(text, 1));
    __m128i back = _mm_or_si128(pt_text_quarter(text, 2), pt_text_quarter(text, 3));
    return _mm_movemask_epi8(_mm_or_si128(front, back)) == 0;
#else
    (void) text;
    return false;
#endif
}

/*  Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). Most are short and
 *  ASCII, which is seen right here.
 */
static inline bool
pt_text_is_utf8(pt_text_t text)
{
    if (text.len - 1 < PT_TEXT_BLOCK_BYTES && pt_text_may_read_on(text.data, PT_TEXT_BLOCK_BYTES) &&
        pt_text_is_ascii_block(text))
        return true;
    return pt_text_is_long_utf8(text);
}

#ifdef __cplusplus
}
#endif
#endif
