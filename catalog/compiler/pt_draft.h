/*  pt_draft: an image under construction.
 *
 *  Sections grow element by element, keys wait for the perfect hash, and pt_draft_seal makes one
 *  block of bytes of them. Running out of memory or of room is noted in `status` and everything after
 *  it does nothing, so that callers check once, at the end.
 */
#ifndef PT_DRAFT_H
#define PT_DRAFT_H

#include "pt_image.h"
#include "pt_intern.h"
#include "pt_source.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint8_t *data;
    size_t count, room; //  elements
} pt_list_t;

typedef struct {
    pt_status_t status; //  PT_OK, or the first thing that went wrong
    pt_list_t sections[PT_SECTION_COUNT_];
    pt_list_t keys;      //  pt_phash_item_t
    pt_list_t marks;     //  pt_mark_t: where each key was written
    pt_intern_t pool;    //  texts
    pt_intern_t rules;   //  pt_rule_t, each once
    pt_source_t scratch; //  an arena for what only lives until pt_draft_forget
} pt_draft_t;

/*  Make room for what `entries` entries usually bring, so that nothing grows on the way to them. */
void pt_draft_expect(pt_draft_t *self, size_t entries);

/*  Append a copy of one element; returns its index in the section. */
uint32_t pt_draft_add(pt_draft_t *self, pt_section_t section, const void *element);

/*  The index that the next element of a section will have. */
uint32_t pt_draft_next(const pt_draft_t *self, pt_section_t section);

/*  Keep a text; an absent one gives the absent span. */
pt_span_t pt_draft_text(pt_draft_t *self, pt_text_t text);

/*  Keep a text that no other is likely to equal, such as an id: without a look for it. */
pt_span_t pt_draft_own_text(pt_draft_t *self, pt_text_t text);

/*  Keep a rule; returns its index. */
uint32_t pt_draft_rule(pt_draft_t *self, const pt_rule_t *rule);

/*  Keep a key. Its text lives as long as the draft's source; its pool offset is filled in here. */
void pt_draft_key(pt_draft_t *self, const pt_phash_item_t *item, pt_mark_t mark);

/*  A key with one value, whatever the operation. */
void pt_draft_name(pt_draft_t *self, pt_space_t space, uint16_t owner, pt_text_t text, uint32_t value, pt_mark_t mark);

/*  A zeroed block that lives until pt_draft_forget; NULL once the draft has failed. */
void *pt_draft_alloc(pt_draft_t *self, size_t bytes);

/*  Release these blocks, when a provider is done with. */
void pt_draft_forget(pt_draft_t *self);

/*  Make the image. On PT_OK the caller owns *out_image (free()). PT_E_SYNTAX: a key was given twice
 *  or has no possible length, which is in the faults; else PT_E_COUNT, PT_E_SIZE, PT_E_NOMEM.
 */
PT_MUST_CHECK pt_status_t pt_draft_seal(pt_draft_t *self, pt_faults_t *faults, uint8_t **out_image, size_t *out_bytes);

void pt_draft_clear(pt_draft_t *self);

#ifdef __cplusplus
}
#endif
#endif
