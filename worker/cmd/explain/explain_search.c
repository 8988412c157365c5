/*  paytriage explain --search: a linear walk over all entries, word by word. A catalog of a million
 *  entries takes a second; nobody searches more often than that.
 */
#include "explain.h"

#include "cmd_catalog.h"
#include "cmd_text.h"

#include "pt_words.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 16
#define WORD_BYTES_MAX 64
#define SHOWN_MAX 20
#define TYPO_BYTES_MIN 4 //  in shorter words one edit makes another word

typedef struct {
    char text[WORD_BYTES_MAX + 1];
    size_t len;
} word_t;

//  An entry that holds all words; the less distance, the better.
typedef struct {
    const pt_entry_t *entry;
    unsigned distance;
} hit_t;

//  Letters, digits and all of UTF-8 beyond ASCII make words; everything else stands between them.
static bool
s_is_word_byte(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (unsigned char) byte >= 0x80;
}

//  Ukrainian capitals, in place: both cases have two bytes of UTF-8.
static void
s_lower_cyrillic(word_t *word)
{
    for (size_t i = 0; i + 1 < word->len; i++) {
        unsigned char *pair = (unsigned char *) word->text + i;
        unsigned letter = (unsigned) pair[0] << 8 | pair[1];
        if (letter >= 0xd090 && letter <= 0xd09f)
            letter += 0x20;
        else if (letter >= 0xd0a0 && letter <= 0xd0af)
            letter = 0xd180 + (letter - 0xd0a0);
        else if (letter == 0xd084 || letter == 0xd086 || letter == 0xd087)
            letter += 0x110;
        else if (letter == 0xd290)
            letter++;
        pair[0] = (unsigned char) (letter >> 8);
        pair[1] = (unsigned char) letter;
    }
}

//  The next word from *at on, in lower case; longer ones are cut. False: there is none.
static bool
s_next_word(pt_text_t text, size_t *at, word_t *out_word)
{
    while (*at < text.len && !s_is_word_byte(text.data[*at]))
        ++*at;
    out_word->len = 0;
    for (; *at < text.len && s_is_word_byte(text.data[*at]); ++*at) {
        char byte = text.data[*at];
        if (out_word->len < WORD_BYTES_MAX)
            out_word->text[out_word->len++] = (char) (byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
    }
    out_word->text[out_word->len] = '\0';
    s_lower_cyrillic(out_word);
    return out_word->len > 0;
}

#define FAR 99u

//  What is written without spaces between words is found anywhere in it.
static bool
s_is_foreign(const word_t *word)
{
    for (size_t i = 0; i < word->len; i++)
        if ((unsigned char) word->text[i] >= 0x80)
            return true;
    return false;
}

//  0: the word, 1: it begins so, 2: one typo away.
static unsigned
s_word_distance(const word_t *wanted, const word_t *word)
{
    if (word->len >= wanted->len && memcmp(word->text, wanted->text, wanted->len) == 0)
        return word->len > wanted->len;
    if (wanted->len < TYPO_BYTES_MIN)
        return FAR;
    //  One letter beyond ASCII has two bytes or three.
    unsigned limit = s_is_foreign(wanted) ? 2 : 1;
    size_t edits = pt_word_distance((pt_text_t) {wanted->text, wanted->len}, (pt_text_t) {word->text, word->len});
    return edits <= limit ? 2 : FAR;
}

static unsigned
s_text_distance(const word_t *wanted, pt_text_t text)
{
    unsigned best = FAR;
    size_t at = 0;
    word_t word;
    if (text.data && s_is_foreign(wanted) && memmem(text.data, text.len, wanted->text, wanted->len))
        return 1;
    while (text.data && s_next_word(text, &at, &word)) {
        unsigned distance = s_word_distance(wanted, &word);
        best = distance < best ? distance : best;
    }
    return best;
}

//  Each word must stand somewhere; a code counts before a message, a message before a summary.
static unsigned
s_entry_distance(const pt_texts_t *languages, const word_t *words, size_t count, const pt_entry_view_t *view)
{
    pt_text_t texts[3 + PT_LANGUAGE_COUNT_] = {view->code, view->message, view->id};
    for (size_t i = 0; i < PT_LANGUAGE_COUNT_; i++)
        texts[3 + i] = pt_texts_find(&languages[i], view->summary);
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned best = FAR;
        for (unsigned place = 0; place < sizeof texts / sizeof texts[0]; place++) {
            unsigned distance = s_text_distance(&words[i], texts[place]);
            if (distance < FAR && distance * 8 + place < best)
                best = distance * 8 + place;
        }
        if (best == FAR)
            return FAR * WORDS_MAX;
        sum += best;
    }
    return sum;
}

//  Keep the best, equal ones in the order of the catalog.
static void
s_keep(hit_t *hits, size_t *count, hit_t hit)
{
    size_t place = *count;
    while (place > 0 && hits[place - 1].distance > hit.distance)
        place--;
    if (place == SHOWN_MAX)
        return;
    if (*count < SHOWN_MAX)
        ++*count;
    memmove(&hits[place + 1], &hits[place], (*count - place - 1) * sizeof *hits);
    hits[place] = hit;
}

static json_t *
s_json(const pt_catalog_t *catalog, const hit_t *hit, const pt_texts_t *texts)
{
    pt_entry_view_t view = pt_catalog_entry_view(catalog, hit->entry);
    pt_text_t provider = pt_provider_id(pt_catalog_entry_provider(catalog, hit->entry));
    return json_pack("{so so so so ss so}", "provider", cmd_catalog_text_json(provider), "entry",
                     cmd_catalog_text_json(view.id), "code", cmd_catalog_text_json(view.code), "message",
                     cmd_catalog_text_json(view.message), "action", pt_action_text((pt_action_t) view.rule->action),
                     "summary", cmd_catalog_text_json(pt_texts_say(texts, view.summary)));
}

static void
s_print(const pt_catalog_t *catalog, const hit_t *hit, const pt_texts_t *texts)
{
    pt_entry_view_t view = pt_catalog_entry_view(catalog, hit->entry);
    pt_text_t summary = pt_texts_say(texts, view.summary);
    printf("%.*s", (int) view.id.len, view.id.data);
    if (view.message.data) {
        fputs("  \"", stdout);
        cmd_text_print_foreign(stdout, view.message, 80);
        putchar('"');
    }
    printf("\n  %s: %.*s\n", pt_action_text((pt_action_t) view.rule->action), (int) summary.len,
           summary.data ? summary.data : "");
}

//  As one document the hits are a list, which may be empty.
static void
s_print_hits(const pt_catalog_t *catalog, const hit_t *hits, size_t count, const pt_texts_t *texts, cmd_output_t output)
{
    json_t *list = output == CMD_OUTPUT_JSON ? json_array() : NULL;
    for (size_t i = 0; i < count; i++)
        if (output == CMD_OUTPUT_TEXT)
            s_print(catalog, &hits[i], texts);
        else if (list)
            json_array_append_new(list, s_json(catalog, &hits[i], texts));
        else
            explain_print_value(s_json(catalog, &hits[i], texts), output);
    if (output == CMD_OUTPUT_JSON)
        explain_print_value(list, output);
}

//  The words that are looked for. EX_OK, or the exit code after one line.
static int
s_read_words(const char *words, word_t out[WORDS_MAX], size_t *out_count)
{
    word_t more;
    size_t count = 0, at = 0;
    while (count < WORDS_MAX && s_next_word(pt_text_of(words), &at, &out[count]))
        count++;
    if (count == 0)
        return cmd_fail(EX_USAGE, NULL, "--search: '%.64s' holds no word", words);
    if (s_next_word(pt_text_of(words), &at, &more))
        return cmd_fail(EX_USAGE, NULL, "--search: more than %d words", WORDS_MAX);
    *out_count = count;
    return EX_OK;
}

static int
s_search(const pt_catalog_t *catalog, const pt_provider_t *provider, const char *words, const pt_texts_t *languages,
         pt_language_t language, cmd_output_t output)
{
    word_t wanted[WORDS_MAX];
    hit_t hits[SHOWN_MAX];
    size_t word_count = 0, kept = 0, found = 0;
    int code = s_read_words(words, wanted, &word_count);
    if (code != EX_OK)
        return code;
    for (size_t i = 0; i < pt_catalog_entry_count(catalog); i++) {
        hit_t hit = {pt_catalog_entry_at(catalog, i), 0};
        if (provider && pt_catalog_entry_provider(catalog, hit.entry) != provider)
            continue;
        pt_entry_view_t view = pt_catalog_entry_view(catalog, hit.entry);
        hit.distance = s_entry_distance(languages, wanted, word_count, &view);
        if (hit.distance >= FAR * WORDS_MAX)
            continue;
        found++;
        s_keep(hits, &kept, hit);
    }
    s_print_hits(catalog, hits, kept, &languages[language], output);
    if (found == 0 && cmd_flush() == EX_OK)
        return cmd_fail(CMD_EXIT_NO, "try fewer words, or a part of the code", "no entry holds '%.64s'", words);
    if (found > kept)
        fprintf(stderr, "and %zu more; give another word or a gateway\n", found - kept);
    return cmd_flush();
}

int
explain_search(const pt_catalog_t *catalog, const pt_provider_t *provider, const char *words, pt_language_t language,
               cmd_output_t output)
{
    pt_texts_t languages[PT_LANGUAGE_COUNT_] = {0};
    int code = EX_OK;
    for (unsigned i = 0; code == EX_OK && i < PT_LANGUAGE_COUNT_; i++)
        if (pt_texts_open(&languages[i], (pt_language_t) i) != PT_OK)
            code = cmd_fail(EX_OSERR, NULL, "no memory for the texts");
    if (code == EX_OK)
        code = s_search(catalog, provider, words, languages, language, output);
    for (unsigned i = 0; i < PT_LANGUAGE_COUNT_; i++)
        pt_texts_clear(&languages[i]);
    return code;
}
