/*  paytriage explain, for what is no code of a gateway: faults of catalogs, codes of single fields. */
#include "explain.h"

#include "cmd_catalog.h"

#include "pt_fault.h"

#include <ctype.h>
#include <string.h>

bool
explain_is_fault(const char *word)
{
    bool is_named = strlen(word) == 6 && strncasecmp(word, "PT", 2) == 0;
    for (size_t i = 2; is_named && i < 6; i++)
        is_named = isdigit((unsigned char) word[i]);
    return is_named;
}

int
explain_fault(const char *id, cmd_output_t output)
{
    char upper[] = "PT0000";
    memcpy(upper + 2, id + 2, 4);
    int found = pt_fault_parse(pt_text_of(upper));
    if (found < 0)
        return cmd_fail(CMD_EXIT_NO, NULL, "there is no fault %s", upper);
    pt_fault_kind_t kind = (pt_fault_kind_t) found;
    if (output != CMD_OUTPUT_TEXT)
        explain_print_value(json_pack("{ss ss ss}", "id", pt_fault_id(kind), "meaning", pt_fault_meaning(kind),
                                      "remedy", pt_fault_remedy(kind)),
                            output);
    else
        printf("%s\n  Means     %s\n  Do        %s\n", pt_fault_id(kind), pt_fault_meaning(kind),
               pt_fault_remedy(kind));
    return cmd_flush();
}

static void
s_print_text(const explain_answer_t *answer, const pt_field_code_view_t *view, bool color)
{
    const char *on = color ? "\033[1m" : "", *off = color ? "\033[0m" : "";
    pt_text_t summary = pt_texts_say(&answer->texts, view->summary);
    printf("%s%.*s%s, %s\n", on, (int) view->code.len, view->code.data, off, explain_say(answer, "of a single field"));
    explain_print_label(answer, explain_say(answer, "Means"), color);
    printf("%.*s\n", (int) summary.len, summary.data);
    explain_print_label(answer, explain_say(answer, "Source"), color);
    printf("%.*s\n", (int) view->cite.len, view->cite.data);
}

static void
s_print_json(const explain_answer_t *answer, const pt_field_code_view_t *view, cmd_output_t output)
{
    explain_print_value(json_pack("{so so so so ss}", "provider",
                                  cmd_catalog_text_json(pt_provider_id(answer->provider)), "field_code",
                                  cmd_catalog_text_json(view->code), "summary",
                                  cmd_catalog_text_json(pt_texts_say(&answer->texts, view->summary)), "cite",
                                  cmd_catalog_text_json(view->cite), "lang", pt_language_text(answer->texts.language)),
                        output);
}

bool
explain_print_field(const explain_answer_t *answer, pt_text_t code, cmd_output_t output, bool color)
{
    for (size_t i = 0; i < pt_provider_field_code_count(answer->provider); i++) {
        pt_field_code_view_t view = pt_provider_field_code_at(answer->provider, i);
        if (!pt_text_equal(view.code, code))
            continue;
        if (output != CMD_OUTPUT_TEXT)
            s_print_json(answer, &view, output);
        else
            s_print_text(answer, &view, color);
        return true;
    }
    return false;
}
