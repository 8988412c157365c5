/*  Masking where keys are known: msgpack that can be read, and bytes in which keys can be found. */
#include "pt_mask.h"

#include <assert.h>
#include <ctype.h>

#include "pt_cursor.h"
#include "pt_mask_parts.h"

//  Letters and digits of the longest key in the list below.
#define SECRET_BYTES_MAX 14

//  Between a key and its value: quotes, escapes, a colon, spaces, the head of a msgpack string.
#define GAP_BYTES_MAX 10

//  Levels of arrays and maps that can be remembered, a bit each.
#define LEVELS_MAX 64

bool
pt_mask_is_secret(pt_text_t key)
{
    static const char *const secrets[] = {
        "pan",    "cvc",     "cvv",       "cvc2",       "cvv2",      "csc",          "pin",           "cardnumber",
        "cardno", "cardnum", "track1",    "track2",     "trackdata", "securitycode", "pinblock",      "password",
        "passwd", "secret",  "secretkey", "privatekey", "apikey",    "accesstoken",  "authorization",
    };
    char plain[SECRET_BYTES_MAX + 1];
    size_t len = 0;
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] == '_' || key.data[i] == '-' || key.data[i] == ' ')
            continue;
        if (len == SECRET_BYTES_MAX)
            return false;
        plain[len++] = (char) tolower((unsigned char) key.data[i]);
    }
    plain[len] = '\0';
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        if (strcmp(plain, secrets[i]) == 0)
            return true;
    return false;
}

//  ---- keys in text

static bool
s_is_word(char byte)
{
    return isalnum((unsigned char) byte) || byte == '_' || byte == '-';
}

/*  Where the value of a key that ends at `at` begins; text.len when the key has none. */
static size_t
s_find_value(pt_text_t text, size_t at)
{
    bool joined = false;
    for (size_t i = at; i < text.len && i < at + GAP_BYTES_MAX; i++) {
        char byte = text.data[i];
        if (byte == ',' || byte == '}' || byte == '&' || byte == ';')
            return text.len;
        //  A negative number's sign is part of the value and hides nothing.
        if (isalnum((unsigned char) byte) || byte == '*')
            return joined ? i : text.len;
        joined |= byte == ':' || byte == '=' || byte == '>' || (byte & 0x80);
    }
    return text.len;
}

static bool
s_ends_value(char byte, char quote)
{
    if (quote)
        return byte == quote;
    return strchr(" \t\r\n,;&}])<\"'", byte) || (byte & 0x80);
}

static size_t
s_mask_value(pt_text_t text, size_t at, char *copy, size_t copy_len)
{
    char before = text.data[at - 1];
    char quote = before == '"' || before == '\'' ? before : '\0';
    //  JSON inside of a JSON string: there a backslash ends it.
    if (quote && text.data[at - 2] == '\\')
        quote = '\\';
    for (; at < text.len && !s_ends_value(text.data[at], quote); at++)
        if (at < copy_len)
            copy[at] = '*';
    return at;
}

void
pt_mask_secrets(pt_text_t text, char *copy, size_t copy_len)
{
    size_t at = 0;
    while (at < text.len && at < copy_len) {
        if (!s_is_word(text.data[at])) {
            at++;
            continue;
        }
        size_t begin = at;
        while (at < text.len && s_is_word(text.data[at]))
            at++;
        if (!pt_mask_is_secret((pt_text_t) {text.data + begin, at - begin}))
            continue;
        size_t value = s_find_value(text, at);
        if (value < text.len)
            at = s_mask_value(text, value, copy, copy_len);
    }
}

//  ---- msgpack

typedef struct {
    pt_cursor_t cursor;
    pt_bytes_t bytes;
    uint8_t *copy;
    size_t copy_len;
    bool keep_identifiers;
    unsigned depth;
    //  Of each level: values left, counted double in a map; whether a key of a secret stands above.
    uint64_t left[LEVELS_MAX];
    bool is_map[LEVELS_MAX];
    bool hidden[LEVELS_MAX];
    //  Of the key that was read last.
    bool hides, keeps;
} s_walk_t;

static bool
s_is_identifier(pt_text_t key)
{
    static const pt_text_t names[] = {{"id", 2}, {"reference", 9}, {"account", 7}, {"provider", 8}, {"operation", 9}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (pt_text_equal(key, names[i]))
            return true;
    return false;
}

/*  Write over bytes of the copy, as far as it goes. */
static void
s_fill(s_walk_t *self, const uint8_t *from, size_t len, uint8_t byte)
{
    size_t at = (size_t) (from - self->bytes.data);
    for (size_t i = at; i < at + len && i < self->copy_len; i++)
        self->copy[i] = byte;
}

static void
s_mask_string(s_walk_t *self, pt_text_t text, bool hidden)
{
    size_t at = (size_t) ((const uint8_t *) text.data - self->bytes.data);
    if (hidden) {
        s_fill(self, (const uint8_t *) text.data, text.len, '*');
        return;
    }
    size_t room = at < self->copy_len ? self->copy_len - at : 0;
    size_t len = text.len < room ? text.len : room;
    pt_mask_numbers(text, PT_MASK_CARE_TEXT, (char *) self->copy + at, len);
    pt_mask_secrets(text, (char *) self->copy + at, len);
}

/*  A number of one byte stands in its head; of others all but the last four digits go. */
static void
s_mask_integer(s_walk_t *self, const uint8_t *head, uint64_t value, bool hidden)
{
    size_t len = (size_t) (self->cursor.at - head);
    if (!hidden && !pt_mask_is_card_integer(value))
        return;
    if (len == 1) {
        s_fill(self, head, 1, 0);
        return;
    }
    s_fill(self, head + 1, len - 1, 0);
    if (hidden)
        return;
    //  The last four digits, big endian.
    uint64_t shown = value % 10000;
    s_fill(self, self->cursor.at - 2, 1, (uint8_t) (shown >> 8));
    s_fill(self, self->cursor.at - 1, 1, (uint8_t) shown);
}

static void
s_mask_scalar(s_walk_t *self, const uint8_t *head, const pt_value_t *value, bool hidden)
{
    switch (value->kind) {
    case PT_VALUE_STR:
        s_mask_string(self, value->as.text, hidden);
        break;
    case PT_VALUE_BIN:
    case PT_VALUE_EXT:
        s_mask_string(self, (pt_text_t) {(const char *) value->as.bytes.data, value->as.bytes.len}, hidden);
        break;
    case PT_VALUE_UINT:
        s_mask_integer(self, head, value->as.natural, hidden);
        break;
    case PT_VALUE_INT:
        s_mask_integer(self, head, 0, hidden);
        break;
    case PT_VALUE_FLOAT:
        if (hidden)
            s_fill(self, head + 1, (size_t) (self->cursor.at - head) - 1, 0);
        break;
    default:
        break;
    }
}

static bool
s_push_level(s_walk_t *self, const pt_value_t *value, bool hidden)
{
    if (self->depth == LEVELS_MAX)
        return false;
    bool is_map = value->kind == PT_VALUE_MAP;
    self->left[self->depth] = is_map ? 2 * (uint64_t) value->as.count : value->as.count;
    self->is_map[self->depth] = is_map;
    self->hidden[self->depth] = hidden;
    self->depth++;
    return true;
}

/*  Look at a key. Returns whether it is one; a key that is no string is masked as a value. */
static bool
s_take_key(s_walk_t *self, const pt_value_t *value)
{
    self->hides = self->keeps = false;
    if (value->kind != PT_VALUE_STR)
        return false;
    self->hides = pt_mask_is_secret(value->as.text);
    self->keeps = self->keep_identifiers && self->depth == 1 && s_is_identifier(value->as.text);
    //  A key may be a number itself.
    s_mask_string(self, value->as.text, false);
    return true;
}

/*  One value of the innermost level. False: there is nothing more that can be read. */
static bool
s_mask_next(s_walk_t *self)
{
    unsigned level = self->depth - 1;
    const uint8_t *head = self->cursor.at;
    pt_value_t value;
    if (pt_cursor_next(&self->cursor, &value) != PT_OK)
        return false;
    bool is_key = self->is_map[level] && self->left[level] % 2 == 0;
    self->left[level]--;
    if (is_key && s_take_key(self, &value))
        return true;
    bool in_map = self->is_map[level] && !is_key;
    bool hidden = self->hidden[level] || (in_map && self->hides);
    if (value.kind >= PT_VALUE_ARRAY)
        return s_push_level(self, &value, hidden);
    if (!(in_map && self->keeps))
        s_mask_scalar(self, head, &value, hidden);
    return true;
}

/*  Mask what can be read of a map. False: it cannot be read to its end. */
static bool
s_mask_map(pt_bytes_t bytes, uint8_t *copy, size_t copy_len, bool keep_identifiers)
{
    s_walk_t walk;
    pt_value_t root;
    walk.cursor = pt_cursor_open(bytes);
    walk.bytes = bytes;
    walk.copy = copy;
    walk.copy_len = copy_len;
    walk.keep_identifiers = keep_identifiers;
    walk.depth = 0;
    walk.hides = walk.keeps = false;
    if (pt_cursor_next(&walk.cursor, &root) != PT_OK || root.kind != PT_VALUE_MAP)
        return false;
    s_push_level(&walk, &root, false);
    while (walk.depth > 0) {
        if (walk.left[walk.depth - 1] == 0)
            walk.depth--;
        else if (!s_mask_next(&walk))
            return false;
    }
    return pt_cursor_end(&walk.cursor) == PT_OK;
}

/*  Integers of eight bytes wherever a head of one may stand. */
static void
s_mask_binary_integers(pt_bytes_t bytes, uint8_t *copy, size_t copy_len)
{
    for (size_t at = 0; at + 9 <= bytes.len && at < copy_len; at++) {
        if (bytes.data[at] != 0xcf && bytes.data[at] != 0xd3)
            continue;
        uint64_t value = 0;
        for (size_t i = 1; i <= 8; i++)
            value = value << 8 | bytes.data[at + i];
        if (!pt_mask_is_card_integer(value))
            continue;
        for (size_t i = at + 1; i < at + 7 && i < copy_len; i++)
            copy[i] = 0;
    }
}

void
pt_mask_raw(pt_bytes_t bytes, uint8_t *copy, size_t copy_len)
{
    assert(copy_len <= bytes.len);

    pt_text_t text = {(const char *) bytes.data, bytes.len};
    s_mask_map(bytes, copy, copy_len, false);
    pt_mask_numbers(text, PT_MASK_CARE_RAW, (char *) copy, copy_len);
    pt_mask_secrets(text, (char *) copy, copy_len);
    s_mask_binary_integers(bytes, copy, copy_len);
}

void
pt_mask_response(pt_bytes_t bytes, uint8_t *copy)
{
    if (!s_mask_map(bytes, copy, bytes.len, true))
        pt_mask_raw(bytes, copy, bytes.len);
}
