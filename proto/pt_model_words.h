/*  pt_model_words: the words of pt_model as they are packed, indexed by value, for the codecs.
 *
 *  pt_model.h's functions give the same words as C strings; here the head of a msgpack str stands in
 *  front of each, and all have one size, so that writing one costs a copy and nothing else.
 */
#ifndef PT_MODEL_WORDS_H
#define PT_MODEL_WORDS_H

#include "pt_model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint8_t head;  //  of a str of up to 31 bytes
    char text[23]; //  zero filled
} pt_word_t;

static inline size_t
pt_word_bytes(pt_word_t word)
{
    return word.head & 0x1fu;
}

extern const pt_word_t pt_model_words_transport[PT_TRANSPORT_COUNT_];
extern const pt_word_t pt_model_words_match[PT_MATCH_COUNT_];
extern const pt_word_t pt_model_words_category[PT_CATEGORY_COUNT_];
extern const pt_word_t pt_model_words_outcome[PT_OUTCOME_COUNT_];
extern const pt_word_t pt_model_words_route[PT_ROUTE_COUNT_];
extern const pt_word_t pt_model_words_action[PT_ACTION_COUNT_];
extern const pt_word_t pt_model_words_alert_when[PT_ALERT_WHEN_COUNT_];
extern const pt_word_t pt_model_words_fold[PT_FOLD_COUNT_];
extern const pt_word_t pt_model_words_severity[PT_SEVERITY_COUNT_];
extern const pt_word_t pt_model_words_audience[PT_AUDIENCE_COUNT_];
extern const pt_word_t pt_model_words_operation_kind[PT_OPERATION_COUNT_];

#ifdef __cplusplus
}
#endif
#endif
