/*  pt_bench_images: what whole catalogs cost: to compile, to load, and to tell messages apart. */
#ifndef PT_BENCH_IMAGES_H
#define PT_BENCH_IMAGES_H

#include "pt_bench.h"
#include "pt_report.h"

/*  Table `images`: compile, check in place, and load images of these numbers of codes. */
void pt_bench_images(const pt_bench_options_t *options, pt_report_t *report, const size_t *sizes, size_t size_count);

/*  Table `templates`: a look-up by code and message, with 0, 1, 8, 13 and 32 messages for the code. */
void pt_bench_templates(const pt_bench_options_t *options, pt_report_t *report);

#endif
