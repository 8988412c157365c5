/*  What a row answers to: a code with its message, a status, or a class of HTTP statuses, and in which operations. */
#include "pt_compile_answers.h"

#define S_COUNT(array) (sizeof(array) / sizeof *(array))

static void
s_add_code(pt_reader_t *reader, const pt_node_t *item, void *target)
{
    pt_source_entry_t *entry = &((pt_row_t *) target)->entry;
    char *code;
    if (!pt_read_quoted(reader, item, &code))
        return;
    if (strlen(code) > PT_CODE_BYTES_MAX)
        pt_read_fault(reader, item, PT_FAULT_TEXT, "longer than %d bytes", PT_CODE_BYTES_MAX);
    for (size_t i = 0; i < entry->code_count; i++)
        if (strcmp(entry->codes[i], code) == 0)
            pt_read_fault(reader, item, PT_FAULT_NAME_TAKEN, "code \"%.64s\" stands twice in this entry", code);
    entry->codes[entry->code_count++] = code;
}

void
pt_row_read_code(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_row_t *row = target;
    row->answers_to++;
    s_add_code(reader, node, row);
    for (size_t i = 0; i < row->unit->provider->path_count; i++)
        if (row->unit->provider->paths[i].role == PT_ROLE_CODE)
            return;
    pt_read_fault(reader, node, PT_FAULT_OUT_OF_PLACE, "code has no effect: body.codes names no place for codes");
}

void
pt_row_read_also(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_row_t *row = target;
    if (row->entry.code_count == 0)
        pt_read_fault(reader, node, PT_FAULT_OUT_OF_PLACE, "also has no effect without code");
    else
        (void) pt_read_list(reader, node, PT_SOURCE_CODES_MAX - 1, s_add_code, row);
}

void
pt_row_read_status(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_row_t *row = target;
    row->answers_to++;
    row->entry.kind = PT_ENTRY_STATUS;
    s_add_code(reader, node, row);
    if (row->unit->status_slots == 0)
        pt_read_fault(reader, node, PT_FAULT_OUT_OF_PLACE, "status has no effect: body.status names no place for it");
}

static bool
s_is_http_class(const char *text)
{
    if (strlen(text) != 3 || text[0] < '1' || text[0] > '5')
        return false;
    return strcmp(text + 1, "xx") == 0 || strspn(text, "0123456789") == 3;
}

void
pt_row_read_http(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_row_t *row = target;
    row->answers_to++;
    row->entry.kind = PT_ENTRY_HTTP_CLASS;
    size_t before = row->entry.code_count;
    s_add_code(reader, node, row);
    if (row->entry.code_count > before && !s_is_http_class(row->entry.codes[before]))
        pt_read_fault(reader, node, PT_FAULT_HTTP_CLASS, "\"%.16s\" is no HTTP status or class (\"503\", \"5xx\")",
                      row->entry.codes[before]);
}

static bool
s_read_operation_name(pt_reader_t *reader, const pt_node_t *node, char **out_text)
{
    //  pt_compile_texts only hands on the reader, so the file's operations come from the source.
    const pt_source_t *source = reader->source;
    const pt_source_provider_t *provider = &source->providers[source->provider_count - 1];
    if (!pt_read_text(reader, node, out_text))
        return false;
    const char *names[PT_COMPILE_OPERATIONS_MAX];
    for (size_t i = 0; i < provider->operation_count; i++) {
        names[i] = provider->operations[i].name;
        if (strcmp(names[i], *out_text) == 0)
            return true;
    }
    pt_read_fault_unknown(reader, node, PT_FAULT_OPERATION_UNKNOWN, "operation", "", names, provider->operation_count);
    return false;
}

void
pt_row_read_operation(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_source_entry_t *entry = &((pt_row_t *) target)->entry;
    pt_texts_t texts = pt_compile_texts(reader, node, PT_COMPILE_NAMES_MAX, s_read_operation_name);
    entry->operations = texts.count ? texts.texts : NULL;
    entry->operation_count = texts.count;
}

bool
pt_row_require_code(pt_reader_t *reader, const pt_node_t *node, const pt_row_t *row, const char *key)
{
    if (row->entry.kind == PT_ENTRY_CODE)
        return true;
    pt_read_fault(reader, node, PT_FAULT_OUT_OF_PLACE, "%s has no effect without code", key);
    return false;
}

void
pt_row_read_message(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_row_t *row = target;
    if (!pt_row_require_code(reader, node, row, "message") || !pt_read_message(reader, node, &row->entry.message))
        return;
    const char *problem = pt_compile_check_message(row->entry.message, &row->hole_count);
    if (problem)
        pt_read_fault(reader, node, PT_FAULT_TEMPLATE, "%s", problem);
}

void
pt_row_read_subcode(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    pt_row_t *row = target;
    if (!pt_read_quoted(reader, node, &row->entry.subcode))
        return;
    if (row->hole_count == 0)
        pt_read_fault(reader, node, PT_FAULT_OUT_OF_PLACE, "subcode has no effect without a message that has holes");
    for (const char *at = row->entry.subcode; *at; at++) {
        bool is_letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
        if (is_letter || (*at >= '0' && *at <= '9'))
            continue;
        pt_read_fault(reader, node, PT_FAULT_TEXT, "a subcode is made of letters and digits");
        return;
    }
}

void
pt_row_read_trailing_stop(pt_reader_t *reader, const pt_node_t *node, void *target)
{
    static const char *const words[] = {"optional"};
    pt_row_t *row = target;
    uint8_t index;
    if (!row->entry.message)
        pt_read_fault(reader, node, PT_FAULT_OUT_OF_PLACE, "trailing_stop has no effect without message");
    else if (pt_read_word(reader, node, "value", words, S_COUNT(words), &index))
        row->entry.trailing_stop_optional = true;
}
