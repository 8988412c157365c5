/*  The optimal string alignment distance over three rows, because a swap looks two rows back. Words
 *  are short by contract, so the rows stand on the stack.
 */
#include "pt_words.h"

static size_t
s_min(size_t left, size_t right)
{
    return left < right ? left : right;
}

size_t
pt_word_distance(pt_text_t left, pt_text_t right)
{
    if (left.len > PT_WORD_BYTES_MAX || right.len > PT_WORD_BYTES_MAX)
        return SIZE_MAX;
    size_t rows[3][PT_WORD_BYTES_MAX + 1];
    for (size_t column = 0; column <= right.len; column++)
        rows[0][column] = column;
    for (size_t row = 1; row <= left.len; row++) {
        size_t *now = rows[row % 3];
        const size_t *before = rows[(row - 1) % 3];
        const size_t *earlier = rows[(row + 1) % 3];
        now[0] = row;
        for (size_t column = 1; column <= right.len; column++) {
            bool same = left.data[row - 1] == right.data[column - 1];
            now[column] = s_min(before[column - 1] + !same, s_min(before[column], now[column - 1]) + 1);
            if (row > 1 && column > 1 && left.data[row - 1] == right.data[column - 2] &&
                left.data[row - 2] == right.data[column - 1])
                now[column] = s_min(now[column], earlier[column - 2] + 1);
        }
    }
    return rows[left.len % 3][right.len];
}

const char *
pt_word_nearest(pt_text_t word, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    size_t nearest_distance = PT_WORD_DISTANCE_MAX + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = pt_word_distance(word, pt_text_of(words[i]));
        if (distance < nearest_distance && distance * 2 <= word.len) {
            nearest = words[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}
