/*  Rows of one key that claim the same answers: a message that fits two of them with equal rank would be
 *  answered by chance.
 */
#include "pt_group.h"

#include <assert.h>

static bool
s_share_operation(const pt_meaning_t *left, const pt_meaning_t *right)
{
    if (left->operation_count == 0 || right->operation_count == 0)
        return left->operation_count == right->operation_count;
    for (size_t i = 0; i < left->operation_count; i++)
        if (pt_meaning_names(right, left->operations[i]))
            return true;
    return false;
}

static bool
s_is_same_subcode(const pt_meaning_t *left, const pt_meaning_t *right)
{
    return pt_text_equal(pt_text_of(left->source->subcode), pt_text_of(right->source->subcode));
}

//  The names of the holes make no difference.
static bool
s_is_same_template(const pt_template_t *left, const pt_template_t *right)
{
    if (left->hole_count != right->hole_count)
        return false;
    for (size_t i = 0; i <= left->hole_count; i++)
        if (!pt_text_equal(left->literals[i], right->literals[i]))
            return false;
    return true;
}

static bool
s_has_equal_rank(const pt_meaning_t *left, const pt_meaning_t *right)
{
    return left->message->hole_count && left->message->hole_count == right->message->hole_count &&
           pt_template_literal_bytes(left->message) == pt_template_literal_bytes(right->message) &&
           !left->source->subcode == !right->source->subcode;
}

static void
s_blame_pair(pt_faults_t *faults, const pt_row_t *first, const pt_row_t *second, const char *id, const char *words)
{
    int shown = first->key.len > 64 ? 64 : (int) first->key.len;
    char place[PT_MARK_BYTES_MAX];
    pt_mark_t mark = second->meaning->source->mark;
    pt_faults_add(faults, mark, false, id, "%s: \"%.*s\" %s %s, %s", second->meaning->source->id, shown,
                  first->key.data, words, first->meaning->source->id,
                  pt_mark_text(first->meaning->source->mark, mark, place));
}

//  Two rows that share an operation: one message must not fit both with equal rank.
static void
s_check_pair(pt_faults_t *faults, const pt_row_t *first, const pt_row_t *second)
{
    const pt_meaning_t *left = first->meaning;
    const pt_meaning_t *right = second->meaning;
    if (left != right && !s_share_operation(left, right))
        return;
    if (!left->message || !right->message) {
        if (!left->message && !right->message)
            s_blame_pair(faults, first, second, "PT2001", "is claimed already by");
        return;
    }
    if (s_is_same_template(left->message, right->message)) {
        if (s_is_same_subcode(left, right))
            s_blame_pair(faults, first, second, "PT2001", "with this message is claimed already by");
        return;
    }
    if (s_has_equal_rank(left, right) && pt_template_overlap(left->message, right->message))
        s_blame_pair(faults, first, second, "PT2002", "has messages that also fit, no less closely, the one of");
}

void
pt_group_check(pt_faults_t *faults, const pt_row_t *rows, size_t count)
{
    assert(faults);
    assert(rows);

    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; j < i; j++)
            s_check_pair(faults, &rows[j], &rows[i]);
}
