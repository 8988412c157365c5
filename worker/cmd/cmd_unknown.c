/*  A mistyped word gets no answer that belongs to another question: it is refused, and what was
 *  probably meant stands first among what there is.
 */
#include "cmd_unknown.h"

#include <ctype.h>
#include <string.h>

#define NAMES_MAX 20
#define EDITS_MAX 2
#define WORD_BYTES_MAX PT_OPERATION_BYTES_MAX

//  Names are in lower case, whatever was typed. EDITS_MAX + 1 and above: not near.
static unsigned
s_edits(const char *typed, pt_text_t name)
{
    char lower[WORD_BYTES_MAX];
    size_t len = strlen(typed);
    if (len >= sizeof lower)
        return EDITS_MAX + 1;
    for (size_t i = 0; i < len; i++)
        lower[i] = (char) tolower((unsigned char) typed[i]);
    unsigned edits = cmd_distance(lower, len, name.data, name.len, EDITS_MAX);
    //  Of a word of three letters two edits leave nothing.
    return edits < name.len - name.len / 2 ? edits : EDITS_MAX + 1;
}

//  One list of names, as a count and a way to get each.
typedef struct {
    const void *owner;
    size_t count;
    pt_text_t (*at)(const void *owner, size_t index);
} names_t;

static size_t
s_nearest(const names_t *names, const char *typed)
{
    size_t nearest = names->count;
    unsigned least = EDITS_MAX + 1;
    for (size_t i = 0; i < names->count; i++) {
        unsigned edits = s_edits(typed, names->at(names->owner, i));
        if (edits < least) {
            least = edits;
            nearest = i;
        }
    }
    return nearest;
}

static void
s_print_hint(const names_t *names, const char *typed)
{
    size_t nearest = s_nearest(names, typed);
    fputs("hint: ", stderr);
    if (nearest < names->count) {
        pt_text_t name = names->at(names->owner, nearest);
        fprintf(stderr, "did you mean %.*s? ", (int) name.len, name.data);
    }
    fputs(nearest < names->count ? "It has " : "it has ", stderr);
    for (size_t i = 0; i < names->count && i < NAMES_MAX; i++) {
        pt_text_t name = names->at(names->owner, i);
        fprintf(stderr, "%s%.*s", i ? ", " : "", (int) name.len, name.data);
    }
    fputs(names->count == 0 ? "none\n" : names->count > NAMES_MAX ? ", …\n" : "\n", stderr);
}

static pt_text_t
s_provider_at(const void *owner, size_t index)
{
    return pt_provider_id(pt_catalog_provider_at(owner, index));
}

static pt_text_t
s_operation_at(const void *owner, size_t index)
{
    return pt_provider_operation_at(owner, index).name;
}

static names_t
s_providers(const pt_catalog_t *catalog)
{
    return (names_t) {catalog, pt_catalog_provider_count(catalog), s_provider_at};
}

int
cmd_unknown_provider(int code, const pt_catalog_t *catalog, const char *name)
{
    names_t names = s_providers(catalog);
    (void) cmd_fail(code, NULL, "the catalog has no gateway '%s'", name);
    s_print_hint(&names, name);
    return code;
}

void
cmd_unknown_note_provider(const pt_catalog_t *catalog, const char *name)
{
    names_t names = s_providers(catalog);
    size_t nearest = s_nearest(&names, name);
    if (nearest == names.count)
        return;
    pt_text_t meant = names.at(names.owner, nearest);
    fprintf(stderr, "note: there is no built-in gateway '%s'; did you mean %.*s?\n", name, (int) meant.len, meant.data);
}

int
cmd_unknown_operation(const pt_provider_t *provider, const char *name)
{
    names_t names = {provider, pt_provider_operation_count(provider), s_operation_at};
    pt_text_t id = pt_provider_id(provider);
    (void) cmd_fail(CMD_EXIT_NO, NULL, "%.*s has no operation '%s'", (int) id.len, id.data, name);
    s_print_hint(&names, name);
    return CMD_EXIT_NO;
}

#define NEAREST_MAX 3
#define FAR 99

void
cmd_unknown_hint_codes(const pt_catalog_t *catalog, const pt_provider_t *provider, const char *typed)
{
    pt_text_t nearest[NEAREST_MAX] = {{0}};
    unsigned distances[NEAREST_MAX] = {FAR, FAR, FAR};
    for (size_t i = 0; i < pt_catalog_entry_count(catalog); i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, i);
        pt_text_t code = pt_catalog_entry_view(catalog, entry).code;
        bool known = provider && pt_catalog_entry_provider(catalog, entry) != provider;
        for (size_t n = 0; n < NEAREST_MAX; n++)
            known |= pt_text_equal(nearest[n], code);
        unsigned distance = known ? FAR : cmd_distance(typed, strlen(typed), code.data, code.len, FAR - 1);
        for (size_t n = 0; n < NEAREST_MAX && distance < FAR; n++) {
            if (distance >= distances[n])
                continue;
            memmove(&nearest[n + 1], &nearest[n], (NEAREST_MAX - 1 - n) * sizeof nearest[0]);
            memmove(&distances[n + 1], &distances[n], (NEAREST_MAX - 1 - n) * sizeof distances[0]);
            nearest[n] = code;
            distances[n] = distance;
            break;
        }
    }
    if (!nearest[0].data)
        return;
    fputs("hint: the nearest codes are", stderr);
    for (size_t n = 0; n < NEAREST_MAX && nearest[n].data; n++)
        fprintf(stderr, "%s %.*s", n ? "," : "", (int) nearest[n].len, nearest[n].data);
    fputc('\n', stderr);
}
