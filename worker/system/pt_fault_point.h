/*  pt_fault_point: where tests end a worker at once, and which of its rules they switch off.
 *
 *  None of it is in the product: without PT_FAULTS a point is no code and a rule is the constant
 *  true. With it (the program paytriage-faults, which only tests start) the environment says what
 *  happens:
 *
 *      PAYTRIAGE_FAULT=NAME:HIT    _exit (137) when the point is passed for the HIT-th time
 *      PAYTRIAGE_FAULT_BYTES=TEXT  _exit (137) when a payload that is decided about holds TEXT
 *      PAYTRIAGE_FAULT_COUNTS=FILE how often each point was passed, one "NAME COUNT" a line, at exit
 *      PAYTRIAGE_RULE_OFF=NAME     the rule does not hold
 */
#ifndef PT_FAULT_POINT_H
#define PT_FAULT_POINT_H

#ifdef PT_FAULTS
#include <stdbool.h>
#include <stddef.h>

//  Only by the macros below.
void pt_fault_point_pass(const char *name);
void pt_fault_point_bytes(const void *data, size_t len);
bool pt_fault_point_rule(const char *name);

#define PT_FAULT_POINT(name) pt_fault_point_pass(name)
#define PT_FAULT_BYTES(data, len) pt_fault_point_bytes(data, len)
#define PT_RULE(name) pt_fault_point_rule(name)
#else
#define PT_FAULT_POINT(name) ((void) 0)
#define PT_FAULT_BYTES(data, len) ((void) 0)
#define PT_RULE(name) 1
#endif

#endif
