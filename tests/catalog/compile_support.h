/*  What the tests of the catalog compiler share. */
#ifndef COMPILE_SUPPORT_H
#define COMPILE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pt_compile.h"

//  A file that holds every key of the format.
#define SAMPLE PT_SOURCE_DIR "/tests/catalog/sample.yaml"

typedef struct {
    char *text; //  the caller's to free
    size_t bytes;
} s_file_t;

static inline s_file_t
s_read_file(const char *path)
{
    enum { S_BYTES_MAX = 1024 * 1024 };
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    s_file_t file = {.text = malloc(S_BYTES_MAX)};
    assert_non_null(file.text);
    file.bytes = fread(file.text, 1, S_BYTES_MAX, stream);
    assert_true(file.bytes > 0 && file.bytes < S_BYTES_MAX);
    (void) fclose(stream);
    return file;
}

//  One text, compiled and checked.
typedef struct {
    pt_status_t status;
    pt_source_t source;
    pt_faults_t faults;
} s_compiled_t;

static inline s_compiled_t
s_compile_bytes(const char *text, size_t bytes)
{
    s_compiled_t compiled = {0};
    compiled.status =
        pt_compile_yaml(&compiled.source, "acme.yaml", (pt_bytes_t) {(const uint8_t *) text, bytes}, &compiled.faults);
    pt_compile_check(&compiled.source, &compiled.faults);
    return compiled;
}

static inline s_compiled_t
s_compile(const char *text)
{
    return s_compile_bytes(text, strlen(text));
}

static inline void
s_clear(s_compiled_t *compiled)
{
    pt_faults_clear(&compiled->faults);
    pt_source_destroy(&compiled->source);
}

static inline void
s_print_faults(const s_compiled_t *compiled)
{
    for (size_t i = 0; i < compiled->faults.count; i++) {
        const pt_fault_t *fault = &compiled->faults.faults[i];
        print_error("%u:%u: %s [%s]\n", fault->mark.line, fault->mark.column, fault->text, fault->id);
    }
}

//  A whole small file: five lines before its entries, which start in line 6.
#define HEAD                                                                                                           \
    "gateway: {id: acme, name: Acme, cite: doc.txt}\n"                                                                 \
    "body: {codes: [{code: code, message: message}], status: [status]}\n"                                              \
    "operations: [{name: pay, kind: money}, {name: ask, kind: read}]\n"                                                \
    "policies: {slow: {delays: [1m, 5m]}}\n"                                                                           \
    "entries:\n"
#define SOFT "category: decline_soft, outcome: declined, action: none"
#define TEXTS ", summary: Refused., cite: 7"
#define ROW(answers) "- {" answers ", " SOFT TEXTS "}\n"

#endif
