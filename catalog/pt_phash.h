/*  pt_phash: a perfect hash over short keys, with the key and its answers in one cache line.
 *
 *  hash_id 4: a 64-bit multiplication of two of the key's four words, masked, where these tell all keys of the table
 *  apart, else two of all four; and one more for each further word of a key that is longer than the slot. A
 *  displacement per bucket makes every known key's slot its own. The whole key stands in the slot and is compared,
 *  so an unknown key is refused and never takes another's answer. A lookup reads one displacement and one slot,
 *  whatever the key.
 *
 *  A slot answers for up to four operations and for any other one; pt_slot_pick chooses among them
 *  without a branch. Where a key has more, the slot answers for three and says so in place of a fourth.
 */
#ifndef PT_PHASH_H
#define PT_PHASH_H

#include "pt_status.h"
#include "pt_text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define PT_PHASH_ID 4
#define PT_PHASH_KEY_BYTES_MAX 255 //  the length has one byte of the slot
#define PT_PHASH_INLINE_BYTES 32   //  longer keys stand in the pool
#define PT_PHASH_WORDS (PT_PHASH_INLINE_BYTES / 8)
#define PT_PHASH_LAST_WORD (PT_PHASH_INLINE_BYTES - 8) //  where it stands
#define PT_PHASH_KEYS_MAX (8u * 1024 * 1024)
#define PT_PHASH_NONE UINT32_MAX //  no answer
#define PT_SLOT_OPERATIONS 4
#define PT_SLOT_UNUSED UINT32_MAX  //  meta of a slot without a key
#define PT_OPERATION_NONE 0xffffu  //  fills the unused places of a slot
#define PT_OPERATION_OTHER 0xfffeu //  asks for the answer to any operation
#define PT_OPERATION_MORE 0xfffdu  //  in a slot's last place: further operations have keys of their own
#define PT_OPERATION_IDS_MAX 0xfffdu

//  Key spaces. The same bytes in two spaces, or under two owners, are two keys.
typedef enum {
    PT_SPACE_CODE,   //  owner: provider
    PT_SPACE_STATUS, //  owner: provider
    PT_SPACE_HTTP,   //  owner: provider
    PT_SPACE_MORE,   //  this plus one of the above: the fourth and later of its operations; owner: operation
    PT_SPACE_PROVIDER = 2 * PT_SPACE_MORE, //  owner: 0
    PT_SPACE_OPERATION,                    //  owner: provider
    PT_SPACE_DIGITS,                       //  owner: provider
    PT_SPACE_COUNT_
} pt_space_t;

//  One key and its answers. Stands as it is in the image.
typedef struct {
    uint64_t words[PT_PHASH_WORDS]; //  the key, zero filled; of a long key its first 8 bytes, fold and pool
                                    //  offset, its last 16 bytes
    uint32_t meta;                  //  length, space and owner
    uint16_t operations[PT_SLOT_OPERATIONS];
    uint32_t values[PT_SLOT_OPERATIONS + 1]; //  one for each operation; the last for any other
} pt_slot_t;
_Static_assert(sizeof(pt_slot_t) == 64, "a slot is one cache line");

//  A key as it is hashed and compared.
typedef struct {
    const char *bytes;    //  PT_PHASH_INLINE_BYTES that can be read
    const uint8_t *masks; //  of each of them: all ones where it belongs to the key
    uint32_t meta;
} pt_key_t;

//  A table, wherever its parts stand. `pool` holds the keys of more than PT_PHASH_INLINE_BYTES.
typedef struct {
    uint64_t seed[4];
    size_t first, second;          //  where in a key the words stand that are hashed, in bytes
    bool is_wide;                  //  they are its first two, and the last two are hashed as well
    const uint32_t *displacements; //  in bytes: a look-up waits for one of them, and for no shift after it
    const pt_slot_t *slots;
    const char *pool;
    uint64_t range;       //  of the base position
    uint64_t bucket_mask; //  of the hash: the place of its displacement, in bytes
    uint32_t bucket_count;
    uint32_t slot_count;
    uint32_t displacement_max;
} pt_phash_t;

//  A key to build a table of. `pool_offset` is only read for long keys.
typedef struct {
    pt_text_t text; //  1 to PT_PHASH_KEY_BYTES_MAX bytes
    uint8_t space;
    uint16_t owner;
    uint32_t pool_offset;
    uint16_t operations[PT_SLOT_OPERATIONS];
    uint32_t values[PT_SLOT_OPERATIONS + 1];
} pt_phash_item_t;

/*  Choose a table's seed, measures and displacements; the same items give the same ones.
 *
 *  PT_OK: the caller owns the displacements of *out_table, to be released by pt_phash_release; it has no
 *  slots and no pool yet. PT_E_DUPLICATE: items out_pair[0] and out_pair[1] are the same key; PT_E_SIZE:
 *  item out_pair[0] is empty or too long; PT_E_COUNT: more than PT_PHASH_KEYS_MAX; PT_E_NOMEM;
 *  PT_E_RANGE: no seed works, which keys that are not made against the fixed seeds never cause.
 */
PT_MUST_CHECK pt_status_t pt_phash_plan(const pt_phash_item_t *items, size_t count, pt_phash_t *out_table,
                                        size_t out_pair[2]);

/*  Write the slots of a planned table: all `slot_count` of them, wherever they are to stand. */
void pt_phash_write(const pt_phash_t *table, const pt_phash_item_t *items, size_t count, pt_slot_t *out_slots);

/*  Plan a table and write its slots to memory of their own, which pt_phash_release releases too. The pool
 *  stays the caller's. The statuses are those of pt_phash_plan.
 */
PT_MUST_CHECK pt_status_t pt_phash_build(const pt_phash_item_t *items, size_t count, const char *pool,
                                         pt_phash_t *out_table, size_t out_pair[2]);
void pt_phash_release(pt_phash_t *table);

/*  Find a key that is long, or that may not be read on; use pt_phash_find. */
const pt_slot_t *pt_phash_find_apart(const pt_phash_t *self, pt_space_t space, uint16_t owner, pt_text_t text);

static inline uint32_t
pt_phash_meta(pt_space_t space, uint16_t owner, size_t len)
{
    return (uint32_t) len | (uint32_t) space << 8 | (uint32_t) owner << 16;
}

static inline uint64_t
pt_phash_word(const void *at)
{
    uint64_t word;
    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

__extension__ typedef unsigned __int128 pt_wide_t;

/*  The low half of a product. */
static inline uint64_t
pt_phash_multiply(uint64_t left, uint64_t right, uint64_t *out_high)
{
#ifdef __x86_64__
    //  In two registers; of a wide product the compiler keeps one half on the stack.
    __asm__("mulq %3" : "=a"(left), "=d"(*out_high) : "%0"(left), "rm"(right) : "cc");
    return left;
#else
    pt_wide_t product = (pt_wide_t) left * right;
    *out_high = (uint64_t) (product >> 64);
    return (uint64_t) product;
#endif
}

/*  What of a hash is the place of its bucket's displacement; of no buckets at all, whatever. */
static inline uint64_t
pt_phash_bucket_mask(uint32_t bucket_count)
{
    return (bucket_count - UINT64_C(1)) * sizeof(uint32_t);
}

//  Bytes 32 - n to 63 - n keep the first n bytes of a key.
extern const uint8_t pt_phash_masks[2 * PT_PHASH_INLINE_BYTES];

/*  The key of 1 to PT_PHASH_INLINE_BYTES bytes that can be read on for that many. A mask costs no mispredicted branch
 *  on the length.
 */
static inline pt_key_t
pt_phash_key(pt_space_t space, uint16_t owner, pt_text_t text)
{
    return (pt_key_t) {text.data, pt_phash_masks + PT_PHASH_INLINE_BYTES - text.len,
                       pt_phash_meta(space, owner, text.len)};
}

/*  Eight bytes of a key, zero filled. */
static inline uint64_t
pt_phash_key_word(const pt_key_t *key, size_t at)
{
    return pt_phash_word(key->bytes + at) & pt_phash_word(key->masks + at);
}

static inline uint64_t
pt_phash_hash(const pt_phash_t *self, const pt_key_t *key)
{
    uint64_t first = pt_phash_key_word(key, self->first) ^ self->seed[0];
    uint64_t second = pt_phash_key_word(key, self->second) ^ key->meta * self->seed[1];
    uint64_t high[2];
    uint64_t hash = pt_phash_multiply(first, second, &high[0]) ^ high[0];
    if (!self->is_wide)
        return hash;
    hash ^= pt_phash_multiply(pt_phash_key_word(key, 16) ^ self->seed[2], pt_phash_key_word(key, 24) ^ self->seed[3],
                              &high[1]);
    return hash ^ high[1];
}

/*  The base position: the high bits of the hash. */
static inline uint64_t
pt_phash_base(const pt_phash_t *self, uint64_t hash)
{
    return (uint64_t) ((pt_wide_t) hash * self->range >> 64);
}

/*  The bucket's displacement: low bits of the hash. */
static inline const uint32_t *
pt_phash_displacement(const pt_phash_t *self, uint64_t hash)
{
    return (const uint32_t *) (const void *) ((const char *) self->displacements + (hash & self->bucket_mask));
}

static inline const pt_slot_t *
pt_phash_slot(const pt_phash_t *self, uint64_t hash)
{
    const pt_slot_t *base = self->slots + pt_phash_base(self, hash);
    //  Hidden, or the compiler adds the displacement, which comes last, to something else first.
    __asm__("" : "+r"(base));
    return (const pt_slot_t *) (const void *) ((const char *) base + *pt_phash_displacement(self, hash));
}

/*  Whether a key stands in its slot and can be read on for all bytes of one. */
static inline bool
pt_phash_is_plain(pt_text_t text)
{
    return text.len - 1 < PT_PHASH_INLINE_BYTES && pt_text_may_read_on(text.data, PT_PHASH_INLINE_BYTES);
}

/*  0 where the slot is the key's. */
static inline uint32_t
pt_phash_difference(const pt_slot_t *slot, const pt_key_t *key)
{
    uint32_t different = slot->meta ^ key->meta;
#ifdef __SSE2__
    const __m128i *bytes = (const __m128i *) (const void *) key->bytes;
    const __m128i *masks = (const __m128i *) (const void *) key->masks;
    const __m128i *back = (const __m128i *) (const void *) slot->words + 1;
    //  A step away from the slot: what the caller waits for is loaded before what is only compared.
    __asm__("" : "+r"(back));
    __m128i front_equal = _mm_cmpeq_epi8(_mm_and_si128(_mm_loadu_si128(bytes), _mm_loadu_si128(masks)), back[-1]);
    __m128i back_equal = _mm_cmpeq_epi8(_mm_and_si128(_mm_loadu_si128(bytes + 1), _mm_loadu_si128(masks + 1)), *back);
    different |= (unsigned) _mm_movemask_epi8(_mm_and_si128(front_equal, back_equal)) ^ 0xffffu;
#else
    for (size_t i = 0; i < PT_PHASH_WORDS; i++)
        different |= slot->words[i] != pt_phash_key_word(key, 8 * i);
#endif
    return different;
}

/*  The slot where a key stands if it is known, and what it differs in: 0 where it stands there. */
static inline const pt_slot_t *
pt_phash_compare(const pt_phash_t *self, pt_space_t space, uint16_t owner, pt_text_t text, uint32_t *out_difference)
{
    if (__builtin_expect(!pt_phash_is_plain(text), 0)) {
        const pt_slot_t *found = pt_phash_find_apart(self, space, owner, text);
        *out_difference = !found;
        return found ? found : self->slots;
    }
    pt_key_t key = pt_phash_key(space, owner, text);
    uint64_t hash = pt_phash_hash(self, &key);
    //  Else all of the key is loaded before the words of it that are waited for.
    __asm__("" : "+r"(key.bytes) : "r"(hash));
    const pt_slot_t *slot = pt_phash_slot(self, hash);
    *out_difference = pt_phash_difference(slot, &key);
    return slot;
}

/*  The slot of a key, or NULL. Any bytes of any length may be asked for. */
static inline const pt_slot_t *
pt_phash_find(const pt_phash_t *self, pt_space_t space, uint16_t owner, pt_text_t text)
{
    uint32_t difference;
    const pt_slot_t *slot = pt_phash_compare(self, space, owner, text, &difference);
    return difference ? NULL : slot;
}

/*  The slot where a key stands if it is known, with *out_miss 0; else some slot, and *out_miss all ones.
 *  Whoever needs a number, not a slot, mixes the miss in and so branches on no key: right where one
 *  look-up does not wait for the one before, since nobody can foresee which key is unknown. Where it does
 *  wait, pt_phash_find is faster: what comes after need not wait for the comparison. Any bytes of any
 *  length may be asked for.
 */
static inline const pt_slot_t *
pt_phash_probe(const pt_phash_t *self, pt_space_t space, uint16_t owner, pt_text_t text, uint32_t *out_miss)
{
    uint32_t difference;
    const pt_slot_t *slot = pt_phash_compare(self, space, owner, text, &difference);
    //  In assembler, since the compiler makes a branch of whatever it understands.
#ifdef __x86_64__
    __asm__("negl %1\n\tsbbl %0, %0" : "=r"(*out_miss), "+r"(difference) : : "cc");
#else
    *out_miss = -(uint32_t) (difference != 0);
    __asm__("" : "+r"(*out_miss));
#endif
    return slot;
}

/*  What a key answers to any operation, or PT_PHASH_NONE, without a branch on the key. */
static inline uint32_t
pt_phash_value(const pt_phash_t *self, pt_space_t space, uint16_t owner, pt_text_t text)
{
    uint32_t miss;
    const pt_slot_t *slot = pt_phash_probe(self, space, owner, text, &miss);
    return slot->values[PT_SLOT_OPERATIONS] | miss;
}

/*  The slots of `count` keys, each as pt_phash_find gives it: for tables that no cache holds, where
 *  asking for one key at a time is mostly waiting. A text's data may be read up to its page's end, as
 *  pt_phash_find does.
 */
void pt_phash_find_batch(const pt_phash_t *self, pt_space_t space, uint16_t owner, const pt_text_t *texts, size_t count,
                         const pt_slot_t **out_slots);

/*  Which of a slot's values answers to an operation: 0 to 3, or 4, the one for any other. */
static inline unsigned
pt_slot_pick(const pt_slot_t *slot, uint16_t operation)
{
#ifdef __SSE2__
    //  The upper four lanes are none; the bit above the lower ones ends the search.
    __m128i lanes = _mm_loadl_epi64((const __m128i *) (const void *) slot->operations);
    __m128i equal = _mm_cmpeq_epi16(lanes, _mm_set1_epi16((short) operation));
    unsigned mask = (unsigned) _mm_movemask_epi8(equal) | 1u << (2 * PT_SLOT_OPERATIONS);
    return (unsigned) __builtin_ctz(mask) / 2;
#else
    unsigned mask = 1u << PT_SLOT_OPERATIONS;
    for (unsigned i = 0; i < PT_SLOT_OPERATIONS; i++)
        mask |= (unsigned) (slot->operations[i] == operation) << i;
    return (unsigned) __builtin_ctz(mask);
#endif
}

/*  Whether further operations of a slot's key have keys of their own. */
static inline bool
pt_slot_has_more(const pt_slot_t *slot)
{
    return slot->operations[PT_SLOT_OPERATIONS - 1] == PT_OPERATION_MORE;
}

#ifdef __cplusplus
}
#endif
#endif
