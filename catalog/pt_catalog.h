/*  pt_catalog: what each gateway's codes mean.
 *
 *  A catalog is a validated image and never changes, so any number of threads may share one
 *  without locks; to reload, open another and swap. It holds meanings only: what to do about them
 *  is pt_policy's business.
 */
#ifndef PT_CATALOG_H
#define PT_CATALOG_H

#include "pt_model.h"
#include "pt_rule.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pt_catalog pt_catalog_t;
typedef struct pt_provider pt_provider_t;
typedef struct pt_entry pt_entry_t;

//  What the catalog found about one response. Never incomplete: when no row answers, `entry` is
//  NULL, `entry_id` is "-" and `rule` is a built-in one for the HTTP class, the transport or the
//  unknown. Texts are borrowed from the catalog, the response and its facts.
typedef struct {
    const pt_entry_t *entry;
    const pt_rule_t *rule; //  never NULL
    pt_text_t entry_id;
    pt_text_t summary;
    pt_text_t provider;       //  canonical id; as sent when the catalog does not know it
    pt_text_t operation;      //  as sent; derived from the code when the response has none
    pt_operation_kind_t kind; //  the most dangerous of the given and the derived operation
    pt_match_t match;
    pt_text_t code;    //  the code that answered, or the first one present
    pt_text_t message; //  the message that stands with it
    bool code_unknown; //  a code is present and no row knows it
    bool contradicted; //  another part of the answer says the opposite of what the entry says
    bool drifts;       //  the answer disagrees with itself about its HTTP status or which codes stand together
    bool shows_end;    //  what was asked about has ended badly, although the code that answered asks for more
    bool do_not_retry; //  the network's advice forbids another try on this instrument
    pt_pair_t params[PT_PARAMS_MAX];
    size_t param_count;
    //  Where the message lists several reasons: each in the gateway's words, and the id of the entry that
    //  answers to it. The strictest of these entries is the one above. 0 of them: the message is no list.
    pt_pair_t reasons[PT_REASONS_MAX];
    size_t reason_count;
} pt_verdict_t;

/*  The catalog that is compiled in. Opened on first use, valid until the process ends; thread safe. */
const pt_catalog_t *pt_catalog_builtin(void);

/*  Open an image from memory. The bytes are copied, so they need not outlive the call.
 *
 *  Returns PT_OK and a catalog that the caller owns, or why the image is refused: PT_E_TRUNCATED,
 *  PT_E_VERSION (also a foreign byte order), PT_E_CHECKSUM, PT_E_MALFORMED (an offset or index that
 *  leads outside), PT_E_SIZE, PT_E_NOMEM. No accepted image can make a lookup read outside of it.
 */
PT_MUST_CHECK pt_status_t pt_catalog_open(pt_bytes_t image, pt_catalog_t **out_catalog);

/*  As above without the copy: `image` comes from aligned_alloc() on a 64-byte boundary, and belongs to
 *  the catalog once PT_OK is returned; otherwise it stays the caller's.
 */
PT_MUST_CHECK pt_status_t pt_catalog_adopt(uint8_t *image, size_t bytes, pt_catalog_t **out_catalog);

/*  As pt_catalog_adopt, for an image that is mapped (pt_file_map). Nobody may change or shorten the file
 *  while the catalog lives: its bytes are checked here, once, and read where they stand.
 */
PT_MUST_CHECK pt_status_t pt_catalog_adopt_mapped(const uint8_t *image, size_t bytes, pt_catalog_t **out_catalog);

/*  The bytes of the image; borrowed. */
pt_bytes_t pt_catalog_image(const pt_catalog_t *self);

/*  Release the catalog and set *self_p to NULL. Does nothing when it already is. Not for the built-in. */
void pt_catalog_destroy(pt_catalog_t **self_p);

/*  Content hash of the image, as published in each decision. */
uint64_t pt_catalog_hash(const pt_catalog_t *self);

/*  A gateway by id or alias, byte exact; NULL when the catalog has none of that name. */
const pt_provider_t *pt_catalog_provider(const pt_catalog_t *self, pt_text_t name);

/*  Where this gateway's codes, messages and markers stand. NULL gives the empty shape. */
const pt_shape_t *pt_provider_shape(const pt_provider_t *provider);
/*  Its id, as decisions have it, and its name for people; both live as long as the catalog. */
pt_text_t pt_provider_id(const pt_provider_t *provider);
pt_text_t pt_provider_name(const pt_provider_t *provider);
/*  Its place in the catalog: provider_at(index) leads back to it. */
size_t pt_provider_index(const pt_provider_t *provider);

/*  All gateways. index < pt_catalog_provider_count. */
size_t pt_catalog_provider_count(const pt_catalog_t *self);
const pt_provider_t *pt_catalog_provider_at(const pt_catalog_t *self, size_t index);

/*  Find what a response means. Total: writes every field of *out_verdict. Allocates nothing.
 *  `provider` may be NULL (a gateway that the catalog does not know). `facts` were extracted with
 *  pt_provider_shape(provider).
 */
void pt_catalog_lookup(const pt_catalog_t *self, const pt_provider_t *provider, const pt_response_t *response,
                       const pt_facts_t *facts, pt_verdict_t *out_verdict);

//  One entry, for people: explain, stats, tests.
typedef struct {
    pt_text_t id;
    const pt_rule_t *rule;
    uint8_t kind;         //  pt_entry_kind_t
    pt_text_t code;       //  the documented one
    pt_text_t operations; //  comma separated; empty: any
    pt_text_t message;    //  as documented, holes as {name}; absent: the code's own entry
    pt_text_t subcode;
    pt_text_t summary;
    pt_text_t merchant; //  what to tell the merchant, a template of the message's holes; absent: by category
    pt_text_t todo;     //  never absent: the action's stock sentence where the source has none
    pt_text_t cite;
} pt_entry_view_t;

/*  Entries in the order of their sources. index < pt_catalog_entry_count. */
size_t pt_catalog_entry_count(const pt_catalog_t *self);
const pt_entry_t *pt_catalog_entry_at(const pt_catalog_t *self, size_t index);

/*  What an entry of this catalog says, and whose it is. The texts live as long as the catalog. */
pt_entry_view_t pt_catalog_entry_view(const pt_catalog_t *self, const pt_entry_t *entry);
const pt_provider_t *pt_catalog_entry_provider(const pt_catalog_t *self, const pt_entry_t *entry);

typedef struct {
    pt_text_t name;
    pt_operation_kind_t kind;
    bool without_payer; //  nobody is asked to pay after it
} pt_operation_view_t;

/*  The operations that a gateway's source names. index < pt_provider_operation_count. */
size_t pt_provider_operation_count(const pt_provider_t *provider);
pt_operation_view_t pt_provider_operation_at(const pt_provider_t *provider, size_t index);

//  What a value in the body's map of fields says about one field of the request; for people.
typedef struct {
    pt_text_t code;
    pt_text_t summary;
    pt_text_t cite;
} pt_field_code_view_t;

/*  The field codes that a gateway's source names. index < pt_provider_field_code_count. */
size_t pt_provider_field_code_count(const pt_provider_t *provider);
pt_field_code_view_t pt_provider_field_code_at(const pt_provider_t *provider, size_t index);

#ifdef __cplusplus
}
#endif
#endif
