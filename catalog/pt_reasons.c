/*  Pieces between separators first; then, from the last piece to the first, the best way to join them
 *  into reasons. There are few pieces, so all ways to join neighbours are looked at.
 */
#include "pt_reasons.h"

#include <assert.h>

//  The longest first: ", and " is one separator and not two.
static const pt_text_t s_separators[] = {{", and ", 6}, {" and ", 5}, {", ", 2}};

//  The pieces of a message, and for each the best way on from it.
typedef struct {
    pt_text_t pieces[PT_REASONS_MAX];
    size_t count;
    size_t unknown[PT_REASONS_MAX + 1]; //  pieces that stay unknown from here on
    size_t reasons[PT_REASONS_MAX + 1]; //  reasons from here on
    size_t span[PT_REASONS_MAX];        //  pieces of the reason that begins here
    bool known[PT_REASONS_MAX];
} s_split_t;

//  Bytes of the separator that stands at `at`; 0: none.
static size_t
s_separator(pt_text_t message, size_t at)
{
    if (message.data[at] != ',' && message.data[at] != ' ')
        return 0;
    for (size_t i = 0; i < sizeof s_separators / sizeof s_separators[0]; i++) {
        size_t bytes = s_separators[i].len;
        if (message.len - at > bytes && memcmp(message.data + at, s_separators[i].data, bytes) == 0)
            return bytes;
    }
    return 0;
}

static void
s_find_pieces(pt_text_t message, s_split_t *split)
{
    size_t start = 0;
    split->count = 0;
    for (size_t at = 0; at < message.len && split->count < PT_REASONS_MAX - 1;) {
        size_t bytes = s_separator(message, at);
        if (bytes && at > start) {
            split->pieces[split->count++] = (pt_text_t) {message.data + start, at - start};
            start = at + bytes;
        }
        at += bytes ? bytes : 1;
    }
    if (start < message.len)
        split->pieces[split->count++] = (pt_text_t) {message.data + start, message.len - start};
}

//  The pieces [from, to) with what stands between them.
static pt_text_t
s_join(const s_split_t *split, size_t from, size_t to)
{
    const char *start = split->pieces[from].data;
    const pt_text_t *last = &split->pieces[to - 1];
    return (pt_text_t) {start, (size_t) (last->data - start) + last->len};
}

//  The best way on from piece `from`, all later ones being settled.
static void
s_settle(s_split_t *split, size_t from, pt_reason_known_fn *is_known, const void *context)
{
    split->unknown[from] = split->unknown[from + 1] + 1;
    split->reasons[from] = split->reasons[from + 1] + 1;
    split->span[from] = 1;
    split->known[from] = false;
    for (size_t to = from + 1; to <= split->count; to++) {
        size_t unknown = split->unknown[to], reasons = split->reasons[to] + 1;
        bool better = unknown < split->unknown[from] ||
                      (unknown == split->unknown[from] && (!split->known[from] || reasons > split->reasons[from]));
        if (!better || !is_known(context, s_join(split, from, to)))
            continue;
        split->unknown[from] = unknown;
        split->reasons[from] = reasons;
        split->span[from] = to - from;
        split->known[from] = true;
    }
}

size_t
pt_reasons_split(pt_text_t message, pt_reason_known_fn *is_known, const void *context, pt_text_t *out_reasons,
                 bool *out_known)
{
    assert(is_known);
    assert(out_reasons);
    assert(out_known);

    s_split_t split;
    size_t count = 0, known = 0;
    if (message.len == 0)
        return 0;
    s_find_pieces(message, &split);
    if (split.count < 2)
        return 0;
    split.unknown[split.count] = split.reasons[split.count] = 0;
    for (size_t from = split.count; from-- > 0;)
        s_settle(&split, from, is_known, context);
    for (size_t from = 0; from < split.count; from += split.span[from]) {
        out_reasons[count] = s_join(&split, from, from + split.span[from]);
        out_known[count++] = split.known[from];
        known += split.known[from];
    }
    return count > 1 && known ? count : 0;
}
