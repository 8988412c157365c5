/*  strtoull takes signs, blanks and half of a text; operators' numbers are refused instead of guessed. */
#include "pt_units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

//  The digits at the beginning, and what follows them. To other readers of YAML and C, 010 is eight.
static bool
s_read_digits(const char *text, uint64_t *out_number, const char **out_rest)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    *out_number = number;
    *out_rest = end;
    bool octal = text[0] == '0' && text[1] >= '0' && text[1] <= '9';
    return text[0] >= '0' && text[0] <= '9' && !octal && errno == 0;
}

bool
pt_units_number(const char *text, uint64_t min, uint64_t max, uint64_t *out_number)
{
    uint64_t number;
    const char *rest;
    if (!s_read_digits(text, &number, &rest) || *rest || number < min || number > max)
        return false;
    *out_number = number;
    return true;
}

bool
pt_units_duration_ms(const char *text, uint64_t *out_ms)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    //  A year is longer than any wait that makes sense here, and keeps the product in range.
    const uint64_t max_ms = 365ull * 86400000;
    uint64_t number;
    const char *rest;
    if (!s_read_digits(text, &number, &rest))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(rest, units[i].name) == 0 && number <= max_ms / units[i].ms) {
            *out_ms = number * units[i].ms;
            return true;
        }
    return false;
}

bool
pt_units_bytes(const char *text, uint64_t *out_bytes)
{
    static const char suffixes[] = "KMGT";
    uint64_t number;
    const char *rest;
    if (!s_read_digits(text, &number, &rest))
        return false;
    const char *suffix = *rest ? strchr(suffixes, *rest) : NULL;
    unsigned shift = suffix ? 10 * (unsigned) (suffix - suffixes + 1) : 0;
    if ((*rest && (!suffix || rest[1])) || number > (UINT64_C(1) << 40) >> shift)
        return false;
    *out_bytes = number << shift;
    return true;
}
