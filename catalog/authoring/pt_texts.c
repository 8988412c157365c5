/*  Sentences of a language: one map of a YAML file, sorted once and then searched by halves. */
#include "pt_texts.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#define S_DECLARE(name) extern const uint8_t pt_texts_##name[], pt_texts_##name##_end[]
S_DECLARE(th);
S_DECLARE(zh_hant);
S_DECLARE(uk);

static const char *const s_names[PT_LANGUAGE_COUNT_] = {"en", "th", "zh-Hant", "uk"};

const char *
pt_language_text(pt_language_t language)
{
    assert(language < PT_LANGUAGE_COUNT_);

    return s_names[language];
}

int
pt_language_parse(pt_text_t word)
{
    for (int i = 0; i < PT_LANGUAGE_COUNT_; i++)
        if (word.len == strlen(s_names[i]) && strncasecmp(word.data, s_names[i], word.len) == 0)
            return i;
    return -1;
}

static int
s_compare_texts(pt_text_t left, pt_text_t right)
{
    int order = memcmp(left.data, right.data, left.len < right.len ? left.len : right.len);
    return order ? order : (left.len > right.len) - (left.len < right.len);
}

static int
s_compare_links(const void *left, const void *right)
{
    return s_compare_texts((*(const pt_link_t *const *) left)->key->text,
                           (*(const pt_link_t *const *) right)->key->text);
}

static pt_bytes_t
s_file(pt_language_t language)
{
    switch (language) {
    case PT_LANGUAGE_TH:
        return (pt_bytes_t) {pt_texts_th, (size_t) (pt_texts_th_end - pt_texts_th)};
    case PT_LANGUAGE_ZH_HANT:
        return (pt_bytes_t) {pt_texts_zh_hant, (size_t) (pt_texts_zh_hant_end - pt_texts_zh_hant)};
    default:
        return (pt_bytes_t) {pt_texts_uk, (size_t) (pt_texts_uk_end - pt_texts_uk)};
    }
}

pt_status_t
pt_texts_open(pt_texts_t *self, pt_language_t language)
{
    assert(self);
    assert(language < PT_LANGUAGE_COUNT_);

    *self = (pt_texts_t) {.language = language};
    if (language == PT_LANGUAGE_EN)
        return PT_OK;
    pt_yaml_error_t error;
    pt_status_t status = pt_yaml_parse(s_names[language], s_file(language), &self->tree, &error);
    if (status != PT_OK)
        return status;
    const pt_node_t *root = self->tree.root;
    if (!root || root->kind != PT_NODE_MAP) {
        pt_texts_clear(self);
        return PT_E_SYNTAX;
    }
    self->links = calloc(root->count + 1, sizeof *self->links);
    if (!self->links) {
        pt_texts_clear(self);
        return PT_E_NOMEM;
    }
    for (const pt_link_t *link = root->first; link; link = link->next)
        if (link->value->kind == PT_NODE_SCALAR)
            self->links[self->count++] = link;
    qsort(self->links, self->count, sizeof *self->links, s_compare_links);
    return PT_OK;
}

pt_text_t
pt_texts_find(const pt_texts_t *self, pt_text_t english)
{
    assert(self);

    if (self->language == PT_LANGUAGE_EN || !english.data)
        return english;
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = s_compare_texts(self->links[middle]->key->text, english);
        if (order == 0)
            return self->links[middle]->value->text;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return PT_TEXT_NONE;
}

pt_text_t
pt_texts_say(const pt_texts_t *self, pt_text_t english)
{
    pt_text_t text = pt_texts_find(self, english);
    return text.data ? text : english;
}

void
pt_texts_clear(pt_texts_t *self)
{
    assert(self);

    free(self->links);
    pt_tree_clear(&self->tree);
    *self = (pt_texts_t) {0};
}
