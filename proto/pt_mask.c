/*  Looking for card numbers, cheaply first: a number fills at least thirteen bytes with digits and
 *  separators, so one byte of thirteen tells whether there can be one.
 */
#include "pt_mask.h"

#include <assert.h>

#include "pt_mask_parts.h"

//  Bytes between two digits of one number, at most: a dash of three bytes, or " - ".
#define SEPARATOR_BYTES_MAX 3

//  A masked digit stays part of its run, so that what is shown of it begins no other number.
enum { BYTE_OTHER, BYTE_DIGIT, BYTE_SEPARATOR, BYTE_MASKED };

//  Space, tab, '-' and '_'; and the bytes of no-break and thin spaces, hyphens and dashes in UTF-8.
static const uint8_t s_classes[256] = {
    ['0'] = BYTE_DIGIT,      ['1'] = BYTE_DIGIT,      ['2'] = BYTE_DIGIT,      ['3'] = BYTE_DIGIT,
    ['4'] = BYTE_DIGIT,      ['5'] = BYTE_DIGIT,      ['6'] = BYTE_DIGIT,      ['7'] = BYTE_DIGIT,
    ['8'] = BYTE_DIGIT,      ['9'] = BYTE_DIGIT,      [' '] = BYTE_SEPARATOR,  ['\t'] = BYTE_SEPARATOR,
    ['-'] = BYTE_SEPARATOR,  ['_'] = BYTE_SEPARATOR,  [0xc2] = BYTE_SEPARATOR, [0xa0] = BYTE_SEPARATOR,
    [0xe2] = BYTE_SEPARATOR, [0x80] = BYTE_SEPARATOR, [0x89] = BYTE_SEPARATOR, [0x8a] = BYTE_SEPARATOR,
    [0x90] = BYTE_SEPARATOR, [0x91] = BYTE_SEPARATOR, [0x92] = BYTE_SEPARATOR, [0x93] = BYTE_SEPARATOR,
    ['*'] = BYTE_MASKED,     [0x94] = BYTE_SEPARATOR, [0x95] = BYTE_SEPARATOR, [0xaf] = BYTE_SEPARATOR,
};

static inline unsigned
s_class_at(pt_text_t text, size_t at)
{
    return s_classes[(unsigned char) text.data[at]];
}

static inline bool
s_is_in_run(pt_text_t text, size_t at)
{
    unsigned class = s_class_at(text, at);
    return class == BYTE_DIGIT || class == BYTE_MASKED;
}

//  ---- one number

typedef struct {
    size_t count;
    uint8_t digits[PT_MASK_DIGITS_MAX];
    size_t places[PT_MASK_DIGITS_MAX];
    //  Luhn's sums, with the digits of even and of odd places doubled.
    unsigned even_sum, odd_sum;
} s_number_t;

static unsigned
s_double(unsigned digit)
{
    return digit < 5 ? 2 * digit : 2 * digit - 9;
}

static void
s_add_digit(s_number_t *self, unsigned digit, size_t place)
{
    bool is_even = self->count % 2 == 0;
    self->even_sum += is_even ? s_double(digit) : digit;
    self->odd_sum += is_even ? digit : s_double(digit);
    self->digits[self->count] = (uint8_t) digit;
    self->places[self->count++] = place;
}

//  The last digit is never doubled, and from there on every second one is.
static bool
s_passes_luhn(const s_number_t *self)
{
    unsigned sum = self->count % 2 == 0 ? self->even_sum : self->odd_sum;
    return sum % 10 == 0;
}

//  Prefixes as the card schemes publish them; those of the gateways' own countries among them.
static const struct {
    uint16_t first, last; //  of the first four digits
    uint8_t digits_min, digits_max;
} s_schemes[] = {
    {2200, 2205, 16, 19}, {2221, 2720, 16, 16}, {3000, 3059, 14, 19}, {3095, 3095, 14, 19}, {3400, 3499, 15, 15},
    {3528, 3589, 16, 19}, {3600, 3699, 14, 19}, {3700, 3799, 15, 15}, {3800, 3999, 14, 19}, {4000, 4999, 13, 19},
    {5000, 5999, 13, 19}, {6000, 6999, 13, 19}, {8100, 8299, 16, 19}, {8600, 8600, 16, 16}, {9792, 9792, 16, 16},
    {9804, 9804, 16, 16}, {9860, 9860, 16, 16},
};

static bool
s_begins_like_card(const s_number_t *self)
{
    unsigned first = self->digits[0] * 1000u + self->digits[1] * 100u + self->digits[2] * 10u + self->digits[3];
    for (size_t i = 0; i < sizeof s_schemes / sizeof s_schemes[0]; i++)
        if (first >= s_schemes[i].first && first <= s_schemes[i].last)
            return self->count >= s_schemes[i].digits_min && self->count <= s_schemes[i].digits_max;
    return false;
}

static bool
s_is_card(const s_number_t *self, pt_mask_care_t care)
{
    if (self->count < PT_MASK_DIGITS_MIN || self->digits[0] == 0 || !s_passes_luhn(self))
        return false;
    return care == PT_MASK_CARE_TEXT || s_begins_like_card(self);
}

//  ---- a span of digits and separators

/*  The place of the next digit of the number that has one before `at`; `end` when it is over. */
static size_t
s_next_digit(pt_text_t text, size_t at, size_t end)
{
    for (size_t i = at; i < end && i <= at + SEPARATOR_BYTES_MAX; i++)
        if (s_is_in_run(text, i))
            return s_class_at(text, i) == BYTE_DIGIT ? i : end;
    return end;
}

/*  Mask the longest number that begins with the digit at `at`. Numbers end where a group ends, save in
 *  raw bytes, where a length or another field may stand next to them.
 */
static void
s_mask_number(pt_text_t text, size_t at, size_t end, pt_mask_care_t care, char *copy, size_t copy_len)
{
    s_number_t number = {0};
    size_t card = 0;
    while (at < end && number.count < PT_MASK_DIGITS_MAX) {
        s_add_digit(&number, (unsigned) (text.data[at] - '0'), at);
        bool ends_here = care == PT_MASK_CARE_RAW || at + 1 == end || !s_is_in_run(text, at + 1);
        if (ends_here && s_is_card(&number, care))
            card = number.count;
        at = s_next_digit(text, at + 1, end);
    }
    for (size_t i = 0; card && i < card - PT_MASK_DIGITS_SHOWN; i++)
        if (number.places[i] < copy_len)
            copy[number.places[i]] = '*';
}

/*  Numbers may overlap ("12 4111 1111 …"), so each beginning is tried: a digit is shown only where no
 *  number hides it.
 */
static void
s_mask_span(pt_text_t text, size_t begin, size_t end, pt_mask_care_t care, char *copy, size_t copy_len)
{
    for (size_t at = begin; at < end && at < copy_len; at++) {
        if (s_class_at(text, at) != BYTE_DIGIT)
            continue;
        bool begins_group = at == begin || !s_is_in_run(text, at - 1);
        if (begins_group || care == PT_MASK_CARE_RAW)
            s_mask_number(text, at, end, care, copy, copy_len);
    }
}

void
pt_mask_numbers(pt_text_t text, pt_mask_care_t care, char *copy, size_t copy_len)
{
    size_t past = 0; //  looked at already
    size_t at = PT_MASK_DIGITS_MIN - 1;
    while (at < text.len && past < copy_len) {
        if (s_class_at(text, at) == BYTE_OTHER) {
            past = at + 1;
            at += PT_MASK_DIGITS_MIN;
            continue;
        }
        size_t begin = at, end = at + 1;
        while (begin > past && s_class_at(text, begin - 1) != BYTE_OTHER)
            begin--;
        while (end < text.len && s_class_at(text, end) != BYTE_OTHER)
            end++;
        if (end - begin >= PT_MASK_DIGITS_MIN)
            s_mask_span(text, begin, end, care, copy, copy_len);
        past = end;
        at = end + PT_MASK_DIGITS_MIN - 1;
    }
}

/*  Whether a text of at most a block, which can be read on for one, has digits enough for a number. */
static inline bool
s_has_digits(pt_text_t text)
{
#ifdef __SSE2__
    //  Moved so that digits are the largest signed bytes; each is -1 then.
    const __m128i to_top = _mm_set1_epi8(INT8_MAX - '9');
    const __m128i below = _mm_set1_epi8(INT8_MAX - 10);
    __m128i digits = _mm_setzero_si128();
    for (size_t quarter = 0; quarter < 4; quarter++)
        digits = _mm_sub_epi8(digits, _mm_cmpgt_epi8(_mm_add_epi8(pt_text_quarter(text, quarter), to_top), below));
    __m128i sums = _mm_sad_epu8(digits, _mm_setzero_si128());
    return _mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4) >= PT_MASK_DIGITS_MIN;
#else
    (void) text;
    return true;
#endif
}

void
pt_mask_long_text(pt_text_t text, char *copy, size_t copy_len)
{
    assert(copy_len <= text.len);

    if (text.len <= PT_TEXT_BLOCK_BYTES && pt_text_may_read_on(text.data, PT_TEXT_BLOCK_BYTES) && !s_has_digits(text))
        return;
    pt_mask_numbers(text, PT_MASK_CARE_TEXT, copy, copy_len);
}

void
pt_mask_identifier(pt_text_t text, char *copy, size_t copy_len)
{
    assert(copy_len <= text.len);

    pt_mask_numbers(text, PT_MASK_CARE_IDENTIFIER, copy, copy_len);
}

bool
pt_mask_is_card_integer(uint64_t value)
{
    s_number_t number = {0};
    uint64_t power = 1;
    while (value / power >= 10)
        power *= 10;
    for (; power; power /= 10) {
        if (number.count == PT_MASK_DIGITS_MAX)
            return false;
        s_add_digit(&number, (unsigned) (value / power % 10), 0);
    }
    return s_is_card(&number, PT_MASK_CARE_IDENTIFIER);
}
