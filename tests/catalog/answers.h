/*  answers: a gateway's answer as its bytes, decided by everything between bytes and decision.
 *
 *  The same steps as the worker's, without a bus: response, facts, lookup, policy.
 */
#ifndef PT_TEST_ANSWERS_H
#define PT_TEST_ANSWERS_H

#include <jansson.h>

#include "pt_policy.h"
#include "pt_response.h"

typedef struct {
    uint8_t *bytes; //  the response; what follows borrows from it
    pt_response_t response;
    pt_facts_t facts;
    pt_verdict_t verdict;
    pt_decision_t decision;
} answer_t;

//  How a body is put into the response.
typedef enum { ANSWER_BODY_MAP, ANSWER_BODY_TEXT, ANSWER_FORM_COUNT } answer_form_t;

/*  Decide about an answer of `gateway`; takes `body` over. `operation` NULL or empty: not given.
 *  NULL when the response itself is refused, which is a bug of the caller or of the decoder.
 *  answer_destroy releases it.
 */
answer_t *answer_decide(const char *gateway, const char *operation, unsigned http_status, json_t *body,
                        answer_form_t form);
/*  Decide about a whole response, as an orchestrator sends it; takes `envelope` over. Like answer_decide. */
answer_t *answer_decide_envelope(json_t *envelope);
void answer_destroy(answer_t **self_p);

//  What a body says, and in which of its gateway's ways.
typedef struct {
    const char *operation; //  NULL: not known; Shopline's shape follows it
    const char *code;
    const char *message;  //  NULL: none
    unsigned http_status; //  JamesPay repeats it in the body, Shopline's shape follows it
    bool number;          //  a code of digits is a number
    bool flat;            //  Shopline: code and message at the top also under HTTP 200
} answer_words_t;

/*  A body of `gateway` in the shape that its document shows. */
json_t *answer_body(const char *gateway, const answer_words_t *words);

#endif
