/*  pt_mask_parts: what the sources of pt_mask share. For pt_mask*.c only. */
#ifndef PT_MASK_PARTS_H
#define PT_MASK_PARTS_H

#include "pt_mask.h"

typedef enum {
    PT_MASK_CARE_TEXT,       //  whole runs and groups that pass Luhn's check
    PT_MASK_CARE_IDENTIFIER, //  of these, what begins like a card number
    PT_MASK_CARE_RAW,        //  that, also inside of longer runs
} pt_mask_care_t;

/*  Mask the card numbers of `text` in copy[0..copy_len). */
void pt_mask_numbers(pt_text_t text, pt_mask_care_t care, char *copy, size_t copy_len);

/*  Whether an integer is a card number, as PT_MASK_CARE_IDENTIFIER takes it. */
bool pt_mask_is_card_integer(uint64_t value);

/*  Mask what keys of secrets name in JSON, a form or msgpack that may be damaged. */
void pt_mask_secrets(pt_text_t text, char *copy, size_t copy_len);

#endif
