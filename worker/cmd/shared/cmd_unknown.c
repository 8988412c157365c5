/*  A mistyped word gets no answer that belongs to another question: it is refused, and what was
 *  probably meant stands first among what there is.
 */
#include "cmd_unknown.h"

#include "pt_words.h"

#include <ctype.h>
#include <string.h>

#define NAMES_MAX 20
#define EDITS_MAX 2
#define WORD_BYTES_MAX PT_OPERATION_BYTES_MAX

//  Names are in lower case, whatever was typed. EDITS_MAX + 1 and above: not near.
static size_t
s_edits(const char *typed, pt_text_t name)
{
    char lower[WORD_BYTES_MAX];
    size_t len = strlen(typed);
    if (len >= sizeof lower)
        return EDITS_MAX + 1;
    for (size_t i = 0; i < len; i++)
        lower[i] = (char) tolower((unsigned char) typed[i]);
    size_t edits = pt_word_distance((pt_text_t) {lower, len}, name);
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
    size_t least = EDITS_MAX + 1;
    for (size_t i = 0; i < names->count; i++) {
        size_t edits = s_edits(typed, names->at(names->owner, i));
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

//  Alone, an operation that the gateway has is of some kind.
bool
cmd_unknown_is_operation(const pt_catalog_t *catalog, const pt_provider_t *provider, const char *name)
{
    const pt_response_t response = {.provider = pt_provider_id(provider), .operation = pt_text_of(name)};
    const pt_facts_t facts = {0};
    pt_verdict_t verdict;
    pt_catalog_lookup(catalog, provider, &response, &facts, &verdict);
    return verdict.kind != PT_OPERATION_UNNAMED;
}

static names_t
s_operations(const pt_provider_t *provider)
{
    return (names_t) {provider, pt_provider_operation_count(provider), s_operation_at};
}

pt_text_t
cmd_unknown_nearest_operation(const pt_provider_t *provider, const char *name)
{
    names_t names = s_operations(provider);
    size_t nearest = s_nearest(&names, name);
    return nearest < names.count ? names.at(names.owner, nearest) : PT_TEXT_NONE;
}

int
cmd_unknown_operation(const pt_provider_t *provider, const char *name)
{
    names_t names = s_operations(provider);
    pt_text_t id = pt_provider_id(provider);
    (void) cmd_fail(CMD_EXIT_NO, NULL, "%.*s has no operation '%s'", (int) id.len, id.data, name);
    s_print_hint(&names, name);
    return CMD_EXIT_NO;
}

#define NEAREST_MAX 3
#define FAR 99

//  Without case, which a person who heard of a code may not know. FAR: half of what was typed is something else.
static unsigned
s_code_edits(const char *typed, pt_text_t code)
{
    char words[2][PT_CODE_BYTES_MAX];
    size_t lens[2] = {strlen(typed), code.len};
    const char *texts[2] = {typed, code.data};
    for (size_t side = 0; side < 2; side++) {
        if (lens[side] > sizeof words[side])
            return FAR;
        for (size_t i = 0; i < lens[side]; i++)
            words[side][i] = (char) tolower((unsigned char) texts[side][i]);
    }
    size_t limit = lens[0] < 4 ? 1 : lens[0] / 2;
    size_t edits = pt_word_distance((pt_text_t) {words[0], lens[0]}, (pt_text_t) {words[1], lens[1]});
    return edits > limit || edits >= FAR ? FAR : (unsigned) edits;
}

typedef struct {
    pt_text_t codes[NEAREST_MAX];
    unsigned edits[NEAREST_MAX];
} near_t;

static void
s_note_code(near_t *self, pt_text_t code, unsigned edits)
{
    for (size_t n = 0; n < NEAREST_MAX; n++)
        if (self->codes[n].data && pt_text_equal(self->codes[n], code))
            return;
    for (size_t n = 0; n < NEAREST_MAX && edits < FAR; n++) {
        if (self->codes[n].data && edits >= self->edits[n])
            continue;
        memmove(&self->codes[n + 1], &self->codes[n], (NEAREST_MAX - 1 - n) * sizeof self->codes[0]);
        memmove(&self->edits[n + 1], &self->edits[n], (NEAREST_MAX - 1 - n) * sizeof self->edits[0]);
        self->codes[n] = code;
        self->edits[n] = edits;
        return;
    }
}

static void
s_print_near(const near_t *near)
{
    fputs("hint: the nearest codes are", stderr);
    for (size_t n = 0; n < NEAREST_MAX && near->codes[n].data; n++)
        fprintf(stderr, "%s %.*s", n ? "," : "", (int) near->codes[n].len, near->codes[n].data);
    fputc('\n', stderr);
}

void
cmd_unknown_hint_codes(const pt_catalog_t *catalog, const pt_provider_t *provider, const char *typed)
{
    near_t near = {0};
    const pt_provider_t *other = NULL; //  a gateway that has just this code
    for (size_t i = 0; i < pt_catalog_entry_count(catalog); i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, i);
        pt_text_t code = pt_catalog_entry_view(catalog, entry).code;
        const pt_provider_t *owner = pt_catalog_entry_provider(catalog, entry);
        if (!provider || owner == provider)
            s_note_code(&near, code, s_code_edits(typed, code));
        else if (!other && *typed && pt_text_equal(code, pt_text_of(typed)))
            other = owner;
    }
    if (other) {
        pt_text_t id = pt_provider_id(other);
        fprintf(stderr, "hint: %.*s has this code\n", (int) id.len, id.data);
    }
    if (near.codes[0].data)
        s_print_near(&near);
    else if (!other)
        fputs("hint: 'paytriage explain --search WORDS' looks in codes, messages and summaries of all gateways\n",
              stderr);
}
