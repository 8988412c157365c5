#include "pt_synthetic.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static void *
s_alloc(pt_source_t *self, size_t bytes)
{
    void *block = pt_source_alloc(self, bytes);
    if (!block) {
        fprintf(stderr, "pt_synthetic: out of memory\n");
        exit(EX_OSERR);
    }
    return block;
}

static char *
s_copy(pt_source_t *self, const char *text, size_t len)
{
    char *copy = s_alloc(self, len + 1);
    memcpy(copy, text, len);
    return copy;
}

//  Words as gateways write them: two or three rows begin with one word, and no two rows take one message.
static int
s_write_message(unsigned index, const char *hole, char out[128])
{
    static const char *const subjects[] = {"Order",  "Payment",  "Merchant",  "Authorization", "Card",
                                           "Refund", "Currency", "Signature", "Amount",        "Invoice",
                                           "User",   "Deal",     "Template",  "Limit"};
    static const char *const shapes[] = {"%s cannot be paid in state %u", "%s error: %u is not allowed",
                                         "%s of kind %u does not belong to %s"};
    return snprintf(out, 128, shapes[index % 3], subjects[index % (sizeof(subjects) / sizeof(subjects[0]))], index,
                    hole);
}

pt_text_t
pt_synthetic_message(unsigned index, char out[128])
{
    return (pt_text_t) {out, (size_t) s_write_message(index, "M-2026-0042", out)};
}

static void
s_fill_entry(pt_source_t *self, pt_source_entry_t *entry, pt_text_t code, size_t number, int message)
{
    char id[64];
    int id_len = snprintf(id, sizeof(id), "acme/%zu/%d", number, message);
    *entry = (pt_source_entry_t) {.mark = {"synthetic", (unsigned) number + 1, 1}, .kind = PT_ENTRY_CODE};
    entry->id = s_copy(self, id, (size_t) id_len);
    entry->codes[0] = s_copy(self, code.data, code.len);
    entry->code_count = 1;
    static char s_summary[] = "Made up for measuring.";
    static char s_cite[] = "synthetic:1";
    entry->summary = s_summary;
    entry->cite = s_cite;
    entry->rule = (pt_rule_t) {.category = PT_CATEGORY_DECLINE_HARD,
                               .outcome = PT_OUTCOME_DECLINED,
                               .action = PT_ACTION_NONE,
                               .max_attempts = PT_RULE_MAX_ATTEMPTS,
                               .deadline_ms = PT_RULE_DEADLINE_MS};
    if (message < 0)
        return;
    char text[128];
    int len = s_write_message((unsigned) message, "{1}", text);
    entry->message = s_copy(self, text, (size_t) len);
}

static void
s_fill_provider(pt_source_t *self, pt_source_provider_t *provider, size_t entry_count)
{
    static char s_id[] = "acme";
    static char s_name[] = "Acme";
    provider->mark = (pt_mark_t) {"synthetic", 1, 1};
    provider->id = s_id;
    provider->name = s_name;
    provider->paths = s_alloc(self, 2 * sizeof(*provider->paths));
    provider->paths[0] = (pt_path_t) {.role = PT_ROLE_CODE, .step_count = 1, .steps = {PT_TEXT("code")}};
    provider->paths[1] = (pt_path_t) {.role = PT_ROLE_MESSAGE, .step_count = 1, .steps = {PT_TEXT("message")}};
    provider->path_count = 2;
    provider->entries = s_alloc(self, entry_count * sizeof(*provider->entries));
}

void
pt_synthetic_make(pt_source_t *self, const pt_text_t *codes, size_t count, unsigned messages)
{
    *self = (pt_source_t) {0};
    self->providers = s_alloc(self, sizeof(*self->providers));
    self->provider_count = 1;
    pt_source_provider_t *provider = self->providers;
    s_fill_provider(self, provider, count * (messages + 1));
    for (size_t i = 0; i < count; i++) {
        s_fill_entry(self, &provider->entries[provider->entry_count++], codes[i], i, -1);
        for (unsigned message = 0; message < messages; message++)
            s_fill_entry(self, &provider->entries[provider->entry_count++], codes[i], i, (int) message);
    }
}
