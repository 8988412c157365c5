/*  The order of a provider's rows: those of one key together, in the order of their sources. */
#include "pt_build_parts.h"

#include <assert.h>
#include <stdlib.h>

#define S_LENGTHS ((size_t) PT_PHASH_KEY_BYTES_MAX + 2)

//  A place for each space and length of a key; one length for all that are longer than a key may be.
static size_t
s_length_rank(const pt_row_t *row)
{
    return (size_t) row->space * S_LENGTHS + (row->key.len < S_LENGTHS ? row->key.len : S_LENGTHS - 1);
}

//  A copy with the rows of one space and length together; NULL when out of memory.
static pt_row_t *
s_order_by_length(pt_draft_t *draft, const pt_row_t *rows, size_t count)
{
    pt_row_t *ordered = pt_draft_alloc(draft, (count + 1) * sizeof *ordered);
    size_t *ends = pt_draft_alloc(draft, (S_LENGTHS * PT_SPACE_MORE + 1) * sizeof *ends);
    if (!ordered || !ends)
        return NULL;
    for (size_t i = 0; i < count; i++)
        ends[s_length_rank(&rows[i]) + 1]++;
    for (size_t i = 1; i <= S_LENGTHS * PT_SPACE_MORE; i++)
        ends[i] += ends[i - 1];
    for (size_t i = 0; i < count; i++)
        ordered[ends[s_length_rank(&rows[i])]++] = rows[i];
    return ordered;
}

//  By space, then by bytes, then by source.
static int
s_compare_in_source(const pt_row_t *left, const pt_row_t *right)
{
    size_t common = left->key.len < right->key.len ? left->key.len : right->key.len;
    int order = (left->space > right->space) - (left->space < right->space);
    if (order == 0 && common)
        order = memcmp(left->key.data, right->key.data, common);
    if (order == 0)
        order = (left->key.len > right->key.len) - (left->key.len < right->key.len);
    if (order == 0)
        order = (left->meaning->entry > right->meaning->entry) - (left->meaning->entry < right->meaning->entry);
    return order;
}

static bool
s_is_in_order(const pt_row_t *rows, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (s_compare_in_source(&rows[i - 1], &rows[i]) >= 0)
            return false;
    return true;
}

static int
s_compare_rows(const void *left_p, const void *right_p)
{
    const pt_row_t *left = left_p;
    const pt_row_t *right = right_p;
    int order = (left->key.len > right->key.len) - (left->key.len < right->key.len);
    if (order == 0 && left->key.len)
        order = memcmp(left->key.data, right->key.data, left->key.len);
    if (order == 0)
        order = (left->meaning->entry > right->meaning->entry) - (left->meaning->entry < right->meaning->entry);
    return order;
}

//  Where codes of all lengths are mixed, those of one length are in order more often than not.
static void
s_sort_run(pt_row_t *rows, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (s_compare_rows(&rows[i - 1], &rows[i]) >= 0) {
            qsort(rows, count, sizeof *rows, s_compare_rows);
            return;
        }
    }
}

pt_row_t *
pt_build_order(pt_draft_t *draft, pt_row_t *rows, size_t count)
{
    assert(draft);
    assert(rows || !count);

    if (s_is_in_order(rows, count))
        return rows;
    pt_row_t *ordered = s_order_by_length(draft, rows, count);
    for (size_t start = 0; ordered && start < count;) {
        size_t end = start + 1;
        while (end < count && s_length_rank(&ordered[start]) == s_length_rank(&ordered[end]))
            end++;
        s_sort_run(ordered + start, end - start);
        start = end;
    }
    return ordered;
}
