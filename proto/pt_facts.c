/*  pt_facts: what a body says in the places that its gateway's shape names.
 *
 *  One walk over the body with a level of its own for each open array or map. A level knows which
 *  paths run through it, so only keys on a path are looked into and the rest is stepped over. A
 *  JSON body is turned into msgpack first, so that both forms are read by the same code.
 *
 *  The walk ends where the body ends, or at the fault that stepping over the body would have found:
 *  so the envelope's decoder can take it for that step.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pt_facts.h"
#include "pt_json.h"
#include "pt_scalar.h"

#define BODY_LEVELS PT_BODY_DEPTH_MAX

//  A joined name that has outgrown PT_FIELD_BYTES_MAX.
#define NAME_TOO_LONG SIZE_MAX

//  Room for a printed element number.
#define INDEX_BYTES 12

//  An open array or map.
typedef struct {
    uint32_t left;   //  elements or pairs
    uint32_t index;  //  of the next element
    uint32_t paths;  //  bit n: path n runs through here
    uint64_t filter; //  bit k: one of them takes a step next whose pt_shape_key is k
    bool is_map;
    bool in_fields; //  its leaves are request fields
    size_t name_len;
} s_level_t;

typedef struct {
    pt_cursor_t cursor;
    const pt_shape_t *shape;
    pt_facts_t *facts;
    unsigned depth;
    s_level_t levels[BODY_LEVELS];
    char name[PT_FIELD_BYTES_MAX]; //  of the level that fields are read from, joined
} s_walk_t;

/*  A value where another one belongs. Null and an empty text say nothing, as if they were absent. */
static void
s_note_oddity(s_walk_t *self, const pt_value_t *value)
{
    bool is_silent = value->kind == PT_VALUE_NIL || (value->kind == PT_VALUE_STR && value->as.text.len == 0);
    self->facts->is_odd |= !is_silent;
}

/*  Note what stands at the end of path `index`, which is none of PT_ROLE_FIELDS. Where two paths have one role and
 *  slot, what stands last in the body counts, as where a key stands again.
 */
static inline void
s_put_text(s_walk_t *self, unsigned index, pt_text_t text)
{
    *(pt_text_t *) (void *) ((char *) self->facts + self->shape->places[index]) = text;
}

/*  The value that stands at the end of path `index`. */
static void
s_take_value(s_walk_t *self, unsigned index, const pt_value_t *value)
{
    const pt_path_t *path = &self->shape->paths[index];
    pt_text_t text = PT_TEXT_NONE;
    switch (path->role) {
    case PT_ROLE_CODE:
    case PT_ROLE_ADVICE:
        text = pt_scalar_code(self->facts, value, path->width);
        break;
    case PT_ROLE_STATUS:
        text = pt_scalar_status(self->facts, value, path->width);
        break;
    case PT_ROLE_MESSAGE:
        text = pt_scalar_message(value);
        break;
    default:
        break;
    }
    s_put_text(self, index, text);
    if (!text.data)
        s_note_oddity(self, value);
}

/*  Which of `paths` take this key as their step after `step` others. */
static inline uint32_t
s_compare_steps(const s_walk_t *self, uint32_t paths, pt_text_t key, unsigned step)
{
    uint32_t matched = 0;
    for (; paths; paths &= paths - 1) {
        unsigned index = (unsigned) __builtin_ctz(paths);
        if (pt_text_equal(self->shape->paths[index].steps[step], key))
            matched |= 1u << index;
    }
    return matched;
}

/*  Which of a level's paths take this key, whose pt_shape_key `number` is in the level's filter, as their next step. */
static inline uint32_t
s_match_key(const s_walk_t *self, pt_text_t key, unsigned number, uint32_t level_paths)
{
    const pt_shape_t *shape = self->shape;
    if (self->depth > 1)
        return s_compare_steps(self, level_paths, key, self->depth - 1);
    uint32_t paths = shape->first_paths[number];
    if (!(shape->same_keys >> number & 1))
        return s_compare_steps(self, paths, key, 0);
    return pt_text_equal(shape->paths[__builtin_ctz(paths)].steps[0], key) ? paths : 0;
}

/*  Join a key to the name of its level. Returns the length, or NAME_TOO_LONG. */
static size_t
s_join_name(s_walk_t *self, const s_level_t *level, pt_text_t key)
{
    size_t dot = level->name_len ? 1 : 0;
    if (level->name_len == NAME_TOO_LONG || key.len > PT_FIELD_BYTES_MAX ||
        level->name_len + dot + key.len > PT_FIELD_BYTES_MAX)
        return NAME_TOO_LONG;
    if (dot)
        self->name[level->name_len] = '.';
    memcpy(self->name + level->name_len + dot, key.data, key.len);
    return level->name_len + dot + key.len;
}

/*  The pair of this name, as a new one where there is none yet; NULL when there is no room. */
static pt_pair_t *
s_find_field(s_walk_t *self, pt_text_t name)
{
    pt_facts_t *facts = self->facts;
    for (size_t index = 0; index < facts->field_count; index++)
        if (pt_text_equal(facts->fields[index].name, name))
            return &facts->fields[index];
    if (facts->field_count == PT_FIELDS_MAX)
        return NULL;
    if (name.data == self->name)
        name = pt_scalar_keep(facts, name.data, name.len);
    if (!name.data)
        return NULL;
    pt_pair_t *pair = &facts->fields[facts->field_count++];
    *pair = (pt_pair_t) {.name = name};
    return pair;
}

/*  Count a field that cannot be kept; `pair`, if there is one, was the last or an older one. */
static void
s_drop_field(pt_facts_t *facts, pt_pair_t *pair)
{
    if (pair) {
        size_t index = (size_t) (pair - facts->fields);
        facts->field_count--;
        memmove(pair, pair + 1, (facts->field_count - index) * sizeof *pair);
    }
    facts->fields_dropped++;
}

static void
s_take_field(s_walk_t *self, const s_level_t *level, pt_text_t key, const pt_value_t *value)
{
    if (!pt_scalar_is_field(value))
        return;
    pt_text_t name = {self->name, s_join_name(self, level, key)};
    if (name.len == key.len && level->is_map)
        name.data = key.data; //  as it stands in the body; only joined names need room
    pt_pair_t *pair = NULL;
    if (name.len != NAME_TOO_LONG && pt_text_is_utf8(name))
        pair = s_find_field(self, name);
    if (pair)
        pair->value = pt_scalar_field(self->facts, value);
    if (!pair || !pair->value.data)
        s_drop_field(self->facts, pair);
}

/*  Open the array or map that was read last. */
static pt_status_t
s_push_level(s_walk_t *self, const pt_value_t *value, uint32_t paths, bool in_fields, size_t name_len)
{
    if (self->depth == BODY_LEVELS)
        return PT_E_DEPTH;
    s_level_t *level = &self->levels[self->depth];
    *level = (s_level_t) {.left = value->as.count,
                          .paths = paths,
                          .is_map = value->kind == PT_VALUE_MAP,
                          .in_fields = in_fields,
                          .name_len = name_len};
    for (; paths; paths &= paths - 1) {
        const pt_path_t *path = &self->shape->paths[__builtin_ctz(paths)];
        level->filter |= UINT64_C(1) << pt_shape_key_of(path->steps[self->depth]);
    }
    self->depth++;
    return PT_OK;
}

/*  Where a key stands again, what it said before is void: the last one counts, as it does for
 *  JSON libraries.
 */
static void
s_forget_paths(s_walk_t *self, uint32_t paths)
{
    for (uint32_t left = paths & ~self->shape->field_paths; left; left &= left - 1)
        s_put_text(self, (unsigned) __builtin_ctz(left), PT_TEXT_NONE);
    if (paths & self->shape->field_paths) {
        self->facts->field_count = 0;
        self->facts->fields_dropped = 0;
    }
}

/*  Whether nothing is to be done with a value but to take it for the one path that ends here. */
static inline bool
s_is_simple(const s_walk_t *self, const s_level_t *level, uint32_t paths, const pt_value_t *value)
{
    const pt_path_t *path = &self->shape->paths[__builtin_ctz(paths)];
    return (paths & (paths - 1)) == 0 && value->kind < PT_VALUE_ARRAY && !level->in_fields &&
           path->step_count == self->depth && path->role != PT_ROLE_FIELDS;
}

/*  Take a value under a key that `paths` lead to, and open it where they lead on. */
static pt_status_t
s_visit_value(s_walk_t *self, s_level_t *level, pt_text_t key, uint32_t paths, const pt_value_t *value)
{
    if (paths && s_is_simple(self, level, paths, value)) {
        s_take_value(self, (unsigned) __builtin_ctz(paths), value);
        return PT_OK;
    }
    uint32_t onward = 0;
    bool in_fields = level->in_fields;
    bool opens_fields = false;
    s_forget_paths(self, paths);
    for (uint32_t left = paths; left; left &= left - 1) {
        unsigned index = (unsigned) __builtin_ctz(left);
        if (self->shape->paths[index].step_count > self->depth)
            onward |= 1u << index;
        else if (self->shape->paths[index].role == PT_ROLE_FIELDS)
            opens_fields = value->kind == PT_VALUE_MAP;
        else
            s_take_value(self, index, value);
    }
    if (value->kind < PT_VALUE_ARRAY) {
        if (onward)
            s_note_oddity(self, value);
        if (in_fields)
            s_take_field(self, level, key, value);
        return PT_OK;
    }
    if (opens_fields)
        return s_push_level(self, value, onward, true, 0);
    if (in_fields)
        return s_push_level(self, value, onward, true, s_join_name(self, level, key));
    if (onward)
        return s_push_level(self, value, onward, false, 0);
    return pt_cursor_skip_children(&self->cursor, value, BODY_LEVELS - self->depth);
}

/*  Read the key of the next pair, or the number of the next element. A key that is no string has
 *  an absent text.
 */
static pt_status_t
s_read_key(s_walk_t *self, s_level_t *level, char *digits, pt_text_t *out_key)
{
    if (!level->is_map) {
        int len = snprintf(digits, INDEX_BYTES, "%" PRIu32, level->index++);
        *out_key = (pt_text_t) {digits, (size_t) len};
        return PT_OK;
    }
    pt_value_t key;
    *out_key = PT_TEXT_NONE;
    pt_status_t status = pt_cursor_next(&self->cursor, &key);
    if (status == PT_OK && key.kind == PT_VALUE_STR)
        *out_key = key.as.text;
    else if (status == PT_OK)
        status = pt_cursor_skip_children(&self->cursor, &key, BODY_LEVELS - self->depth);
    return status;
}

static pt_status_t
s_read_item(s_walk_t *self, s_level_t *level)
{
    char digits[INDEX_BYTES];
    pt_text_t key;
    pt_status_t status = s_read_key(self, level, digits, &key);
    if (status != PT_OK)
        return status;
    if (!key.data)
        return pt_cursor_skip(&self->cursor, BODY_LEVELS - self->depth);

    unsigned number = pt_shape_key_of(key);
    uint32_t paths = level->filter >> number & 1 ? s_match_key(self, key, number, level->paths) : 0;
    if (!paths && !level->in_fields)
        return pt_cursor_skip(&self->cursor, BODY_LEVELS - self->depth);
    pt_value_t value;
    status = pt_cursor_next(&self->cursor, &value);
    if (status == PT_OK)
        status = s_visit_value(self, level, key, paths, &value);
    return status;
}

/*  Take a text of up to 255 bytes or nil for `paths`, all of which end here. False: the value at `value`, which is
 *  there whole, is something else, and nothing was done.
 */
static inline bool
s_take_plain(s_walk_t *self, uint32_t paths, const uint8_t *value)
{
    bool is_short = (*value & 0xe0) == 0xa0;
    bool is_nil = *value == 0xc0;
    if ((!is_short && !is_nil && *value != 0xd9) || (paths & ~self->shape->ends[self->depth]))
        return false;
    pt_text_t text = PT_TEXT_NONE;
    if (!is_nil)
        text = (pt_text_t) {(const char *) value + (is_short ? 1 : 2), is_short ? *value & 0x1fu : value[1]};
    if (!is_nil && (!text.len || !pt_text_is_utf8(text)))
        return false;
    for (; paths; paths &= paths - 1)
        s_put_text(self, (unsigned) __builtin_ctz(paths), text);
    return true;
}

/*  Read the pairs at the cursor whose key is a short string, and it is no path's or its value a plain one: nearly
 *  all of a body, in one loop. Ends before any other pair.
 */
static inline pt_status_t
s_pass_pairs(s_walk_t *self, s_level_t *level)
{
    const uint8_t *at = self->cursor.at;
    const uint8_t *end = self->cursor.end;
    uint64_t filter = level->filter;
    uint32_t left = level->left;
    pt_status_t status = PT_OK;
    for (; left > 0; left--) {
        //  A key of 1 to 31 bytes with a byte of its value behind it.
        size_t room = (size_t) (end - at);
        if (room < 3 || (uint8_t) (*at - 0xa1) >= 31)
            break;
        size_t len = *at & 0x1fu;
        if (room < len + 2)
            break;
        const uint8_t *value = at + 1 + len;
        size_t bytes = pt_cursor_measure_plain(value, (size_t) (end - value));
        unsigned number = pt_shape_key(at[1], len);
        uint32_t paths = 0;
        if (filter >> number & 1)
            paths = s_match_key(self, (pt_text_t) {(const char *) at + 1, len}, number, level->paths);
        if (paths && (!bytes || !s_take_plain(self, paths, value)))
            break;
        at = value + bytes;
        if (bytes)
            continue;
        self->cursor.at = at;
        status = pt_cursor_skip(&self->cursor, BODY_LEVELS - self->depth);
        if (status != PT_OK)
            return status;
        at = self->cursor.at;
    }
    level->left = left;
    self->cursor.at = at;
    return status;
}

static pt_status_t
s_walk_levels(s_walk_t *self)
{
    while (self->depth > 0) {
        s_level_t *level = &self->levels[self->depth - 1];
        pt_status_t status = PT_OK;
        if (level->is_map && !level->in_fields)
            status = s_pass_pairs(self, level);
        if (status == PT_OK && level->left == 0) {
            self->depth--;
            continue;
        }
        level->left--;
        if (status == PT_OK)
            status = s_read_item(self, level);
        if (status != PT_OK)
            return status;
    }
    return PT_OK;
}

pt_status_t
pt_facts_walk(pt_cursor_t *cursor, const pt_value_t *root, const pt_shape_t *shape, pt_facts_t *facts)
{
    assert(root->kind == PT_VALUE_MAP);
    assert(shape->path_count <= PT_PATHS_MAX);

    pt_shape_t prepared;
    if (!shape->is_prepared) {
        prepared = *shape;
        pt_shape_prepare(&prepared);
        shape = &prepared;
    }
    s_walk_t walk;
    walk.cursor = *cursor;
    walk.shape = shape;
    walk.facts = facts;
    walk.depth = 1;
    walk.levels[0] =
        (s_level_t) {.left = root->as.count, .paths = shape->open_paths, .filter = shape->first_keys, .is_map = true};
    facts->is_map = root->as.count > 0;
    pt_status_t status = s_walk_levels(&walk);
    *cursor = walk.cursor;
    return status;
}

/*  Turn a JSON object into msgpack that `facts` own. False: the text is no JSON object, or one
 *  that would be too deep as a map.
 */
static bool
s_convert_json(pt_bytes_t text, pt_facts_t *facts, pt_bytes_t *out_body)
{
    size_t at = 0;
    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        at = 3;
    while (at < text.len && memchr(" \t\r\n", text.data[at], 4))
        at++;
    //  Most of what is no JSON is HTML or plain words; that is seen at once.
    if (at == text.len || text.data[at] != '{')
        return false;

    uint8_t *bytes;
    size_t len;
    pt_text_t json = {(const char *) text.data + at, text.len - at};
    if (pt_json_to_msgpack(json, &bytes, &len, NULL) != PT_OK)
        return false;
    facts->json = bytes;
    *out_body = (pt_bytes_t) {bytes, len};
    pt_cursor_t cursor = pt_cursor_open(*out_body);
    return pt_cursor_skip(&cursor, BODY_LEVELS) == PT_OK;
}

void
pt_facts_clear(pt_facts_t *facts)
{
    //  All texts, which stand side by side.
    facts->is_map = false;
    facts->is_odd = false;
    memset((char *) facts + offsetof(pt_facts_t, codes), 0, offsetof(pt_facts_t, fields) - offsetof(pt_facts_t, codes));
    facts->field_count = 0;
    facts->fields_dropped = 0;
    facts->json = NULL;
    facts->scratch_used = 0;
}

void
pt_facts_extract(const pt_response_t *response, const pt_shape_t *shape, pt_facts_t *out_facts)
{
    assert(response);
    assert(shape);
    assert(shape->path_count <= PT_PATHS_MAX);
    assert(out_facts);

    pt_facts_clear(out_facts);
    pt_bytes_t body = response->body;
    bool has_fields = response->body_kind == PT_BODY_MSGPACK;
    if (response->body_kind == PT_BODY_JSON)
        has_fields = s_convert_json(response->body, out_facts, &body);
    //  Bodies come from pt_response_decode, or through JSON; either way their bounds are checked
    //  already. Checking again costs little and makes this function total.
    if (!has_fields)
        return;
    pt_value_t root;
    pt_cursor_t cursor = pt_cursor_open(body);
    if (pt_cursor_next(&cursor, &root) != PT_OK || root.kind != PT_VALUE_MAP)
        return;
    pt_status_t status = pt_facts_walk(&cursor, &root, shape, out_facts);
    (void) status;
}

void
pt_facts_release(pt_facts_t *facts)
{
    free(facts->json);
    facts->json = NULL;
}
