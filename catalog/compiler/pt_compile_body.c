/*  Where things stand in a gateway's body, and what it can be asked. */
#include "pt_compile_parts.h"

#include <stdio.h>

#define S_COUNT(array) (sizeof(array) / sizeof *(array))

//  One item of body.codes while it is read.
typedef struct {
    pt_unit_t *unit;
    uint32_t width;
} s_code_t;

//  Split at dots. The steps point into one copy of the whole path.
static bool
s_split_path(pt_reader_t *reader, const pt_node_t *node, pt_path_t *out_path)
{
    char *text;
    if (!pt_read_text(reader, node, &text))
        return false;
    for (const char *step = text;; step += strcspn(step, ".") + 1) {
        size_t bytes = strcspn(step, ".");
        if (bytes == 0) {
            pt_read_fault(reader, node, PT_FAULT_PATH, "path '%.64s' has an empty step", text);
            return false;
        }
        if (out_path->step_count == PT_PATH_STEPS) {
            pt_read_fault(reader, node, PT_FAULT_PATH, "path '%.64s' has more than %d steps", text, PT_PATH_STEPS);
            return false;
        }
        out_path->steps[out_path->step_count++] = (pt_text_t) {step, bytes};
        if (!step[bytes])
            return true;
    }
}

//  Room for PT_PATHS_MAX is made once; the callers' limits keep within it.
static void
s_add_path(pt_reader_t *reader, const pt_node_t *node, pt_unit_t *unit, pt_role_t role, size_t slot, uint32_t width)
{
    pt_path_t path = {.role = (uint8_t) role, .slot = (uint8_t) slot, .width = (uint8_t) width};
    pt_source_provider_t *provider = unit->provider;
    if (s_split_path(reader, node, &path) && provider->paths)
        provider->paths[provider->path_count++] = path;
}

static void
s_read_width(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    s_code_t *code = target;
    (void) pt_read_number(reader, node, 1, 32, &code->width);
}

static void
s_read_code_payer(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_unit_t *unit = ((s_code_t *) target)->unit;
    bool has_payer;
    if (pt_read_boolean(reader, node, &has_payer) && !has_payer)
        unit->provider->codes_without_payer |= (uint8_t) (1u << unit->code_slots);
}

static void
s_read_code_path(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    s_code_t *code = target;
    s_add_path(reader, node, code->unit, PT_ROLE_CODE, code->unit->code_slots, code->width);
}

static void
s_read_message_path(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    s_code_t *code = target;
    s_add_path(reader, node, code->unit, PT_ROLE_MESSAGE, code->unit->code_slots, 0);
}

static void
s_read_code(pt_reader_t *reader, const pt_node_t *item, void *target)
{
    static const pt_key_t keys[] = {
        {"width", s_read_width, false}, //  before the path that it belongs to
        {"code", s_read_code_path, true},
        {"message", s_read_message_path, false},
        {"payer", s_read_code_payer, false},
    };
    s_code_t code = {.unit = target};
    pt_read_map(reader, item, "an item of codes", keys, S_COUNT(keys), &code);
    code.unit->code_slots++;
}

static void
s_read_codes(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) pt_read_list(reader, node, PT_CODE_SLOTS, s_read_code, target);
}

static void
s_read_status(pt_reader_t *reader, const pt_node_t *item, void *target)
{
    pt_unit_t *unit = target;
    s_add_path(reader, item, unit, PT_ROLE_STATUS, unit->status_slots++, 0);
}

static void
s_read_statuses(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) pt_read_list(reader, node, PT_STATUS_SLOTS, s_read_status, target);
}

static void
s_read_fields(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    s_add_path(reader, node, target, PT_ROLE_FIELDS, 0, 0);
}

static void
s_read_advice_path(pt_reader_t *reader, const pt_node_t *item, void *target)
{
    pt_unit_t *unit = target;
    s_add_path(reader, item, unit, PT_ROLE_ADVICE, unit->advice_slots++, 0);
}

static void
s_read_advice(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) pt_read_list(reader, node, PT_ADVICE_SLOTS, s_read_advice_path, target);
}

static bool
s_has_role(const pt_source_provider_t *provider, pt_role_t role)
{
    for (size_t i = 0; i < provider->path_count; i++)
        if (provider->paths[i].role == role)
            return true;
    return false;
}

static void
s_read_do_not_retry(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_source_provider_t *provider = ((pt_unit_t *) target)->provider;
    pt_texts_t texts = pt_compile_texts(reader, node, PT_COMPILE_NAMES_MAX, pt_read_quoted);
    provider->do_not_retry = texts.texts;
    provider->do_not_retry_count = texts.count;
    if (!s_has_role(provider, PT_ROLE_ADVICE))
        pt_read_fault(reader, node, PT_FAULT_OUT_OF_PLACE, "do_not_retry has no effect without advice");
}

void
pt_compile_read_body(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    static const pt_key_t keys[] = {
        {"codes", s_read_codes, false},
        {"status", s_read_statuses, false},
        {"fields", s_read_fields, false},
        {"advice", s_read_advice, false},
        {"do_not_retry", s_read_do_not_retry, false}, //  after the advice that it reads
    };
    pt_unit_t *unit = target;
    unit->provider->paths = pt_read_array(reader, PT_PATHS_MAX, sizeof *unit->provider->paths);
    pt_read_map(reader, node, "body", keys, S_COUNT(keys), unit);
}

static void
s_read_operation_name(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_source_operation_t *operation = target;
    if (!pt_compile_read_name(reader, node, &operation->name))
        return;
    //  A leading slash of a response's operation is ignored, so such a name would never be found.
    if (operation->name[0] == '/' || strchr(operation->name, ','))
        pt_read_fault(reader, node, PT_FAULT_NAME, "operation '%.64s' must not start with a slash or hold a comma",
                      operation->name);
}

static void
s_read_operation_kind(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    static const char *const words[] = {"money", "read", "write"};
    static const pt_operation_kind_t kinds[] = {PT_OPERATION_MONEY, PT_OPERATION_READ, PT_OPERATION_WRITE};
    pt_source_operation_t *operation = target;
    uint8_t index;
    if (pt_read_word(reader, node, "kind", words, S_COUNT(words), &index))
        operation->kind = kinds[index];
}

static void
s_read_operation_payer(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    bool has_payer;
    if (pt_read_boolean(reader, node, &has_payer))
        ((pt_source_operation_t *) target)->without_payer = !has_payer;
}

static void
s_read_operation_aliases(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_source_operation_t *operation = target;
    pt_texts_t texts = pt_compile_texts(reader, node, PT_COMPILE_ALIASES_MAX, pt_compile_read_alias);
    operation->aliases = texts.texts;
    operation->alias_count = texts.count;
}

static void
s_read_digits(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_source_operation_t *operation = target;
    if (!pt_read_quoted(reader, node, &operation->digits))
        return;
    if (strspn(operation->digits, "0123456789") != strlen(operation->digits))
        pt_read_fault(reader, node, PT_FAULT_DIGITS, "'%.64s' is not made of digits", operation->digits);
}

static bool
s_is_called(const pt_source_operation_t *operation, const char *name)
{
    if (operation->name && strcmp(operation->name, name) == 0)
        return true;
    for (size_t i = 0; i < operation->alias_count; i++)
        if (strcmp(operation->aliases[i], name) == 0)
            return true;
    return false;
}

static bool
s_is_taken(const pt_source_provider_t *provider, const pt_source_operation_t *operation, const char **out_name)
{
    for (size_t other = 0; other < provider->operation_count; other++) {
        const pt_source_operation_t *taken = &provider->operations[other];
        *out_name = operation->name;
        if (operation->name && s_is_called(taken, operation->name))
            return true;
        for (size_t i = 0; i < operation->alias_count; i++) {
            *out_name = operation->aliases[i];
            if (s_is_called(taken, operation->aliases[i]))
                return true;
        }
        *out_name = operation->digits;
        if (operation->digits && taken->digits && strcmp(operation->digits, taken->digits) == 0)
            return true;
    }
    return false;
}

static void
s_read_operation(pt_reader_t *reader, const pt_node_t *item, void *target)
{
    static const pt_key_t keys[] = {
        {"name", s_read_operation_name, true},    {"kind", s_read_operation_kind, true},
        {"payer", s_read_operation_payer, false}, {"aliases", s_read_operation_aliases, false},
        {"digits", s_read_digits, false},
    };
    pt_unit_t *unit = target;
    pt_source_provider_t *provider = unit->provider;
    pt_source_operation_t operation = {.mark = pt_read_mark(reader, item)};
    pt_read_map(reader, item, "an operation", keys, S_COUNT(keys), &operation);
    const char *name;
    if (s_is_taken(provider, &operation, &name))
        pt_read_fault(reader, item, PT_FAULT_NAME_TAKEN, "'%.64s' already names another operation", name);
    else if (operation.name)
        provider->operations[provider->operation_count++] = operation;
}

void
pt_compile_read_operations(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_unit_t *unit = target;
    unit->provider->operations = pt_read_array(reader, PT_COMPILE_OPERATIONS_MAX, sizeof *unit->provider->operations);
    if (unit->provider->operations)
        (void) pt_read_list(reader, node, PT_COMPILE_OPERATIONS_MAX, s_read_operation, unit);
}

typedef struct {
    uint32_t slot, offset, length;
} s_digits_t;

static void
s_read_digits_slot(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) pt_read_number(reader, node, 0, PT_CODE_SLOTS - 1, &((s_digits_t *) target)->slot);
}

static void
s_read_digits_offset(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) pt_read_number(reader, node, 0, 32, &((s_digits_t *) target)->offset);
}

static void
s_read_digits_length(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) pt_read_number(reader, node, 1, 8, &((s_digits_t *) target)->length);
}

static void
s_check_digits(pt_reader_t *reader, const pt_node_t *node, const pt_unit_t *unit, const s_digits_t *digits)
{
    if (digits->slot >= unit->code_slots)
        pt_read_fault(reader, node, PT_FAULT_DIGITS, "slot %u, but body lists %zu codes, counted from 0", digits->slot,
                      unit->code_slots);
    bool any = false;
    for (size_t i = 0; i < unit->provider->operation_count; i++) {
        const pt_source_operation_t *operation = &unit->provider->operations[i];
        any = any || operation->digits;
        if (operation->digits && strlen(operation->digits) != digits->length)
            pt_read_fault(reader, node, PT_FAULT_DIGITS, "length %u, but operation '%.64s' has digits \"%.32s\"",
                          digits->length, operation->name, operation->digits);
    }
    if (!any)
        pt_read_fault(reader, node, PT_FAULT_DIGITS, "no operation has digits");
}

void
pt_compile_read_operation_digits(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    static const pt_key_t keys[] = {
        {"slot", s_read_digits_slot, true},
        {"offset", s_read_digits_offset, true},
        {"length", s_read_digits_length, true},
    };
    pt_unit_t *unit = target;
    s_digits_t digits = {0};
    pt_read_map(reader, node, "operation_digits", keys, S_COUNT(keys), &digits);
    if (digits.length)
        s_check_digits(reader, node, unit, &digits);
    unit->provider->digits_slot = (uint8_t) digits.slot;
    unit->provider->digits_offset = (uint8_t) digits.offset;
    unit->provider->digits_length = (uint8_t) digits.length;
}

static void
s_read_status_offset(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    (void) pt_read_number(reader, node, 0, PT_STATUS_OFFSET_MAX, &((s_digits_t *) target)->offset);
}

void
pt_compile_read_status_digits(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    static const pt_key_t keys[] = {
        {"slot", s_read_digits_slot, true},
        {"offset", s_read_status_offset, true},
    };
    pt_unit_t *unit = target;
    s_digits_t digits = {0};
    pt_read_map(reader, node, "status_digits", keys, S_COUNT(keys), &digits);
    if (digits.slot >= unit->code_slots)
        pt_read_fault(reader, node, PT_FAULT_DIGITS, "slot %u, but body lists %zu codes, counted from 0", digits.slot,
                      unit->code_slots);
    unit->provider->has_status_digits = true;
    unit->provider->status_slot = (uint8_t) digits.slot;
    unit->provider->status_offset = (uint8_t) digits.offset;
}
