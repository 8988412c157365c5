/*  What an entry's message has to be before it can be told apart from others. */
#include "pt_meaning.h"

#include <assert.h>

//  The message with spaces for no-break spaces, which lives as long as the provider's rows.
static pt_text_t
s_plain_message(pt_draft_t *draft, const char *message)
{
    pt_text_t text = pt_text_of(message);
    char *plain = pt_draft_alloc(draft, text.len + 1);
    if (!plain)
        return PT_TEXT_NONE;
    return (pt_text_t) {plain, pt_template_plain(text, plain)};
}

static void
s_add_pieces(pt_draft_t *draft, const pt_template_t *template)
{
    for (size_t i = 0; i <= template->hole_count; i++) {
        pt_span_t span = pt_draft_text(draft, template->literals[i]);
        (void) pt_draft_add(draft, PT_SECTION_PIECES, &span);
    }
    for (size_t i = 0; i < template->hole_count; i++) {
        pt_span_t span = pt_draft_text(draft, template->holes[i]);
        (void) pt_draft_add(draft, PT_SECTION_PIECES, &span);
    }
}

static bool
s_blame_message(pt_faults_t *faults, const pt_source_entry_t *source, const char *words)
{
    pt_faults_add(faults, source->mark, false, "PT2004", "%s: %s", source->id, words);
    return false;
}

//  Whether the message can be told apart by what the entry says of it.
static bool
s_is_message_good(pt_faults_t *faults, const pt_source_entry_t *source, const pt_template_t *template,
                  pt_status_t status)
{
    if (source->kind != PT_ENTRY_CODE)
        return s_blame_message(faults, source, "only an entry of a code has a message");
    if (status == PT_E_MALFORMED)
        return s_blame_message(faults, source, "two holes with nothing between them");
    if (status == PT_E_COUNT)
        return s_blame_message(faults, source, "too many holes in the message");
    if (source->subcode && !source->subcode[0])
        return s_blame_message(faults, source, "an empty subcode");
    if (source->subcode && template->hole_count == 0)
        return s_blame_message(faults, source, "a subcode needs a message with a hole");
    return true;
}

static bool
s_take_message(pt_draft_t *draft, pt_faults_t *faults, pt_meaning_t *meaning)
{
    const pt_source_entry_t *source = meaning->source;
    pt_template_t *template = pt_draft_alloc(draft, sizeof *template);
    pt_text_t plain = s_plain_message(draft, source->message);
    if (!template || !plain.data)
        return false;
    pt_status_t status = pt_template_parse(plain, source->trailing_stop_optional, template);
    if (!s_is_message_good(faults, source, template, status))
        return false;
    meaning->message = template;
    meaning->first_piece = pt_draft_next(draft, PT_SECTION_PIECES);
    s_add_pieces(draft, template);
    return true;
}

const pt_meaning_t *
pt_meaning_new(pt_draft_t *draft, pt_faults_t *faults, const pt_source_entry_t *source, uint32_t entry,
               const uint16_t *operations, size_t operation_count)
{
    assert(draft);
    assert(faults);
    assert(source);

    pt_meaning_t *meaning = pt_draft_alloc(draft, sizeof *meaning);
    if (!meaning)
        return NULL;
    *meaning =
        (pt_meaning_t) {.source = source, .entry = entry, .operations = operations, .operation_count = operation_count};
    if (source->message)
        return s_take_message(draft, faults, meaning) ? meaning : NULL;
    if (source->subcode) {
        (void) s_blame_message(faults, source, "a subcode needs a message with a hole");
        return NULL;
    }
    return meaning;
}

bool
pt_meaning_names(const pt_meaning_t *meaning, uint16_t operation)
{
    assert(meaning);

    for (size_t i = 0; i < meaning->operation_count; i++)
        if (meaning->operations[i] == operation)
            return true;
    return false;
}
