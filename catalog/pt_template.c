/*  Anchored templates: the first and last literal stand at the ends, each one between them is found
 *  as far left as it goes. That finds a reading whenever there is one, so nothing backtracks.
 */
#include "pt_template.h"

#include <assert.h>
#include <stdlib.h>

#define S_NBSP "\xc2\xa0" //  U+00A0 in UTF-8
#define S_NBSP_BYTES 2

static bool
s_is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
s_is_nbsp(const char *at, const char *end)
{
    return end - at >= S_NBSP_BYTES && memcmp(at, S_NBSP, S_NBSP_BYTES) == 0;
}

//  The name between `braces` braces at `at`, with *out_bytes of text in all; absent when none is.
static pt_text_t
s_read_hole_of(const char *at, const char *end, size_t braces, size_t *out_bytes)
{
    const char *name = at;
    for (size_t i = 0; i < braces; i++, name++)
        if (name == end || *name != '{')
            return PT_TEXT_NONE;
    const char *close = name;
    while (close < end && (s_is_alnum(*close) || *close == '_'))
        close++;
    if (close == name || (size_t) (end - close) < braces)
        return PT_TEXT_NONE;
    for (size_t i = 0; i < braces; i++)
        if (close[i] != '}')
            return PT_TEXT_NONE;
    *out_bytes = (size_t) (close - at) + braces;
    return (pt_text_t) {name, (size_t) (close - name)};
}

static pt_text_t
s_read_hole(const char *at, const char *end, size_t *out_bytes)
{
    pt_text_t name = s_read_hole_of(at, end, 2, out_bytes);
    return name.data ? name : s_read_hole_of(at, end, 1, out_bytes);
}

static pt_status_t
s_add_hole(pt_template_t *self, pt_text_t name)
{
    if (self->hole_count == PT_PARAMS_MAX)
        return PT_E_COUNT;
    bool is_first = self->hole_count == 0;
    if (!is_first && self->literals[self->hole_count].len == 0)
        return PT_E_MALFORMED;
    self->holes[self->hole_count++] = name;
    return PT_OK;
}

pt_status_t
pt_template_parse(pt_text_t text, bool stop_optional, pt_template_t *out_template)
{
    assert(out_template);

    *out_template = (pt_template_t) {.stop_optional = stop_optional};
    if (stop_optional && text.len && text.data[text.len - 1] == '.')
        text.len--;
    const char *end = text.data + text.len;
    const char *literal = text.data;
    const char *at = text.data;
    while (at < end) {
        size_t bytes;
        pt_text_t name = s_read_hole(at, end, &bytes);
        if (!name.data) {
            at++;
            continue;
        }
        out_template->literals[out_template->hole_count] = (pt_text_t) {literal, (size_t) (at - literal)};
        pt_status_t status = s_add_hole(out_template, name);
        if (status != PT_OK)
            return status;
        literal = at += bytes;
    }
    out_template->literals[out_template->hole_count] = (pt_text_t) {literal, (size_t) (end - literal)};
    return PT_OK;
}

size_t
pt_template_literal_bytes(const pt_template_t *self)
{
    assert(self);

    size_t bytes = 0;
    for (size_t i = 0; i <= self->hole_count; i++)
        bytes += self->literals[i].len;
    return bytes;
}

//  How many bytes of [at, end) the literal takes up, or SIZE_MAX when they are not it. The message
//  has no-break spaces where `nbsp` says so.
static size_t
s_take_front(const char *at, const char *end, pt_text_t literal, bool nbsp)
{
    if (!nbsp) {
        bool fits = (size_t) (end - at) >= literal.len && memcmp(at, literal.data, literal.len) == 0;
        return fits ? literal.len : SIZE_MAX;
    }
    const char *start = at;
    for (size_t i = 0; i < literal.len; i++) {
        if (at < end && *at == literal.data[i])
            at++;
        else if (literal.data[i] == ' ' && s_is_nbsp(at, end))
            at += S_NBSP_BYTES;
        else
            return SIZE_MAX;
    }
    return (size_t) (at - start);
}

//  The same from the end of [start, at) backwards.
static size_t
s_take_back(const char *start, const char *at, pt_text_t literal, bool nbsp)
{
    if (!nbsp) {
        bool fits = (size_t) (at - start) >= literal.len && memcmp(at - literal.len, literal.data, literal.len) == 0;
        return fits ? literal.len : SIZE_MAX;
    }
    const char *end = at;
    for (size_t i = literal.len; i-- > 0;) {
        if (at > start && at[-1] == literal.data[i])
            at--;
        else if (literal.data[i] == ' ' && at - start >= S_NBSP_BYTES && s_is_nbsp(at - S_NBSP_BYTES, at))
            at -= S_NBSP_BYTES;
        else
            return SIZE_MAX;
    }
    return (size_t) (end - at);
}

//  The leftmost place of the literal in [at, end), with *out_bytes taken up there; NULL: none.
static const char *
s_find_literal(const char *at, const char *end, pt_text_t literal, bool nbsp, size_t *out_bytes)
{
    if (!nbsp) {
        *out_bytes = literal.len;
        return memmem(at, (size_t) (end - at), literal.data, literal.len);
    }
    for (; at < end; at++) {
        *out_bytes = s_take_front(at, end, literal, true);
        if (*out_bytes != SIZE_MAX)
            return at;
    }
    return NULL;
}

static bool
s_match_holes(const pt_template_t *self, pt_text_t message, bool nbsp, pt_text_t *values)
{
    const char *at = message.data;
    const char *end = message.data + message.len;
    size_t bytes = s_take_front(at, end, self->literals[0], nbsp);
    if (bytes == SIZE_MAX)
        return false;
    at += bytes;
    bytes = s_take_back(at, end, self->literals[self->hole_count], nbsp);
    if (bytes == SIZE_MAX)
        return false;
    end -= bytes;
    for (size_t i = 1; i < self->hole_count; i++) {
        const char *found = s_find_literal(at, end, self->literals[i], nbsp, &bytes);
        if (!found)
            return false;
        values[i - 1] = (pt_text_t) {at, (size_t) (found - at)};
        at = found + bytes;
    }
    values[self->hole_count - 1] = (pt_text_t) {at, (size_t) (end - at)};
    return true;
}

static bool
s_match_whole(const pt_template_t *self, pt_text_t message, bool nbsp, pt_text_t *values)
{
    if (self->hole_count)
        return s_match_holes(self, message, nbsp, values);
    if (!nbsp)
        return pt_text_equal(self->literals[0], message);
    return s_take_front(message.data, message.data + message.len, self->literals[0], true) == message.len;
}

//  One fast scan for the first byte is all that most messages cost.
bool
pt_template_has_nbsp(pt_text_t text)
{
    const char *first = text.len ? memchr(text.data, S_NBSP[0], text.len) : NULL;
    if (!first)
        return false;
    return memmem(first, text.len - (size_t) (first - text.data), S_NBSP, S_NBSP_BYTES) != NULL;
}

bool
pt_template_match(const pt_template_t *self, pt_text_t message, pt_text_t *values)
{
    assert(self);
    assert(values || self->hole_count == 0);

    return message.data && pt_template_match_known(self, message, pt_template_has_nbsp(message), values);
}

bool
pt_template_match_known(const pt_template_t *self, pt_text_t message, bool has_nbsp, pt_text_t *values)
{
    assert(self);
    assert(message.data);
    assert(values || self->hole_count == 0);

    //  Without its stop first, so that a hole at the end does not capture it.
    if (self->stop_optional && message.len && message.data[message.len - 1] == '.') {
        pt_text_t shorter = {message.data, message.len - 1};
        if (s_match_whole(self, shorter, has_nbsp, values))
            return true;
    }
    return s_match_whole(self, message, has_nbsp, values);
}

//  A template as a row of symbols, for comparing two of them: bytes, or a hole.
typedef struct {
    uint16_t *symbols;
    size_t count;
} s_row_t;
#define S_HOLE 256

static bool
s_make_row(const pt_template_t *template, bool stop, s_row_t *out_row)
{
    size_t room = pt_template_literal_bytes(template) + template->hole_count + 1;
    *out_row = (s_row_t) {calloc(room, sizeof(uint16_t)), 0};
    if (!out_row->symbols)
        return false;
    for (size_t i = 0; i <= template->hole_count; i++) {
        if (i)
            out_row->symbols[out_row->count++] = S_HOLE;
        for (size_t j = 0; j < template->literals[i].len; j++)
            out_row->symbols[out_row->count++] = (uint8_t) template->literals[i].data[j];
    }
    if (stop)
        out_row->symbols[out_row->count++] = '.';
    return true;
}

//  Walk both rows at once: reached[i * (right.count + 1) + j] says that one text can stand for the
//  first i symbols of the left and the first j of the right row.
static void
s_step_rows(const s_row_t *left, const s_row_t *right, size_t i, size_t j, bool *reached)
{
    size_t width = right->count + 1;
    bool left_hole = i < left->count && left->symbols[i] == S_HOLE;
    bool right_hole = j < right->count && right->symbols[j] == S_HOLE;
    //  A hole is passed empty, or takes the other row's next symbol.
    if (left_hole || (right_hole && i < left->count))
        reached[(i + 1) * width + j] = true;
    if (right_hole || (left_hole && j < right->count))
        reached[i * width + j + 1] = true;
    if (i < left->count && j < right->count && left->symbols[i] == right->symbols[j])
        reached[(i + 1) * width + j + 1] = true;
}

static bool
s_overlap_rows(const s_row_t *left, const s_row_t *right)
{
    size_t width = right->count + 1;
    bool *reached = calloc((left->count + 1) * width, sizeof *reached);
    if (!reached)
        return true;
    reached[0] = true;
    for (size_t i = 0; i <= left->count; i++)
        for (size_t j = 0; j <= right->count; j++)
            if (reached[i * width + j])
                s_step_rows(left, right, i, j, reached);
    bool overlaps = reached[left->count * width + right->count];
    free(reached);
    return overlaps;
}

static bool
s_overlap_stops(const pt_template_t *left, bool left_stop, const pt_template_t *right, bool right_stop)
{
    s_row_t rows[2] = {{0}};
    bool overlaps = !s_make_row(left, left_stop, &rows[0]) || !s_make_row(right, right_stop, &rows[1]) ||
                    s_overlap_rows(&rows[0], &rows[1]);
    free(rows[0].symbols);
    free(rows[1].symbols);
    return overlaps;
}

//  Both are anchored in front, so texts that differ before either's first hole never fit one message.
static bool
s_is_front_alike(const pt_template_t *left, const pt_template_t *right)
{
    pt_text_t left_front = left->literals[0];
    pt_text_t right_front = right->literals[0];
    size_t len = left_front.len < right_front.len ? left_front.len : right_front.len;
    return len == 0 || memcmp(left_front.data, right_front.data, len) == 0;
}

bool
pt_template_overlap(const pt_template_t *left, const pt_template_t *right)
{
    assert(left);
    assert(right);

    if (!s_is_front_alike(left, right))
        return false;
    return s_overlap_stops(left, false, right, false) ||
           (left->stop_optional && s_overlap_stops(left, true, right, false)) ||
           (right->stop_optional && s_overlap_stops(left, false, right, true));
}

bool
pt_template_has_token(pt_text_t value, pt_text_t token)
{
    if (!pt_text_is_set(value) || !pt_text_is_set(token))
        return false;
    const char *end = value.data + value.len;
    const char *at = value.data;
    while ((at = memmem(at, (size_t) (end - at), token.data, token.len))) {
        bool starts = at == value.data || !s_is_alnum(at[-1]);
        bool stops = at + token.len == end || !s_is_alnum(at[token.len]);
        if (starts && stops)
            return true;
        at++;
    }
    return false;
}

size_t
pt_template_plain(pt_text_t text, char *out)
{
    assert(out || text.len == 0);

    const char *end = text.data + text.len;
    size_t bytes = 0;
    for (const char *at = text.data; at < end; at++) {
        bool is_nbsp = s_is_nbsp(at, end);
        out[bytes++] = is_nbsp ? ' ' : *at;
        at += is_nbsp;
    }
    return bytes;
}
