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

static bool
s_grow(pt_draft_t *self, pt_list_t *list, size_t room, size_t element_bytes)
{
    uint8_t *grown = realloc(list->data, room * element_bytes);
    if (!grown) {
        s_fail(self, PT_E_NOMEM);
        return false;
    }
    list->data = grown;
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
    //  The id of each entry, and its code.
    if (!pt_intern_reserve(&self->pool, 2 * entries))
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

pt_span_t
pt_draft_text(pt_draft_t *self, pt_text_t text)
{
    assert(self);

    pt_span_t span = {PT_IMAGE_NONE, 0};
    if (!text.data || self->status != PT_OK)
        return span;
    pt_status_t status = pt_intern_add(&self->pool, text, &span.offset);
    if (status != PT_OK)
        s_fail(self, status);
    span.bytes = (uint32_t) text.len;
    return span;
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
        pt_status_t status = pt_phash_build(items, count, self->pool.bytes, out_table, pair);
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

static uint64_t
s_align(uint64_t offset)
{
    return (offset + PT_IMAGE_ALIGN - 1) / PT_IMAGE_ALIGN * PT_IMAGE_ALIGN;
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
    s_take_section(self, PT_SECTION_SLOTS, table->slots, table->slot_count);
    s_take_section(self, PT_SECTION_RULES, self->rules.bytes, self->rules.byte_count / sizeof(pt_rule_t));
    s_take_section(self, PT_SECTION_POOL, self->pool.bytes, self->pool.byte_count);
    self->rules = (pt_intern_t) {0};
    self->pool = (pt_intern_t) {0};
}

static uint64_t
s_place_sections(pt_extent_t *extents)
{
    uint64_t end = PT_IMAGE_HEADER_BYTES;
    for (unsigned i = 0; i < PT_SECTION_COUNT_; i++) {
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
    };
    memcpy(header.seed, table->seed, sizeof header.seed);
    return header;
}

//  Copy the sections to their places, with zeros between them. Each is released at once: of a large
//  catalog not all of them and the image need stand in memory together.
static void
s_move_sections(pt_draft_t *self, const pt_image_header_t *header, uint8_t *image)
{
    uint64_t end = sizeof *header;
    for (unsigned i = 0; i < PT_SECTION_COUNT_; i++) {
        const pt_extent_t *extent = &header->sections[i];
        size_t bytes = extent->count * pt_section_element_bytes((pt_section_t) i);
        memset(image + end, 0, extent->offset - end);
        if (bytes)
            memcpy(image + extent->offset, self->sections[i].data, bytes);
        free(self->sections[i].data);
        self->sections[i] = (pt_list_t) {0};
        end = extent->offset + bytes;
    }
    memset(image + end, 0, header->file_bytes - end);
}

static pt_status_t
s_write_image(pt_draft_t *self, const pt_phash_t *table, uint8_t **out_image, size_t *out_bytes)
{
    pt_image_header_t header = s_make_header(self, table);
    s_collect_sections(self, table);
    for (unsigned i = 0; i < PT_SECTION_COUNT_; i++)
        header.sections[i].count = (uint32_t) self->sections[i].count;
    header.file_bytes = s_place_sections(header.sections);
    if (header.file_bytes > PT_IMAGE_BYTES_MAX)
        return PT_E_SIZE;
    uint8_t *image = aligned_alloc(PT_IMAGE_ALIGN, header.file_bytes);
    if (!image)
        return PT_E_NOMEM;
    s_move_sections(self, &header, image);
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
        free(self->sections[i].data);
    free(self->keys.data);
    free(self->marks.data);
    pt_intern_clear(&self->pool);
    pt_intern_clear(&self->rules);
    pt_source_destroy(&self->scratch);
    *self = (pt_draft_t) {0};
}
