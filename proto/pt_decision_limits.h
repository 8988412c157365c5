/*  pt_decision_limits: bounds of the texts in a decision that no response brings along, for the
 *  encoder and the decoder. With those of pt_model.h they add up to less than
 *  PT_DECISION_BYTES_MAX.
 */
#ifndef PT_DECISION_LIMITS_H
#define PT_DECISION_LIMITS_H

#define PT_DECISION_PRODUCER_BYTES_MAX 16
#define PT_DECISION_ENTRY_BYTES_MAX 256
#define PT_DECISION_SUMMARY_BYTES_MAX 1024
#define PT_DECISION_ERROR_BYTES_MAX 256

#endif
