/*  The table of `paytriage catalog learn`: each unknown code once, with what was seen beside it. */
#include "learn.h"

#include "pt_read.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static char *
s_copy(learn_table_t *self, pt_text_t text)
{
    char *copy = strndup(text.data ? text.data : "", text.len);
    self->failed |= !copy;
    return copy;
}

//  The place of a code in the table, or the free one where it belongs.
static uint32_t *
s_place(learn_table_t *self, const pt_provider_t *provider, pt_text_t code)
{
    XXH64_hash_t hash = XXH3_64bits_withSeed(code.data, code.len, (XXH64_hash_t) (uintptr_t) provider);
    for (size_t at = hash % LEARN_PLACES;; at = (at + 1) % LEARN_PLACES) {
        uint32_t number = self->places[at];
        if (number == 0)
            return &self->places[at];
        const learned_t *learned = &self->codes[number - 1];
        if (learned->provider == provider && pt_text_equal(pt_text_of(learned->code), code))
            return &self->places[at];
    }
}

static learned_t *
s_find(learn_table_t *self, const pt_provider_t *provider, pt_text_t code)
{
    uint32_t *place = s_place(self, provider, code);
    if (*place)
        return &self->codes[*place - 1];
    if (self->count == LEARN_CODES_MAX)
        return NULL;
    learned_t *learned = &self->codes[self->count];
    *learned = (learned_t) {.provider = provider, .code = s_copy(self, code)};
    if (!learned->code)
        return NULL;
    *place = (uint32_t) ++self->count;
    return learned;
}

//  A cut inside of a character or a word would make a template that nobody can read.
static bool
s_is_word_byte(char byte)
{
    return ((unsigned char) byte & 0x80) || (byte >= '0' && byte <= '9') ||
           ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

static void
s_narrow(learned_t *learned, pt_text_t message)
{
    size_t len = strlen(learned->message);
    size_t most = len < message.len ? len : message.len;
    size_t front = 0, back = 0;
    while (front < most && front < learned->front && learned->message[front] == message.data[front])
        front++;
    while (front > 0 && front < len && s_is_word_byte(learned->message[front - 1]))
        front--;
    while (back < most - front && back < learned->back &&
           learned->message[len - 1 - back] == message.data[message.len - 1 - back])
        back++;
    while (back > 0 && back < len && s_is_word_byte(learned->message[len - back]))
        back--;
    learned->front = front;
    learned->back = back;
    learned->varies = true;
}

static void
s_note_message(learn_table_t *self, learned_t *learned, pt_text_t message)
{
    if (message.len == 0)
        return;
    if (!learned->message) {
        learned->message = s_copy(self, message);
        learned->front = learned->back = message.len;
    } else if (learned->varies || !pt_text_equal(pt_text_of(learned->message), message)) {
        s_narrow(learned, message);
    }
}

static void
s_note_place(learn_table_t *self, learned_t *learned, const pt_decision_t *decision)
{
    size_t i = 0;
    while (i < learned->status_count && learned->statuses[i] != decision->http_status)
        i++;
    if (i == learned->status_count && i < LEARN_SEEN_MAX && decision->http_status)
        learned->statuses[learned->status_count++] = decision->http_status;
    for (i = 0; i < learned->operation_count; i++)
        if (pt_text_equal(pt_text_of(learned->operations[i]), decision->operation))
            return;
    if (i < LEARN_SEEN_MAX && decision->operation.len) {
        char *operation = s_copy(self, decision->operation);
        learned->operations[i] = operation;
        learned->operation_count += operation != NULL;
    }
}

void
learn_note(learn_table_t *self, const pt_decision_t *decision, uint64_t number)
{
    self->responses++;
    //  A row for the code may say "unknown" itself: a draft that nobody has finished yet.
    if (decision->category != PT_CATEGORY_UNKNOWN_CODE || decision->code.len == 0 || decision->match < PT_MATCH_STATUS)
        return;
    const pt_provider_t *provider = pt_catalog_provider(self->catalog, decision->provider);
    if (!provider || (self->provider && provider != self->provider))
        return;
    self->unknown++;
    bool is_text = pt_text_is_utf8(decision->code) && !pt_read_has_control(decision->code) &&
                   !pt_read_has_hidden(decision->code, true);
    self->unfit += !is_text;
    if (!is_text)
        return;
    learned_t *learned = s_find(self, provider, decision->code);
    if (!learned) {
        self->dropped++;
        return;
    }
    if (learned->count++ == 0)
        learned->first = number;
    s_note_message(self, learned, decision->message);
    s_note_place(self, learned, decision);
}

//  By gateway in the order of the catalog, the codes that were seen most often first.
static int
s_compare(const void *left_p, const void *right_p)
{
    const learned_t *left = left_p, *right = right_p;
    if (left->provider != right->provider)
        return left->provider < right->provider ? -1 : 1;
    if (left->count != right->count)
        return left->count < right->count ? 1 : -1;
    return strcmp(left->code, right->code);
}

void
learn_sort(learn_table_t *self)
{
    qsort(self->codes, self->count, sizeof *self->codes, s_compare);
}

void
learn_clear(learn_table_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->codes[i].code);
        free(self->codes[i].message);
        for (size_t j = 0; j < self->codes[i].operation_count; j++)
            free(self->codes[i].operations[j]);
    }
    self->count = 0;
}
