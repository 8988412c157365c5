/*  pt_response: the envelope of a response.
 *
 *  One walk over the map. A fault of a value is noted and the walk goes on, so that whatever else
 *  the envelope says can still be echoed; a fault of the bytes ends it.
 */
#include "pt_response.h"

#include <assert.h>
#include <stdio.h>

#include "pt_facts.h"
#include "pt_response_parts.h"

//  The envelope itself is the first level.
#define VALUE_LEVELS (PT_DEPTH_MAX - 1)

//  A walk over one envelope.
typedef struct {
    pt_cursor_t cursor;
    pt_response_t *response;
    uint32_t seen;      //  bit n: key n stood here
    pt_status_t status; //  the first fault
    char *error;
    const pt_shape_finder_t *finder; //  NULL: bodies are stepped over
    const pt_shape_t *shape;         //  NULL: not asked for yet
    pt_facts_t *facts;
    bool is_extracted; //  the facts are those of the body
} s_walk_t;

/*  The usual keys have a branch of their own each: a jump by length is guessed worse. First the one that
 *  s_read_usual_pairs leaves over.
 */
static inline pt_response_index_t
s_find_key(pt_text_t name)
{
    if (name.len == 4 && PT_RESPONSE_IS(name, "body"))
        return PT_KEY_BODY;
    if (name.len == 2 && PT_RESPONSE_IS(name, "id"))
        return PT_KEY_ID;
    if (name.len == 8 && PT_RESPONSE_IS(name, "provider"))
        return PT_KEY_PROVIDER;
    if (name.len == 9 && PT_RESPONSE_IS(name, "operation"))
        return PT_KEY_OPERATION;
    if (name.len == 11 && PT_RESPONSE_IS(name, "http_status"))
        return PT_KEY_HTTP_STATUS;
    return pt_response_find_rare_key(name);
}

/*  The first fault is the one that is told. */
static void
s_note_fault(s_walk_t *self, pt_status_t status, pt_response_index_t index)
{
    if (self->status != PT_OK)
        return;
    self->status = status;
    pt_response_describe(status, index, self->error);
}

static void
s_note_words(s_walk_t *self, pt_status_t status, const char *words)
{
    if (self->status != PT_OK)
        return;
    self->status = status;
    snprintf(self->error, PT_ERROR_BYTES_MAX, "%s", words);
}

/*  Whether the body that was read last, if it is one, can be looked into now. */
static bool
s_is_readable_body(const s_walk_t *self, const pt_value_t *value, pt_response_index_t index)
{
    return index == PT_KEY_BODY && self->finder && value->kind == PT_VALUE_MAP && self->response->provider.data &&
           self->status == PT_OK && !(self->seen & (1u << PT_KEY_BODY));
}

/*  The shape of the provider's bodies; the finder is asked once. */
static inline const pt_shape_t *
s_find_shape(s_walk_t *self)
{
    if (!self->shape)
        self->shape = self->finder->find(self->finder->context, self->response->provider);
    return self->shape;
}

/*  Walk over the body, picking out what its provider's shape asks for. */
static pt_status_t
s_read_body(s_walk_t *self, uint32_t pairs)
{
    const pt_shape_t *shape = s_find_shape(self);
    self->is_extracted = true;
    return pt_facts_walk(&self->cursor, pairs, shape, self->facts);
}

/*  Step over the children of the value that began at `start`. One that is too deep is noted, and
 *  no reason to lose the id that may stand behind it.
 */
static pt_status_t
s_skip_children(s_walk_t *self, const pt_value_t *value, const uint8_t *start, pt_response_index_t index)
{
    pt_status_t status = PT_OK;
    if (s_is_readable_body(self, value, index))
        status = s_read_body(self, value->as.count);
    else
        status = pt_cursor_skip_children(&self->cursor, value, VALUE_LEVELS);
    if (status != PT_E_DEPTH)
        return status;
    s_note_fault(self, status, index);
    self->cursor.at = start;
    return pt_cursor_skip_deep(&self->cursor);
}

/*  Read the key that stands next: ours, or PT_KEY_COUNT_. */
static pt_status_t
s_read_key(s_walk_t *self, pt_response_index_t *out_index)
{
    const uint8_t *start = self->cursor.at;
    pt_value_t name;
    *out_index = PT_KEY_COUNT_;
    pt_status_t status = pt_cursor_next(&self->cursor, &name);
    if (status == PT_OK && name.kind == PT_VALUE_STR)
        *out_index = s_find_key(name.as.text);
    else if (status == PT_OK)
        status = s_skip_children(self, &name, start, PT_KEY_COUNT_);
    return status;
}

/*  Take the value of a key of ours, which stood from `start` to the cursor. */
static void
s_take_pair(s_walk_t *self, pt_response_index_t index, const pt_value_t *value, const uint8_t *start)
{
    pt_status_t status = PT_OK;
    if (self->seen & (1u << index))
        status = PT_E_DUPLICATE;
    else if (index == PT_KEY_BODY)
        pt_response_take_body(value, start, self->cursor.at, self->response);
    else if (value->kind != PT_VALUE_NIL)
        status = pt_response_take(&pt_response_keys[index], value, self->response);
    self->seen |= 1u << index;
    if (status != PT_OK)
        s_note_fault(self, status, index);
}

/*  Read the value of the key that was read last. False: the bytes cannot be read on. */
static bool
s_read_any_value(s_walk_t *self, pt_response_index_t index)
{
    pt_value_t value;
    const uint8_t *start = self->cursor.at;
    pt_status_t status = pt_cursor_next(&self->cursor, &value);
    if (status == PT_OK)
        status = s_skip_children(self, &value, start, index);
    if (status != PT_OK) {
        s_note_fault(self, status, index);
        return false;
    }
    if (index != PT_KEY_COUNT_)
        s_take_pair(self, index, &value, start);
    return true;
}

/*  Take a text of up to 255 bytes without a fault. Returns what is behind it; `value`: it is something else, and
 *  nothing was done.
 */
static inline const uint8_t *
s_take_plain_text(s_walk_t *self, const pt_response_key_t *key, const uint8_t *value)
{
    const uint8_t *end = self->cursor.end;
    bool is_short = *value - 0xa0U < 32;
    if (!is_short && (*value != 0xd9 || end - value < 2))
        return value;
    const uint8_t *start = value + (is_short ? 1 : 2);
    pt_text_t text = {(const char *) start, is_short ? *value - 0xa0U : value[1]};
    if (text.len > (size_t) (end - start) || text.len - key->min > key->max - key->min || !pt_text_is_utf8(text))
        return value;
    *(pt_text_t *) (void *) ((char *) self->response + key->offset) = text;
    return start + text.len;
}

/*  Take a status of one or two bytes. Returns as above. */
static inline const uint8_t *
s_take_plain_status(s_walk_t *self, const pt_response_key_t *key, const uint8_t *value)
{
    unsigned is_wide = *value & 1;
    if (self->cursor.end - value < 3 || (*value & 0xfe) != 0xcc)
        return value;
    unsigned natural = ((unsigned) value[1] << 8 | value[2]) >> (is_wide ? 0 : 8);
    if (natural < key->min || natural > key->max)
        return value;
    self->response->http_status = (uint16_t) natural;
    return value + 2 + is_wide;
}

/*  What nearly every value is, a text or a status where it belongs. Returns as above. */
static inline const uint8_t *
s_take_plain(s_walk_t *self, pt_response_index_t index, const uint8_t *value)
{
    const pt_response_key_t *key = &pt_response_keys[index];
    const uint8_t *next = value;
    if (key->kind == PT_RESPONSE_TEXT)
        next = s_take_plain_text(self, key, value);
    else if (index == PT_KEY_HTTP_STATUS)
        next = s_take_plain_status(self, key, value);
    self->seen |= (next != value ? 1u : 0u) << index;
    return next;
}

/*  Take the body at the cursor where it is what nearly all are: a map of up to 15 pairs, read without a fault, behind a
 *  provider. False: it is something else, or has a fault, and the cursor stands where it stood.
 */
static inline bool
s_take_plain_body(s_walk_t *self)
{
    const uint8_t *start = self->cursor.at;
    pt_response_t *response = self->response;
    uint32_t pairs = *start & 0xfU;
    if ((*start & 0xf0) != 0x80 || 2 * (size_t) pairs >= (size_t) (self->cursor.end - start) || !self->finder ||
        !response->provider.data || self->status != PT_OK || self->seen & (1u << PT_KEY_BODY))
        return false;
    const pt_shape_t *shape = s_find_shape(self);
    self->cursor.at = start + 1;
    if (pt_facts_walk(&self->cursor, pairs, shape, self->facts) != PT_OK) {
        pt_facts_clear(self->facts);
        self->cursor.at = start;
        return false;
    }
    self->is_extracted = true;
    self->seen |= 1u << PT_KEY_BODY;
    response->body_kind = PT_BODY_MSGPACK;
    response->body = (pt_bytes_t) {start, (size_t) (self->cursor.at - start)};
    return true;
}

/*  Read one key and its value. False: the bytes cannot be read on. */
static bool
s_read_pair(s_walk_t *self)
{
    pt_response_index_t index;
    pt_status_t status = s_read_key(self, &index);
    if (status != PT_OK) {
        s_note_fault(self, status, index);
        return false;
    }
    return s_read_any_value(self, index);
}

/*  Read the pairs at the cursor whose key is one of ours, in one loop, and count them off. False: the bytes cannot be
 *  read on.
 */
static bool
s_read_our_pairs(s_walk_t *self, uint32_t *pairs)
{
    const uint8_t *at = self->cursor.at;
    const uint8_t *end = self->cursor.end;
    //  A key of 1 to 31 bytes with a byte of its value behind it.
    while (*pairs > 0 && at < end && (uint8_t) (*at - 0xa1) < 31) {
        pt_text_t name = {(const char *) at + 1, *at & 0x1fu};
        bool has_value = name.len + 1 < (size_t) (end - at);
        pt_response_index_t index = has_value ? s_find_key(name) : PT_KEY_COUNT_;
        if (index == PT_KEY_COUNT_)
            break;
        const uint8_t *value = at + 1 + name.len;
        --*pairs;
        bool is_again = self->seen & (1u << index);
        at = is_again ? value : s_take_plain(self, index, value);
        if (at != value)
            continue;
        self->cursor.at = value;
        bool is_body = index == PT_KEY_BODY && s_take_plain_body(self);
        if (!is_body && !s_read_any_value(self, index))
            return false;
        at = self->cursor.at;
    }
    self->cursor.at = at;
    return true;
}

/*  Take the pair at `at`, and count it off, where its key is `packed`, as msgpack has key `index`, and its value plain.
 *  Returns where the next pair stands; `at` where this one is something else, and nothing was done.
 */
static inline const uint8_t *
s_take_usual(s_walk_t *self, uint32_t *pairs, pt_response_index_t index, const char *packed, const uint8_t *at)
{
    size_t key_bytes = strlen(packed);
    if ((size_t) (self->cursor.end - at) <= key_bytes || memcmp(at, packed, key_bytes) != 0)
        return at;
    const uint8_t *next = s_take_plain(self, index, at + key_bytes);
    if (next == at + key_bytes)
        return at;
    --*pairs;
    return next;
}

#define USUAL_PAIRS 4

/*  Most producers begin with these keys, in this order. Asked for so, a key is one comparison with a constant, and
 *  where it ends is known before its bytes are.
 */
static void
s_read_usual_pairs(s_walk_t *self, uint32_t *pairs)
{
    if (*pairs < USUAL_PAIRS)
        return;
    const uint8_t *at = self->cursor.at;
    at = s_take_usual(self, pairs, PT_KEY_ID, "\xa2id", at);
    at = s_take_usual(self, pairs, PT_KEY_PROVIDER, "\xa8provider", at);
    at = s_take_usual(self, pairs, PT_KEY_OPERATION, "\xa9operation", at);
    at = s_take_usual(self, pairs, PT_KEY_HTTP_STATUS, "\xabhttp_status", at);
    self->cursor.at = at;
}

/*  Read the head of the map. False: there is none. */
static bool
s_open_map(s_walk_t *self, pt_bytes_t frame, uint32_t *out_pairs)
{
    pt_value_t root;
    pt_status_t status = pt_cursor_next(&self->cursor, &root);
    if (status == PT_OK && root.kind == PT_VALUE_MAP) {
        *out_pairs = root.as.count;
        return true;
    }
    if (status == PT_OK)
        status = PT_E_TYPE;
    s_note_words(self, status, pt_response_describe_root(status, frame));
    return false;
}

static void
s_read_frame(s_walk_t *self, pt_bytes_t frame)
{
    if (frame.len > PT_RESPONSE_BYTES_MAX) {
        s_note_words(self, PT_E_SIZE, "larger than 262144 bytes");
        return;
    }
    uint32_t pairs;
    if (!s_open_map(self, frame, &pairs))
        return;
    s_read_usual_pairs(self, &pairs);
    while (pairs > 0) {
        if (!s_read_our_pairs(self, &pairs))
            return;
        if (pairs > 0 && !s_read_pair(self))
            return;
        pairs -= pairs > 0;
    }
    if (pt_cursor_end(&self->cursor) != PT_OK)
        s_note_words(self, PT_E_TRAILING, "bytes follow the map");
    if (!self->response->provider.data)
        s_note_fault(self, PT_E_MISSING, PT_KEY_PROVIDER);
}

pt_status_t
pt_response_decode(pt_bytes_t frame, pt_response_t *out_response, char *out_error)
{
    assert(out_response);
    assert(out_error);

    *out_response = (pt_response_t) {.attempt = 1};
    out_error[0] = '\0';
    s_walk_t walk = {.cursor = pt_cursor_open(frame), .response = out_response, .status = PT_OK, .error = out_error};
    s_read_frame(&walk, frame);
    return walk.status;
}

#define LINE_BYTES 64
#define FRONT_LINES 4

//  Bytes that have just come in stand in no near cache. Lines that are asked for together are waited for once, those
//  that are asked for as they are read one after another. Four of them hold most responses; more only cost.
static inline void
s_fetch_front(pt_bytes_t frame)
{
    for (size_t line = 0; line < FRONT_LINES; line++)
        __builtin_prefetch((const void *) ((uintptr_t) frame.data + line * LINE_BYTES));
}

pt_status_t
pt_response_read(pt_bytes_t frame, const pt_shape_finder_t *finder, pt_response_t *out_response, pt_facts_t *out_facts,
                 char *out_error)
{
    assert(finder);
    assert(out_response);
    assert(out_facts);
    assert(out_error);

    s_fetch_front(frame);
    *out_response = (pt_response_t) {.attempt = 1};
    out_error[0] = '\0';
    pt_facts_clear(out_facts);
    s_walk_t walk = {.cursor = pt_cursor_open(frame),
                     .response = out_response,
                     .status = PT_OK,
                     .error = out_error,
                     .finder = finder,
                     .facts = out_facts};
    s_read_frame(&walk, frame);
    if (walk.status != PT_OK) {
        pt_facts_clear(out_facts);
    } else if (!walk.is_extracted) {
        pt_facts_extract(out_response, s_find_shape(&walk), out_facts);
    }
    return walk.status;
}
