/*  Checks of the elements, section by section. They keep hostile images out: whatever an accepted image
 *  says, no lookup reads outside of it.
 */
#include "pt_image_check.h"

#include <assert.h>

//  What the next step of the walk sums up comes from memory while the elements of this one are checked.
static inline void
s_fetch_ahead(const void *element)
{
    __builtin_prefetch((const char *) element + PT_IMAGE_STEP_BYTES);
}

//  A range of elements [first, first + count) in a section.
static bool
s_is_range_inside(const pt_image_t *self, pt_section_t section, uint32_t first, uint64_t count)
{
    return first + count <= pt_image_count(self, section);
}

static bool
s_is_text(const pt_image_t *self, pt_span_t span)
{
    return s_is_range_inside(self, PT_SECTION_POOL, span.offset, span.bytes);
}

static bool
s_is_text_or_none(const pt_image_t *self, pt_span_t span)
{
    return span.offset == PT_IMAGE_NONE || s_is_text(self, span);
}

static bool
s_is_group_or_none(const pt_image_t *self, uint32_t group)
{
    return group == PT_IMAGE_NONE || group < pt_image_count(self, PT_SECTION_GROUPS);
}

//  Ids of providers and operations have 16 bits.
static bool
s_are_counts_good(const pt_image_t *self)
{
    return pt_image_count(self, PT_SECTION_PROVIDERS) <= PT_OPERATION_IDS_MAX &&
           pt_image_count(self, PT_SECTION_OPERATIONS) <= PT_OPERATION_IDS_MAX;
}

static bool
s_is_table_good(const pt_phash_t *table)
{
    bool is_power = table->bucket_count >= 2 && (table->bucket_count & (table->bucket_count - 1)) == 0;
    bool are_words = table->first <= PT_PHASH_LAST_WORD && table->second <= PT_PHASH_LAST_WORD;
    if (!is_power || !are_words || table->range == 0)
        return false;
    uint64_t highest = (uint64_t) table->range - 1 + table->displacement_max;
    return highest < table->slot_count;
}

bool
pt_image_are_measures_good(const pt_image_t *self)
{
    assert(self);

    return s_are_counts_good(self) && s_is_table_good(&self->table);
}

static bool
s_are_displacements_good(const pt_image_t *self, uint32_t first, uint32_t count)
{
    uint32_t largest = 0;
    uint32_t all = 0;
    for (uint32_t i = first; i < first + count; i++) {
        uint32_t displacement = self->table.displacements[i];
        largest = displacement > largest ? displacement : largest;
        all |= displacement;
    }
    return all % sizeof(pt_slot_t) == 0 && largest / sizeof(pt_slot_t) <= self->table.displacement_max;
}

static bool
s_is_slot_good(const pt_image_t *self, const pt_slot_t *slot)
{
    uint32_t len = slot->meta & 0xff;
    uint32_t space = slot->meta >> 8 & 0xff;
    uint32_t other = slot->values[PT_SLOT_OPERATIONS];
    if (slot->meta == PT_SLOT_UNUSED)
        return true;
    if (len == 0 || space >= PT_SPACE_COUNT_)
        return false;
    if (len > PT_PHASH_INLINE_BYTES && !s_is_text(self, (pt_span_t) {(uint32_t) slot->words[1], len}))
        return false;
    if (space == PT_SPACE_PROVIDER)
        return other < pt_image_count(self, PT_SECTION_PROVIDERS);
    if (space == PT_SPACE_OPERATION || space == PT_SPACE_DIGITS)
        return other < pt_image_count(self, PT_SECTION_OPERATIONS);
    for (int i = 0; i <= PT_SLOT_OPERATIONS; i++)
        if (!s_is_group_or_none(self, slot->values[i]))
            return false;
    return true;
}

static bool
s_are_slots_good(const pt_image_t *self, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        s_fetch_ahead(&self->table.slots[i]);
        if (!s_is_slot_good(self, &self->table.slots[i]))
            return false;
    }
    return true;
}

static bool
s_are_groups_good(const pt_image_t *self, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        const pt_group_t *group = &self->groups[i];
        bool is_own = group->own == PT_IMAGE_NONE || group->own < pt_image_count(self, PT_SECTION_ENTRIES);
        if (!is_own || !s_is_range_inside(self, PT_SECTION_PATTERNS, group->first_pattern, group->pattern_count))
            return false;
    }
    return true;
}

static bool
s_are_patterns_good(const pt_image_t *self, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        const pt_pattern_t *pattern = &self->patterns[i];
        if (pattern->entry >= pt_image_count(self, PT_SECTION_ENTRIES) || pattern->hole_count > PT_PARAMS_MAX ||
            !s_is_range_inside(self, PT_SECTION_PIECES, pattern->first_piece, 2u * pattern->hole_count + 1) ||
            !s_is_text_or_none(self, pattern->subcode))
            return false;
    }
    return true;
}

static bool
s_are_texts(const pt_image_t *self, const pt_span_t *spans, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!s_is_text(self, spans[i]))
            return false;
    return true;
}

static bool
s_are_pieces_good(const pt_image_t *self, uint32_t first, uint32_t count)
{
    return s_are_texts(self, self->pieces + first, count);
}

static bool
s_is_entry_good(const pt_image_t *self, const struct pt_entry *entry)
{
    return s_is_text(self, entry->id) && s_is_text(self, entry->code) && s_is_text_or_none(self, entry->operations) &&
           s_is_text_or_none(self, entry->message) && s_is_text_or_none(self, entry->subcode) &&
           s_is_text_or_none(self, entry->summary) && s_is_text_or_none(self, entry->todo) &&
           s_is_text_or_none(self, entry->merchant) && s_is_text_or_none(self, entry->cite) &&
           entry->rule < pt_image_count(self, PT_SECTION_RULES) &&
           entry->provider < pt_image_count(self, PT_SECTION_PROVIDERS) && entry->kind < PT_ENTRY_KIND_COUNT_;
}

static bool
s_are_entries_good(const pt_image_t *self, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        s_fetch_ahead(&self->entries[i]);
        if (!s_is_entry_good(self, &self->entries[i]))
            return false;
    }
    return true;
}

bool
pt_image_is_rule_good(const pt_rule_t *rule)
{
    assert(rule);

    return rule->category < PT_CATEGORY_COUNT_ && rule->outcome < PT_OUTCOME_COUNT_ &&
           rule->action < PT_ACTION_COUNT_ && rule->audience < PT_AUDIENCE_BIT(PT_AUDIENCE_COUNT_) &&
           rule->severity < PT_SEVERITY_COUNT_ && rule->when < PT_ALERT_WHEN_COUNT_ &&
           rule->delay_count <= PT_RULE_DELAYS_MAX;
}

static bool
s_are_rules_good(const pt_image_t *self, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++)
        if (!pt_image_is_rule_good(&self->rules[i]))
            return false;
    return true;
}

static bool
s_is_gateway_good(const pt_image_t *self, const pt_gateway_t *gateway)
{
    return s_is_text(self, gateway->id) && s_is_text_or_none(self, gateway->name) &&
           gateway->path_count <= PT_PATHS_MAX && gateway->digits_slot < PT_CODE_SLOTS &&
           (!gateway->status_place || pt_status_place_slot(gateway->status_place) < PT_CODE_SLOTS) &&
           s_is_range_inside(self, PT_SECTION_PATHS, gateway->first_path, gateway->path_count) &&
           s_is_range_inside(self, PT_SECTION_OPERATIONS, gateway->first_operation, gateway->operation_count) &&
           s_is_range_inside(self, PT_SECTION_ADVICE, gateway->first_advice, gateway->advice_count) &&
           s_is_range_inside(self, PT_SECTION_FIELD_CODES, gateway->first_field_code, gateway->field_code_count);
}

static bool
s_are_gateways_good(const pt_image_t *self, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++)
        if (!s_is_gateway_good(self, &self->gateways[i]))
            return false;
    return true;
}

static bool
s_are_operations_good(const pt_image_t *self, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        const pt_operation_t *operation = &self->operations[i];
        if (!s_is_text(self, operation->name) || operation->kind >= PT_OPERATION_COUNT_)
            return false;
    }
    return true;
}

static bool
s_is_path_good(const pt_image_t *self, const pt_image_path_t *path)
{
    uint8_t slot = path->role == PT_ROLE_CODE ? path->slot & PT_PATH_SLOT : path->slot;
    return path->role < PT_ROLE_COUNT_ && slot < pt_role_slots(path->role) && path->step_count > 0 &&
           path->step_count <= PT_PATH_STEPS && s_are_texts(self, path->steps, path->step_count);
}

static bool
s_are_paths_good(const pt_image_t *self, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++)
        if (!s_is_path_good(self, &self->paths[i]))
            return false;
    return true;
}

static bool
s_is_advice_good(const pt_image_t *self, uint32_t first, uint32_t count)
{
    return s_are_texts(self, self->advice + first, count);
}

static bool
s_are_field_codes_good(const pt_image_t *self, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        const pt_field_code_t *field = &self->field_codes[i];
        if (!s_is_text(self, field->code) || !s_is_text_or_none(self, field->summary) ||
            !s_is_text_or_none(self, field->cite))
            return false;
    }
    return true;
}

bool
pt_image_are_good(const pt_image_t *self, pt_section_t section, uint32_t first, uint32_t count)
{
    static bool (*const checks[PT_SECTION_COUNT_])(const pt_image_t *self, uint32_t first, uint32_t count) = {
        [PT_SECTION_DISPLACEMENTS] = s_are_displacements_good,
        [PT_SECTION_SLOTS] = s_are_slots_good,
        [PT_SECTION_GROUPS] = s_are_groups_good,
        [PT_SECTION_PATTERNS] = s_are_patterns_good,
        [PT_SECTION_PIECES] = s_are_pieces_good,
        [PT_SECTION_ENTRIES] = s_are_entries_good,
        [PT_SECTION_RULES] = s_are_rules_good,
        [PT_SECTION_PROVIDERS] = s_are_gateways_good,
        [PT_SECTION_OPERATIONS] = s_are_operations_good,
        [PT_SECTION_PATHS] = s_are_paths_good,
        [PT_SECTION_ADVICE] = s_is_advice_good,
        [PT_SECTION_FIELD_CODES] = s_are_field_codes_good,
        [PT_SECTION_POOL] = NULL, //  any bytes
    };
    assert(self);
    assert(section < PT_SECTION_COUNT_);

    return !checks[section] || checks[section](self, first, count);
}
