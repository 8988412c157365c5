/*  pt_bench_keys: the built-in catalog in other words, for those that are compared with it.
 *
 *  pt_bench_keys codes|composites|rows: `codes` are those of pt_keys_load_builtin and
 *  `composites` the joined strings of pt_joined, both as gperf's input, made while the bench is built.
 *  `rows` is what the peers look up, as JSON Lines: where each gateway's codes and markers stand, then
 *  what each code and marker means.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "pt_catalog.h"
#include "pt_joined.h"
#include "pt_policy.h"
#include "pt_rule.h"

static void
s_print_text(pt_text_t text)
{
    putchar('"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char) text.data[i];
        if (byte == '"' || byte == '\\')
            printf("\\%c", byte);
        else if (byte < 0x20 || byte > 0x7e)
            printf("\\%03o", byte);
        else
            putchar(byte);
    }
    putchar('"');
}

//  The function is static, so that it is inlined where the compiler would do so with any other.
static void
s_print_head(const char *name)
{
    printf("%%language=ANSI-C\n%%struct-type\n%%omit-struct-type\n%%readonly-tables\n%%compare-lengths\n"
           "%%global-table\n");
    printf("%%define hash-function-name pt_gperf_%s_hash\n", name);
    printf("%%define lookup-function-name pt_gperf_%s_find\n", name);
    printf("%%define word-array-name pt_gperf_%s_rows\n", name);
    printf("%%define length-table-name pt_gperf_%s_lengths\n", name);
    printf("%%{\n#include <string.h>\nstruct pt_gperf_%s_row { const char *name; int answer; };\n", name);
    printf("static const struct pt_gperf_%s_row *pt_gperf_%s_find(const char *, size_t);\n%%}\n", name, name);
    printf("struct pt_gperf_%s_row;\n%%%%\n", name);
}

static void
s_print_tail(const char *name, size_t string_bytes)
{
    printf("%%%%\nstatic inline size_t\npt_gperf_%s_bytes(void)\n{\n", name);
    printf("    return sizeof(pt_gperf_%s_rows) + sizeof(pt_gperf_%s_lengths) + %zu;\n}\n", name, name, string_bytes);
}

static void
s_print_line(json_t *line)
{
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

//  {"provider":"opn","codes":[["failure_code"],["code"]],"statuses":[["status"]]}
static void
s_print_shape(const pt_provider_t *provider)
{
    const pt_shape_t *shape = pt_provider_shape(provider);
    json_t *places[] = {[PT_ROLE_CODE] = json_array(), [PT_ROLE_MESSAGE] = NULL, [PT_ROLE_STATUS] = json_array()};
    for (size_t i = 0; i < shape->path_count; i++) {
        const pt_path_t *path = &shape->paths[i];
        if (path->role != PT_ROLE_CODE && path->role != PT_ROLE_STATUS)
            continue;
        json_t *steps = json_array();
        for (unsigned k = 0; k < path->step_count; k++)
            json_array_append_new(steps, json_stringn(path->steps[k].data, path->steps[k].len));
        json_array_append_new(places[path->role], steps);
    }
    pt_text_t id = pt_provider_id(provider);
    s_print_line(json_pack("{s:s%, s:o, s:o}", "provider", id.data, id.len, "codes", places[PT_ROLE_CODE], "statuses",
                           places[PT_ROLE_STATUS]));
}

//  {"key":"opn/insufficient_fund","category":…,"outcome":…,"action":…,"route":…,"summary":…}
static void
s_print_row(const pt_catalog_t *catalog, const pt_entry_t *entry)
{
    pt_entry_view_t view = pt_catalog_entry_view(catalog, entry);
    if (view.kind == PT_ENTRY_HTTP_CLASS || view.message.data)
        return;
    pt_text_t provider = pt_provider_id(pt_catalog_entry_provider(catalog, entry));
    char key[512];
    snprintf(key, sizeof(key), "%.*s/%s%.*s", (int) provider.len, provider.data,
             view.kind == PT_ENTRY_STATUS ? "status/" : "", (int) view.code.len, view.code.data);
    pt_action_t action = (pt_action_t) view.rule->action;
    pt_outcome_t outcome = (pt_outcome_t) view.rule->outcome;
    s_print_line(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s%}", "key", key, "category",
                           pt_category_text((pt_category_t) view.rule->category), "outcome", pt_outcome_text(outcome),
                           "action", pt_action_text(action), "route", pt_route_text(pt_policy_route(action, outcome)),
                           "summary", view.summary.data, view.summary.len));
}

static void
s_print_rows(void)
{
    const pt_catalog_t *catalog = pt_catalog_builtin();
    for (size_t i = 0; i < pt_catalog_provider_count(catalog); i++)
        s_print_shape(pt_catalog_provider_at(catalog, i));
    for (size_t i = 0; i < pt_catalog_entry_count(catalog); i++)
        s_print_row(catalog, pt_catalog_entry_at(catalog, i));
}

//  It has no options, and builds before the parser of the others does.
static const char s_help[] = "Usage: pt_bench_keys codes|composites|rows\n"
                             "Write the built-in catalog in other words, for those that are compared with it.\n\n"
                             "codes       the gateways' codes, as gperf reads them\n"
                             "composites  provider/operation/code as one text each, as gperf reads them\n"
                             "rows        what the peers of pt_bench_bus look up, as JSON Lines\n\n"
                             "Example:\n"
                             "  pt_bench_keys rows >ROWS\n\n"
                             "Exit: 0 written, 64 another word, 74 the output failed.\n";

int
main(int argc, char **argv)
{
    pt_keys_t keys;
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0)) {
        fputs(s_help, stdout);
        return fflush(stdout) == 0 ? 0 : EX_IOERR;
    }
    if (argc == 2 && strcmp(argv[1], "rows") == 0) {
        s_print_rows();
        return fflush(stdout) == 0 ? 0 : EX_IOERR;
    }
    if (argc == 2 && strcmp(argv[1], "codes") == 0) {
        pt_keys_load_builtin(&keys);
    } else if (argc == 2 && strcmp(argv[1], "composites") == 0) {
        pt_joined_load(&keys);
    } else {
        fprintf(stderr, "pt_bench_keys: codes, composites or rows? See 'pt_bench_keys --help'\n");
        return EX_USAGE;
    }
    s_print_head(argv[1]);
    for (size_t i = 0; i < keys.count; i++) {
        s_print_text(keys.texts[i]);
        printf(", %zu\n", i);
    }
    s_print_tail(argv[1], keys.bytes + keys.count);
    pt_keys_clear(&keys);
    return fflush(stdout) == 0 ? 0 : EX_IOERR;
}
