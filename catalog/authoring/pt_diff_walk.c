/*  All questions that two catalogs have rows for, asked of both.
 *
 *  The questions are read off the tables of the images, because there stand all codes that an entry
 *  answers to, wherever the image came from.
 */
#include "pt_diff_parts.h"

#include "pt_catalog_parts.h"
#include "pt_policy.h"
#include "pt_source.h"

#include <assert.h>
#include <stdlib.h>

//  A key of one of the catalogs.
typedef struct {
    pt_text_t provider;
    pt_text_t text;
    uint8_t space;
} s_key_t;

//  One key under comparison, with all that both catalogs know about it. The lists live as long as the
//  walk and are filled anew for each key.
typedef struct {
    const pt_catalog_t *catalogs[2]; //  before, after
    const pt_diff_listener_t *listener;
    size_t asked;
    pt_status_t status;
    const pt_provider_t *providers[2]; //  NULL: the catalog does not have it
    pt_text_t *operations;
    size_t operation_count, operation_room;
    char **messages; //  owned; examples
    size_t message_count, message_room;
} s_walk_t;

static pt_text_t
s_slot_text(const pt_catalog_t *catalog, const pt_slot_t *slot)
{
    size_t len = slot->meta & 0xff;
    if (len <= PT_PHASH_INLINE_BYTES)
        return (pt_text_t) {(const char *) slot->words, len};
    return (pt_text_t) {catalog->image.pool + (uint32_t) slot->words[1], len};
}

static bool
s_is_question(uint8_t space)
{
    return space == PT_SPACE_CODE || space == PT_SPACE_STATUS || space == PT_SPACE_HTTP;
}

//  Providers, operations and digits lead to an index; their keys are names.
static bool
s_is_name(uint8_t space)
{
    return space == PT_SPACE_PROVIDER || space == PT_SPACE_OPERATION || space == PT_SPACE_DIGITS;
}

static size_t
s_list_keys(const pt_catalog_t *catalog, s_key_t *keys)
{
    const pt_phash_t *table = &catalog->image.table;
    size_t count = 0;
    for (uint32_t i = 0; i < table->slot_count; i++) {
        const pt_slot_t *slot = &table->slots[i];
        uint8_t space = (uint8_t) (slot->meta >> 8);
        if (slot->meta == PT_SLOT_UNUSED || (!s_is_question(space) && !s_is_name(space)))
            continue;
        uint32_t owner = slot->meta >> 16;
        if (space == PT_SPACE_PROVIDER)
            owner = slot->values[PT_SLOT_OPERATIONS];
        if (owner < pt_catalog_provider_count(catalog))
            keys[count++] = (s_key_t) {pt_provider_id(&catalog->providers[owner]), s_slot_text(catalog, slot), space};
    }
    return count;
}

static int
s_compare_texts(pt_text_t left, pt_text_t right)
{
    size_t len = left.len < right.len ? left.len : right.len;
    int order = len ? memcmp(left.data, right.data, len) : 0;
    return order ? order : (left.len > right.len) - (left.len < right.len);
}

static int
s_compare_keys(const void *left_p, const void *right_p)
{
    const s_key_t *left = left_p;
    const s_key_t *right = right_p;
    int order = s_compare_texts(left->provider, right->provider);
    if (order == 0)
        order = (int) left->space - (int) right->space;
    return order ? order : s_compare_texts(left->text, right->text);
}

static const pt_slot_t *
s_find_slot(const s_walk_t *walk, size_t side, const s_key_t *key)
{
    const pt_provider_t *provider = walk->providers[side];
    uint16_t owner = provider && key->space != PT_SPACE_PROVIDER ? provider->index : 0;
    if (!provider && key->space != PT_SPACE_PROVIDER)
        return NULL;
    return pt_phash_find(&walk->catalogs[side]->image.table, (pt_space_t) key->space, owner, key->text);
}

//  An example that the pattern matches. Most holes take a word that no row holds.
static char *
s_make_example(const pt_image_t *image, const pt_pattern_t *pattern)
{
    pt_text_t subcode = pt_image_text(image, pattern->subcode);
    pt_text_t filling = subcode.data ? subcode : PT_TEXT("zz-example-zz");
    size_t room = 1 + (size_t) pattern->hole_count * filling.len;
    for (size_t i = 0; i <= pattern->hole_count; i++)
        room += image->pieces[pattern->first_piece + i].bytes;
    char *text = malloc(room);
    char *at = text;
    for (size_t i = 0; text && i <= pattern->hole_count; i++) {
        pt_text_t piece = pt_image_text(image, image->pieces[pattern->first_piece + i]);
        if (piece.len)
            memcpy(at, piece.data, piece.len);
        at += piece.len;
        if (i < pattern->hole_count) {
            memcpy(at, filling.data, filling.len);
            at += filling.len;
        }
    }
    if (text)
        *at = '\0';
    return text;
}

static void
s_add_message(s_walk_t *walk, char *message)
{
    if (!message)
        walk->status = PT_E_NOMEM;
    for (size_t i = 0; message && i < walk->message_count; i++) {
        if (strcmp(walk->messages[i], message) == 0) {
            free(message);
            return;
        }
    }
    if (message && walk->message_count == walk->message_room) {
        size_t room = walk->message_room ? walk->message_room * 2 : 16;
        char **grown = realloc(walk->messages, room * sizeof *grown);
        if (!grown) {
            free(message);
            walk->status = PT_E_NOMEM;
            return;
        }
        walk->messages = grown;
        walk->message_room = room;
    }
    if (message)
        walk->messages[walk->message_count++] = message;
}

static void
s_collect_messages(s_walk_t *walk, const pt_image_t *image, const pt_slot_t *slot)
{
    for (size_t i = 0; i <= PT_SLOT_OPERATIONS; i++) {
        if (slot->values[i] == PT_IMAGE_NONE)
            continue;
        const pt_group_t *group = &image->groups[slot->values[i]];
        for (uint32_t at = 0; at < group->pattern_count && walk->status == PT_OK; at++)
            s_add_message(walk, s_make_example(image, &image->patterns[group->first_pattern + at]));
    }
}

static void
s_clear_messages(s_walk_t *walk)
{
    for (size_t i = 0; i < walk->message_count; i++)
        free(walk->messages[i]);
    walk->message_count = 0;
}

//  Only the code's own gateway derives operations from codes, so the code stands where it is read.
static const pt_rule_t *
s_ask(const s_walk_t *walk, size_t side, const s_key_t *key, const pt_difference_t *question, pt_response_t *response,
      pt_decision_t *out_decision)
{
    const pt_provider_t *provider = walk->providers[side];
    pt_facts_t facts = {.is_map = true};
    pt_verdict_t verdict;
    if (key->space == PT_SPACE_CODE) {
        size_t derived = provider && provider->gateway->digits_length ? provider->gateway->digits_slot : 0;
        facts.codes[0] = facts.codes[derived] = key->text;
        facts.messages[0] = facts.messages[derived] = question->message;
    } else if (key->space == PT_SPACE_STATUS)
        facts.statuses[0] = key->text;
    pt_catalog_lookup(walk->catalogs[side], provider, response, &facts, &verdict);
    pt_policy_decide(&verdict, response, &facts, 0, 0, out_decision);
    return verdict.rule;
}

//  The first decision shows the first delay only, and an alert that comes later not at all.
static unsigned
s_compare_rules(const pt_rule_t *before, const pt_rule_t *after, const pt_difference_t *question)
{
    unsigned changes = 0;
    bool is_retried = question->before->retry.present && question->after->retry.present;
    size_t bytes = before->delay_count * sizeof before->delay_ms[0];
    if (is_retried &&
        (before->delay_count != after->delay_count || memcmp(before->delay_ms, after->delay_ms, bytes) != 0))
        changes |= PT_DIFF_RETRY;
    bool is_later = question->before->alert.present && question->after->alert.present &&
                    before->when != PT_ALERT_WHEN_NOW && before->when == after->when;
    if (is_later && (before->alert_count != after->alert_count || before->alert_span_ms != after->alert_span_ms))
        changes |= PT_DIFF_ALERT;
    return changes;
}

//  "503" is one, and "5xx" stands for one that no row names.
static uint16_t
s_http_status(pt_text_t text)
{
    bool is_class = text.data[1] == 'x';
    unsigned hundreds = (unsigned) (text.data[0] - '0') * 100;
    unsigned rest = is_class ? 99 : (unsigned) (text.data[1] - '0') * 10 + (unsigned) (text.data[2] - '0');
    return (uint16_t) (hundreds + rest);
}

static void
s_compare_answers(s_walk_t *walk, const s_key_t *key, pt_difference_t *question)
{
    pt_decision_t before, after;
    pt_response_t response = {.provider = key->provider,
                              .operation = question->operation,
                              .idempotent = question->idempotent,
                              .attempt = 1,
                              .id = PT_TEXT("diff")};
    if (key->space == PT_SPACE_HTTP && key->text.len == 3)
        response.http_status = s_http_status(key->text);
    const pt_rule_t *old_rule = s_ask(walk, 0, key, question, &response, &before);
    const pt_rule_t *new_rule = s_ask(walk, 1, key, question, &response, &after);
    walk->asked++;
    question->before = &before;
    question->after = &after;
    question->comparison = pt_diff_compare(&before, &after);
    question->comparison.changes |= s_compare_rules(old_rule, new_rule, question);
    if (question->comparison.changes || question->comparison.risks)
        walk->listener->differs(walk->listener->context, question);
    question->before = question->after = NULL;
}

static void
s_compare_question(s_walk_t *walk, const s_key_t *key)
{
    static const uint8_t kinds[] = {
        [PT_SPACE_CODE] = PT_ENTRY_CODE, [PT_SPACE_STATUS] = PT_ENTRY_STATUS, [PT_SPACE_HTTP] = PT_ENTRY_HTTP_CLASS};
    for (size_t side = 0; side < 2; side++) {
        const pt_slot_t *slot = s_find_slot(walk, side, key);
        if (slot)
            s_collect_messages(walk, &walk->catalogs[side]->image, slot);
    }
    //  Message 0 and operation 0 are none.
    for (size_t message = 0; message <= walk->message_count; message++)
        for (size_t operation = 0; operation <= walk->operation_count; operation++)
            for (int idempotent = 0; idempotent < 2; idempotent++) {
                pt_difference_t question = {.provider = key->provider,
                                            .kind = kinds[key->space],
                                            .key = key->text,
                                            .idempotent = idempotent == 1,
                                            .variants = 2 * (walk->operation_count + 1)};
                if (message)
                    question.message = pt_text_of(walk->messages[message - 1]);
                if (operation)
                    question.operation = walk->operations[operation - 1];
                s_compare_answers(walk, key, &question);
            }
    s_clear_messages(walk);
}

//  What a name means: the id of a gateway, or the name of an operation.
static pt_text_t
s_meaning(const s_walk_t *walk, size_t side, const s_key_t *key)
{
    const pt_catalog_t *catalog = walk->catalogs[side];
    const pt_slot_t *slot = s_find_slot(walk, side, key);
    if (!slot)
        return PT_TEXT_NONE;
    uint32_t index = slot->values[PT_SLOT_OPERATIONS];
    if (key->space == PT_SPACE_PROVIDER)
        return pt_provider_id(&catalog->providers[index]);
    return pt_image_text(&catalog->image, catalog->image.operations[index].name);
}

static void
s_compare_name(const s_walk_t *walk, const s_key_t *key)
{
    static const char *const kinds[] = {"name", "operation", "digits"};
    const char *kind = kinds[key->space - PT_SPACE_PROVIDER];
    pt_text_t before = s_meaning(walk, 0, key);
    pt_text_t after = s_meaning(walk, 1, key);
    if (before.data && after.data && pt_text_equal(before, after))
        return;
    if (!before.data)
        pt_diff_note(walk->listener, key->provider, "%s '%.*s' added", kind, (int) key->text.len, key->text.data);
    else if (!after.data)
        pt_diff_note(walk->listener, key->provider, "%s '%.*s' removed", kind, (int) key->text.len, key->text.data);
    else
        pt_diff_note(walk->listener, key->provider, "%s '%.*s' means %.*s, no longer %.*s", kind, (int) key->text.len,
                     key->text.data, (int) after.len, after.data, (int) before.len, before.data);
}

static bool
s_knows_operation(const s_walk_t *walk, pt_text_t name)
{
    for (size_t i = 0; i < walk->operation_count; i++)
        if (pt_text_equal(walk->operations[i], name))
            return true;
    return false;
}

//  By id: an alias of one catalog may be the id of another gateway in the other.
static const pt_provider_t *
s_find_provider(const pt_catalog_t *catalog, pt_text_t id)
{
    const pt_provider_t *provider = pt_catalog_provider(catalog, id);
    return provider && pt_text_equal(pt_provider_id(provider), id) ? provider : NULL;
}

static void
s_enter_provider(s_walk_t *walk, pt_text_t id)
{
    walk->operation_count = 0;
    for (size_t side = 0; side < 2; side++) {
        const pt_provider_t *provider = s_find_provider(walk->catalogs[side], id);
        walk->providers[side] = provider;
        for (size_t i = 0; provider && i < pt_provider_operation_count(provider); i++) {
            pt_text_t name = pt_provider_operation_at(provider, i).name;
            if (walk->operation_count < walk->operation_room && !s_knows_operation(walk, name))
                walk->operations[walk->operation_count++] = name;
        }
    }
    pt_diff_providers(walk->listener, id, walk->providers[0], walk->providers[1]);
}

static size_t
s_operation_room(const pt_catalog_t *catalog)
{
    size_t room = 0;
    for (size_t i = 0; i < pt_catalog_provider_count(catalog); i++) {
        size_t count = pt_provider_operation_count(pt_catalog_provider_at(catalog, i));
        room = count > room ? count : room;
    }
    return room;
}

static void
s_walk_keys(s_walk_t *walk, const s_key_t *keys, size_t count)
{
    for (size_t i = 0; i < count && walk->status == PT_OK; i++) {
        if (i == 0 || !pt_text_equal(keys[i].provider, keys[i - 1].provider))
            s_enter_provider(walk, keys[i].provider);
        if (i > 0 && s_compare_keys(&keys[i - 1], &keys[i]) == 0)
            continue;
        if (s_is_question(keys[i].space))
            s_compare_question(walk, &keys[i]);
        else if (walk->providers[0] && walk->providers[1])
            s_compare_name(walk, &keys[i]);
    }
}

pt_status_t
pt_diff_catalogs(const pt_catalog_t *before, const pt_catalog_t *after, const pt_diff_listener_t *listener,
                 size_t *out_asked)
{
    assert(before);
    assert(after);
    assert(listener);
    assert(out_asked);

    s_walk_t walk = {.catalogs = {before, after}, .listener = listener};
    size_t room = (size_t) before->image.table.slot_count + after->image.table.slot_count;
    s_key_t *keys = calloc(room + 1, sizeof *keys);
    walk.operation_room = s_operation_room(before) + s_operation_room(after);
    walk.operations = calloc(walk.operation_room + 1, sizeof *walk.operations);
    if (keys && walk.operations) {
        size_t count = s_list_keys(before, keys);
        count += s_list_keys(after, keys + count);
        qsort(keys, count, sizeof *keys, s_compare_keys);
        s_walk_keys(&walk, keys, count);
    } else
        walk.status = PT_E_NOMEM;
    *out_asked = walk.asked;
    s_clear_messages(&walk);
    free(walk.messages);
    free(walk.operations);
    free(keys);
    return walk.status;
}
