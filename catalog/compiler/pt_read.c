/*  Everything is parsed strictly here, by hand, from the raw text of a scalar: YAML's own idea of
 *  numbers and booleans differs between versions and languages.
 */
#include "pt_read.h"

#include "pt_words.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

pt_mark_t
pt_read_mark(const pt_reader_t *self, const pt_node_t *node)
{
    return (pt_mark_t) {.file = node->file ? node->file : self->file, .line = node->line, .column = node->column};
}

//  A fault is one line of a terminal, whatever the file holds.
static void
s_make_printable(char *text)
{
    bool is_utf8 = pt_text_is_utf8(pt_text_of(text)); //  a name may have been cut inside a character
    for (char *at = text; *at; at++) {
        unsigned char byte = (unsigned char) *at;
        if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !is_utf8))
            *at = '?';
    }
}

void
pt_read_fault(pt_reader_t *self, const pt_node_t *node, pt_fault_kind_t kind, const char *format, ...)
{
    if (++self->fault_count > PT_READ_FAULTS_MAX) {
        self->faults->errors++;
        return;
    }
    char text[sizeof((pt_fault_t *) 0)->text];
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    s_make_printable(text);
    pt_faults_add(self->faults, pt_read_mark(self, node), false, pt_fault_id(kind), "%s", text);
}

void
pt_read_fault_unknown(pt_reader_t *self, const pt_node_t *word, pt_fault_kind_t kind, const char *what,
                      const char *where, const char *const *words, size_t count)
{
    //  Nobody sees the hints of faults that are only counted, and they would cost a hostile file's reader much.
    bool is_shown = self->fault_count < PT_READ_FAULTS_MAX;
    const char *nearest = is_shown ? pt_word_nearest(word->text, words, count) : NULL;
    if (nearest)
        pt_read_fault(self, word, kind, "unknown %s '%.64s'%s; did you mean '%.64s'?", what, word->text.data, where,
                      nearest);
    else
        pt_read_fault(self, word, kind, "unknown %s '%.64s'%s", what, word->text.data, where);
}

void *
pt_read_array(pt_reader_t *self, size_t count, size_t item_bytes)
{
    //  Counts come from the tree, so the product is bounded by PT_YAML_NODES_MAX.
    void *array = pt_source_alloc(self->source, (count ? count : 1) * item_bytes);
    if (!array)
        self->out_of_memory = true;
    return array;
}

static const char *
s_name_kind(const pt_node_t *node)
{
    static const char *const names[] = {
        [PT_NODE_SCALAR] = "a single value", [PT_NODE_LIST] = "a list", [PT_NODE_MAP] = "a map"};
    return names[node->kind];
}

static bool
s_is_merge(const pt_node_t *key)
{
    return pt_text_equal(key->text, PT_TEXT("<<"));
}

static void
s_fault_unknown_key(pt_reader_t *self, const pt_node_t *key, const char *what, const pt_key_t *keys, size_t key_count)
{
    const char *names[PT_READ_KEYS_MAX];
    for (size_t i = 0; i < key_count; i++)
        names[i] = keys[i].name;
    char where[64];
    if (s_is_merge(key)) {
        pt_read_fault(self, key, PT_FAULT_KEY_UNKNOWN, "merge keys are not read; write the keys of %s out", what);
        return;
    }
    (void) snprintf(where, sizeof where, " in %s", what);
    pt_read_fault_unknown(self, key, PT_FAULT_KEY_UNKNOWN, "key", where, names, key_count);
}

static size_t
s_find_key(const pt_node_t *key, const pt_key_t *keys, size_t key_count)
{
    //  Keys end with a zero byte, so an empty one has a first byte too.
    for (size_t i = 0; i < key_count; i++)
        if (key->text.data[0] == keys[i].name[0] && pt_text_equal(key->text, pt_text_of(keys[i].name)))
            return i;
    return key_count;
}

//  Sort the pairs of a map into the order of `keys`; unknown and repeated ones are faults. True when a merge
//  key was meant to bring others.
static bool
s_find_values(pt_reader_t *self, const pt_node_t *map, const char *what, const pt_key_t *keys, size_t key_count,
              const pt_node_t **values)
{
    bool merges = false;
    for (const pt_link_t *link = map->first; link; link = link->next) {
        size_t index = s_find_key(link->key, keys, key_count);
        merges |= s_is_merge(link->key);
        if (index == key_count)
            s_fault_unknown_key(self, link->key, what, keys, key_count);
        else if (values[index])
            pt_read_fault(self, link->key, PT_FAULT_KEY_TWICE, "key '%s' stands twice in %s; first at line %u",
                          keys[index].name, what, values[index]->line);
        else
            values[index] = link->value;
    }
    return merges;
}

void
pt_read_map(pt_reader_t *self, const pt_node_t *map, const char *what, const pt_key_t *keys, size_t key_count,
            void *target)
{
    assert(key_count <= PT_READ_KEYS_MAX);

    if (map->kind != PT_NODE_MAP) {
        pt_read_fault(self, map, PT_FAULT_TYPE, "%s must be a map, not %s", what, s_name_kind(map));
        return;
    }
    const pt_node_t *values[PT_READ_KEYS_MAX] = {0};
    bool merges = s_find_values(self, map, what, keys, key_count, values);
    for (size_t i = 0; i < key_count; i++) {
        if (values[i])
            keys[i].read(self, values[i], target);
        else if (keys[i].required && !merges)
            pt_read_fault(self, map, PT_FAULT_KEY_MISSING, "key '%s' is missing in %s", keys[i].name, what);
    }
}

bool
pt_read_list(pt_reader_t *self, const pt_node_t *node, size_t max,
             void (*each)(pt_reader_t *self, const pt_node_t *item, void *target), void *target)
{
    if (node->kind == PT_NODE_SCALAR) {
        each(self, node, target);
        return true;
    }
    if (node->kind == PT_NODE_MAP) {
        pt_read_fault(self, node, PT_FAULT_TYPE, "must be a list, not a map");
        return false;
    }
    if (node->count == 0) {
        pt_read_fault(self, node, PT_FAULT_TYPE, "the list is empty; leave the key out instead");
        return false;
    }
    if (node->count > max) {
        pt_read_fault(self, node, PT_FAULT_TOO_MANY, "%zu items where at most %zu may stand", node->count, max);
        return false;
    }
    for (const pt_link_t *link = node->first; link; link = link->next)
        each(self, link->value, target);
    return true;
}

bool
pt_read_scalar(pt_reader_t *self, const pt_node_t *node, pt_text_t *out_text)
{
    if (node->kind != PT_NODE_SCALAR) {
        pt_read_fault(self, node, PT_FAULT_TYPE, "must be a single value, not %s", s_name_kind(node));
        return false;
    }
    *out_text = node->text;
    return true;
}

static bool
s_is_null(const pt_node_t *node)
{
    return !node->quoted && (pt_text_equal(node->text, PT_TEXT("~")) || pt_text_equal(node->text, PT_TEXT("null")));
}

bool
pt_read_has_control(pt_text_t text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char) text.data[i] < 0x20 || text.data[i] == 0x7f)
            return true;
    return false;
}

//  U+202A..202E and U+2066..2069 show a line in another order than it is read: what a reviewer sees would
//  not be what is compiled. U+200B..200F, 2060 and FEFF cannot be seen at all, so a code that holds
//  one equals none that is sent; in sentences some languages need them.
bool
pt_read_has_hidden(pt_text_t text, bool is_code)
{
    const unsigned char *at = (const unsigned char *) text.data;
    for (size_t i = 0; i + 2 < text.len; i++) {
        unsigned mark = (unsigned) at[i] << 16 | (unsigned) at[i + 1] << 8 | at[i + 2];
        if ((mark >= 0xe280aa && mark <= 0xe280ae) || (mark >= 0xe281a6 && mark <= 0xe281a9))
            return true;
        bool is_unseen = (mark >= 0xe2808b && mark <= 0xe2808f) || mark == 0xe281a0 || mark == 0xefbbbf;
        if (is_code && is_unseen)
            return true;
    }
    return false;
}

bool
pt_read_message(pt_reader_t *self, const pt_node_t *node, char **out_text)
{
    pt_text_t text;
    if (!pt_read_scalar(self, node, &text))
        return false;
    const char *problem = NULL;
    if (text.len == 0 || s_is_null(node))
        problem = "empty; leave the key out instead";
    else if (memchr(text.data, '\0', text.len))
        problem = "holds a NUL character";
    else if (text.len > PT_READ_TEXT_BYTES_MAX)
        problem = "longer than 2048 bytes";
    if (problem) {
        pt_read_fault(self, node, PT_FAULT_TEXT, "%s", problem);
        return false;
    }
    char *copy = pt_read_array(self, text.len + 1, 1);
    if (!copy)
        return false;
    memcpy(copy, text.data, text.len);
    *out_text = copy;
    return true;
}

bool
pt_read_text(pt_reader_t *self, const pt_node_t *node, char **out_text)
{
    if (node->kind == PT_NODE_SCALAR && pt_read_has_control(node->text)) {
        pt_read_fault(self, node, PT_FAULT_TEXT, "holds a line break or another control character");
        return false;
    }
    if (node->kind == PT_NODE_SCALAR && pt_read_has_hidden(node->text, false)) {
        pt_read_fault(self, node, PT_FAULT_TEXT, "holds a character that turns the direction of reading");
        return false;
    }
    return pt_read_message(self, node, out_text);
}

bool
pt_read_quoted(pt_reader_t *self, const pt_node_t *node, char **out_text)
{
    if (node->kind == PT_NODE_SCALAR && !node->quoted) {
        pt_read_fault(self, node, PT_FAULT_QUOTES, "must be quoted: \"%.64s\"", node->text.data);
        return false;
    }
    if (node->kind == PT_NODE_SCALAR && pt_read_has_hidden(node->text, true)) {
        pt_read_fault(self, node, PT_FAULT_TEXT,
                      "holds a character that cannot be seen, so nothing sent would equal it");
        return false;
    }
    return pt_read_text(self, node, out_text);
}

bool
pt_read_boolean(pt_reader_t *self, const pt_node_t *node, bool *out_value)
{
    pt_text_t text;
    if (!pt_read_scalar(self, node, &text))
        return false;
    bool is_true = pt_text_equal(text, PT_TEXT("true"));
    if (node->quoted || (!is_true && !pt_text_equal(text, PT_TEXT("false")))) {
        pt_read_fault(self, node, PT_FAULT_BOOLEAN, "'%.64s' is neither true nor false", text.data);
        return false;
    }
    *out_value = is_true;
    return true;
}

//  The decimal number at the start of a text, at most ten digits; returns the digits read.
static size_t
s_scan_number(pt_text_t text, uint64_t *out_value)
{
    uint64_t value = 0;
    size_t digits = 0;
    while (digits < text.len && digits < 10 && text.data[digits] >= '0' && text.data[digits] <= '9')
        value = value * 10 + (uint64_t) (text.data[digits++] - '0');
    bool has_leading_zero = digits > 1 && text.data[0] == '0';
    *out_value = value;
    return has_leading_zero ? 0 : digits;
}

bool
pt_read_number(pt_reader_t *self, const pt_node_t *node, uint32_t min, uint32_t max, uint32_t *out_value)
{
    pt_text_t text;
    if (!pt_read_scalar(self, node, &text))
        return false;
    uint64_t value = 0;
    size_t digits = s_scan_number(text, &value);
    if (node->quoted || digits == 0 || digits != text.len || value < min || value > max) {
        pt_read_fault(self, node, PT_FAULT_NUMBER, "'%.64s' is no number from %u to %u", text.data, min, max);
        return false;
    }
    *out_value = (uint32_t) value;
    return true;
}

//  Milliseconds in a unit; 0 when it is none.
static uint64_t
s_find_unit(pt_text_t unit)
{
    static const struct {
        pt_text_t name;
        uint64_t ms;
    } units[] = {{{"ms", 2}, 1}, {{"s", 1}, 1000}, {{"m", 1}, 60000}, {{"h", 1}, 3600000}, {{"d", 1}, 86400000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (pt_text_equal(unit, units[i].name))
            return units[i].ms;
    return 0;
}

bool
pt_read_duration(pt_reader_t *self, const pt_node_t *node, uint32_t *out_ms)
{
    pt_text_t text;
    if (!pt_read_scalar(self, node, &text))
        return false;
    uint64_t value = 0;
    size_t digits = s_scan_number(text, &value);
    //  Ten digits of days stay far below 2^64.
    uint64_t ms = value * s_find_unit((pt_text_t) {text.data + digits, text.len - digits});
    if (node->quoted || digits == 0 || ms == 0 || ms > PT_READ_DURATION_MS_MAX) {
        pt_read_fault(self, node, PT_FAULT_DURATION, "'%.64s' is no duration from 1ms to 30d, such as 30s or 5m",
                      text.data);
        return false;
    }
    *out_ms = (uint32_t) ms;
    return true;
}

bool
pt_read_word(pt_reader_t *self, const pt_node_t *node, const char *what, const char *const *words, size_t count,
             uint8_t *out_index)
{
    pt_text_t text;
    if (!pt_read_scalar(self, node, &text))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (pt_text_equal(text, pt_text_of(words[i]))) {
            *out_index = (uint8_t) i;
            return true;
        }
    }
    pt_read_fault_unknown(self, node, PT_FAULT_WORD, what, "", words, count);
    return false;
}
