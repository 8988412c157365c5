/*  Descends into arrays and objects by calling itself, never deeper than `levels`. The caller gave room for whatever
 *  there may be, so nothing is checked when writing.
 */
#include "pt_json_pack.h"

#include <assert.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>

#include "pt_json_escape.h"
#include "pt_pen.h"

//  Recursion is this deep at most.
#define S_LEVELS_MAX 64

//  An integer of so many digits has at most 64 bits.
#define S_DIGITS_MAX 19

//  How far writing the head of a string may write, whatever its size.
#define S_HEAD_ROOM 9

//  A number that is all of the text has nothing behind it, where reading it could end.
#define S_ALONE_BYTES_MAX 512

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    pt_pen_t pen;
} s_reader_t;

static pt_status_t s_read_value(s_reader_t *self, unsigned levels);

//  ---- strings

//  The first byte that does not stand for itself: a quote, a backslash or a control character; or the end.
static const uint8_t *
s_find_special(const uint8_t *at, const uint8_t *end)
{
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *) (const void *) at);
        __m128i marks =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
        __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        unsigned special = (unsigned) _mm_movemask_epi8(_mm_or_si128(marks, controls));
        if (special)
            return at + __builtin_ctz(special);
    }
#endif
    while (at < end && *at >= 0x20 && *at != '"' && *at != '\\')
        at++;
    return at;
}

static void
s_write_string_head(s_reader_t *self, size_t len)
{
    if (len <= PT_PEN_SHORT_BYTES_MAX)
        pt_pen_byte(&self->pen, (uint8_t) (0xa0 | len));
    else if (len <= UINT8_MAX)
        pt_pen_big_endian(&self->pen, 0xd9, len, 1);
    else if (len <= UINT16_MAX)
        pt_pen_big_endian(&self->pen, 0xda, len, 2);
    else
        pt_pen_big_endian(&self->pen, 0xdb, len, 4);
}

static void
s_write_string(s_reader_t *self, const uint8_t *data, size_t len)
{
    if (len <= UINT16_MAX) {
        pt_pen_text(&self->pen, (pt_text_t) {(const char *) data, len});
        return;
    }
    s_write_string_head(self, len);
    memcpy(self->pen.at, data, len);
    self->pen.at += len;
}

//  Put together what a string says, from `start` on, with the first special byte at `at`. Returns its end, and `at` is
//  behind the closing quote; NULL: the string is faulty.
static uint8_t *
s_join_pieces(s_reader_t *self, const uint8_t *start, uint8_t *out)
{
    for (;;) {
        size_t plain = (size_t) (self->at - start);
        memcpy(out, start, plain);
        out += plain;
        if (self->at == self->end || *self->at < 0x20)
            return NULL;
        if (*self->at++ == '"')
            return out;
        out = pt_json_read_escape(&self->at, self->end, out);
        if (!out)
            return NULL;
        start = self->at;
        self->at = s_find_special(start, self->end);
    }
}

//  Read a string in which an escape stands: it is put together behind room for a head, then moved to its own.
static bool
s_read_escaped(s_reader_t *self, const uint8_t *start)
{
    uint8_t *said = self->pen.at + S_HEAD_ROOM;
    const uint8_t *end = s_join_pieces(self, start, said);
    if (!end)
        return false;
    size_t len = (size_t) (end - said);
    s_write_string_head(self, len);
    memmove(self->pen.at, said, len);
    self->pen.at += len;
    return true;
}

//  From its opening quote on. Where it is faulty `at` stays there. Its bytes are not looked at: whoever takes a text
//  checks it, and one that is no UTF-8 is no reason to read nothing of the others.
static pt_status_t
s_read_string(s_reader_t *self)
{
    const uint8_t *quote = self->at, *start = quote + 1;
    self->at = s_find_special(start, self->end);
    if (self->at < self->end && *self->at == '"') {
        s_write_string(self, start, (size_t) (self->at++ - start));
        return PT_OK;
    }
    if (s_read_escaped(self, start))
        return PT_OK;
    self->at = quote;
    return PT_E_MALFORMED;
}

//  ---- numbers

static locale_t s_plain_locale; //  whatever the program's is: with a point

static void
s_make_locale(void)
{
    s_plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
}

//  The number from `start` to `at`, whose form is right, as a float.
static pt_status_t
s_write_real(s_reader_t *self, const uint8_t *start)
{
    static pthread_once_t s_once = PTHREAD_ONCE_INIT;
    pthread_once(&s_once, s_make_locale);
    char alone[S_ALONE_BYTES_MAX];
    const char *text = (const char *) start;
    size_t len = (size_t) (self->at - start);
    if (self->at == self->end) {
        if (len >= sizeof alone)
            return PT_E_MALFORMED;
        text = memcpy(alone, start, len);
        alone[len] = '\0';
    }
    double real = strtod_l(text, NULL, s_plain_locale);
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    pt_pen_big_endian(&self->pen, 0xcb, bits, 8);
    return PT_OK;
}

//  Pass one or more digits.
static bool
s_pass_digits(s_reader_t *self)
{
    const uint8_t *start = self->at;
    while (self->at < self->end && (unsigned) (*self->at - '0') < 10)
        self->at++;
    return self->at > start;
}

//  What follows the digits of a whole part, if anything does.
static bool
s_pass_fraction(s_reader_t *self)
{
    if (self->at < self->end && *self->at == '.') {
        self->at++;
        if (!s_pass_digits(self))
            return false;
    }
    if (self->at == self->end || (*self->at | 0x20) != 'e')
        return true;
    self->at++;
    if (self->at < self->end && (*self->at == '+' || *self->at == '-'))
        self->at++;
    return s_pass_digits(self);
}

//  -1 to -2^63, in its smallest form.
static void
s_write_negative(s_reader_t *self, uint64_t magnitude)
{
    uint64_t value = 0 - magnitude;
    if (magnitude <= 32)
        pt_pen_byte(&self->pen, (uint8_t) value);
    else if (magnitude <= UINT64_C(1) << 7)
        pt_pen_big_endian(&self->pen, 0xd0, value, 1);
    else if (magnitude <= UINT64_C(1) << 15)
        pt_pen_big_endian(&self->pen, 0xd1, value, 2);
    else if (magnitude <= UINT64_C(1) << 31)
        pt_pen_big_endian(&self->pen, 0xd2, value, 4);
    else
        pt_pen_big_endian(&self->pen, 0xd3, value, 8);
}

static pt_status_t
s_read_number(s_reader_t *self)
{
    const uint8_t *start = self->at;
    bool is_negative = *start == '-';
    const uint8_t *digits = self->at += is_negative;
    if (!s_pass_digits(self) || (*digits == '0' && self->at - digits > 1))
        return PT_E_MALFORMED;
    const uint8_t *whole_end = self->at;
    if (!s_pass_fraction(self))
        return PT_E_MALFORMED;
    if (self->at > whole_end || whole_end - digits > S_DIGITS_MAX)
        return s_write_real(self, start);
    uint64_t magnitude = 0;
    while (digits < whole_end)
        magnitude = 10 * magnitude + (*digits++ - (uint64_t) '0');
    if (magnitude > (uint64_t) INT64_MAX + is_negative)
        return s_write_real(self, start);
    if (is_negative && magnitude)
        s_write_negative(self, magnitude);
    else
        pt_pen_natural(&self->pen, magnitude);
    return PT_OK;
}

//  ---- the rest

static inline void
s_pass_blanks(s_reader_t *self)
{
    while (self->at < self->end && *self->at <= ' ' &&
           (*self->at == ' ' || *self->at == '\n' || *self->at == '\r' || *self->at == '\t'))
        self->at++;
}

//  Pass this byte, and blanks before it. False: something else stands there.
static inline bool
s_pass(s_reader_t *self, uint8_t byte)
{
    s_pass_blanks(self);
    if (self->at == self->end || *self->at != byte)
        return false;
    self->at++;
    return true;
}

static pt_status_t
s_read_word(s_reader_t *self, pt_text_t word, uint8_t packed)
{
    if ((size_t) (self->end - self->at) < word.len || memcmp(self->at, word.data, word.len) != 0)
        return PT_E_MALFORMED;
    self->at += word.len;
    pt_pen_byte(&self->pen, packed);
    return PT_OK;
}

//  The key of a pair, and its colon.
static pt_status_t
s_read_key(s_reader_t *self)
{
    s_pass_blanks(self);
    if (self->at == self->end || *self->at != '"')
        return PT_E_MALFORMED;
    pt_status_t status = s_read_string(self);
    if (status == PT_OK && !s_pass(self, ':'))
        status = PT_E_MALFORMED;
    return status;
}

//  Write the head of a container of which all but the head stands from `inside` on, behind room for the smallest
//  head. What has many elements is moved to make room.
static void
s_write_head(s_reader_t *self, uint8_t *inside, bool is_map, size_t count)
{
    uint8_t *head = inside - 1;
    if (count < 16) {
        *head = (uint8_t) ((is_map ? 0x80 : 0x90) | count);
        return;
    }
    unsigned bytes = count <= UINT16_MAX ? 2 : 4;
    memmove(inside + bytes, inside, (size_t) (self->pen.at - inside));
    *head = (uint8_t) ((is_map ? 0xde : 0xdc) + (bytes == 4));
    for (unsigned i = 0; i < bytes; i++)
        inside[i] = (uint8_t) (count >> 8 * (bytes - 1 - i));
    self->pen.at += bytes;
}

//  From its opening bracket on.
static pt_status_t
s_read_container(s_reader_t *self, bool is_map, unsigned levels)
{
    if (!levels)
        return PT_E_DEPTH;
    uint8_t close = is_map ? '}' : ']';
    self->at++;
    pt_pen_byte(&self->pen, 0);
    uint8_t *inside = self->pen.at;
    size_t count = 0;
    if (!s_pass(self, close)) {
        do {
            pt_status_t status = is_map ? s_read_key(self) : PT_OK;
            if (status == PT_OK)
                status = s_read_value(self, levels - 1);
            if (status != PT_OK)
                return status;
            count++;
        } while (s_pass(self, ','));
        if (!s_pass(self, close))
            return PT_E_MALFORMED;
    }
    s_write_head(self, inside, is_map, count);
    return PT_OK;
}

static pt_status_t
s_read_value(s_reader_t *self, unsigned levels)
{
    s_pass_blanks(self);
    if (self->at == self->end)
        return PT_E_MALFORMED;
    switch (*self->at) {
    case '"':
        return s_read_string(self);
    case '{':
        return s_read_container(self, true, levels);
    case '[':
        return s_read_container(self, false, levels);
    case 't':
        return s_read_word(self, PT_TEXT("true"), 0xc3);
    case 'f':
        return s_read_word(self, PT_TEXT("false"), 0xc2);
    case 'n':
        return s_read_word(self, PT_TEXT("null"), 0xc0);
    default:
        return s_read_number(self);
    }
}

pt_status_t
pt_json_pack(pt_text_t json, unsigned levels, uint8_t *out, size_t *out_len, size_t *out_at)
{
    assert(json.data || !json.len);
    assert(levels <= S_LEVELS_MAX);
    assert(out);
    assert(out_len);
    assert(out_at);

    const uint8_t *start = (const uint8_t *) json.data;
    s_reader_t reader = {.at = start, .end = start + json.len, .pen = {out}};
    pt_status_t status = s_read_value(&reader, levels);
    if (status == PT_OK) {
        s_pass_blanks(&reader);
        if (reader.at < reader.end)
            status = PT_E_MALFORMED;
    }
    *out_at = (size_t) (reader.at - start);
    *out_len = (size_t) (reader.pen.at - out);
    assert(*out_len + PT_PEN_SLACK <= PT_JSON_ROOM(json.len));
    return status;
}
