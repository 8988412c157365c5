/*  pt_fault: what can be wrong with a catalog's source or with settings, by stable id.
 *
 *  An id never changes its meaning once released, and is never used again. PT10xx: one file as it
 *  is written; PT11xx: what the rows of a catalog say together and what they would do; PT12xx: settings of
 *  paytriage.yml and the environment, beside those of PT10xx; PT2xxx: what
 *  only shows when the image is built.
 */
#ifndef PT_FAULT_H
#define PT_FAULT_H

#include "pt_text.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    PT_FAULT_YAML,
    PT_FAULT_LIMIT,
    PT_FAULT_ALIAS,
    PT_FAULT_TAG,
    PT_FAULT_DOCUMENT,
    PT_FAULT_KEY,
    PT_FAULT_KEY_UNKNOWN,
    PT_FAULT_KEY_TWICE,
    PT_FAULT_KEY_MISSING,
    PT_FAULT_TYPE,
    PT_FAULT_TEXT,
    PT_FAULT_QUOTES,
    PT_FAULT_BOOLEAN,
    PT_FAULT_NUMBER,
    PT_FAULT_DURATION,
    PT_FAULT_WORD,
    PT_FAULT_OPERATION_UNKNOWN,
    PT_FAULT_POLICY_UNKNOWN,
    PT_FAULT_NAME,
    PT_FAULT_NAME_TAKEN,
    PT_FAULT_PATH,
    PT_FAULT_ANSWERS_TO,
    PT_FAULT_HTTP_CLASS,
    PT_FAULT_OUT_OF_PLACE,
    PT_FAULT_TEMPLATE,
    PT_FAULT_CITE,
    PT_FAULT_DIGITS,
    PT_FAULT_TOO_MANY,
    PT_FAULT_ALERT,
    PT_FAULT_SCHEDULE,
    PT_FAULT_OVERLAY,
    PT_FAULT_OVERLAY_ENTRY,
    PT_FAULT_TIME,
    PT_FAULT_ID_TAKEN,
    PT_FAULT_ROW_TWICE,
    PT_FAULT_NO_OWN_ROW,
    PT_FAULT_NO_ROW_FOR_ANY,
    PT_FAULT_RETRY_FORBIDDEN,
    PT_FAULT_DUPLICATE_NOT_QUERIED,
    PT_FAULT_OUTCOME_CONTRADICTS,
    PT_FAULT_ACTION_CONTRADICTS,
    PT_FAULT_NOBODY_TOLD,
    PT_FAULT_NOTHING_TO_DO,
    PT_FAULT_ENDLESS,
    PT_FAULT_UNREACHABLE,
    PT_FAULT_OVERLAP,
    PT_FAULT_CLAIMED,
    PT_FAULT_EQUAL_RANK,
    PT_FAULT_NO_ANSWER,
    PT_FAULT_MESSAGE,
    PT_FAULT_OPERATION_MISSING,
    PT_FAULT_BOUNDS,
    PT_FAULT_BYTES,
    PT_FAULT_ENDPOINT,
    PT_FAULT_VARIABLE,
    PT_FAULT_COUNT_
} pt_fault_kind_t;

/*  The id ("PT1001"), what it means in one plain line, and what its author does about it. Never NULL
 *  for a kind below COUNT_.
 */
const char *pt_fault_id(pt_fault_kind_t kind);
const char *pt_fault_meaning(pt_fault_kind_t kind);
const char *pt_fault_remedy(pt_fault_kind_t kind);

/*  The kind of an id, or -1 when there is none. */
int pt_fault_parse(pt_text_t id);

#ifdef __cplusplus
}
#endif
#endif
