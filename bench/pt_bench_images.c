#include "pt_bench_images.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pt_build.h"
#include "pt_catalog.h"
#include "pt_image.h"
#include "pt_keys.h"
#include "pt_synthetic.h"

static void
s_fail(const char *what, pt_status_t status, const pt_faults_t *faults)
{
    fprintf(stderr, "pt_bench_catalog: %s: %s%s%s\n", what, pt_status_text(status), faults->count ? ": " : "",
            faults->count ? faults->faults[0].text : "");
    exit(1);
}

//  Build an image; the caller frees it. `out_ms` may be NULL.
static pt_bytes_t
s_build_image(const pt_source_t *source, double *out_ms)
{
    pt_faults_t faults = {0};
    uint8_t *image = NULL;
    size_t bytes = 0;
    uint64_t start = pt_bench_now_ns();
    pt_status_t status = pt_build_image(source, &faults, &image, &bytes);
    uint64_t spent = pt_bench_now_ns() - start;
    if (status != PT_OK)
        s_fail("a made-up catalog does not build", status, &faults);
    pt_faults_clear(&faults);
    if (out_ms)
        *out_ms = (double) spent / 1e6;
    return (pt_bytes_t) {image, bytes};
}

//  Check an image where it stands, as a mapped file would be.
static double
s_time_check(pt_bytes_t bytes)
{
    void *place = aligned_alloc(PT_IMAGE_ALIGN, (bytes.len + PT_IMAGE_ALIGN - 1) / PT_IMAGE_ALIGN * PT_IMAGE_ALIGN);
    pt_faults_t no_faults = {0};
    pt_image_t image;
    if (!place)
        s_fail("checking an image", PT_E_NOMEM, &no_faults);
    memcpy(place, bytes.data, bytes.len);
    uint64_t start = pt_bench_now_ns();
    pt_status_t status = pt_image_open((pt_bytes_t) {place, bytes.len}, &image);
    uint64_t spent = pt_bench_now_ns() - start;
    if (status != PT_OK)
        s_fail("an image does not pass its checks", status, &no_faults);
    free(place);
    return (double) spent / 1e6;
}

static double
s_time_open(pt_bytes_t bytes)
{
    pt_catalog_t *catalog;
    pt_faults_t no_faults = {0};
    uint64_t start = pt_bench_now_ns();
    pt_status_t status = pt_catalog_open(bytes, &catalog);
    uint64_t spent = pt_bench_now_ns() - start;
    if (status != PT_OK)
        s_fail("an image does not open", status, &no_faults);
    pt_catalog_destroy(&catalog);
    return (double) spent / 1e6;
}

static const pt_column_t s_image_columns[] = {
    {"codes", "codes", 0},
    {"bytes", "image bytes", 0},
    {"bytes_per_code", "per code", 1},
    {"build_ms", "build ms", 2},
    {"check_ms", "check ms", 3},
    {"open_ms", "copy+check ms", 3},
    {NULL, NULL, 0},
};

static void
s_add_image(pt_table_t *table, size_t codes, unsigned rounds)
{
    pt_keys_t keys;
    pt_source_t source;
    pt_series_t build = {0}, check = {0}, open = {0};
    size_t bytes = 0;
    pt_keys_make(&keys, codes);
    pt_synthetic_make(&source, keys.texts, keys.count, 0);
    for (unsigned round = 0; round < rounds; round++) {
        double ms;
        pt_bytes_t image = s_build_image(&source, &ms);
        pt_series_add(&build, ms);
        pt_series_add(&check, s_time_check(image));
        pt_series_add(&open, s_time_open(image));
        bytes = image.len;
        free((void *) (uintptr_t) image.data);
    }
    json_t *row = pt_table_row(table);
    pt_row_number(row, "codes", (double) keys.count);
    pt_row_number(row, "bytes", (double) bytes);
    pt_row_number(row, "bytes_per_code", (double) bytes / (double) keys.count);
    pt_row_number(row, "build_ms", pt_series_median(&build));
    pt_row_number(row, "check_ms", pt_series_median(&check));
    pt_row_number(row, "open_ms", pt_series_median(&open));
    pt_series_clear(&build);
    pt_series_clear(&check);
    pt_series_clear(&open);
    pt_source_destroy(&source);
    pt_keys_clear(&keys);
}

void
pt_bench_images(const pt_bench_options_t *options, pt_report_t *report, const size_t *sizes, size_t size_count)
{
    pt_table_t *table =
        pt_report_table(report, "images", "Whole catalogs: compile, check in place, load", s_image_columns);
    for (size_t i = 0; i < size_count; i++) {
        pt_bench_progress(options, "images: %zu codes", sizes[i]);
        //  A million codes take seconds a round; their median of three is steady enough.
        unsigned rounds = sizes[i] > 100000 && options->rounds > 3 ? 3 : options->rounds;
        s_add_image(table, sizes[i], rounds);
    }
}

static const pt_column_t s_template_columns[] = {
    {"messages", "messages", 0},
    {"median_ns", "look-up ns", 1},
    {"p99_ns", "p99 ns", 1},
    {"added_ns", "of which messages", 1},
    {NULL, NULL, 0},
};

#define S_GROUPS 5
#define S_DRAWS 4096
#define S_BLOCK 64

//  One catalog of a code that has `rows` rows with a message, and answers of its gateway.
typedef struct {
    unsigned rows;
    pt_catalog_t *catalog;
    pt_facts_t facts;    //  of the answer at hand, as a worker has one
    pt_text_t *messages; //  one for each draw
    char (*texts)[128];
    pt_series_t blocks;
    pt_series_t rounds;
} s_group_t;

static const unsigned s_group_sizes[S_GROUPS] = {0, 1, 8, 13, 32};

//  10 % of the messages are ones that no row takes.
static void
s_open_group(s_group_t *self, unsigned rows, size_t draws)
{
    static const pt_text_t code = {"NOT_ALLOWED", 11};
    pt_source_t source;
    *self = (s_group_t) {.rows = rows};
    pt_synthetic_make(&source, &code, 1, rows);
    pt_bytes_t image = s_build_image(&source, NULL);
    pt_faults_t no_faults = {0};
    pt_status_t status = pt_catalog_open(image, &self->catalog);
    if (status != PT_OK)
        s_fail("a made-up catalog does not open", status, &no_faults);
    free((void *) (uintptr_t) image.data);
    pt_source_destroy(&source);
    pt_dice_t dice;
    pt_dice_init(&dice, 7);
    self->facts = (pt_facts_t) {.is_map = true, .codes = {code}};
    self->messages = pt_bench_alloc(draws * sizeof(*self->messages));
    self->texts = pt_bench_alloc(draws * sizeof(*self->texts));
    for (size_t i = 0; i < draws; i++) {
        unsigned row = (unsigned) pt_dice_below(&dice, rows ? rows : 1);
        if (pt_dice_below(&dice, 10) == 0)
            row += 300;
        self->messages[i] = pt_synthetic_message(row, self->texts[i]);
    }
}

static void
s_close_group(s_group_t *self)
{
    pt_catalog_destroy(&self->catalog);
    free(self->messages);
    free(self->texts);
    pt_series_clear(&self->blocks);
    pt_series_clear(&self->rounds);
}

static void
s_run_group(s_group_t *self, const pt_response_t *response, size_t draws, unsigned *out_matched)
{
    const pt_provider_t *provider = pt_catalog_provider(self->catalog, response->provider);
    pt_series_t round = {0};
    pt_verdict_t verdict;
    *out_matched = 0;
    for (size_t at = 0; at < draws; at += S_BLOCK) {
        uint64_t start = pt_bench_now_ns();
        for (size_t i = at; i < at + S_BLOCK; i++) {
            self->facts.messages[0] = self->messages[i];
            pt_catalog_lookup(self->catalog, provider, response, &self->facts, &verdict);
            *out_matched += verdict.match <= PT_MATCH_TEMPLATE;
        }
        double ns = (double) (pt_bench_now_ns() - start) / S_BLOCK;
        pt_series_add(&round, ns);
        pt_series_add(&self->blocks, ns);
    }
    pt_series_add(&self->rounds, pt_series_median(&round));
    pt_series_clear(&round);
}

void
pt_bench_templates(const pt_bench_options_t *options, pt_report_t *report)
{
    pt_table_t *table = pt_report_table(report, "templates", "A look-up by code and message", s_template_columns);
    pt_response_t response = {.provider = PT_TEXT("acme"), .http_status = 400, .attempt = 1};
    size_t draws = options->is_short ? 2 * S_BLOCK : S_DRAWS;
    s_group_t groups[S_GROUPS];
    for (int i = 0; i < S_GROUPS; i++)
        s_open_group(&groups[i], s_group_sizes[i], draws);
    for (unsigned round = 0; round < options->rounds; round++) {
        for (int i = 0; i < S_GROUPS; i++) {
            unsigned matched;
            s_run_group(&groups[i], &response, draws, &matched);
            //  Nine of ten messages are some row's.
            if (groups[i].rows ? matched < draws / 2 || matched == draws : matched > 0) {
                fprintf(stderr, "pt_bench_catalog: %u of %zu messages found among %u\n", matched, draws,
                        groups[i].rows);
                exit(1);
            }
        }
    }
    double without = pt_series_median(&groups[0].rounds);
    for (int i = 0; i < S_GROUPS; i++) {
        json_t *row = pt_table_row(table);
        double median = pt_series_median(&groups[i].rounds);
        pt_row_number(row, "messages", groups[i].rows);
        pt_row_number(row, "median_ns", median);
        pt_row_number(row, "p99_ns", pt_series_percentile(&groups[i].blocks, 99));
        if (groups[i].rows)
            pt_row_number(row, "added_ns", median > without ? median - without : 0);
        s_close_group(&groups[i]);
    }
}
