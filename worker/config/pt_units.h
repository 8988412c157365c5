/*  pt_units: strict numbers, durations and sizes out of text; the whole text or nothing. */
#ifndef PT_UNITS_H
#define PT_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/*  A whole decimal number from min to max, without sign, blanks or anything behind it. False, and
 *  *out_number as it was, where the text is none.
 */
bool pt_units_number(const char *text, uint64_t min, uint64_t max, uint64_t *out_number);

/*  One number and its unit: 500ms, 30s, 15m, 1h, 1d; at most a year. */
bool pt_units_duration_ms(const char *text, uint64_t *out_ms);

/*  Bytes, or K, M, G, T of 1024 each: 4096, 512M, 8G; at most 1T. */
bool pt_units_bytes(const char *text, uint64_t *out_bytes);

#endif
