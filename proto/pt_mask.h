/*  pt_mask: card numbers and secrets, made unreadable.
 *
 *  A card number is a run of 13 to 19 digits that passes Luhn's check and does not begin with 0, whole
 *  or in groups with spaces or dashes between them. All of it but the last four digits becomes '*';
 *  lengths never change. What a key such as `cvv` or `password` names becomes '*' whole.
 *
 *  Every function reads a text and writes to a copy of it, so that a number is recognised by what
 *  stood there, also where the copy ends in the middle of it. No allocation.
 */
#ifndef PT_MASK_H
#define PT_MASK_H

#include "pt_model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PT_MASK_DIGITS_MIN 13
#define PT_MASK_DIGITS_MAX 19
#define PT_MASK_DIGITS_SHOWN 4

/*  What pt_mask_text does for texts that are long enough. */
void pt_mask_long_text(pt_text_t text, char *copy, size_t copy_len);

/*  Mask card numbers in copy[0..copy_len), the beginning of a copy of `text`. Costs a glance at each
 *  thirteenth byte where the text has no digits.
 */
static inline void
pt_mask_text(pt_text_t text, char *copy, size_t copy_len)
{
    if (text.len >= PT_MASK_DIGITS_MIN)
        pt_mask_long_text(text, copy, copy_len);
}

/*  The same for what is meant to be an identifier: only numbers that begin as those of a card scheme
 *  do, because any number of 13 to 19 digits passes Luhn's check one time in ten.
 */
void pt_mask_identifier(pt_text_t text, char *copy, size_t copy_len);

/*  The same for bytes of which nothing is known: also numbers inside of longer runs, numbers in
 *  binary, and what keys of secrets name, in msgpack, JSON or a form.
 */
void pt_mask_raw(pt_bytes_t bytes, uint8_t *copy, size_t copy_len);

/*  Mask a response for a person: what stands in strings, numbers and JSON texts, and what keys of secrets
 *  name. The envelope's own identifiers stay. `copy` holds all of `bytes`; what is no msgpack map is masked
 *  as by pt_mask_raw. A masked integer keeps its place in the bytes, so the result can be read as before.
 */
void pt_mask_response(pt_bytes_t bytes, uint8_t *copy);

/*  Whether a key names a secret: `card_number`, `cvv`, `password` and such, in any case, with or without
 *  '_', '-' and spaces.
 */
bool pt_mask_is_secret(pt_text_t key);

#ifdef __cplusplus
}
#endif
#endif
