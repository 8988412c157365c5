/*  pt_response: the envelope of a response.
 *
 *  One walk over the map. A fault of a value is noted and the walk goes on, so that whatever else
 *  the envelope says can still be echoed; a fault of the bytes ends it.
 */
#include "pt_response.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "pt_facts.h"

//  The envelope itself is the first level.
#define VALUE_LEVELS (PT_DEPTH_MAX - 1)

//  The largest integer that every client holds exactly.
#define MS_MAX ((UINT64_C(1) << 53) - 1)

typedef enum { KIND_TEXT, KIND_UINT16, KIND_UINT32, KIND_UINT64, KIND_BOOL, KIND_TRANSPORT, KIND_BODY } s_kind_t;

typedef struct {
    const char *name;
    s_kind_t kind;
    size_t offset; //  of the field in pt_response_t
    uint64_t min;  //  of a number, or of a text's bytes
    uint64_t max;
} s_key_t;

typedef enum {
    KEY_ID,
    KEY_PROVIDER,
    KEY_OPERATION,
    KEY_HTTP_STATUS,
    KEY_TRANSPORT,
    KEY_BODY,
    KEY_ATTEMPT,
    KEY_FIRST_ATTEMPT_MS,
    KEY_RECEIVED_MS,
    KEY_IDEMPOTENT,
    KEY_REFERENCE,
    KEY_ACCOUNT,
    KEY_RETRY_AFTER_MS,
    KEY_REDRIVEN,
    KEY_COUNT_ //  also: a key that is not ours
} s_key_index_t;

#define FIELD(name) offsetof(pt_response_t, name)

static const s_key_t s_keys[KEY_COUNT_] = {
    [KEY_ID] = {"id", KIND_TEXT, FIELD(id), 1, PT_ID_BYTES_MAX},
    [KEY_PROVIDER] = {"provider", KIND_TEXT, FIELD(provider), 1, PT_PROVIDER_BYTES_MAX},
    [KEY_OPERATION] = {"operation", KIND_TEXT, FIELD(operation), 0, PT_OPERATION_BYTES_MAX},
    [KEY_HTTP_STATUS] = {"http_status", KIND_UINT16, FIELD(http_status), 100, 599},
    [KEY_TRANSPORT] = {"transport", KIND_TRANSPORT, FIELD(transport), 0, 0},
    [KEY_BODY] = {"body", KIND_BODY, FIELD(body), 0, 0},
    [KEY_ATTEMPT] = {"attempt", KIND_UINT32, FIELD(attempt), 1, UINT32_MAX},
    [KEY_FIRST_ATTEMPT_MS] = {"first_attempt_ms", KIND_UINT64, FIELD(first_attempt_ms), 0, MS_MAX},
    [KEY_RECEIVED_MS] = {"received_ms", KIND_UINT64, FIELD(received_ms), 0, MS_MAX},
    [KEY_IDEMPOTENT] = {"idempotent", KIND_BOOL, FIELD(idempotent), 0, 0},
    [KEY_REFERENCE] = {"reference", KIND_TEXT, FIELD(reference), 0, PT_REFERENCE_BYTES_MAX},
    [KEY_ACCOUNT] = {"account", KIND_TEXT, FIELD(account), 0, PT_ACCOUNT_BYTES_MAX},
    [KEY_RETRY_AFTER_MS] = {"retry_after_ms", KIND_UINT64, FIELD(retry_after_ms), 0, MS_MAX},
    [KEY_REDRIVEN] = {"redriven", KIND_BOOL, FIELD(redriven), 0, 0},
};

//  A walk over one envelope.
typedef struct {
    pt_cursor_t cursor;
    pt_response_t *response;
    uint32_t seen;      //  bit n: key n stood here
    pt_status_t status; //  the first fault
    char *error;
    const pt_shape_finder_t *finder; //  NULL: bodies are stepped over
    pt_facts_t *facts;
    bool is_extracted; //  the facts are those of the body
} s_walk_t;

#define IS(text, literal) (memcmp((text).data, literal, sizeof(literal) - 1) == 0)

static s_key_index_t
s_find_rare_key(pt_text_t name)
{
    switch (name.len) {
    case 7:
        return IS(name, "attempt") ? KEY_ATTEMPT : IS(name, "account") ? KEY_ACCOUNT : KEY_COUNT_;
    case 8:
        return IS(name, "redriven") ? KEY_REDRIVEN : KEY_COUNT_;
    case 9:
        return IS(name, "reference") ? KEY_REFERENCE : IS(name, "transport") ? KEY_TRANSPORT : KEY_COUNT_;
    case 10:
        return IS(name, "idempotent") ? KEY_IDEMPOTENT : KEY_COUNT_;
    case 11:
        return IS(name, "received_ms") ? KEY_RECEIVED_MS : KEY_COUNT_;
    case 14:
        return IS(name, "retry_after_ms") ? KEY_RETRY_AFTER_MS : KEY_COUNT_;
    case 16:
        return IS(name, "first_attempt_ms") ? KEY_FIRST_ATTEMPT_MS : KEY_COUNT_;
    default:
        return KEY_COUNT_;
    }
}

/*  The usual keys have a branch of their own each: a jump by length is guessed worse. First the one that
 * s_read_usual_pairs leaves over.
 */
static inline s_key_index_t
s_find_key(pt_text_t name)
{
    if (name.len == 4 && IS(name, "body"))
        return KEY_BODY;
    if (name.len == 2 && IS(name, "id"))
        return KEY_ID;
    if (name.len == 8 && IS(name, "provider"))
        return KEY_PROVIDER;
    if (name.len == 9 && IS(name, "operation"))
        return KEY_OPERATION;
    if (name.len == 11 && IS(name, "http_status"))
        return KEY_HTTP_STATUS;
    return s_find_rare_key(name);
}

static const char *
s_describe_type(s_kind_t kind)
{
    switch (kind) {
    case KIND_UINT16:
    case KIND_UINT32:
    case KIND_UINT64:
        return "not an unsigned integer";
    case KIND_BOOL:
        return "not a boolean";
    default:
        return "not a string";
    }
}

static void
s_describe_range(const s_key_t *key, char *error)
{
    if (key->kind == KIND_TRANSPORT)
        snprintf(error, PT_ERROR_BYTES_MAX, "%s: not timeout, connect_failed, reset or tls_failed", key->name);
    else if (key->kind == KIND_TEXT)
        snprintf(error, PT_ERROR_BYTES_MAX, "%s: not %" PRIu64 " to %" PRIu64 " bytes long", key->name, key->min,
                 key->max);
    else
        snprintf(error, PT_ERROR_BYTES_MAX, "%s: out of range, %" PRIu64 " to %" PRIu64, key->name, key->min, key->max);
}

/*  Say what is wrong with the value of a key. Nothing a peer wrote is repeated. */
static void
s_describe_fault(pt_status_t status, s_key_index_t index, char *error)
{
    const char *name = index == KEY_COUNT_ ? "an unknown key" : s_keys[index].name;
    const char *what = pt_status_text(status);

    if (status == PT_E_RANGE) {
        s_describe_range(&s_keys[index], error);
        return;
    }
    if (status == PT_E_DEPTH) {
        snprintf(error, PT_ERROR_BYTES_MAX, "%s: nested deeper than %d levels", name, PT_BODY_DEPTH_MAX);
        return;
    }
    if (status == PT_E_TYPE)
        what = s_describe_type(s_keys[index].kind);
    else if (status == PT_E_DUPLICATE)
        what = "given twice";
    else if (status == PT_E_TRUNCATED)
        what = "the bytes end inside its value";
    else if (status == PT_E_MALFORMED)
        what = "not msgpack, byte 0xc1";
    snprintf(error, PT_ERROR_BYTES_MAX, "%s: %s", name, what);
}

/*  The first fault is the one that is told. */
static void
s_note_fault(s_walk_t *self, pt_status_t status, s_key_index_t index)
{
    if (self->status != PT_OK)
        return;
    self->status = status;
    s_describe_fault(status, index, self->error);
}

static void
s_note_words(s_walk_t *self, pt_status_t status, const char *words)
{
    if (self->status != PT_OK)
        return;
    self->status = status;
    snprintf(self->error, PT_ERROR_BYTES_MAX, "%s", words);
}

static pt_status_t
s_take_text(const s_key_t *key, const pt_value_t *value, pt_text_t *out_text)
{
    if (value->kind != PT_VALUE_STR)
        return PT_E_TYPE;
    if (value->as.text.len < key->min || value->as.text.len > key->max)
        return PT_E_RANGE;
    if (!pt_text_is_utf8(value->as.text))
        return PT_E_UTF8;
    *out_text = value->as.text;
    return PT_OK;
}

static pt_status_t
s_take_uint(const s_key_t *key, const pt_value_t *value, void *out_field)
{
    if (value->kind == PT_VALUE_INT)
        return PT_E_RANGE;
    if (value->kind != PT_VALUE_UINT)
        return PT_E_TYPE;
    uint64_t natural = value->as.natural;
    if (natural < key->min || natural > key->max)
        return PT_E_RANGE;
    if (key->kind == KIND_UINT16)
        *(uint16_t *) out_field = (uint16_t) natural;
    else if (key->kind == KIND_UINT32)
        *(uint32_t *) out_field = (uint32_t) natural;
    else
        *(uint64_t *) out_field = natural;
    return PT_OK;
}

static pt_status_t
s_take_transport(const pt_value_t *value, pt_transport_t *out_transport)
{
    if (value->kind != PT_VALUE_STR)
        return PT_E_TYPE;
    int transport = pt_transport_parse(value->as.text);
    if (transport <= PT_TRANSPORT_NONE)
        return PT_E_RANGE;
    *out_transport = (pt_transport_t) transport;
    return PT_OK;
}

/*  Take a body of any kind; what has no fields is no fault. `start` is where its bytes begin. */
static void
s_take_body(const pt_value_t *value, const uint8_t *start, const uint8_t *end, pt_response_t *out_response)
{
    if (value->kind == PT_VALUE_MAP) {
        out_response->body_kind = PT_BODY_MSGPACK;
        out_response->body = (pt_bytes_t) {start, (size_t) (end - start)};
    } else if (value->kind == PT_VALUE_STR) {
        out_response->body_kind = PT_BODY_JSON;
        out_response->body = (pt_bytes_t) {(const uint8_t *) value->as.text.data, value->as.text.len};
    } else if (value->kind == PT_VALUE_BIN) {
        out_response->body_kind = PT_BODY_JSON;
        out_response->body = value->as.bytes;
    }
}

static pt_status_t
s_take_value(const s_key_t *key, const pt_value_t *value, pt_response_t *out_response)
{
    void *field = (char *) out_response + key->offset;
    switch (key->kind) {
    case KIND_TEXT:
        return s_take_text(key, value, field);
    case KIND_UINT16:
    case KIND_UINT32:
    case KIND_UINT64:
        return s_take_uint(key, value, field);
    case KIND_BOOL:
        if (value->kind != PT_VALUE_BOOL)
            return PT_E_TYPE;
        *(bool *) field = value->as.boolean;
        return PT_OK;
    case KIND_TRANSPORT:
        return s_take_transport(value, field);
    case KIND_BODY:
        break;
    }
    return PT_OK;
}

/*  Whether the body that was read last, if it is one, can be looked into now. */
static bool
s_is_readable_body(const s_walk_t *self, const pt_value_t *value, s_key_index_t index)
{
    return index == KEY_BODY && self->finder && value->kind == PT_VALUE_MAP && self->response->provider.data &&
           self->status == PT_OK && !(self->seen & (1u << KEY_BODY));
}

/*  Walk over the body, picking out what its provider's shape asks for. */
static pt_status_t
s_read_body(s_walk_t *self, const pt_value_t *value)
{
    const pt_shape_t *shape = self->finder->find(self->finder->context, self->response->provider);
    self->is_extracted = true;
    return pt_facts_walk(&self->cursor, value, shape, self->facts);
}

/*  Step over the children of the value that began at `start`. One that is too deep is noted, and
 *  no reason to lose the id that may stand behind it.
 */
static pt_status_t
s_skip_children(s_walk_t *self, const pt_value_t *value, const uint8_t *start, s_key_index_t index)
{
    pt_status_t status = PT_OK;
    if (s_is_readable_body(self, value, index))
        status = s_read_body(self, value);
    else
        status = pt_cursor_skip_children(&self->cursor, value, VALUE_LEVELS);
    if (status != PT_E_DEPTH)
        return status;
    s_note_fault(self, status, index);
    self->cursor.at = start;
    return pt_cursor_skip_deep(&self->cursor);
}

/*  Read the key that stands next: ours, or KEY_COUNT_. */
static pt_status_t
s_read_key(s_walk_t *self, s_key_index_t *out_index)
{
    const uint8_t *start = self->cursor.at;
    pt_value_t name;
    *out_index = KEY_COUNT_;
    pt_status_t status = pt_cursor_next(&self->cursor, &name);
    if (status == PT_OK && name.kind == PT_VALUE_STR)
        *out_index = s_find_key(name.as.text);
    else if (status == PT_OK)
        status = s_skip_children(self, &name, start, KEY_COUNT_);
    return status;
}

/*  Take the value of a key of ours, which stood from `start` to the cursor. */
static void
s_take_pair(s_walk_t *self, s_key_index_t index, const pt_value_t *value, const uint8_t *start)
{
    pt_status_t status = PT_OK;
    if (self->seen & (1u << index))
        status = PT_E_DUPLICATE;
    else if (index == KEY_BODY)
        s_take_body(value, start, self->cursor.at, self->response);
    else if (value->kind != PT_VALUE_NIL)
        status = s_take_value(&s_keys[index], value, self->response);
    self->seen |= 1u << index;
    if (status != PT_OK)
        s_note_fault(self, status, index);
}

/*  Read the value of the key that was read last. False: the bytes cannot be read on. */
static bool
s_read_any_value(s_walk_t *self, s_key_index_t index)
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
    if (index != KEY_COUNT_)
        s_take_pair(self, index, &value, start);
    return true;
}

/*  Take a text of up to 255 bytes without a fault. Returns its bytes with the head; 0: the value is something else,
 *  and nothing was done.
 */
static inline size_t
s_take_plain_text(s_walk_t *self, const s_key_t *key, const uint8_t *value)
{
    size_t left = (size_t) (self->cursor.end - value);
    bool is_short = (*value & 0xe0) == 0xa0;
    if (left < 2 || (!is_short && *value != 0xd9))
        return 0;
    size_t head_bytes = is_short ? 1 : 2;
    pt_text_t text = {(const char *) value + head_bytes, is_short ? *value & 0x1fu : value[1]};
    if (text.len > left - head_bytes || text.len < key->min || text.len > key->max || !pt_text_is_utf8(text))
        return 0;
    *(pt_text_t *) (void *) ((char *) self->response + key->offset) = text;
    return head_bytes + text.len;
}

/*  Take a status of one or two bytes. Returns as above. */
static inline size_t
s_take_plain_status(s_walk_t *self, const s_key_t *key, const uint8_t *value)
{
    //  0xcc or 0xcd. Which of the two is no branch: nobody can foresee it.
    unsigned is_wide = *value & 1;
    if (self->cursor.end - value < 3 || (*value & 0xfe) != 0xcc)
        return 0;
    unsigned natural = ((unsigned) value[1] << 8 | value[2]) >> (is_wide ? 0 : 8);
    if (natural < key->min || natural > key->max)
        return 0;
    self->response->http_status = (uint16_t) natural;
    return 2 + is_wide;
}

/*  What nearly every value is, a text or a status where it belongs, for the first time. Returns as above. */
static inline size_t
s_take_plain(s_walk_t *self, s_key_index_t index, const uint8_t *value)
{
    const s_key_t *key = &s_keys[index];
    if (self->seen & (1u << index))
        return 0;
    size_t bytes = 0;
    if (key->kind == KIND_TEXT)
        bytes = s_take_plain_text(self, key, value);
    else if (index == KEY_HTTP_STATUS)
        bytes = s_take_plain_status(self, key, value);
    self->seen |= (bytes ? 1u : 0u) << index;
    return bytes;
}

/*  Take the body at the cursor where it is what nearly all are: a map of up to 15 pairs, read without a fault, behind a
 *  provider. False: it is something else, or has a fault, and the cursor stands where it stood.
 */
static inline bool
s_take_plain_body(s_walk_t *self)
{
    const uint8_t *start = self->cursor.at;
    pt_response_t *response = self->response;
    size_t pairs = *start & 0xfu;
    if ((*start & 0xf0) != 0x80 || 2 * pairs >= (size_t) (self->cursor.end - start) || !self->finder ||
        !response->provider.data || self->status != PT_OK || self->seen & (1u << KEY_BODY))
        return false;
    const pt_shape_t *shape = self->finder->find(self->finder->context, response->provider);
    pt_value_t root = {.kind = PT_VALUE_MAP, .as.count = (uint32_t) pairs};
    self->cursor.at = start + 1;
    if (pt_facts_walk(&self->cursor, &root, shape, self->facts) != PT_OK) {
        pt_facts_clear(self->facts);
        self->cursor.at = start;
        return false;
    }
    self->is_extracted = true;
    self->seen |= 1u << KEY_BODY;
    response->body_kind = PT_BODY_MSGPACK;
    response->body = (pt_bytes_t) {start, (size_t) (self->cursor.at - start)};
    return true;
}

/*  Read one key and its value. False: the bytes cannot be read on. */
static bool
s_read_pair(s_walk_t *self)
{
    s_key_index_t index;
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
        const uint8_t *value = at + 1 + name.len;
        s_key_index_t index = value < end ? s_find_key(name) : KEY_COUNT_;
        if (index == KEY_COUNT_)
            break;
        --*pairs;
        size_t bytes = s_take_plain(self, index, value);
        self->cursor.at = value;
        bool is_body = index == KEY_BODY && s_take_plain_body(self);
        if (!bytes && !is_body && !s_read_any_value(self, index))
            return false;
        at = bytes ? value + bytes : self->cursor.at;
    }
    self->cursor.at = at;
    return true;
}

/*  Take the pair at `at`, and count it off, where its key is `packed`, as msgpack has key `index`, and its value plain.
 *  Returns where the next pair stands; `at` where this one is something else, and nothing was done.
 */
static inline const uint8_t *
s_take_usual(s_walk_t *self, uint32_t *pairs, s_key_index_t index, const char *packed, const uint8_t *at)
{
    size_t key_bytes = strlen(packed);
    if ((size_t) (self->cursor.end - at) <= key_bytes || memcmp(at, packed, key_bytes) != 0)
        return at;
    size_t bytes = s_take_plain(self, index, at + key_bytes);
    if (!bytes)
        return at;
    --*pairs;
    return at + key_bytes + bytes;
}

#define USUAL_PAIRS 4

/*  Most producers begin with these keys, in this order. Asked for so, a key is one comparison with a constant, and
 * where it ends is known before its bytes are.
 */
static void
s_read_usual_pairs(s_walk_t *self, uint32_t *pairs)
{
    if (*pairs < USUAL_PAIRS)
        return;
    const uint8_t *at = self->cursor.at;
    at = s_take_usual(self, pairs, KEY_ID, "\xa2id", at);
    at = s_take_usual(self, pairs, KEY_PROVIDER, "\xa8provider", at);
    at = s_take_usual(self, pairs, KEY_OPERATION, "\xa9operation", at);
    at = s_take_usual(self, pairs, KEY_HTTP_STATUS, "\xabhttp_status", at);
    self->cursor.at = at;
}

/*  Whether the bytes begin like a JSON object or array, which is what most wrong frames are. */
static bool
s_looks_like_json(pt_bytes_t frame)
{
    size_t at = 0;
    while (at < frame.len && memchr(" \t\r\n", frame.data[at], 4))
        at++;
    return at < frame.len && (frame.data[at] == '{' || frame.data[at] == '[');
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
    if (frame.len == 0)
        s_note_words(self, status, "empty: there are no bytes");
    else if (status == PT_E_TYPE && s_looks_like_json(frame))
        s_note_words(self, status, "not a map: the bytes look like JSON text");
    else if (status == PT_E_TYPE)
        s_note_words(self, status, "not a map");
    else if (status == PT_E_TRUNCATED)
        s_note_words(self, status, "the bytes end inside the map");
    else
        s_note_words(self, status, "not msgpack, byte 0xc1");
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
        s_note_fault(self, PT_E_MISSING, KEY_PROVIDER);
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
        const pt_shape_t *shape = finder->find(finder->context, out_response->provider);
        pt_facts_extract(out_response, shape, out_facts);
    }
    return walk.status;
}
