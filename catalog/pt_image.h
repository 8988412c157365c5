/*  pt_image: the compiled catalog, as bytes.
 *
 *  A header of 256 bytes, then sections, each on a 64-byte boundary, all found by offsets from byte
 *  0: position independent, and read in place. Numbers have the byte order of the machine that
 *  compiled the image; the header's marker refuses it elsewhere. No pointer and no terminator: every
 *  text is a span of the pool.
 *
 *  pt_image_open checks everything that a reader follows, so nothing after it needs to.
 */
#ifndef PT_IMAGE_H
#define PT_IMAGE_H

#include "pt_phash.h"
#include "pt_rule.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PT_IMAGE_MAGIC UINT64_C(0x0100005441435450) //  "PTCAT", two zeros, 1 on a little-endian machine
#define PT_IMAGE_ENDIAN UINT32_C(0x01020304)
#define PT_IMAGE_MAJOR 7 //  another one cannot be read
#define PT_IMAGE_MINOR 0
#define PT_IMAGE_HEADER_BYTES 256
#define PT_IMAGE_ALIGN 64
#define PT_IMAGE_BYTES_MAX (1024u * 1024 * 1024)
#define PT_IMAGE_NONE UINT32_MAX //  no text, no entry, no group

typedef enum {
    PT_SECTION_DISPLACEMENTS, //  uint32_t, one for each bucket: bytes, of whole slots
    PT_SECTION_SLOTS,         //  pt_slot_t
    PT_SECTION_GROUPS,        //  pt_group_t: what the slots of codes, statuses and HTTP classes name
    PT_SECTION_PATTERNS,      //  pt_pattern_t, group by group, the most specific first
    PT_SECTION_PIECES,        //  pt_span_t: literals, then names of holes, template by template
    PT_SECTION_ENTRIES,       //  pt_entry_t in the order of their sources
    PT_SECTION_RULES,         //  pt_rule_t
    PT_SECTION_PROVIDERS,     //  pt_gateway_t: what the slots of providers name
    PT_SECTION_OPERATIONS,    //  pt_operation_t, provider by provider
    PT_SECTION_PATHS,         //  pt_image_path_t, provider by provider
    PT_SECTION_ADVICE,        //  pt_span_t, provider by provider
    PT_SECTION_FIELD_CODES,   //  pt_field_code_t, provider by provider
    PT_SECTION_POOL,          //  bytes
    PT_SECTION_COUNT_
} pt_section_t;

typedef struct {
    uint32_t offset; //  from byte 0
    uint32_t count;  //  of elements
} pt_extent_t;

typedef struct {
    uint64_t magic;
    uint32_t endian;
    uint16_t major, minor;
    uint64_t file_bytes;
    uint64_t checksum; //  pt_image_checksum; names the content in every decision
    uint32_t hash_id;
    uint32_t slot_bytes;
    uint64_t seed[4];
    uint32_t range, displacement_max, key_count;
    uint8_t first, second; //  of the hash, as in pt_phash_t
    uint16_t is_wide;
    pt_extent_t sections[PT_SECTION_COUNT_];
    uint8_t reserved[PT_IMAGE_HEADER_BYTES - 88 - sizeof(pt_extent_t) * PT_SECTION_COUNT_]; //  zero
} pt_image_header_t;
_Static_assert(sizeof(pt_image_header_t) == PT_IMAGE_HEADER_BYTES, "the header has no padding");

typedef struct {
    uint32_t offset; //  into the pool; PT_IMAGE_NONE: absent
    uint32_t bytes;
} pt_span_t;

#define PT_GROUP_ANY_OPERATION 1u //  `own` was written for any operation

typedef struct {
    uint32_t first_pattern, pattern_count;
    uint32_t own; //  entry that answers where no pattern does; PT_IMAGE_NONE: none
    uint32_t flags;
} pt_group_t;

#define PT_PATTERN_STOP_OPTIONAL 1u
#define PT_PATTERN_ANY_OPERATION 2u //  its entry was written for any operation

#define PT_PATTERN_FRONT_BYTES 14
#define PT_PATTERN_LENGTH_SHIFT (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 48 : 0)

//  In front of the rest what most messages differ in. It only saves time: what passes is matched.
typedef struct {
    uint64_t front[2]; //  the first bytes of the first literal, zero filled; 16 bits of a whole message's length
    uint64_t mask[2];  //  all ones where `front` says something
    uint32_t entry;
    uint32_t first_piece; //  hole_count + 1 literals, then hole_count names
    uint16_t hole_count;
    uint16_t flags;
    uint32_t literal_bytes;
    pt_span_t subcode;
    uint32_t reserved[2]; //  zero
} pt_pattern_t;
_Static_assert(sizeof(pt_pattern_t) == 64, "a pattern is one cache line");

struct pt_entry {
    pt_span_t id, code, operations, message, subcode, summary, todo, merchant, cite;
    uint32_t rule;
    uint16_t provider;
    uint8_t kind; //  pt_entry_kind_t
    uint8_t reserved;
};

typedef struct {
    pt_span_t id, name;
    uint32_t first_path, path_count;
    uint32_t first_operation, operation_count;
    uint32_t first_advice, advice_count; //  values that forbid another try
    uint32_t first_field_code, field_code_count;
    uint8_t digits_slot, digits_offset, digits_length;
    uint8_t status_place; //  see pt_status_place; 0: codes do not repeat the HTTP status
} pt_gateway_t;

/*  Where a code repeats the HTTP status, in one byte: its slot, and the offset of three digits in it. */
#define PT_STATUS_DIGITS 3
static inline uint8_t
pt_status_place(unsigned slot, unsigned offset)
{
    return (uint8_t) (slot * (PT_STATUS_OFFSET_MAX + 1) + offset + 1);
}

static inline unsigned
pt_status_place_slot(uint8_t place)
{
    return (place - 1U) / (PT_STATUS_OFFSET_MAX + 1);
}

static inline unsigned
pt_status_place_offset(uint8_t place)
{
    return (place - 1U) % (PT_STATUS_OFFSET_MAX + 1);
}

#define PT_OPERATION_WITHOUT_PAYER 1u //  nobody pays by it: a refund, a cancellation, a pay-out

typedef struct {
    pt_span_t name;
    uint16_t provider;
    uint8_t kind; //  pt_operation_kind_t
    uint8_t flags;
} pt_operation_t;

//  What one value of a body's map of fields says.
typedef struct {
    pt_span_t code, summary, cite;
} pt_field_code_t;

#define PT_PATH_SLOT 0x7fu
#define PT_PATH_WITHOUT_PAYER 0x80u //  beside the slot of a code

typedef struct {
    uint8_t role, slot, width, step_count; //  as in pt_path_t, save for that bit of `slot`
    pt_span_t steps[PT_PATH_STEPS];
} pt_image_path_t;

//  The sections of a checked image, ready to be read.
typedef struct {
    const pt_image_header_t *header;
    pt_phash_t table;
    const pt_group_t *groups;
    const pt_pattern_t *patterns;
    const pt_span_t *pieces;
    const struct pt_entry *entries;
    const pt_rule_t *rules;
    const pt_gateway_t *gateways;
    const pt_operation_t *operations;
    const pt_image_path_t *paths;
    const pt_span_t *advice;
    const pt_field_code_t *field_codes;
    const char *pool;
} pt_image_t;

/*  Check an image and find its sections. `bytes` stand on a PT_IMAGE_ALIGN boundary and outlive
 *  *out_image.
 *
 *  PT_OK, or PT_E_TRUNCATED, PT_E_TRAILING, PT_E_VERSION, PT_E_CHECKSUM, PT_E_MALFORMED, PT_E_SIZE.
 */
PT_MUST_CHECK pt_status_t pt_image_open(pt_bytes_t bytes, pt_image_t *out_image);

/*  The checksum of a whole image: XXH3 over everything but the checksum itself. */
uint64_t pt_image_checksum(pt_bytes_t bytes);

/*  Whether every enumerated field of a rule is in its bounds. */
bool pt_image_is_rule_good(const pt_rule_t *rule);

/*  Bytes of one element of a section. */
size_t pt_section_element_bytes(pt_section_t section);

static inline uint32_t
pt_image_count(const pt_image_t *self, pt_section_t section)
{
    return self->header->sections[section].count;
}

static inline pt_text_t
pt_image_text(const pt_image_t *self, pt_span_t span)
{
    if (span.offset == PT_IMAGE_NONE)
        return PT_TEXT_NONE;
    return (pt_text_t) {self->pool + span.offset, span.bytes};
}

//  The image that is compiled in; generated from catalog/providers/ when the project is built.
extern const unsigned char pt_builtin_image[];
extern const size_t pt_builtin_image_bytes;

#ifdef __cplusplus
}
#endif
#endif
