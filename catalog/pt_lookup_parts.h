/*  pt_lookup_parts: what the files of a look-up share. Internal to pt_lookup*.c.
 *
 *  One pt_query_t lives while one response is looked up. The functions here ask the catalog and write
 *  what they found to the query's verdict; none allocates, none writes to the catalog, none fails.
 */
#ifndef PT_LOOKUP_PARTS_H
#define PT_LOOKUP_PARTS_H

#include "pt_catalog_parts.h"

#ifdef __cplusplus
extern "C" {
#endif

//  One lookup under way.
typedef struct {
    const pt_catalog_t *catalog;
    const pt_provider_t *provider;
    const pt_response_t *response;
    const pt_facts_t *facts;
    pt_verdict_t *verdict;
    unsigned codes;      //  bit n: place n of the facts holds a code
    unsigned statuses;   //  the same of markers
    uint16_t operation;  //  PT_OPERATION_OTHER: none, or none that the catalog names
    bool marker_unknown; //  a status marker is present that no row knows
    bool without_payer;  //  what was asked for, or what the code is about, is nothing that anybody pays by
    bool misfiled;       //  the code belongs to another operation than the one that was asked
} pt_query_t;

/*  The entry that answers to a code and its message, or NULL when no row knows the code. Sets the verdict's match
 *  and params.
 */
const pt_entry_t *pt_query_ask(const pt_query_t *query, pt_text_t code, pt_text_t message);

/*  The entry that answers to a key whatever the message, or NULL. Sets nothing. */
const pt_entry_t *pt_query_find(const pt_query_t *query, pt_space_t space, pt_text_t key);

/*  The same of a key whose slot answers for some of its operations only; use pt_query_pick_group. */
uint32_t pt_query_pick_more(const pt_query_t *query, pt_space_t space, pt_text_t key);

/*  A message that lists several reasons: each is looked up as a message of its own, and the strictest
 *  entry answers, which is returned; `entry` where the message is no list. Sets the verdict's reasons.
 */
const pt_entry_t *pt_query_ask_reasons(const pt_query_t *query, const pt_entry_t *entry);

/*  Whether another code says the opposite of the entry that answered, which settles. */
bool pt_query_is_denied_by_code(const pt_query_t *query);

/*  Whether a status marker says the opposite of the rule that answered: one that failed or that nobody can
 *  vouch for beside a success, a success beside what moved no money, one that goes on beside a refusal, and beside
 *  what is to be sent or paid again also one that nobody can vouch for. A marker "false" that no row knows denies a
 *  success too.
 */
bool pt_query_is_denied_by_marker(const pt_query_t *query);

/*  Whether a question whose code asks for another one, or a payer to pay whom there is none, is answered all the
 *  same: the first marker that is known says that the order has ended, and not well.
 */
bool pt_query_shows_end(const pt_query_t *query);

/*  Whether an answer whose codes repeat the HTTP status at `place` disagrees with itself about it, or about which
 *  codes stand together.
 */
bool pt_query_drifts(const pt_query_t *query, uint8_t place);

/*  The entry of the gateway's own row for an HTTP status, or for its class, answers. False: there is none, or it says
 *  that all went well and something in the body does not.
 */
bool pt_query_ask_http(const pt_query_t *query);

/*  No entry answers: what the HTTP status or the transport alone says. */
void pt_query_fall_back(const pt_query_t *query);

/*  The group of the operation that was asked; PT_IMAGE_NONE where the key has no rows for it. */
static inline uint32_t
pt_query_pick_group(const pt_query_t *query, const pt_slot_t *slot, pt_space_t space, pt_text_t key)
{
    unsigned pick = pt_slot_pick(slot, query->operation);
    if (pick < PT_SLOT_OPERATIONS)
        return slot->values[pick];
    return pt_slot_has_more(slot) ? pt_query_pick_more(query, space, key) : PT_IMAGE_NONE;
}

static inline const pt_rule_t *
pt_query_rule(const pt_query_t *query, const pt_entry_t *entry)
{
    return &query->catalog->image.rules[entry->rule];
}

static inline void
pt_query_answer(const pt_query_t *query, const pt_entry_t *entry)
{
    const pt_image_t *image = &query->catalog->image;
    query->verdict->entry = entry;
    query->verdict->rule = pt_query_rule(query, entry);
    query->verdict->entry_id = pt_image_text(image, entry->id);
    query->verdict->summary = pt_image_text(image, entry->summary);
}

/*  Request fields are named where something is wrong with them, also where no code says so. */
static inline bool
pt_query_blames_fields(const pt_query_t *query)
{
    return (query->facts->field_count | query->facts->fields_dropped) != 0;
}

//  A set of outcomes.
#define PT_OUTCOME_BIT(outcome) (1u << (outcome))
#define PT_OUTCOMES_SETTLED (PT_OUTCOME_BIT(PT_OUTCOME_SUCCESS) | PT_OUTCOME_BIT(PT_OUTCOME_PENDING))

static inline bool
pt_query_settles(const pt_query_t *query, const pt_entry_t *entry)
{
    return PT_OUTCOMES_SETTLED >> pt_query_rule(query, entry)->outcome & 1;
}

#ifdef __cplusplus
}
#endif
#endif
