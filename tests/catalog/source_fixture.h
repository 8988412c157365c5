/*  Small catalogs written in C, for tests of the engine that need no YAML.
 *
 *  Everything is static and lives as long as the test; texts are borrowed. A fixture that runs out of
 *  room fails the test.
 */
#ifndef PT_SOURCE_FIXTURE_H
#define PT_SOURCE_FIXTURE_H

#include "pt_build.h"
#include "pt_catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define FIXTURE_ENTRIES_MAX 256
#define FIXTURE_OPERATIONS_MAX 16
#define FIXTURE_PROVIDERS_MAX 4

typedef struct {
    pt_source_t source;
    pt_source_provider_t providers[FIXTURE_PROVIDERS_MAX];
    pt_source_entry_t entries[FIXTURE_PROVIDERS_MAX][FIXTURE_ENTRIES_MAX];
    pt_source_operation_t operations[FIXTURE_PROVIDERS_MAX][FIXTURE_OPERATIONS_MAX];
    char *names[FIXTURE_PROVIDERS_MAX][FIXTURE_ENTRIES_MAX][FIXTURE_OPERATIONS_MAX];
    pt_faults_t faults;
} fixture_t;

//  The source's strings are only read by the builder.
static inline char *
fixture_string(const char *text)
{
    return (char *) (uintptr_t) text;
}

static inline pt_mark_t
fixture_mark(unsigned line)
{
    return (pt_mark_t) {"fixture.yaml", line, 1};
}

static inline fixture_t *
fixture_new(void)
{
    fixture_t *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->source.providers = self->providers;
    return self;
}

static inline pt_source_provider_t *
fixture_provider(fixture_t *self, const char *id)
{
    size_t index = self->source.provider_count++;
    assert_true(index < FIXTURE_PROVIDERS_MAX);
    pt_source_provider_t *provider = &self->providers[index];
    *provider = (pt_source_provider_t) {.mark = fixture_mark(1),
                                        .id = fixture_string(id),
                                        .name = fixture_string(id),
                                        .operations = self->operations[index],
                                        .entries = self->entries[index]};
    return provider;
}

static inline pt_source_operation_t *
fixture_operation(pt_source_provider_t *provider, const char *name, pt_operation_kind_t kind)
{
    assert_true(provider->operation_count < FIXTURE_OPERATIONS_MAX);
    pt_source_operation_t *operation = &provider->operations[provider->operation_count++];
    *operation = (pt_source_operation_t) {.mark = fixture_mark(2), .name = fixture_string(name), .kind = kind};
    return operation;
}

//  An entry of one code, whose rule is a final decline unless the test changes it. Its line is its
//  place, from 10.
static inline pt_source_entry_t *
fixture_entry(pt_source_provider_t *provider, pt_entry_kind_t kind, const char *id, const char *code)
{
    assert_true(provider->entry_count < FIXTURE_ENTRIES_MAX);
    pt_source_entry_t *entry = &provider->entries[provider->entry_count];
    *entry = (pt_source_entry_t) {.mark = fixture_mark(10 + (unsigned) provider->entry_count),
                                  .kind = kind,
                                  .id = fixture_string(id),
                                  .codes = {fixture_string(code)},
                                  .code_count = 1,
                                  .summary = fixture_string("What it means."),
                                  .cite = fixture_string("seed.txt:1")};
    entry->rule = (pt_rule_t) {.category = PT_CATEGORY_DECLINE_HARD,
                               .outcome = PT_OUTCOME_DECLINED,
                               .action = PT_ACTION_NONE,
                               .max_attempts = PT_RULE_MAX_ATTEMPTS,
                               .deadline_ms = PT_RULE_DEADLINE_MS};
    provider->entry_count++;
    return entry;
}

static inline pt_source_entry_t *
fixture_code(pt_source_provider_t *provider, const char *id, const char *code, const char *message)
{
    pt_source_entry_t *entry = fixture_entry(provider, PT_ENTRY_CODE, id, code);
    entry->message = fixture_string(message);
    return entry;
}

//  Limit the last entry of a provider to one more operation.
static inline void
fixture_for(fixture_t *self, pt_source_provider_t *provider, const char *operation)
{
    size_t provider_index = (size_t) (provider - self->providers);
    size_t entry_index = provider->entry_count - 1;
    pt_source_entry_t *entry = &provider->entries[entry_index];
    entry->operations = self->names[provider_index][entry_index];
    assert_true(entry->operation_count < FIXTURE_OPERATIONS_MAX);
    entry->operations[entry->operation_count++] = fixture_string(operation);
}

static inline void
fixture_rule(pt_source_entry_t *entry, pt_category_t category, pt_outcome_t outcome, pt_action_t action)
{
    entry->rule.category = (uint8_t) category;
    entry->rule.outcome = (uint8_t) outcome;
    entry->rule.action = (uint8_t) action;
}

static inline pt_bytes_t
fixture_image(fixture_t *self)
{
    uint8_t *image = NULL;
    size_t bytes = 0;
    pt_status_t status = pt_build_image(&self->source, &self->faults, &image, &bytes);
    if (status != PT_OK)
        fail_msg("%s: %s", pt_status_text(status), self->faults.count ? self->faults.faults[0].text : "no fault");
    assert_int_equal(self->faults.count, 0);
    return (pt_bytes_t) {image, bytes};
}

static inline pt_catalog_t *
fixture_open(fixture_t *self)
{
    pt_bytes_t image = fixture_image(self);
    pt_catalog_t *catalog = NULL;
    assert_int_equal(pt_catalog_open(image, &catalog), PT_OK);
    free((void *) (uintptr_t) image.data);
    return catalog;
}

static inline void
fixture_destroy(fixture_t *self)
{
    pt_faults_clear(&self->faults);
    free(self);
}

#endif
