/*  What of a gateway differs apart from its answers: where things stand in a body, what forbids another try, what
 *  operations can do. Told in words, because no response shows it.
 */
#include "pt_diff_parts.h"

#include "pt_catalog_parts.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void
pt_diff_note(const pt_diff_listener_t *listener, pt_text_t provider, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    listener->notes(listener->context, provider, text);
}

static bool
s_is_path_equal(const pt_path_t *left, const pt_path_t *right)
{
    bool is_equal = left->role == right->role && left->slot == right->slot && left->width == right->width &&
                    left->step_count == right->step_count;
    for (size_t i = 0; is_equal && i < left->step_count; i++)
        is_equal = pt_text_equal(left->steps[i], right->steps[i]);
    return is_equal;
}

static bool
s_is_shape_equal(const pt_shape_t *left, const pt_shape_t *right)
{
    bool is_equal = left->path_count == right->path_count;
    for (size_t i = 0; is_equal && i < left->path_count; i++)
        is_equal = s_is_path_equal(&left->paths[i], &right->paths[i]);
    return is_equal;
}

static bool
s_is_advice_equal(const pt_provider_t *left, const pt_provider_t *right)
{
    bool is_equal = left->gateway->advice_count == right->gateway->advice_count;
    for (uint32_t i = 0; is_equal && i < left->gateway->advice_count; i++)
        is_equal = pt_text_equal(pt_image_text(left->image, left->image->advice[left->gateway->first_advice + i]),
                                 pt_image_text(right->image, right->image->advice[right->gateway->first_advice + i]));
    return is_equal;
}

static const char *
s_kind_text(uint8_t kind)
{
    static const char *const texts[PT_OPERATION_COUNT_] = {
        [PT_OPERATION_MONEY] = "money", [PT_OPERATION_READ] = "read", [PT_OPERATION_WRITE] = "write"};
    return kind < PT_OPERATION_COUNT_ && texts[kind] ? texts[kind] : "unnamed";
}

static void
s_compare_operation(const pt_diff_listener_t *listener, pt_text_t id, pt_operation_view_t old, pt_operation_view_t new)
{
    if (old.kind != new.kind)
        pt_diff_note(listener, id, "operation '%.*s' is %s, no longer %s", (int) old.name.len, old.name.data,
                     s_kind_text((uint8_t) new.kind), s_kind_text((uint8_t) old.kind));
    if (old.without_payer != new.without_payer)
        pt_diff_note(listener, id, "operation '%.*s' has %s payer", (int) old.name.len, old.name.data,
                     new.without_payer ? "no" : "a");
}

static void
s_compare_operations(const pt_diff_listener_t *listener, const pt_provider_t *before, const pt_provider_t *after)
{
    for (size_t i = 0; i < pt_provider_operation_count(before); i++) {
        pt_operation_view_t old = pt_provider_operation_at(before, i);
        for (size_t j = 0; j < pt_provider_operation_count(after); j++) {
            pt_operation_view_t new = pt_provider_operation_at(after, j);
            if (pt_text_equal(old.name, new.name))
                s_compare_operation(listener, before->id, old, new);
        }
    }
}

void
pt_diff_providers(const pt_diff_listener_t *listener, pt_text_t id, const pt_provider_t *before,
                  const pt_provider_t *after)
{
    assert(listener);

    if (!before || !after) {
        pt_diff_note(listener, id, "gateway %s", before ? "removed" : "added");
        return;
    }
    if (!s_is_shape_equal(&before->shape, &after->shape))
        pt_diff_note(listener, id, "codes, messages or markers stand elsewhere in a body");
    if (before->codes_without_payer != after->codes_without_payer)
        pt_diff_note(listener, id, "other codes are about what no payer pays");
    if (!s_is_advice_equal(before, after))
        pt_diff_note(listener, id, "other advice forbids another try");
    s_compare_operations(listener, before, after);
}
