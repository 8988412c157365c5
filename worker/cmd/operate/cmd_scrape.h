/*  cmd_scrape: reading a page of metrics. */
#ifndef PT_CMD_SCRAPE_H
#define PT_CMD_SCRAPE_H

#include "pt_text.h"

#include <stdbool.h>

//  One sample. Texts point into the page; labels stand without their braces.
typedef struct {
    pt_text_t name;
    pt_text_t labels;
    double value;
} cmd_sample_t;

/*  The next sample of the page from *at on. False at the end. Lines that are none are passed over. */
bool cmd_scrape_next(const char **at, cmd_sample_t *out_sample);

/*  The value of a label, as it is written; data NULL: there is none. */
pt_text_t cmd_scrape_label(const cmd_sample_t *sample, const char *label);

/*  The sum of all samples of a name, or of those whose `label` is `value`; label NULL: all. *out_any, where
 *  it is not NULL, says whether there was one.
 */
double cmd_scrape_sum(const char *page, const char *name, const char *label, const char *value, bool *out_any);

#endif
