/*  pt_facts: what a body says in the places that its gateway's shape names.
 *
 *  One walk over the body with a level of its own for each open array or map. A level knows which
 *  steps paths take from it, so only keys on a path are looked into and the rest is stepped over.
 *
 *  The walk ends where the body ends, or at the fault that stepping over the body would have found:
 *  so the envelope's decoder can take it for that step.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "pt_facts.h"
#include "pt_fields.h"
#include "pt_scalar.h"

#define BODY_LEVELS PT_BODY_DEPTH_MAX

//  Room for a printed element number.
#define INDEX_BYTES 12

//  An open array or map.
typedef struct {
    uint32_t left;         //  elements or pairs
    uint32_t index;        //  of the next element
    const pt_fork_t *fork; //  the steps that paths take from here
    bool is_map;
    bool in_fields; //  its leaves are request fields
    bool is_usual;  //  a map of no request fields
    size_t name_len;
} s_level_t;

typedef struct {
    pt_cursor_t *cursor; //  of the caller
    const pt_shape_t *shape;
    pt_facts_t *facts;
    uint32_t written; //  bit n: path n has a text
    s_level_t *level; //  the innermost
    s_level_t levels[BODY_LEVELS];
    char name[PT_FIELD_BYTES_MAX]; //  of the level that fields are read from, joined
} s_walk_t;

//  How many levels may open in the innermost one.
static inline unsigned
s_levels_left(const s_walk_t *self)
{
    return (unsigned) (&self->levels[BODY_LEVELS - 1] - self->level);
}

//  Where no path leads on.
static const pt_fork_t s_no_steps;

/*  A value where another one belongs. Null and an empty text say nothing, as if they were absent. */
static void
s_note_oddity(s_walk_t *self, const pt_value_t *value)
{
    self->facts->is_odd |= !pt_scalar_is_silent(value);
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
    bool denies = false; //  when it cannot be read
    switch (path->role) {
    case PT_ROLE_CODE:
        denies = true;
        text = pt_scalar_code(self->facts, value, path->width);
        break;
    case PT_ROLE_ADVICE:
        text = pt_scalar_code(self->facts, value, path->width);
        break;
    case PT_ROLE_STATUS:
        denies = true;
        text = pt_scalar_status(self->facts, value, path->width);
        break;
    case PT_ROLE_MESSAGE:
        text = pt_scalar_message(value);
        break;
    default:
        break;
    }
    s_put_text(self, index, text);
    if (text.data)
        return;
    s_note_oddity(self, value);
    if (denies)
        self->facts->is_illegible |= !pt_scalar_is_hollow(value, self->cursor, s_levels_left(self));
}

static inline bool
s_is_step(const pt_step_t *step, pt_text_t key)
{
    return step->key.len == key.len && pt_text_equal_front(key, step->front, step->key.data);
}

/*  The step that a key is, of those from number `index` of the shape's steps on; NULL when it is none. */
static inline const pt_step_t *
s_find_step(const s_walk_t *self, unsigned index, pt_text_t key)
{
    const pt_step_t *steps = self->shape->steps;
    while (index && !s_is_step(&steps[index], key))
        index = steps[index].next;
    return index ? &steps[index] : NULL;
}

static void
s_take_field(s_walk_t *self, const s_level_t *level, pt_text_t key, const pt_value_t *value)
{
    if (!pt_scalar_is_field(value))
        return;
    size_t len = pt_fields_join(self->name, level->name_len, key);
    if (len == key.len && level->is_map)
        pt_fields_put(self->facts, key, true, value);
    else
        pt_fields_put(self->facts, (pt_text_t) {self->name, len}, false, value);
}

/*  Open the array or map that was read last; `step` led here, or NULL. */
static pt_status_t
s_push_level(s_walk_t *self, const pt_value_t *value, const pt_step_t *step, bool in_fields, size_t name_len)
{
    if (!s_levels_left(self))
        return PT_E_DEPTH;
    bool is_map = value->kind == PT_VALUE_MAP;
    *++self->level = (s_level_t) {.left = value->as.count,
                                  .fork = step && step->fork ? &self->shape->forks[step->fork] : &s_no_steps,
                                  .is_map = is_map,
                                  .in_fields = in_fields,
                                  .is_usual = is_map && !in_fields,
                                  .name_len = name_len};
    return PT_OK;
}

/*  Where a key stands again, what it said before is void: the last one counts, as it does for
 *  JSON libraries.
 */
static void
s_forget_texts(s_walk_t *self, const pt_step_t *step)
{
    for (uint32_t left = step->texts & self->written; left; left &= left - 1)
        s_put_text(self, (unsigned) __builtin_ctz(left), PT_TEXT_NONE);
    if (step->holds_fields)
        pt_fields_forget(self->facts);
}

/*  Take a value for the paths that end at `step`. */
static void
s_take_step(s_walk_t *self, const pt_step_t *step, const pt_value_t *value)
{
    s_forget_texts(self, step);
    self->written |= step->ends;
    for (uint32_t left = step->ends; left; left &= left - 1)
        s_take_value(self, (unsigned) __builtin_ctz(left), value);
    if (step->fork && value->kind < PT_VALUE_ARRAY)
        s_note_oddity(self, value);
}

/*  Take a value under a key, which is `step` or NULL, and open it where paths lead on. */
static pt_status_t
s_visit_value(s_walk_t *self, s_level_t *level, pt_text_t key, const pt_step_t *step, const pt_value_t *value)
{
    bool in_fields = level->in_fields;
    if (step)
        s_take_step(self, step, value);
    if (value->kind < PT_VALUE_ARRAY) {
        if (in_fields)
            s_take_field(self, level, key, value);
        return PT_OK;
    }
    if (step && step->opens_fields && value->kind == PT_VALUE_MAP)
        return s_push_level(self, value, step, true, 0);
    if (in_fields)
        return s_push_level(self, value, step, true, pt_fields_join(self->name, level->name_len, key));
    if (step && step->fork)
        return s_push_level(self, value, step, false, 0);
    return pt_cursor_skip_children(self->cursor, value, s_levels_left(self));
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
    pt_status_t status = pt_cursor_next(self->cursor, &key);
    if (status == PT_OK && key.kind == PT_VALUE_STR)
        *out_key = key.as.text;
    else if (status == PT_OK)
        status = pt_cursor_skip_children(self->cursor, &key, s_levels_left(self));
    return status;
}

/*  Read the value that stands next, under this key, which is `step` or NULL. Out of line, so that the loop over the
 *  pairs keeps its registers.
 */
static __attribute__((noinline)) pt_status_t
s_read_value(s_walk_t *self, s_level_t *level, pt_text_t key, const pt_step_t *step)
{
    pt_value_t value;
    pt_status_t status = pt_cursor_next(self->cursor, &value);
    return status == PT_OK ? s_visit_value(self, level, key, step, &value) : status;
}

static pt_status_t
s_read_item(s_walk_t *self, s_level_t *level)
{
    char digits[INDEX_BYTES];
    pt_text_t key;
    pt_status_t status = s_read_key(self, level, digits, &key);
    if (status != PT_OK)
        return status;
    const pt_step_t *step = NULL;
    if (key.data)
        step = s_find_step(self, level->fork->steps[pt_shape_key_of(key)], key);
    if (!step && !(key.data && level->in_fields))
        return pt_cursor_skip(self->cursor, s_levels_left(self));
    return s_read_value(self, level, key, step);
}

//  What nil, false and true say where a marker stands, by their last two bits. No value begins with 0xc1.
static const pt_text_t s_single_texts[4] = {{NULL, 0}, {NULL, 0}, {"false", 5}, {"true", 4}};

/*  Take the value from `value` to `next` where it is a text of up to 255 bytes, nil, or a boolean that is a marker, at
 *  the end of all paths that lead to it. False: it is something else, and nothing was done.
 */
static inline bool
s_take_plain(s_walk_t *self, const pt_step_t *step, const uint8_t *value, const uint8_t *next)
{
    if (next == value || !step->is_end)
        return false;
    bool is_short = (*value & 0xe0) == 0xa0;
    pt_text_t text;
    if (is_short || *value == 0xd9) {
        const uint8_t *start = value + (is_short ? 1 : 2);
        text = (pt_text_t) {(const char *) start, (size_t) (next - start)};
        if (!text.len || !pt_text_is_utf8(text))
            return false;
    } else {
        if (*value != 0xc0 && !(step->is_marker && (*value & 0xfe) == 0xc2))
            return false;
        text = s_single_texts[*value & 3];
    }
    self->written |= step->ends;
    *(pt_text_t *) (void *) ((char *) self->facts + step->places[0]) = text;
    *(pt_text_t *) (void *) ((char *) self->facts + step->places[1]) = text;
    return true;
}

/*  Read the pairs at the cursor whose key is a short string, in one loop: nearly all of a body. Ends before a pair
 *  with another key, and behind a value that opened a level.
 */
static pt_status_t
s_pass_pairs(s_walk_t *self, s_level_t *level)
{
    const uint8_t *at = self->cursor->at;
    const uint8_t *end = self->cursor->end;
    const pt_fork_t *fork = level->fork;
    uint32_t left = level->left;
    while (left > 0 && at < end) {
        //  A key of 1 to 31 bytes with a byte of its value behind it.
        if (*at - 0xa1U >= 31 || (size_t) (end - at) <= *at - 0x9fU)
            break;
        left--;
        pt_text_t key = {(const char *) at + 1, *at - 0xa0U};
        const uint8_t *value = at + (*at - 0x9f);
        const uint8_t *next = pt_cursor_pass_plain(value, end);
        const pt_step_t *step = s_find_step(self, fork->steps[pt_shape_key(at[1], key.len)], key);
        at = next;
        if (step ? s_take_plain(self, step, value, next) : next != value)
            continue;
        level->left = left;
        self->cursor->at = value;
        pt_status_t status =
            step ? s_read_value(self, level, key, step) : pt_cursor_skip(self->cursor, s_levels_left(self));
        if (status != PT_OK || self->level != level)
            return status;
        at = self->cursor->at;
    }
    level->left = left;
    self->cursor->at = at;
    return PT_OK;
}

static pt_status_t
s_walk_levels(s_walk_t *self)
{
    for (;;) {
        s_level_t *level = self->level;
        pt_status_t status = level->is_usual ? s_pass_pairs(self, level) : PT_OK;
        if (status != PT_OK)
            return status;
        if (self->level != level)
            continue;
        if (level->left > 0) {
            level->left--;
            status = s_read_item(self, level);
            if (status != PT_OK)
                return status;
        } else if (level == self->levels) {
            return PT_OK;
        } else {
            self->level--;
        }
    }
}

/*  Walk by a shape that was not prepared. Apart, because of the room that it takes. */
static __attribute__((noinline)) pt_status_t
s_walk_unprepared(pt_cursor_t *cursor, uint32_t pairs, const pt_shape_t *shape, pt_facts_t *facts)
{
    pt_fork_t forks[PT_SHAPE_STEPS_MAX + 1];
    pt_step_t steps[PT_SHAPE_STEPS_MAX + 1];
    pt_shape_t prepared = *shape;
    pt_shape_prepare(&prepared, forks, steps);
    return pt_facts_walk(cursor, pairs, &prepared, facts);
}

pt_status_t
pt_facts_walk(pt_cursor_t *cursor, uint32_t pairs, const pt_shape_t *shape, pt_facts_t *facts)
{
    assert(shape->path_count <= PT_PATHS_MAX);

    if (!shape->forks)
        return s_walk_unprepared(cursor, pairs, shape, facts);
    s_walk_t walk;
    walk.cursor = cursor;
    walk.shape = shape;
    walk.facts = facts;
    walk.written = 0;
    walk.level = walk.levels;
    walk.levels[0] = (s_level_t) {.left = pairs, .fork = shape->forks, .is_map = true, .is_usual = true};
    facts->is_map = pairs > 0;
    return s_walk_levels(&walk);
}

void
pt_facts_clear(pt_facts_t *facts)
{
    //  All texts, which stand side by side.
    facts->is_map = false;
    facts->is_odd = false;
    facts->is_illegible = false;
    memset((char *) facts + offsetof(pt_facts_t, codes), 0, offsetof(pt_facts_t, fields) - offsetof(pt_facts_t, codes));
    pt_fields_forget(facts);
    facts->json = NULL;
    facts->scratch_used = 0;
}
