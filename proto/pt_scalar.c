/*  pt_scalar: strings stay as they are, numbers are printed. */
#include "pt_scalar.h"

#include <stdio.h>

//  The longest printed number: a 64-bit integer with its sign, or a width of up to 255 digits.
#define NUMBER_BYTES_MAX 256

pt_text_t
pt_scalar_keep(pt_facts_t *facts, const char *data, size_t len)
{
    if (len > PT_SCRATCH_BYTES - facts->scratch_used)
        return PT_TEXT_NONE;
    char *room = facts->scratch + facts->scratch_used;
    memcpy(room, data, len);
    facts->scratch_used += len;
    return (pt_text_t) {room, len};
}

bool
pt_scalar_is_silent(const pt_value_t *value)
{
    return value->kind == PT_VALUE_NIL || (value->kind == PT_VALUE_STR && value->as.text.len == 0);
}

/*  The same as pt_scalar_is_hollow; a hollow value is stepped over. */
static bool
s_pass_hollow(pt_cursor_t *cursor, const pt_value_t *value, unsigned levels)
{
    if (value->kind < PT_VALUE_ARRAY)
        return pt_scalar_is_silent(value);
    if (levels == 0)
        return false;
    for (uint32_t left = value->as.count; left > 0; left--) {
        pt_value_t inner;
        bool has_key = value->kind == PT_VALUE_MAP;
        if ((has_key && pt_cursor_skip(cursor, levels) != PT_OK) || pt_cursor_next(cursor, &inner) != PT_OK ||
            !s_pass_hollow(cursor, &inner, levels - 1))
            return false;
    }
    return true;
}

bool
pt_scalar_is_hollow(const pt_value_t *value, const pt_cursor_t *cursor, unsigned levels)
{
    pt_cursor_t ahead = *cursor;
    return s_pass_hollow(&ahead, value, levels);
}

/*  Print a natural number at least `width` digits wide; a negative one is never padded. */
static pt_text_t
s_print_integer(pt_facts_t *facts, uint64_t magnitude, bool negative, unsigned width)
{
    char digits[NUMBER_BYTES_MAX];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char) ('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    if (negative)
        digits[--at] = '-';
    else
        while (sizeof digits - at < width)
            digits[--at] = '0';
    return pt_scalar_keep(facts, digits + at, sizeof digits - at);
}

/*  A float stands for an integer when it is one that every double holds exactly. */
static bool
s_is_integral(double real)
{
    return real > -9007199254740992.0 && real < 9007199254740992.0 && (double) (int64_t) real == real;
}

static pt_text_t
s_print_number(pt_facts_t *facts, const pt_value_t *value, unsigned width)
{
    if (value->kind == PT_VALUE_UINT)
        return s_print_integer(facts, value->as.natural, false, width);
    if (value->kind == PT_VALUE_INT)
        return s_print_integer(facts, 0 - (uint64_t) value->as.integer, true, width);
    if (value->kind != PT_VALUE_FLOAT || !s_is_integral(value->as.real))
        return PT_TEXT_NONE;
    int64_t integer = (int64_t) value->as.real;
    uint64_t magnitude = integer < 0 ? 0 - (uint64_t) integer : (uint64_t) integer;
    return s_print_integer(facts, magnitude, integer < 0, width);
}

pt_text_t
pt_scalar_code(pt_facts_t *facts, const pt_value_t *value, unsigned width)
{
    if (value->kind != PT_VALUE_STR)
        return s_print_number(facts, value, width);
    pt_text_t text = value->as.text;
    if (text.len == 0 || text.len > PT_CODE_BYTES_MAX || !pt_text_is_utf8(text))
        return PT_TEXT_NONE;
    return text;
}

pt_text_t
pt_scalar_status(pt_facts_t *facts, const pt_value_t *value, unsigned width)
{
    if (value->kind == PT_VALUE_BOOL)
        return value->as.boolean ? PT_TEXT("true") : PT_TEXT("false");
    return pt_scalar_code(facts, value, width);
}

pt_text_t
pt_scalar_message(const pt_value_t *value)
{
    if (value->kind != PT_VALUE_STR || !pt_text_is_utf8(value->as.text))
        return PT_TEXT_NONE;
    return value->as.text;
}

bool
pt_scalar_is_field(const pt_value_t *value)
{
    return value->kind >= PT_VALUE_BOOL && value->kind <= PT_VALUE_STR;
}

/*  A number with a fraction, with a point whatever the locale says. */
static pt_text_t
s_print_fraction(pt_facts_t *facts, double real)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%.15g", real);
    char *comma = strchr(digits, ',');
    if (comma)
        *comma = '.';
    return pt_scalar_keep(facts, digits, (size_t) len);
}

pt_text_t
pt_scalar_field(pt_facts_t *facts, const pt_value_t *value)
{
    if (value->kind == PT_VALUE_STR)
        return pt_scalar_message(value);
    if (value->kind == PT_VALUE_FLOAT && !s_is_integral(value->as.real))
        return s_print_fraction(facts, value->as.real);
    return pt_scalar_status(facts, value, 0);
}
