/*  pt_words: which known word did somebody mean?
 *
 *  For "did you mean" hints. Pure, allocates nothing.
 */
#ifndef PT_WORDS_H
#define PT_WORDS_H

#include "pt_text.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PT_WORD_BYTES_MAX 128 //  longer words are not compared
#define PT_WORD_DISTANCE_MAX 2

/*  Edits that turn one word into the other, in bytes: insert, delete, replace, or swap two
 *  neighbours (Damerau-Levenshtein, each place edited once). SIZE_MAX when either word is longer
 *  than PT_WORD_BYTES_MAX.
 */
size_t pt_word_distance(pt_text_t left, pt_text_t right);

/*  The nearest of `count` words, the first one of several; NULL when none is within
 *  PT_WORD_DISTANCE_MAX edits, or when so many edits would change more than half of the word.
 */
const char *pt_word_nearest(pt_text_t word, const char *const *words, size_t count);

#ifdef __cplusplus
}
#endif
#endif
