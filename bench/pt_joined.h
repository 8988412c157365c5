/*  pt_joined: whole classification, as three strings in and a row out.
 *
 *  The catalog resolves provider, operation and code in its own tables. A rival joins the three to
 *  `provider/operation/code`, asks for that, and where there is no such key for `provider//code`: the
 *  keys of this set.
 */
#ifndef PT_JOINED_H
#define PT_JOINED_H

#include "pt_keys.h"

//  provider, operation and code with two slashes
#define PT_JOINED_BYTES_MAX 512

/*  The keys of the built-in catalog: each code under no operation, and under each operation that has
 *  other rows than that.
 */
void pt_joined_load(pt_keys_t *self);

//  What is asked.
typedef struct {
    pt_text_t provider;
    pt_text_t operation;
    pt_text_t code;
} pt_triple_t;

/*  Join into out[PT_JOINED_BYTES_MAX]; an operation without data gives `provider//code`. */
static inline pt_text_t
pt_joined_write(const pt_triple_t *triple, pt_text_t operation, char *out)
{
    char *at = out;
    memcpy(at, triple->provider.data, triple->provider.len);
    at += triple->provider.len;
    *at++ = '/';
    if (operation.len)
        memcpy(at, operation.data, operation.len);
    at += operation.len;
    *at++ = '/';
    memcpy(at, triple->code.data, triple->code.len);
    at += triple->code.len;
    return (pt_text_t) {out, (size_t) (at - out)};
}

/*  `count` triples of the built-in catalog, to be released by free(): codes by Zipf, 10 % under another
 *  operation of the provider, 5 % unknown codes. The texts live as long as `keys`.
 */
pt_triple_t *pt_joined_draw(const pt_keys_t *keys, size_t count);

/*  The answer to a triple by binary search: what every contender must say. */
uint32_t pt_joined_find(const pt_keys_t *keys, const pt_triple_t *triple);

#endif
