/*  Checks of an image, from the outside in: header, sections, then every index and span inside.
 *
 *  The checksum keeps accidents out. The rest of the checks keep hostile images in: whatever an
 *  accepted image says, no lookup reads outside of it.
 */
#include "pt_image.h"

#include "pt_source.h"

#include <assert.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static const size_t s_element_bytes[PT_SECTION_COUNT_] = {
    [PT_SECTION_DISPLACEMENTS] = sizeof(uint16_t),
    [PT_SECTION_SLOTS] = sizeof(pt_slot_t),
    [PT_SECTION_GROUPS] = sizeof(pt_group_t),
    [PT_SECTION_PATTERNS] = sizeof(pt_pattern_t),
    [PT_SECTION_PIECES] = sizeof(pt_span_t),
    [PT_SECTION_ENTRIES] = sizeof(struct pt_entry),
    [PT_SECTION_RULES] = sizeof(pt_rule_t),
    [PT_SECTION_PROVIDERS] = sizeof(pt_gateway_t),
    [PT_SECTION_OPERATIONS] = sizeof(pt_operation_t),
    [PT_SECTION_PATHS] = sizeof(pt_image_path_t),
    [PT_SECTION_ADVICE] = sizeof(pt_span_t),
    [PT_SECTION_FIELD_CODES] = sizeof(pt_field_code_t),
    [PT_SECTION_POOL] = 1,
};

size_t
pt_section_element_bytes(pt_section_t section)
{
    assert(section < PT_SECTION_COUNT_);

    return s_element_bytes[section];
}

uint64_t
pt_image_checksum(pt_bytes_t bytes)
{
    assert(bytes.data);
    assert(bytes.len >= PT_IMAGE_HEADER_BYTES);

    pt_image_header_t header;
    memcpy(&header, bytes.data, sizeof header);
    header.checksum = 0;
    uint64_t seed = XXH3_64bits(&header, sizeof header);
    return XXH3_64bits_withSeed(bytes.data + sizeof header, bytes.len - sizeof header, seed);
}

static pt_status_t
s_check_header(pt_bytes_t bytes)
{
    pt_image_header_t header;
    if (bytes.len < sizeof header)
        return PT_E_TRUNCATED;
    memcpy(&header, bytes.data, sizeof header);
    if (header.magic != PT_IMAGE_MAGIC)
        return header.magic == __builtin_bswap64(PT_IMAGE_MAGIC) ? PT_E_VERSION : PT_E_MALFORMED;
    if (header.endian != PT_IMAGE_ENDIAN || header.major != PT_IMAGE_MAJOR)
        return PT_E_VERSION;
    if (header.hash_id != PT_PHASH_ID || header.slot_bytes != sizeof(pt_slot_t))
        return PT_E_VERSION;
    if (header.file_bytes > PT_IMAGE_BYTES_MAX || bytes.len > PT_IMAGE_BYTES_MAX)
        return PT_E_SIZE;
    if (bytes.len != header.file_bytes)
        return bytes.len < header.file_bytes ? PT_E_TRUNCATED : PT_E_TRAILING;
    return header.checksum == pt_image_checksum(bytes) ? PT_OK : PT_E_CHECKSUM;
}

static bool
s_are_sections_inside(const pt_image_header_t *header)
{
    for (int i = 0; i < PT_SECTION_COUNT_; i++) {
        const pt_extent_t *extent = &header->sections[i];
        uint64_t end = extent->offset + (uint64_t) extent->count * s_element_bytes[i];
        if (extent->offset < PT_IMAGE_HEADER_BYTES || extent->offset % PT_IMAGE_ALIGN != 0 || end > header->file_bytes)
            return false;
    }
    return true;
}

static void
s_find_sections(const uint8_t *bytes, pt_image_t *out_image)
{
    const pt_image_header_t *header = (const void *) bytes;
    const void *starts[PT_SECTION_COUNT_];
    for (int i = 0; i < PT_SECTION_COUNT_; i++)
        starts[i] = bytes + header->sections[i].offset;
    *out_image = (pt_image_t) {
        .header = header,
        .groups = starts[PT_SECTION_GROUPS],
        .patterns = starts[PT_SECTION_PATTERNS],
        .pieces = starts[PT_SECTION_PIECES],
        .entries = starts[PT_SECTION_ENTRIES],
        .rules = starts[PT_SECTION_RULES],
        .gateways = starts[PT_SECTION_PROVIDERS],
        .operations = starts[PT_SECTION_OPERATIONS],
        .paths = starts[PT_SECTION_PATHS],
        .advice = starts[PT_SECTION_ADVICE],
        .field_codes = starts[PT_SECTION_FIELD_CODES],
        .pool = starts[PT_SECTION_POOL],
    };
    out_image->table = (pt_phash_t) {
        .displacements = starts[PT_SECTION_DISPLACEMENTS],
        .slots = starts[PT_SECTION_SLOTS],
        .pool = starts[PT_SECTION_POOL],
        .range = header->range,
        .shift = header->shift,
        .bucket_count = header->sections[PT_SECTION_DISPLACEMENTS].count,
        .slot_count = header->sections[PT_SECTION_SLOTS].count,
        .displacement_max = header->displacement_max,
    };
    memcpy(out_image->table.seed, header->seed, sizeof header->seed);
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
s_is_table_good(const pt_image_t *self)
{
    const pt_phash_t *table = &self->table;
    bool is_power = table->bucket_count >= 2 && (table->bucket_count & (table->bucket_count - 1)) == 0;
    if (!is_power || table->shift != 64 - (uint32_t) __builtin_ctz(table->bucket_count) || table->range == 0)
        return false;
    uint64_t highest = (uint64_t) table->range - 1 + table->displacement_max;
    if (highest >= table->slot_count)
        return false;
    for (uint32_t i = 0; i < table->bucket_count; i++)
        if (table->displacements[i] > table->displacement_max)
            return false;
    for (uint32_t i = 0; i < table->slot_count; i++)
        if (!s_is_slot_good(self, &table->slots[i]))
            return false;
    return true;
}

static bool
s_is_pattern_good(const pt_image_t *self, const pt_pattern_t *pattern)
{
    return pattern->entry < pt_image_count(self, PT_SECTION_ENTRIES) && pattern->hole_count <= PT_PARAMS_MAX &&
           s_is_range_inside(self, PT_SECTION_PIECES, pattern->first_piece, 2u * pattern->hole_count + 1) &&
           s_is_text_or_none(self, pattern->subcode);
}

static bool
s_are_groups_good(const pt_image_t *self)
{
    for (uint32_t i = 0; i < pt_image_count(self, PT_SECTION_GROUPS); i++) {
        const pt_group_t *group = &self->groups[i];
        bool is_own = group->own == PT_IMAGE_NONE || group->own < pt_image_count(self, PT_SECTION_ENTRIES);
        if (!is_own || !s_is_range_inside(self, PT_SECTION_PATTERNS, group->first_pattern, group->pattern_count))
            return false;
    }
    for (uint32_t i = 0; i < pt_image_count(self, PT_SECTION_PATTERNS); i++)
        if (!s_is_pattern_good(self, &self->patterns[i]))
            return false;
    for (uint32_t i = 0; i < pt_image_count(self, PT_SECTION_PIECES); i++)
        if (!s_is_text(self, self->pieces[i]))
            return false;
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
s_are_entries_good(const pt_image_t *self)
{
    for (uint32_t i = 0; i < pt_image_count(self, PT_SECTION_RULES); i++)
        if (!pt_image_is_rule_good(&self->rules[i]))
            return false;
    for (uint32_t i = 0; i < pt_image_count(self, PT_SECTION_ENTRIES); i++)
        if (!s_is_entry_good(self, &self->entries[i]))
            return false;
    return true;
}

static bool
s_is_path_good(const pt_image_t *self, const pt_image_path_t *path)
{
    uint8_t slots = path->role == PT_ROLE_STATUS ? PT_STATUS_SLOTS : PT_CODE_SLOTS;
    if (path->role >= PT_ROLE_COUNT_ || path->slot >= slots || path->step_count == 0 ||
        path->step_count > PT_PATH_STEPS)
        return false;
    for (int i = 0; i < path->step_count; i++)
        if (!s_is_text(self, path->steps[i]))
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
s_are_gateways_good(const pt_image_t *self)
{
    for (uint32_t i = 0; i < pt_image_count(self, PT_SECTION_PROVIDERS); i++)
        if (!s_is_gateway_good(self, &self->gateways[i]))
            return false;
    for (uint32_t i = 0; i < pt_image_count(self, PT_SECTION_OPERATIONS); i++) {
        const pt_operation_t *operation = &self->operations[i];
        if (!s_is_text(self, operation->name) || operation->kind >= PT_OPERATION_COUNT_)
            return false;
    }
    for (uint32_t i = 0; i < pt_image_count(self, PT_SECTION_PATHS); i++)
        if (!s_is_path_good(self, &self->paths[i]))
            return false;
    for (uint32_t i = 0; i < pt_image_count(self, PT_SECTION_ADVICE); i++)
        if (!s_is_text(self, self->advice[i]))
            return false;
    for (uint32_t i = 0; i < pt_image_count(self, PT_SECTION_FIELD_CODES); i++) {
        const pt_field_code_t *field = &self->field_codes[i];
        if (!s_is_text(self, field->code) || !s_is_text_or_none(self, field->summary) ||
            !s_is_text_or_none(self, field->cite))
            return false;
    }
    return true;
}

//  Ids of providers and operations have 16 bits.
static bool
s_are_counts_good(const pt_image_t *self)
{
    return pt_image_count(self, PT_SECTION_PROVIDERS) <= PT_OPERATION_IDS_MAX &&
           pt_image_count(self, PT_SECTION_OPERATIONS) <= PT_OPERATION_IDS_MAX;
}

pt_status_t
pt_image_open(pt_bytes_t bytes, pt_image_t *out_image)
{
    assert(bytes.data || bytes.len == 0);
    assert((uintptr_t) bytes.data % PT_IMAGE_ALIGN == 0);
    assert(out_image);

    pt_status_t status = s_check_header(bytes);
    if (status != PT_OK)
        return status;
    if (!s_are_sections_inside((const void *) bytes.data))
        return PT_E_MALFORMED;
    pt_image_t image;
    s_find_sections(bytes.data, &image);
    if (!s_are_counts_good(&image) || !s_is_table_good(&image) || !s_are_groups_good(&image) ||
        !s_are_entries_good(&image) || !s_are_gateways_good(&image))
        return PT_E_MALFORMED;
    *out_image = image;
    return PT_OK;
}
