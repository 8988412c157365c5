/*  Drafts of entries for codes that no row knows. A draft only says "investigate": what a code means is for
 *  people to say, so everything that was seen beside it is put in front of them.
 */
#include "learn.h"

#include "cmd.h"
#include "cmd_text.h"

#include "pt_words.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FIXED_BYTES_MIN 4 //  of a template's literal text, for it to say anything

//  JSON's escapes are YAML's.
static void
s_print_quoted(FILE *stream, const char *key, const char *text)
{
    json_t *json = json_string(text);
    char *quoted = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;
    fprintf(stream, "%s: %s\n", key, quoted ? quoted : "\"?\"");
    free(quoted);
    json_decref(json);
}

//  The entry whose code has the fewest edits.
static void
s_print_nearest(FILE *stream, const pt_catalog_t *catalog, const learned_t *learned)
{
    size_t best = SIZE_MAX;
    pt_text_t id = PT_TEXT_NONE;
    for (size_t i = 0; i < pt_catalog_entry_count(catalog); i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, i);
        pt_entry_view_t view = pt_catalog_entry_view(catalog, entry);
        if (pt_catalog_entry_provider(catalog, entry) != learned->provider || view.kind != 0)
            continue;
        size_t distance = pt_word_distance(pt_text_of(learned->code), view.code);
        if (distance >= best)
            continue;
        best = distance;
        id = view.id;
    }
    if (id.data)
        fprintf(stream, "; the nearest entry is %.*s", (int) id.len, id.data);
}

static void
s_print_seen(FILE *stream, const pt_catalog_t *catalog, const learned_t *learned)
{
    fprintf(stream, "  # Seen %" PRIu64 " time%s", learned->count, learned->count == 1 ? "" : "s");
    for (size_t i = 0; i < learned->status_count; i++)
        fprintf(stream, "%s%u", i ? ", " : " with HTTP ", learned->statuses[i]);
    for (size_t i = 0; i < learned->operation_count; i++) {
        fputs(i ? ", " : " as ", stream);
        cmd_text_print_foreign(stream, pt_text_of(learned->operations[i]), 0);
    }
    s_print_nearest(stream, catalog, learned);
    fputs(".\n", stream);
    if (learned->varies) {
        fputs("  # One message of several: ", stream);
        cmd_text_print_foreign(stream, pt_text_of(learned->message), 0);
        fputc('\n', stream);
    }
}

//  A brace of the gateway's own would be read as a hole.
static void
s_print_message(FILE *stream, const learned_t *learned)
{
    const char *message = learned->message;
    if (!message || strpbrk(message, "{}"))
        return;
    size_t len = strlen(message);
    char template[PT_MESSAGE_BYTES_MAX + 8];
    if (learned->varies && learned->front + learned->back < FIXED_BYTES_MIN)
        return;
    if (learned->varies)
        snprintf(template, sizeof template, "%.*s{1}%s", (int) learned->front, message, message + len - learned->back);
    else
        snprintf(template, sizeof template, "%s", message);
    if (pt_text_is_utf8(pt_text_of(template)))
        s_print_quoted(stream, "    message", template);
}

static void
s_print_code(FILE *stream, const pt_catalog_t *catalog, const learned_t *learned, const char *file)
{
    fputc('\n', stream);
    s_print_seen(stream, catalog, learned);
    s_print_quoted(stream, "  - code", learned->code);
    s_print_message(stream, learned);
    fputs("    category: unknown_code\n"
          "    outcome: unknown\n"
          "    action: investigate\n"
          "    alert: {audience: [operator], severity: warning, when: now}\n"
          "    summary: \"Nobody has said yet what this code means.\"\n",
          stream);
    fprintf(stream, "    cite: \"%s:%" PRIu64 "\"\n    judged: true\n", file, learned->first ? learned->first : 1);
}

//  What `cite` takes: a name without blanks and colons.
static void
s_name_source(const char *source, char out[64])
{
    const char *slash = strrchr(source, '/');
    const char *name = slash && slash[1] ? slash + 1 : source;
    size_t len = 0;
    for (; name[len] && len < 63; len++)
        out[len] = strchr(" :;/\"\\", name[len]) || (unsigned char) name[len] < ' ' ? '_' : name[len];
    out[len] = '\0';
    if (strcmp(out, "-") == 0 || len == 0)
        memcpy(out, "stdin", sizeof "stdin");
}

void
learn_draft(FILE *stream, const pt_catalog_t *catalog, const learned_t *codes, size_t count, const char *source)
{
    char file[64];
    pt_text_t id = pt_provider_id(codes[0].provider);
    s_name_source(source, file);
    fprintf(stream,
            "# Codes that no entry knew. Each is handled as unknown until somebody says what it means:\n"
            "# category, outcome, action, summary and cite are to be decided.\n"
            "overlay: true\ngateway: {id: %.*s}\n\nentries:",
            (int) id.len, id.data);
    for (size_t i = 0; i < count; i++)
        s_print_code(stream, catalog, &codes[i], file);
}
