/*  pt_texts: the catalog's sentences in the languages of the gateways' own documents.
 *
 *  A translation belongs to its English sentence, not to an entry: where an overlay says something else,
 *  no translation of the old words is shown. The files of catalog/texts are compiled in; they are read
 *  only by commands for people, so the image that workers use holds none of it.
 */
#ifndef PT_TEXTS_H
#define PT_TEXTS_H

#include "pt_yaml.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { PT_LANGUAGE_EN, PT_LANGUAGE_TH, PT_LANGUAGE_ZH_HANT, PT_LANGUAGE_UK, PT_LANGUAGE_COUNT_ } pt_language_t;

//  One language's sentences. Zero it, or open it; clear it.
typedef struct {
    pt_language_t language;
    pt_tree_t tree;
    const pt_link_t **links; //  sorted by the English sentence
    size_t count;
} pt_texts_t;

/*  "en", "th", "zh-Hant", "uk". */
const char *pt_language_text(pt_language_t language);
int pt_language_parse(pt_text_t word);

/*  Read what is compiled in; English needs nothing. PT_OK, PT_E_NOMEM, or PT_E_SYNTAX: a file of ours is
 *  no map of sentences.
 */
PT_MUST_CHECK pt_status_t pt_texts_open(pt_texts_t *self, pt_language_t language);

/*  The sentence in this language; absent where there is none. In English the sentence itself. */
pt_text_t pt_texts_find(const pt_texts_t *self, pt_text_t english);

/*  As above, and the English sentence where there is none. */
pt_text_t pt_texts_say(const pt_texts_t *self, pt_text_t english);

void pt_texts_clear(pt_texts_t *self);

#ifdef __cplusplus
}
#endif
#endif
