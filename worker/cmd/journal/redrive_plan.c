/*  Which responses are put in again: each once, and none that was put in again before.
 *
 *  What was redriven before is told by the bytes: a response that is marked looks the same however
 *  often that is done, so the journal's redriven decisions, with their responses, are the record of it.
 */
#include "redrive.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

//  ---- the set

static size_t
s_find_place(const uint64_t *places, size_t capacity, uint64_t hash)
{
    size_t at = hash & (capacity - 1);
    while (places[at] && places[at] != hash)
        at = (at + 1) & (capacity - 1);
    return at;
}

static pt_status_t
s_grow(redrive_set_t *self)
{
    size_t capacity = self->capacity ? self->capacity * 2 : 1024;
    uint64_t *places = calloc(capacity, sizeof(*places));
    if (!places)
        return PT_E_NOMEM;
    for (size_t i = 0; i < self->capacity; i++)
        if (self->places[i])
            places[s_find_place(places, capacity, self->places[i])] = self->places[i];
    free(self->places);
    self->places = places;
    self->capacity = capacity;
    return PT_OK;
}

bool
redrive_set_has(const redrive_set_t *self, uint64_t hash)
{
    hash += !hash;
    return self->count > 0 && self->places[s_find_place(self->places, self->capacity, hash)] == hash;
}

pt_status_t
redrive_set_add(redrive_set_t *self, uint64_t hash, bool *out_had)
{
    hash += !hash;
    if (self->count * 2 >= self->capacity && s_grow(self) != PT_OK)
        return PT_E_NOMEM;
    uint64_t *place = &self->places[s_find_place(self->places, self->capacity, hash)];
    *out_had = *place != 0;
    self->count += !*place;
    *place = hash;
    return PT_OK;
}

void
redrive_set_clear(redrive_set_t *self)
{
    free(self->places);
    *self = (redrive_set_t) {0};
}

//  ---- what was redriven before

//  Mark into the plan's room. Bytes longer than any that are kept are not ours.
static pt_status_t
s_mark(redrive_plan_t *self, const journal_entry_t *entry, pt_bytes_t *out_marked)
{
    size_t bytes;
    if (entry->response.len > PT_STORE_RESPONSE_BYTES_MAX)
        return PT_E_SIZE;
    pt_status_t status = pt_redriven_mark(entry->response, entry->decision->id, self->marked, &bytes);
    if (status == PT_OK)
        *out_marked = (pt_bytes_t) {self->marked, bytes};
    return status;
}

static bool
s_note_earlier(void *context, const journal_entry_t *entry)
{
    redrive_plan_t *self = context;
    pt_bytes_t marked;
    bool had;
    if (!entry->decision->redriven || !entry->response.data || s_mark(self, entry, &marked) != PT_OK)
        return true;
    self->out_of_memory = redrive_set_add(&self->earlier, XXH3_64bits(marked.data, marked.len), &had) != PT_OK;
    return !self->out_of_memory;
}

int
redrive_plan_open(redrive_plan_t *self, pt_store_t *store, const journal_options_t *filters, bool again)
{
    static const journal_options_t all = {.category = -1};
    *self = (redrive_plan_t) {.filters = *filters, .limit = filters->limit, .again = again};
    //  What is passed over does not count.
    self->filters.limit = 0;
    int code = again ? EX_OK : journal_walk(store, &all, true, s_note_earlier, self);
    return code == EX_OK && self->out_of_memory ? cmd_fail(EX_OSERR, NULL, "no memory") : code;
}

void
redrive_plan_close(redrive_plan_t *self)
{
    redrive_set_clear(&self->earlier);
    redrive_set_clear(&self->chosen);
    redrive_set_clear(&self->passed);
    free(self->bounds);
    self->bounds = NULL;
}

//  ---- choosing

//  Note how far the first walk is. The second one leaves what lies behind that. False: pass over it.
static bool
s_is_within(redrive_plan_t *self, const journal_entry_t *entry)
{
    redrive_bound_t *bound = NULL;
    for (size_t i = self->bound_count; i > 0 && !bound; i--)
        if (strcmp(self->bounds[i - 1].topic, entry->topic) == 0)
            bound = &self->bounds[i - 1];
    if (self->sending)
        return bound && entry->seq <= bound->last_seq;
    if (!bound) {
        redrive_bound_t *bounds = realloc(self->bounds, (self->bound_count + 1) * sizeof(*bounds));
        self->out_of_memory = !bounds;
        if (!bounds)
            return false;
        self->bounds = bounds;
        bound = &bounds[self->bound_count++];
        snprintf(bound->topic, sizeof(bound->topic), "%s", entry->topic);
    }
    bound->last_seq = entry->seq;
    return true;
}

//  Whether these bytes of this producer were chosen already. A redriven one is known by its bytes alone:
//  it came under another producer's id than the response that it repeats.
static bool
s_is_repeat(redrive_plan_t *self, const journal_entry_t *entry, uint64_t hash)
{
    pt_text_t producer = entry->decision->producer;
    bool had_bytes;
    bool had_both;
    uint64_t both = XXH3_64bits_withSeed(producer.data, producer.len, hash);
    self->out_of_memory = redrive_set_add(&self->chosen, hash, &had_bytes) != PT_OK ||
                          redrive_set_add(&self->chosen, both, &had_both) != PT_OK;
    return self->out_of_memory || had_both || (entry->decision->redriven && had_bytes);
}

static void
s_name_unkept(const redrive_plan_t *self, const journal_entry_t *entry, const char *why)
{
    if (!self->sending && !self->quiet)
        fprintf(stderr, "%s %" PRIu64 ": %s\n", entry->topic, entry->seq, why);
}

//  A response and what became of it when it was put in again are one.
static bool
s_pass_over(redrive_plan_t *self, uint64_t hash)
{
    bool had = false;
    self->out_of_memory = redrive_set_add(&self->passed, hash, &had) != PT_OK;
    self->counts.before += !had;
    return !self->out_of_memory;
}

static bool
s_take_entry(void *context, const journal_entry_t *entry)
{
    redrive_plan_t *self = context;
    pt_bytes_t marked;
    if (!s_is_within(self, entry))
        return !self->out_of_memory;
    if (!entry->response.data) {
        self->counts.unkept++;
        s_name_unkept(self, entry, "its response was too long to be kept");
        return true;
    }
    if (s_mark(self, entry, &marked) != PT_OK) {
        self->counts.no_map++;
        s_name_unkept(self, entry, "its response is no whole map, and would be invalid again");
        return true;
    }
    uint64_t hash = XXH3_64bits(marked.data, marked.len);
    if (!self->again && (entry->decision->redriven || redrive_set_has(&self->earlier, hash)))
        return s_pass_over(self, hash);
    if (s_is_repeat(self, entry, hash)) {
        self->counts.repeats++;
        return !self->out_of_memory;
    }
    self->counts.chosen++;
    return self->tell(self->context, entry, marked) && self->counts.chosen != self->limit;
}

int
redrive_plan_walk(redrive_plan_t *self, pt_store_t *store, redrive_fn *tell, void *context)
{
    self->sending = self->tell != NULL;
    self->tell = tell;
    self->context = context;
    self->counts = (redrive_counts_t) {0};
    redrive_set_clear(&self->chosen);
    redrive_set_clear(&self->passed);
    int code = journal_walk(store, &self->filters, true, s_take_entry, self);
    return code == EX_OK && self->out_of_memory ? cmd_fail(EX_OSERR, NULL, "no memory") : code;
}
