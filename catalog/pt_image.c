/*  Checks of an image, from the outside in: header, sections, then checksum and elements together.
 *
 *  The checksum keeps accidents out, pt_image_check hostile images.
 */
#include "pt_image.h"

#include "pt_image_check.h"

#include <assert.h>
#define XXH_STATIC_LINKING_ONLY //  XXH3_state_t on the stack
#ifdef PT_XXHASH_DISPATCH
#include <xxh_x86dispatch.h>
#else
#define XXH_INLINE_ALL
#include <xxhash.h>
#endif

static const size_t s_element_bytes[PT_SECTION_COUNT_] = {
    [PT_SECTION_DISPLACEMENTS] = sizeof(uint32_t),
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

//  The header, without the checksum in it, seeds the sum of the rest.
static void
s_start_sum(XXH3_state_t *out_state, pt_bytes_t bytes)
{
    pt_image_header_t header;
    memcpy(&header, bytes.data, sizeof header);
    header.checksum = 0;
    XXH3_INITSTATE(out_state); //  or the reset takes what lay there before for a seed that it knows
    (void) XXH3_64bits_reset_withSeed(out_state, XXH3_64bits(&header, sizeof header));
}

uint64_t
pt_image_checksum(pt_bytes_t bytes)
{
    assert(bytes.data);
    assert(bytes.len >= PT_IMAGE_HEADER_BYTES);

    XXH3_state_t state;
    s_start_sum(&state, bytes);
    (void) XXH3_64bits_update(&state, bytes.data + PT_IMAGE_HEADER_BYTES, bytes.len - PT_IMAGE_HEADER_BYTES);
    return XXH3_64bits_digest(&state);
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
    return PT_OK;
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
        .first = header->first,
        .second = header->second,
        .is_wide = header->is_wide != 0,
        .displacements = starts[PT_SECTION_DISPLACEMENTS],
        .slots = starts[PT_SECTION_SLOTS],
        .pool = starts[PT_SECTION_POOL],
        .range = header->range,
        .bucket_mask = pt_phash_bucket_mask(header->sections[PT_SECTION_DISPLACEMENTS].count),
        .bucket_count = header->sections[PT_SECTION_DISPLACEMENTS].count,
        .slot_count = header->sections[PT_SECTION_SLOTS].count,
        .displacement_max = header->displacement_max,
    };
    memcpy(out_image->table.seed, header->seed, sizeof header->seed);
}

//  One walk through the bytes for both the checksum and the elements: what stands in the cache for the one
//  is there for the other.
typedef struct {
    const pt_image_t *image;
    pt_bytes_t bytes;
    uint32_t checked[PT_SECTION_COUNT_]; //  elements
    bool is_good;
} s_walk_t;

//  Check the elements that end before `end` and were not checked yet.
static void
s_check_until(s_walk_t *self, size_t end)
{
    for (unsigned i = 0; i < PT_SECTION_COUNT_; i++) {
        const pt_extent_t *extent = &self->image->header->sections[i];
        size_t whole = end < extent->offset ? 0 : (end - extent->offset) / s_element_bytes[i];
        uint32_t ready = whole < extent->count ? (uint32_t) whole : extent->count;
        uint32_t first = self->checked[i];
        if (!self->is_good || ready <= first)
            continue;
        self->is_good = pt_image_are_good(self->image, (pt_section_t) i, first, ready - first);
        self->checked[i] = ready;
    }
}

static pt_status_t
s_check_bytes(s_walk_t *self)
{
    XXH3_state_t state;
    s_start_sum(&state, self->bytes);
    for (size_t at = PT_IMAGE_HEADER_BYTES; at < self->bytes.len; at += PT_IMAGE_STEP_BYTES) {
        size_t end = self->bytes.len - at < PT_IMAGE_STEP_BYTES ? self->bytes.len : at + PT_IMAGE_STEP_BYTES;
        (void) XXH3_64bits_update(&state, self->bytes.data + at, end - at);
        s_check_until(self, end);
    }
    //  What is damaged by accident is called that, whatever the damage looks like.
    if (XXH3_64bits_digest(&state) != self->image->header->checksum)
        return PT_E_CHECKSUM;
    return self->is_good ? PT_OK : PT_E_MALFORMED;
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
    const pt_image_header_t *header = (const void *) bytes.data;
    if (!s_are_sections_inside(header))
        return header->checksum == pt_image_checksum(bytes) ? PT_E_MALFORMED : PT_E_CHECKSUM;
    pt_image_t image;
    s_find_sections(bytes.data, &image);
    s_walk_t walk = {.image = &image, .bytes = bytes, .is_good = pt_image_are_measures_good(&image)};
    status = s_check_bytes(&walk);
    if (status == PT_OK)
        *out_image = image;
    return status;
}
