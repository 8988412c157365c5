/*  Decisions for people: one line each, columns where the eye expects them. Colour repeats what the
 *  word says, so nothing is lost without it.
 */
#include "cmd_text.h"

#include "pt_mask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *
s_route_word(pt_route_t route)
{
    static const char *const words[] = {"SETTLED", "RETRY", "DEAD"};
    return words[route];
}

static const char *
s_route_color(pt_route_t route)
{
    static const char *const colors[] = {"\033[32m", "\033[33m", "\033[31m"};
    return colors[route];
}

const char *
cmd_text_delay(uint64_t delay_ms, char *out)
{
    uint64_t seconds = delay_ms / 1000;
    if (delay_ms < 1000)
        snprintf(out, 32, "%" PRIu64 "ms", delay_ms);
    else if (seconds < 120)
        snprintf(out, 32, "%" PRIu64 "s", seconds);
    else if (seconds < 7200)
        snprintf(out, 32, "%" PRIu64 "m %" PRIu64 "s", seconds / 60, seconds % 60);
    else
        snprintf(out, 32, "%" PRIu64 "h %" PRIu64 "m", seconds / 3600, seconds / 60 % 60);
    return out;
}

//  How many bytes at the front of a text are a character that steers a terminal, or turns the direction in which the
//  line is read: C0 and C1 controls (these arrive as C2 80 to C2 9F), U+202A to 202E and U+2066 to 2069.
static size_t
s_steering_bytes(const unsigned char *at, size_t left)
{
    if (at[0] < 0x20 || at[0] == 0x7f)
        return 1;
    if (left > 1 && at[0] == 0xc2 && at[1] < 0xa0)
        return 2;
    bool turns =
        left > 2 && at[0] == 0xe2 &&
        ((at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae) || (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
    return turns ? 3 : 0;
}

//  The character that begins here; what is no UTF-8 counts as one of the usual width.
static uint32_t
s_letter(const unsigned char *at, size_t left)
{
    if (at[0] >= 0xf0 && left > 3)
        return (uint32_t) (at[0] & 0x07) << 18 | (uint32_t) (at[1] & 0x3f) << 12 | (uint32_t) (at[2] & 0x3f) << 6 |
               (at[3] & 0x3f);
    if (at[0] >= 0xe0 && at[0] < 0xf0 && left > 2)
        return (uint32_t) (at[0] & 0x0f) << 12 | (uint32_t) (at[1] & 0x3f) << 6 | (at[2] & 0x3f);
    if (at[0] >= 0xc0 && at[0] < 0xe0 && left > 1)
        return (uint32_t) (at[0] & 0x1f) << 6 | (at[1] & 0x3f);
    return '?';
}

//  Columns of a terminal that a character takes. Of the many that take none or two, those that gateways' languages and
//  emoji need; wcwidth would ask for a locale, which the output does not follow.
static unsigned
s_letter_columns(uint32_t letter)
{
    static const struct {
        uint32_t first, last;
        unsigned columns;
    } ranges[] = {
        {0x0300, 0x036f, 0}, {0x0e31, 0x0e31, 0}, {0x0e34, 0x0e3a, 0},   {0x0e47, 0x0e4e, 0},   {0x1100, 0x115f, 2},
        {0x200b, 0x200f, 0}, {0x2e80, 0xa4cf, 2}, {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0},
        {0xfe30, 0xfe6f, 2}, {0xff00, 0xff60, 2}, {0x1f300, 0x1faff, 2}, {0x20000, 0x3fffd, 2},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (letter >= ranges[i].first && letter <= ranges[i].last)
            return ranges[i].columns;
    return 1;
}

//  Columns of what begins at a byte: 0 inside a character.
static unsigned
s_columns_at(pt_text_t text, size_t i)
{
    const unsigned char *at = (const unsigned char *) text.data + i;
    if ((*at & 0xc0) == 0x80)
        return 0;
    return s_steering_bytes(at, text.len - i) ? 1 : s_letter_columns(s_letter(at, text.len - i));
}

size_t
cmd_text_columns(pt_text_t text)
{
    size_t columns = 0;
    for (size_t i = 0; i < text.len; i++)
        columns += s_columns_at(text, i);
    return columns;
}

//  Returns the columns that were taken.
static size_t
s_print_plain(FILE *stream, pt_text_t text, size_t width_max)
{
    size_t width = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned columns = s_columns_at(text, i);
        if (width_max && width + columns > width_max) {
            fputs("…", stream);
            return width + 1;
        }
        width += columns;
        size_t steering = s_steering_bytes((const unsigned char *) text.data + i, text.len - i);
        fputc(steering ? '?' : text.data[i], stream);
        i += steering ? steering - 1 : 0;
    }
    return width;
}

size_t
cmd_text_print_foreign(FILE *stream, pt_text_t text, size_t width_max)
{
    char *copy = text.len ? malloc(text.len) : NULL;
    //  Without memory nothing is shown rather than what must not be.
    if (!copy)
        return 0;
    memcpy(copy, text.data, text.len);
    pt_mask_identifier(text, copy, text.len);
    size_t columns = s_print_plain(stream, (pt_text_t) {copy, text.len}, width_max);
    free(copy);
    return columns;
}

static void
s_print_column(FILE *stream, pt_text_t text, size_t width)
{
    bool is_cut = cmd_text_columns(text) > width;
    for (size_t used = cmd_text_print_foreign(stream, text, is_cut ? width - 1 : width); used < width; used++)
        fputc(' ', stream);
    fputc(' ', stream);
}

static void
s_print_time(FILE *stream, uint64_t unix_ms)
{
    time_t seconds = (time_t) (unix_ms / 1000);
    struct tm local;
    char text[16];
    localtime_r(&seconds, &local);
    strftime(text, sizeof text, "%H:%M:%S", &local);
    fprintf(stream, "%s.%03u ", text, (unsigned) (unix_ms % 1000));
}

static void
s_print_action(FILE *stream, const pt_decision_t *decision)
{
    char action[64], delay[32];
    if (decision->retry.present)
        snprintf(action, sizeof action, "%s in %s", pt_action_text(decision->action),
                 cmd_text_delay(decision->retry.delay_ms, delay));
    else
        snprintf(action, sizeof action, "%s", pt_action_text(decision->action));
    s_print_column(stream, pt_text_of(action), 22);
}

static void
s_print_alert(FILE *stream, const pt_alert_t *alert, bool color)
{
    fprintf(stream, "  %sALERT%s", color ? "\033[1;35m" : "", color ? "\033[0m" : "");
    for (unsigned i = 0; i < PT_AUDIENCE_COUNT_; i++)
        if (alert->audience & PT_AUDIENCE_BIT(i))
            fprintf(stream, " %s", pt_audience_text((pt_audience_t) i));
    if (alert->drift)
        fputs(" drift", stream);
    if (alert->count > 1 || alert->fold)
        fprintf(stream, " x%" PRIu32 "%s", alert->count, alert->fold == PT_FOLD_OTHERS ? " of many kinds" : "");
    if (pt_text_is_set(alert->nearest)) {
        fputs(", like ", stream);
        cmd_text_print_foreign(stream, alert->nearest, 0);
    }
}

void
cmd_text_print(FILE *stream, const pt_decision_t *decision, bool color)
{
    s_print_time(stream, decision->decided_ms);
    fprintf(stream, "%s%-7s%s ", color ? s_route_color(decision->route) : "", s_route_word(decision->route),
            color ? "\033[0m" : "");
    s_print_column(stream, decision->provider, 9);
    s_print_column(stream, pt_text_is_set(decision->code) ? decision->code : PT_TEXT("-"), 22);
    s_print_action(stream, decision);
    s_print_column(stream, decision->id, 14);
    cmd_text_print_foreign(stream, decision->error.data ? decision->error : decision->summary, 0);
    if (decision->alert.present && decision->alert.active)
        s_print_alert(stream, &decision->alert, color);
    fputc('\n', stream);
}
