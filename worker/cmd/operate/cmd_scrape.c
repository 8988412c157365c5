/*  Only what our own daemons print: no escapes but in names of subscribers, no timestamps. */
#include "cmd_scrape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
s_read_line(const char *line, size_t len, cmd_sample_t *out)
{
    const char *end = line + len;
    size_t name = strcspn(line, "{ \n");
    if (*line == '#' || name == 0 || name >= len)
        return false;
    *out = (cmd_sample_t) {.name = {line, name}, .labels = {"", 0}};
    const char *at = line + name;
    if (*at == '{') {
        //  Values may hold braces and blanks, but the number does not.
        const char *close = memrchr(at, '}', (size_t) (end - at));
        if (!close)
            return false;
        out->labels = (pt_text_t) {at + 1, (size_t) (close - at - 1)};
        at = close + 1;
    }
    char *rest;
    out->value = strtod(at, &rest);
    return rest == end && rest != at;
}

bool
cmd_scrape_next(const char **at, cmd_sample_t *out_sample)
{
    while (**at) {
        const char *line = *at;
        size_t len = strcspn(line, "\n");
        *at = line + len + (line[len] == '\n');
        if (s_read_line(line, len, out_sample))
            return true;
    }
    return false;
}

pt_text_t
cmd_scrape_label(const cmd_sample_t *sample, const char *label)
{
    char wanted[64];
    size_t len = (size_t) snprintf(wanted, sizeof(wanted), "%s=\"", label);
    const char *at = sample->labels.data;
    const char *end = at + sample->labels.len;
    while (at < end) {
        const char *value = memchr(at, '"', (size_t) (end - at));
        const char *close = value ? value + 1 : end;
        while (close < end && *close != '"')
            close += *close == '\\' ? 2 : 1;
        if (!value || close >= end)
            break;
        if ((size_t) (value + 1 - at) == len && memcmp(at, wanted, len) == 0)
            return (pt_text_t) {value + 1, (size_t) (close - value - 1)};
        at = close + 1;
        if (at < end && *at == ',')
            at++;
    }
    return (pt_text_t) {0};
}

double
cmd_scrape_sum(const char *page, const char *name, const char *label, const char *value, bool *out_any)
{
    double sum = 0;
    bool any = false;
    cmd_sample_t sample;
    while (cmd_scrape_next(&page, &sample)) {
        if (!pt_text_equal(sample.name, pt_text_of(name)))
            continue;
        if (label && !pt_text_equal(cmd_scrape_label(&sample, label), pt_text_of(value)))
            continue;
        sum += sample.value;
        any = true;
    }
    if (out_any)
        *out_any = any;
    return sum;
}
