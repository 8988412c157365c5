/*  Opening an image, and showing what is in it. What a response means is found in pt_lookup.c. */
#include "pt_catalog.h"

#include "pt_catalog_parts.h"
#include "pt_todo.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

static void
s_open_path(const pt_image_t *image, const pt_image_path_t *stored, pt_path_t *out_path)
{
    *out_path = (pt_path_t) {.role = stored->role,
                             .slot = stored->slot & PT_PATH_SLOT,
                             .width = stored->width,
                             .step_count = stored->step_count};
    for (int i = 0; i < stored->step_count; i++)
        out_path->steps[i] = pt_image_text(image, stored->steps[i]);
}

//  The places of codes, as bits, that are about nothing that a payer pays.
static unsigned
s_codes_without_payer(const pt_image_t *image, const pt_gateway_t *gateway)
{
    unsigned places = 0;
    for (uint32_t i = 0; i < gateway->path_count; i++) {
        uint8_t slot = image->paths[gateway->first_path + i].slot;
        places |= slot & PT_PATH_WITHOUT_PAYER ? 1u << (slot & PT_PATH_SLOT) : 0;
    }
    return places;
}

static void
s_open_provider(pt_catalog_t *self, uint16_t index)
{
    const pt_image_t *image = &self->image;
    const pt_gateway_t *gateway = &image->gateways[index];
    self->providers[index] = (pt_provider_t) {
        .image = image,
        .gateway = gateway,
        .id = pt_image_text(image, gateway->id),
        .name = pt_image_text(image, gateway->name),
        .shape = {.paths = self->paths + gateway->first_path, .path_count = gateway->path_count},
        .codes_without_payer = s_codes_without_payer(image, gateway),
        .index = index,
    };
}

//  Whether a gateway's bodies are like those of the one before it, as in catalogs that a program writes.
static bool
s_is_alike(const pt_image_t *image, uint32_t index)
{
    if (index == 0)
        return false;
    const pt_gateway_t *one = &image->gateways[index];
    const pt_gateway_t *before = &image->gateways[index - 1];
    return one->path_count == before->path_count &&
           memcmp(&image->paths[one->first_path], &image->paths[before->first_path],
                  one->path_count * sizeof *image->paths) == 0;
}

//  What the trees of all shapes take. Paths share most of their steps, so that room for all of them would be many
//  times as much: gigabytes for a catalog of many gateways.
static pt_shape_room_t
s_measure_shapes(const pt_catalog_t *self, uint32_t providers)
{
    pt_fork_t forks[PT_SHAPE_STEPS_MAX + 1];
    pt_step_t steps[PT_SHAPE_STEPS_MAX + 1];
    pt_shape_room_t all = {0};
    for (uint32_t i = 0; i < providers; i++) {
        if (s_is_alike(&self->image, i))
            continue;
        pt_shape_t shape = self->providers[i].shape;
        pt_shape_room_t room = pt_shape_prepare(&shape, forks, steps);
        all.forks += room.forks;
        all.steps += room.steps;
    }
    return all;
}

//  Make the trees of all shapes, whose forks and steps stand one shape after the other.
static pt_status_t
s_prepare_shapes(pt_catalog_t *self, uint32_t providers)
{
    pt_shape_room_t all = s_measure_shapes(self, providers);
    self->forks = calloc(all.forks + 1, sizeof *self->forks);
    self->steps = calloc(all.steps + 1, sizeof *self->steps);
    if (!self->forks || !self->steps)
        return PT_E_NOMEM;
    pt_shape_room_t at = {0};
    for (uint32_t i = 0; i < providers; i++) {
        pt_shape_t *shape = &self->providers[i].shape;
        if (s_is_alike(&self->image, i)) {
            *shape = self->providers[i - 1].shape;
            continue;
        }
        pt_shape_room_t room = pt_shape_prepare(shape, self->forks + at.forks, self->steps + at.steps);
        at.forks += room.forks;
        at.steps += room.steps;
    }
    return PT_OK;
}

static __attribute__((noinline)) const pt_provider_t *
s_find_provider(const pt_catalog_t *self, pt_text_t name)
{
    const pt_slot_t *slot = pt_phash_find(&self->image.table, PT_SPACE_PROVIDER, 0, name);
    return slot ? &self->providers[slot->values[PT_SLOT_OPERATIONS]] : NULL;
}

//  Where several ids have one number, the hash finds all but one, as it finds long ids and aliases.
static void
s_open_near(pt_catalog_t *self, uint32_t providers)
{
    for (uint32_t i = 0; i < providers; i++) {
        const pt_provider_t *provider = &self->providers[i];
        pt_near_t *near = &self->near[pt_shape_key_of(provider->id)];
        if (near->len || provider->id.len > PT_NEAR_BYTES || s_find_provider(self, provider->id) != provider)
            continue;
        memcpy(near->id, provider->id.data, provider->id.len);
        near->len = provider->id.len;
        near->provider = provider;
    }
}

//  Make the parts that hold pointers.
static pt_status_t
s_open_parts(pt_catalog_t *self)
{
    uint32_t providers = pt_image_count(&self->image, PT_SECTION_PROVIDERS);
    uint32_t paths = pt_image_count(&self->image, PT_SECTION_PATHS);
    self->providers = calloc((size_t) providers + 1, sizeof *self->providers);
    self->paths = calloc((size_t) paths + 1, sizeof *self->paths);
    if (!self->providers || !self->paths)
        return PT_E_NOMEM;
    for (uint32_t i = 0; i < paths; i++)
        s_open_path(&self->image, &self->image.paths[i], &self->paths[i]);
    for (uint32_t i = 0; i < providers; i++)
        s_open_provider(self, (uint16_t) i);
    s_open_near(self, providers);
    return s_prepare_shapes(self, providers);
}

static pt_status_t
s_adopt(const uint8_t *image, size_t bytes, bool is_mapped, pt_catalog_t **out_catalog)
{
    if (bytes > PT_IMAGE_BYTES_MAX)
        return PT_E_SIZE;
    pt_catalog_t *self = calloc(1, sizeof *self);
    if (!self)
        return PT_E_NOMEM;
    pt_status_t status = pt_image_open((pt_bytes_t) {image, bytes}, &self->image);
    if (status == PT_OK)
        status = s_open_parts(self);
    if (status != PT_OK) {
        pt_catalog_destroy(&self);
        return status;
    }
    self->bytes = image;
    self->mapped_bytes = is_mapped ? bytes : 0;
    *out_catalog = self;
    return PT_OK;
}

pt_status_t
pt_catalog_adopt(uint8_t *image, size_t bytes, pt_catalog_t **out_catalog)
{
    assert(image);
    assert((uintptr_t) image % PT_IMAGE_ALIGN == 0);
    assert(out_catalog);

    return s_adopt(image, bytes, false, out_catalog);
}

pt_status_t
pt_catalog_adopt_mapped(const uint8_t *image, size_t bytes, pt_catalog_t **out_catalog)
{
    assert(image);
    assert((uintptr_t) image % PT_IMAGE_ALIGN == 0);
    assert(out_catalog);

    return s_adopt(image, bytes, true, out_catalog);
}

pt_status_t
pt_catalog_open(pt_bytes_t image, pt_catalog_t **out_catalog)
{
    assert(image.data || image.len == 0);
    assert(out_catalog);

    if (image.len > PT_IMAGE_BYTES_MAX)
        return PT_E_SIZE;
    size_t room = (image.len / PT_IMAGE_ALIGN + 1) * PT_IMAGE_ALIGN;
    uint8_t *copy = aligned_alloc(PT_IMAGE_ALIGN, room);
    if (!copy)
        return PT_E_NOMEM;
    if (image.len)
        memcpy(copy, image.data, image.len);
    pt_status_t status = pt_catalog_adopt(copy, image.len, out_catalog);
    if (status != PT_OK)
        free(copy);
    return status;
}

pt_bytes_t
pt_catalog_image(const pt_catalog_t *self)
{
    assert(self);

    return (pt_bytes_t) {self->bytes, self->image.header->file_bytes};
}

void
pt_catalog_destroy(pt_catalog_t **self_p)
{
    assert(self_p);

    pt_catalog_t *self = *self_p;
    if (!self)
        return;
    free(self->steps);
    free(self->forks);
    free(self->paths);
    free(self->providers);
    if (self->mapped_bytes)
        (void) munmap((void *) (uintptr_t) self->bytes, self->mapped_bytes);
    else
        free((void *) (uintptr_t) self->bytes);
    free(self);
    *self_p = NULL;
}

uint64_t
pt_catalog_hash(const pt_catalog_t *self)
{
    assert(self);

    return self->image.header->checksum;
}

const pt_provider_t *
pt_catalog_provider(const pt_catalog_t *self, pt_text_t name)
{
    assert(self);

    const pt_near_t *near = &self->near[pt_shape_key_of(name)];
    if (name.len && near->len == name.len && pt_text_equal_front(name, near->id, near->id))
        return near->provider;
    return s_find_provider(self, name);
}

const pt_shape_t *
pt_provider_shape(const pt_provider_t *provider)
{
    static const pt_fork_t no_steps;
    static const pt_shape_t empty = {.forks = &no_steps};
    return provider ? &provider->shape : &empty;
}

pt_text_t
pt_provider_id(const pt_provider_t *provider)
{
    assert(provider);

    return provider->id;
}

pt_text_t
pt_provider_name(const pt_provider_t *provider)
{
    assert(provider);

    return provider->name;
}

size_t
pt_provider_index(const pt_provider_t *provider)
{
    assert(provider);

    return provider->index;
}

size_t
pt_catalog_provider_count(const pt_catalog_t *self)
{
    assert(self);

    return pt_image_count(&self->image, PT_SECTION_PROVIDERS);
}

const pt_provider_t *
pt_catalog_provider_at(const pt_catalog_t *self, size_t index)
{
    assert(self);
    assert(index < pt_catalog_provider_count(self));

    return &self->providers[index];
}

size_t
pt_catalog_entry_count(const pt_catalog_t *self)
{
    assert(self);

    return pt_image_count(&self->image, PT_SECTION_ENTRIES);
}

const pt_entry_t *
pt_catalog_entry_at(const pt_catalog_t *self, size_t index)
{
    assert(self);
    assert(index < pt_catalog_entry_count(self));

    return &self->image.entries[index];
}

const pt_provider_t *
pt_catalog_entry_provider(const pt_catalog_t *self, const pt_entry_t *entry)
{
    assert(self);
    assert(entry);

    return &self->providers[entry->provider];
}

pt_entry_view_t
pt_catalog_entry_view(const pt_catalog_t *self, const pt_entry_t *entry)
{
    assert(self);
    assert(entry);

    const pt_image_t *image = &self->image;
    const pt_rule_t *rule = &image->rules[entry->rule];
    pt_text_t todo = pt_image_text(image, entry->todo);
    return (pt_entry_view_t) {
        .id = pt_image_text(image, entry->id),
        .rule = rule,
        .kind = entry->kind,
        .code = pt_image_text(image, entry->code),
        .operations = pt_image_text(image, entry->operations),
        .message = pt_image_text(image, entry->message),
        .subcode = pt_image_text(image, entry->subcode),
        .summary = pt_image_text(image, entry->summary),
        .todo = todo.data ? todo : pt_action_todo((pt_action_t) rule->action),
        .merchant = pt_image_text(image, entry->merchant),
        .cite = pt_image_text(image, entry->cite),
    };
}

size_t
pt_provider_operation_count(const pt_provider_t *provider)
{
    assert(provider);

    return provider->gateway->operation_count;
}

pt_operation_view_t
pt_provider_operation_at(const pt_provider_t *provider, size_t index)
{
    assert(provider);
    assert(index < provider->gateway->operation_count);

    const pt_operation_t *operation = &provider->image->operations[provider->gateway->first_operation + index];
    return (pt_operation_view_t) {
        pt_image_text(provider->image, operation->name),
        (pt_operation_kind_t) operation->kind,
        operation->flags & PT_OPERATION_WITHOUT_PAYER,
    };
}

size_t
pt_provider_field_code_count(const pt_provider_t *provider)
{
    assert(provider);

    return provider->gateway->field_code_count;
}

pt_field_code_view_t
pt_provider_field_code_at(const pt_provider_t *provider, size_t index)
{
    assert(provider);
    assert(index < provider->gateway->field_code_count);

    const pt_field_code_t *field = &provider->image->field_codes[provider->gateway->first_field_code + index];
    return (pt_field_code_view_t) {
        pt_image_text(provider->image, field->code),
        pt_image_text(provider->image, field->summary),
        pt_image_text(provider->image, field->cite),
    };
}
