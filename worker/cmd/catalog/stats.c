/*  paytriage catalog stats: how much there is of what. */
#include "cmd_catalog.h"

#include "pt_catalog.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    pt_load_options_t load;
    cmd_output_t output;
} stats_options_t;

//  Counts of one gateway's entries, or of all.
typedef struct {
    size_t entries, codes, statuses, https, messages, alerts, judged;
    size_t actions[PT_ACTION_COUNT_];
    size_t categories[PT_CATEGORY_COUNT_];
} counts_t;

static const struct argp_option s_options[] = {
    {"output", 'o', "FORMAT", 0, "text (default) or jsonl", 0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    stats_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->load;
        break;
    case 'o':
        options->output = cmd_output(state, arg);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {.options = s_options,
                                   .parser = s_parse_option,
                                   .doc = "Count a catalog's entries, by gateway and by what they lead to.\v"
                                          "Example:\n"
                                          "  paytriage catalog stats acme.yaml\n\n"
                                          "Exit: 0 done, 1 the YAML is at fault, 66 no such file, 78 a refused image.",
                                   .children = cmd_catalog_children};

static void
s_count(counts_t *counts, const pt_entry_view_t *view)
{
    counts->entries++;
    counts->codes += view->kind == PT_ENTRY_CODE;
    counts->statuses += view->kind == PT_ENTRY_STATUS;
    counts->https += view->kind == PT_ENTRY_HTTP_CLASS;
    counts->messages += view->message.data != NULL;
    counts->alerts += (view->rule->flags & PT_RULE_ALERT) != 0;
    counts->judged += (view->rule->flags & PT_RULE_JUDGED) != 0;
    counts->actions[view->rule->action]++;
    counts->categories[view->rule->category]++;
}

static void
s_print_row(pt_text_t name, const counts_t *counts)
{
    printf("%-16.*s %8zu %8zu %8zu %8zu %9zu %8zu %8zu\n", (int) name.len, name.data, counts->entries, counts->codes,
           counts->statuses, counts->https, counts->messages, counts->alerts, counts->judged);
}

static void
s_print_words(const char *title, const size_t *counts, size_t count, const char *(*text)(unsigned) )
{
    printf("\n%s\n", title);
    for (unsigned i = 0; i < count; i++)
        if (counts[i])
            printf("  %-22s %8zu\n", text(i), counts[i]);
}

static const char *
s_action_text(unsigned action)
{
    return pt_action_text((pt_action_t) action);
}

static const char *
s_category_text(unsigned category)
{
    return pt_category_text((pt_category_t) category);
}

static void
s_print_text(const pt_catalog_t *catalog, const counts_t *counts, size_t image_bytes)
{
    size_t providers = pt_catalog_provider_count(catalog);
    printf("catalog %016" PRIx64 ", an image of %zu bytes\n\n", pt_catalog_hash(catalog), image_bytes);
    printf("%-16s %8s %8s %8s %8s %9s %8s %8s\n", "gateway", "entries", "code", "status", "http", "messages", "alerts",
           "judged");
    for (size_t i = 0; i < providers; i++)
        s_print_row(pt_provider_id(pt_catalog_provider_at(catalog, i)), &counts[i]);
    s_print_row(PT_TEXT("all"), &counts[providers]);
    s_print_words("actions", counts[providers].actions, PT_ACTION_COUNT_, s_action_text);
    s_print_words("categories", counts[providers].categories, PT_CATEGORY_COUNT_, s_category_text);
}

static json_t *
s_words_json(const size_t *counts, size_t count, const char *(*text)(unsigned) )
{
    json_t *json = json_object();
    for (unsigned i = 0; i < count; i++)
        if (counts[i])
            json_object_set_new(json, text(i), json_integer((json_int_t) counts[i]));
    return json;
}

//  One line for each gateway, then one for all, which has no provider.
static void
s_print_json(const pt_catalog_t *catalog, const counts_t *counts, size_t image_bytes)
{
    size_t providers = pt_catalog_provider_count(catalog);
    for (size_t i = 0; i <= providers; i++) {
        json_t *json = json_pack("{sI sI sI sI sI sI sI so so}", "entries", (json_int_t) counts[i].entries, "code",
                                 (json_int_t) counts[i].codes, "status", (json_int_t) counts[i].statuses, "http",
                                 (json_int_t) counts[i].https, "messages", (json_int_t) counts[i].messages, "alerts",
                                 (json_int_t) counts[i].alerts, "judged", (json_int_t) counts[i].judged, "actions",
                                 s_words_json(counts[i].actions, PT_ACTION_COUNT_, s_action_text), "categories",
                                 s_words_json(counts[i].categories, PT_CATEGORY_COUNT_, s_category_text));
        char hash[17];
        snprintf(hash, sizeof hash, "%016" PRIx64, pt_catalog_hash(catalog));
        if (json && i < providers)
            json_object_set_new(json, "provider",
                                cmd_catalog_text_json(pt_provider_id(pt_catalog_provider_at(catalog, i))));
        else if (json) {
            json_object_set_new(json, "catalog", json_string(hash));
            json_object_set_new(json, "bytes", json_integer((json_int_t) image_bytes));
        }
        cmd_catalog_print_json(json);
    }
}

static int
s_stats(const stats_options_t *options, const pt_load_t *load)
{
    const pt_catalog_t *catalog = load->catalog;
    size_t providers = pt_catalog_provider_count(catalog);
    counts_t *counts = calloc(providers + 1, sizeof *counts);
    if (!counts)
        return cmd_fail(EX_OSERR, NULL, "no memory");
    for (size_t i = 0; i < pt_catalog_entry_count(catalog); i++) {
        const pt_entry_t *entry = pt_catalog_entry_at(catalog, i);
        pt_entry_view_t view = pt_catalog_entry_view(catalog, entry);
        s_count(&counts[pt_provider_index(pt_catalog_entry_provider(catalog, entry))], &view);
        s_count(&counts[providers], &view);
    }
    if (options->output == CMD_OUTPUT_JSONL)
        s_print_json(catalog, counts, pt_catalog_image(load->catalog).len);
    else
        s_print_text(catalog, counts, pt_catalog_image(load->catalog).len);
    free(counts);
    return cmd_flush();
}

int
cmd_catalog_stats(int argc, char **argv)
{
    stats_options_t options = {0};
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);

    pt_load_t load;
    int code = cmd_catalog_load(&options.load, CMD_EXIT_NO, &load);
    if (code == EX_OK)
        code = s_stats(&options, &load);
    pt_load_clear(&load);
    return code;
}
