/*  Growing an image's sections, and putting them together. */
#include "pt_draft.h"

#include <assert.h>
#include <stdlib.h>

static void
s_fail(pt_draft_t *self, pt_status_t status)
{
    if (self->status == PT_OK)
        self->status = status;
}

//  Entries are most of a large image, so they are written where they stay: behind room for the header, in what
//  becomes the image.
static size_t
s_front(const pt_draft_t *self, const pt_list_t *list)
{
    return list == &self->sections[PT_SECTION_ENTRIES] ? PT_IMAGE_HEADER_BYTES : 0;
}

//  The block that a list stands in.
static uint8_t *
s_block(const pt_draft_t *self, const pt_list_t *list)
{
    return list->data ? list->data - s_front(self, list) : NULL;
}

static uint64_t
s_align(uint64_t offset)
{
    return (offset + PT_IMAGE_ALIGN - 1) / PT_IMAGE_ALIGN * PT_IMAGE_ALIGN;
}

static bool
s_grow(pt_draft_t *self, pt_list_t *list, size_t room, size_t element_bytes)
{
    size_t front = s_front(self, list);
    size_t bytes = front + room * element_bytes;
    bool is_new_image = front && !list->data;
    uint8_t *grown = is_new_image ? aligned_alloc(PT_IMAGE_ALIGN, s_align(bytes)) : realloc(s_block(self, list), bytes);
    if (!grown) {
        s_fail(self, PT_E_NOMEM);
        return false;
    }
    list->data = grown + front;
    list->room = room;
    return true;
}

static void
s_push(pt_draft_t *self, pt_list_t *list, const void *element, size_t element_bytes)
{
    if (self->status != PT_OK)
        return;
    if (list->count == list->room && !s_grow(self, list, list->room ? list->room * 2 : 64, element_bytes))
        return;
    memcpy(list->data + list->count * element_bytes, element, element_bytes);
    list->count++;
}

void
pt_draft_expect(pt_draft_t *self, size_t entries)
{
    assert(self);

    static const pt_section_t sections[] = {PT_SECTION_ENTRIES, PT_SECTION_GROUPS};
    for (size_t i = 0; entries && i < sizeof sections / sizeof sections[0]; i++)
        (void) s_grow(self, &self->sections[sections[i]], entries, pt_section_element_bytes(sections[i]));
    if (entries) {
        (void) s_grow(self, &self->keys, entries, sizeof(pt_phash_item_t));
        (void) s_grow(self, &self->marks, entries, sizeof(pt_mark_t));
    }
    //  The code of each entry.
    if (!pt_intern_reserve(&self->pool, entries))
        s_fail(self, PT_E_NOMEM);
}

uint32_t
pt_draft_add(pt_draft_t *self, pt_section_t section, const void *element)
{
    assert(self);
    assert(element);

    uint32_t index = pt_draft_next(self, section);
    if (index == PT_IMAGE_NONE - 1)
        s_fail(self, PT_E_COUNT);
    s_push(self, &self->sections[section], element, pt_section_element_bytes(section));
    return index;
}

uint32_t
pt_draft_next(const pt_draft_t *self, pt_section_t section)
{
    assert(self);
    assert(section < PT_SECTION_COUNT_);

    return (uint32_t) self->sections[section].count;
}

typedef pt_status_t s_keep_t(pt_intern_t *pool, pt_text_t text, uint32_t *out_offset);

static inline pt_span_t
s_keep_text(pt_draft_t *self, pt_text_t text, s_keep_t *keep)
{
    pt_span_t span = {PT_IMAGE_NONE, 0};
    if (!text.data || self->status != PT_OK)
        return span;
    pt_status_t status = keep(&self->pool, text, &span.offset);
    if (status != PT_OK)
        s_fail(self, status);
    span.bytes = (uint32_t) text.len;
    return span;
}

pt_span_t
pt_draft_text(pt_draft_t *self, pt_text_t text)
{
    assert(self);

    return s_keep_text(self, text, pt_intern_add);
}

pt_span_t
pt_draft_own_text(pt_draft_t *self, pt_text_t text)
{
    assert(self);

    return s_keep_text(self, text, pt_intern_append);
}

uint32_t
pt_draft_rule(pt_draft_t *self, const pt_rule_t *rule)
{
    assert(self);
    assert(rule);

    //  Strings of one length stand at multiples of it.
    uint32_t offset = 0;
    pt_text_t bytes = {(const char *) rule, sizeof *rule};
    pt_status_t status = pt_intern_add(&self->rules, bytes, &offset);
    if (status != PT_OK)
        s_fail(self, status);
    return offset / (uint32_t) sizeof *rule;
}

void
pt_draft_key(pt_draft_t *self, const pt_phash_item_t *item, pt_mark_t mark)
{
    assert(self);
    assert(item);

    pt_phash_item_t kept = *item;
    if (item->text.len > PT_PHASH_INLINE_BYTES)
        kept.pool_offset = pt_draft_text(self, item->text).offset;
    s_push(self, &self->keys, &kept, sizeof kept);
    s_push(self, &self->marks, &mark, sizeof mark);
}

void
pt_draft_name(pt_draft_t *self, pt_space_t space, uint16_t owner, pt_text_t text, uint32_t value, pt_mark_t mark)
{
    assert(self);

    pt_phash_item_t item = {.text = text, .space = (uint8_t) space, .owner = owner};
    for (int i = 0; i < PT_SLOT_OPERATIONS; i++) {
        item.operations[i] = PT_OPERATION_NONE;
        item.values[i] = PT_PHASH_NONE;
    }
    item.values[PT_SLOT_OPERATIONS] = value;
    pt_draft_key(self, &item, mark);
}

void *
pt_draft_alloc(pt_draft_t *self, size_t bytes)
{
    assert(self);

    void *block = self->status == PT_OK ? pt_source_alloc(&self->scratch, bytes) : NULL;
    if (!block)
        s_fail(self, PT_E_NOMEM);
    return block;
}

void
pt_draft_forget(pt_draft_t *self)
{
    assert(self);

    pt_source_destroy(&self->scratch);
}

static void
s_blame_key(const pt_draft_t *self, pt_status_t status, const size_t pair[2], pt_faults_t *faults)
{
    const pt_phash_item_t *items = (const void *) self->keys.data;
    const pt_mark_t *marks = (const void *) self->marks.data;
    pt_text_t text = items[pair[0]].text;
    int shown = text.len > 64 ? 64 : (int) text.len;
    if (status == PT_E_SIZE) {
        pt_faults_add(faults, marks[pair[0]], false, "PT2006", "\"%.*s\": a name or code has 1 to %d bytes", shown,
                      text.data, PT_PHASH_KEY_BYTES_MAX);
        return;
    }
    char place[PT_MARK_BYTES_MAX];
    bool is_swapped = marks[pair[1]].line < marks[pair[0]].line;
    pt_mark_t first = marks[pair[is_swapped ? 1 : 0]];
    pt_mark_t second = marks[pair[is_swapped ? 0 : 1]];
    pt_faults_add(faults, second, false, "PT2001", "\"%.*s\" is taken: see %s", shown, text.data,
                  pt_mark_text(first, second, place));
}

//  Keys that cannot stay are named and left out, so that all of them are named.
static pt_status_t
s_build_table(pt_draft_t *self, pt_faults_t *faults, pt_phash_t *out_table)
{
    pt_phash_item_t *items = (void *) self->keys.data;
    pt_mark_t *marks = (void *) self->marks.data;
    size_t count = self->keys.count;
    bool is_blamed = false;
    for (;;) {
        size_t pair[2] = {0, 0};
        pt_status_t status = pt_phash_plan(items, count, out_table, pair);
        if (status != PT_E_DUPLICATE && status != PT_E_SIZE) {
            if (status == PT_OK && is_blamed)
                pt_phash_release(out_table);
            return status == PT_OK && is_blamed ? PT_E_SYNTAX : status;
        }
        is_blamed = true;
        s_blame_key(self, status, pair, faults);
        size_t bad = status == PT_E_DUPLICATE ? pair[1] : pair[0];
        count--;
        items[bad] = items[count];
        marks[bad] = marks[count];
    }
}

//  What was kept elsewhere until now takes its place among the sections.
static void
s_take_section(pt_draft_t *self, pt_section_t section, const void *data, size_t count)
{
    self->sections[section] = (pt_list_t) {(void *) (uintptr_t) data, count, count};
}

static void
s_collect_sections(pt_draft_t *self, const pt_phash_t *table)
{
    s_take_section(self, PT_SECTION_DISPLACEMENTS, table->displacements, table->bucket_count);
    s_take_section(self, PT_SECTION_RULES, self->rules.bytes, self->rules.byte_count / sizeof(pt_rule_t));
    s_take_section(self, PT_SECTION_POOL, self->pool.bytes, self->pool.byte_count);
    self->rules = (pt_intern_t) {0};
    self->pool = (pt_intern_t) {0};
}

//  The entries first, the others in the order of their numbers.
static uint64_t
s_place_sections(pt_extent_t *extents)
{
    uint64_t end = PT_IMAGE_HEADER_BYTES;
    for (unsigned turn = 0; turn <= PT_SECTION_COUNT_; turn++) {
        unsigned i = turn ? turn - 1 : PT_SECTION_ENTRIES;
        if (turn && i == PT_SECTION_ENTRIES)
            continue;
        uint64_t start = s_align(end);
        extents[i].offset = (uint32_t) start;
        end = start + (uint64_t) extents[i].count * pt_section_element_bytes((pt_section_t) i);
        if (end > PT_IMAGE_BYTES_MAX)
            return UINT64_MAX;
    }
    return s_align(end);
}

static pt_image_header_t
s_make_header(const pt_draft_t *self, const pt_phash_t *table)
{
    pt_image_header_t header = {
        .magic = PT_IMAGE_MAGIC,
        .endian = PT_IMAGE_ENDIAN,
        .major = PT_IMAGE_MAJOR,
        .minor = PT_IMAGE_MINOR,
        .hash_id = PT_PHASH_ID,
        .slot_bytes = sizeof(pt_slot_t),
        .range = (uint32_t) table->range,
        .displacement_max = table->displacement_max,
        .key_count = (uint32_t) self->keys.count,
        .first = (uint8_t) table->first,
        .second = (uint8_t) table->second,
        .is_wide = table->is_wide,
    };
    memcpy(header.seed, table->seed, sizeof header.seed);
    for (unsigned i = 0; i < PT_SECTION_COUNT_; i++)
        header.sections[i].count = (uint32_t) self->sections[i].count;
    header.sections[PT_SECTION_SLOTS].count = table->slot_count;
    header.file_bytes = s_place_sections(header.sections);
    return header;
}

//  The block of the entries, grown to the whole image; NULL when out of memory. A large one stays where its
//  pages are, and as aligned as it was; where it does not, all of it moves once more.
static uint8_t *
s_grow_image(pt_draft_t *self, size_t bytes)
{
    pt_list_t *entries = &self->sections[PT_SECTION_ENTRIES];
    if (!entries->data)
        return aligned_alloc(PT_IMAGE_ALIGN, bytes);
    size_t used = PT_IMAGE_HEADER_BYTES + entries->count * pt_section_element_bytes(PT_SECTION_ENTRIES);
    uint8_t *image = realloc(s_block(self, entries), bytes);
    if (!image)
        return NULL;
    *entries = (pt_list_t) {0};
    if ((uintptr_t) image % PT_IMAGE_ALIGN == 0)
        return image;
    uint8_t *aligned = aligned_alloc(PT_IMAGE_ALIGN, bytes);
    if (aligned)
        memcpy(aligned, image, used);
    free(image);
    return aligned;
}

//  Bring a section to its place, with zeros up to the next one. It is released at once: of a large
//  catalog not all of them and the image need stand in memory together.
static void
s_move_section(pt_draft_t *self, const pt_image_header_t *header, pt_section_t section, uint8_t *image)
{
    const pt_extent_t *extent = &header->sections[section];
    uint64_t end = extent->offset + extent->count * pt_section_element_bytes(section);
    pt_list_t *list = &self->sections[section];
    if (list->data)
        memcpy(image + extent->offset, list->data, end - extent->offset);
    free(list->data);
    *list = (pt_list_t) {0};
    memset(image + end, 0, s_align(end) - end);
}

static pt_status_t
s_write_image(pt_draft_t *self, const pt_phash_t *table, uint8_t **out_image, size_t *out_bytes)
{
    s_collect_sections(self, table);
    pt_image_header_t header = s_make_header(self, table);
    if (header.file_bytes > PT_IMAGE_BYTES_MAX)
        return PT_E_SIZE;
    uint8_t *image = s_grow_image(self, header.file_bytes);
    if (!image)
        return PT_E_NOMEM;
    pt_phash_write(table, (const void *) self->keys.data, self->keys.count,
                   (void *) (image + header.sections[PT_SECTION_SLOTS].offset));
    for (unsigned i = 0; i < PT_SECTION_COUNT_; i++)
        s_move_section(self, &header, (pt_section_t) i, image);
    memcpy(image, &header, sizeof header);
    header.checksum = pt_image_checksum((pt_bytes_t) {image, header.file_bytes});
    memcpy(image, &header, sizeof header);
    *out_image = image;
    *out_bytes = header.file_bytes;
    return PT_OK;
}

pt_status_t
pt_draft_seal(pt_draft_t *self, pt_faults_t *faults, uint8_t **out_image, size_t *out_bytes)
{
    assert(self);
    assert(faults);
    assert(out_image);
    assert(out_bytes);

    if (self->status != PT_OK)
        return self->status;
    pt_intern_close(&self->pool);
    pt_intern_close(&self->rules);
    pt_phash_t table;
    pt_status_t status = s_build_table(self, faults, &table);
    if (status != PT_OK)
        return status;
    return s_write_image(self, &table, out_image, out_bytes);
}

void
pt_draft_clear(pt_draft_t *self)
{
    assert(self);

    for (int i = 0; i < PT_SECTION_COUNT_; i++)
        free(s_block(self, &self->sections[i]));
    free(self->keys.data);
    free(self->marks.data);
    pt_intern_clear(&self->pool);
    pt_intern_clear(&self->rules);
    pt_source_destroy(&self->scratch);
    *self = (pt_draft_t) {0};
}
