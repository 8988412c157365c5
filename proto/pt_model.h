/*  pt_model: response and decision as plain values, and the words for every enumerated field.
 *
 *  The words of the wire, the logs and the documentation are the ones of the tables here; see
 *  docs/ARCHITECTURE.md for what each word means. All texts are borrowed.
 */
#ifndef PT_MODEL_H
#define PT_MODEL_H

#include "pt_status.h"
#include "pt_text.h"

#ifdef __cplusplus
extern "C" {
#endif

//  Limits. Each is part of the wire contract (proto/PROTOCOL.md, "Limits").
#define PT_RESPONSE_BYTES_MAX (256 * 1024) //  one response; a decision echoes at most 5 KiB of it
#define PT_BODY_DEPTH_MAX 32               //  levels of arrays and maps in a body, the body itself included
#define PT_DEPTH_MAX 33                    //  the same, with the envelope
#define PT_ID_BYTES_MAX 128
#define PT_PROVIDER_BYTES_MAX 64
#define PT_OPERATION_BYTES_MAX 128
#define PT_REFERENCE_BYTES_MAX 128
#define PT_ACCOUNT_BYTES_MAX 64
#define PT_MESSAGE_BYTES_MAX 256 //  of the gateway's message, as echoed in a decision
#define PT_CODE_BYTES_MAX 255    //  a longer code is no code
#define PT_PARAM_BYTES_MAX 256   //  of one captured value, as echoed
#define PT_PARAMS_MAX 8          //  holes of one template
#define PT_REASONS_MAX 8         //  reasons that one message lists
#define PT_FIELDS_MAX 64         //  request fields of one answer; the rest is counted
#define PT_FIELD_BYTES_MAX 256   //  of one joined field path
#define PT_RAW_BYTES_MAX 4096

#define PT_CODE_SLOTS 6   //  places where a gateway's code may stand, in order of trust
#define PT_STATUS_SLOTS 6 //  places where a success, pending or failure marker may stand
#define PT_ADVICE_SLOTS 2 //  places where the network's advice may stand
#define PT_PATH_STEPS 6
#define PT_PATHS_MAX (2 * PT_CODE_SLOTS + PT_STATUS_SLOTS + 1 + PT_ADVICE_SLOTS)

typedef enum {
    PT_TRANSPORT_NONE,
    PT_TRANSPORT_TIMEOUT,        //  sent, no answer: the outcome is unknown
    PT_TRANSPORT_CONNECT_FAILED, //  never sent
    PT_TRANSPORT_RESET,          //  sent at least in part: unknown
    PT_TRANSPORT_TLS_FAILED,     //  the handshake failed: never sent
    PT_TRANSPORT_COUNT_
} pt_transport_t;

typedef enum {
    PT_MATCH_MESSAGE,
    PT_MATCH_TEMPLATE,
    PT_MATCH_CODE,
    PT_MATCH_CODE_ANY_OPERATION,
    PT_MATCH_STATUS,
    PT_MATCH_HTTP_CLASS,
    PT_MATCH_TRANSPORT,
    PT_MATCH_UNKNOWN,
    PT_MATCH_INVALID,
    PT_MATCH_COUNT_
} pt_match_t;

typedef enum {
    PT_CATEGORY_ACCEPTED,
    PT_CATEGORY_PENDING,
    PT_CATEGORY_OUTCOME_UNKNOWN,
    PT_CATEGORY_DUPLICATE,
    PT_CATEGORY_RATE_LIMITED,
    PT_CATEGORY_PROVIDER_UNAVAILABLE,
    PT_CATEGORY_CHANNEL_LIMIT,
    PT_CATEGORY_AUTH_SIGNATURE,
    PT_CATEGORY_NETWORK_ALLOWLIST,
    PT_CATEGORY_MERCHANT_CONFIG,
    PT_CATEGORY_MERCHANT_BALANCE,
    PT_CATEGORY_REQUEST_INVALID,
    PT_CATEGORY_NOT_FOUND,
    PT_CATEGORY_STATE_CONFLICT,
    PT_CATEGORY_DECLINE_SOFT,
    PT_CATEGORY_DECLINE_HARD,
    PT_CATEGORY_DECLINE_FIX_DATA,
    PT_CATEGORY_CUSTOMER_ACTION,
    PT_CATEGORY_CANCELLED_EXPIRED,
    PT_CATEGORY_RISK_SECURITY,
    PT_CATEGORY_PROVIDER_BUG,
    PT_CATEGORY_UNKNOWN_CODE,
    PT_CATEGORY_INVALID_RESPONSE,
    PT_CATEGORY_COUNT_
} pt_category_t;

//  May money have moved?
typedef enum {
    PT_OUTCOME_SUCCESS,
    PT_OUTCOME_DECLINED,
    PT_OUTCOME_NOT_EXECUTED,
    PT_OUTCOME_UNKNOWN,
    PT_OUTCOME_PENDING,
    PT_OUTCOME_COUNT_
} pt_outcome_t;

typedef enum { PT_ROUTE_SETTLED, PT_ROUTE_RETRY, PT_ROUTE_DEAD_LETTER, PT_ROUTE_COUNT_ } pt_route_t;

typedef enum {
    PT_ACTION_NONE,
    PT_ACTION_RESUBMIT,
    PT_ACTION_QUERY_STATUS,
    PT_ACTION_REFRESH_CREDENTIALS,
    PT_ACTION_FIX_REQUEST,
    PT_ACTION_FIX_CONFIGURATION,
    PT_ACTION_TOP_UP,
    PT_ACTION_CHANGE_INSTRUMENT,
    PT_ACTION_NEW_ORDER,
    PT_ACTION_CONTACT_PROVIDER,
    PT_ACTION_INVESTIGATE,
    PT_ACTION_COUNT_
} pt_action_t;

/*  The actions of route retry, whatever the outcome. */
static inline bool
pt_action_is_retry(pt_action_t action)
{
    return (action == PT_ACTION_RESUBMIT) | (action == PT_ACTION_QUERY_STATUS);
}

typedef enum {
    PT_ALERT_WHEN_NOW,
    PT_ALERT_WHEN_IF_FREQUENT,
    PT_ALERT_WHEN_IF_PERSISTENT,
    PT_ALERT_WHEN_COUNT_
} pt_alert_when_t;

//  What an alert stands for beside its own response.
typedef enum {
    PT_FOLD_NONE,
    PT_FOLD_SAME,   //  others of the same kind
    PT_FOLD_OTHERS, //  others of many kinds, more than there is room to tell apart
    PT_FOLD_COUNT_
} pt_fold_t;

typedef enum { PT_SEVERITY_INFO, PT_SEVERITY_WARNING, PT_SEVERITY_CRITICAL, PT_SEVERITY_COUNT_ } pt_severity_t;

//  Bits of an alert's audience; bit n has the word pt_audience_text(n).
typedef enum {
    PT_AUDIENCE_OPERATOR,
    PT_AUDIENCE_TECH_SUPPORT,
    PT_AUDIENCE_SECURITY,
    PT_AUDIENCE_RISK,
    PT_AUDIENCE_GATEWAY_ADMIN,
    PT_AUDIENCE_MERCHANT,
    PT_AUDIENCE_COUNT_
} pt_audience_t;
#define PT_AUDIENCE_BIT(audience) (1u << (audience))

//  What an operation can do. An operation that the catalog does not name is PT_OPERATION_UNNAMED
//  and is treated as if it moved money.
typedef enum {
    PT_OPERATION_UNNAMED,
    PT_OPERATION_MONEY, //  creates, changes or ends a movement of money
    PT_OPERATION_READ,  //  asks only; asking again is harmless
    PT_OPERATION_WRITE, //  changes something that is not money (a card token, a slip, a merchant)
    PT_OPERATION_COUNT_
} pt_operation_kind_t;

//  Words of the enumerated fields: static text, never NULL for a value below COUNT_.
const char *pt_transport_text(pt_transport_t value);
const char *pt_match_text(pt_match_t value);
const char *pt_category_text(pt_category_t value);
const char *pt_outcome_text(pt_outcome_t value);
const char *pt_route_text(pt_route_t value);
const char *pt_action_text(pt_action_t value);
const char *pt_alert_when_text(pt_alert_when_t value);
const char *pt_fold_text(pt_fold_t value);
const char *pt_severity_text(pt_severity_t value);
const char *pt_audience_text(pt_audience_t value);
const char *pt_operation_kind_text(pt_operation_kind_t value);

//  The way back: the value of a word, or -1 when there is none.
int pt_transport_parse(pt_text_t word);
int pt_match_parse(pt_text_t word);
int pt_category_parse(pt_text_t word);
int pt_outcome_parse(pt_text_t word);
int pt_route_parse(pt_text_t word);
int pt_action_parse(pt_text_t word);
int pt_alert_when_parse(pt_text_t word);
int pt_fold_parse(pt_text_t word);
int pt_severity_parse(pt_text_t word);
int pt_audience_parse(pt_text_t word);
int pt_operation_kind_parse(pt_text_t word);

/*  Where in a gateway's body something stands: the keys to follow from the root. The catalog
 *  hands these to the decoder, so the catalog knows no encoding and the decoder no gateway.
 */
typedef enum {
    PT_ROLE_CODE,    //  a code: a string, or an integer printed at least `width` digits wide
    PT_ROLE_MESSAGE, //  the message that belongs to the code of the same slot: a string
    PT_ROLE_STATUS,  //  a marker: a string, an integer or a boolean ("true", "false")
    PT_ROLE_FIELDS,  //  a map of request field -> field code, of any nesting
    PT_ROLE_ADVICE,  //  the network's advice code
    PT_ROLE_COUNT_
} pt_role_t;

/*  How many slots a role has. */
static inline uint8_t
pt_role_slots(uint8_t role)
{
    if (role == PT_ROLE_STATUS)
        return PT_STATUS_SLOTS;
    return role == PT_ROLE_ADVICE ? PT_ADVICE_SLOTS : PT_CODE_SLOTS;
}

typedef struct {
    uint8_t role;  //  pt_role_t
    uint8_t slot;  //  which code (and its message), status or advice
    uint8_t width; //  digits that a number is padded to; 0: as it is
    uint8_t step_count;
    pt_text_t steps[PT_PATH_STEPS];
} pt_path_t;

//  How many numbers pt_shape_key gives.
#define PT_SHAPE_KEYS 64

//  A key that paths take next at one place of a body.
typedef struct {
    pt_text_t key;
    char front[16];        //  of the key, zero filled
    uint32_t ends;         //  bit n: path n ends here, and takes a scalar
    uint32_t texts;        //  bit n: path n runs through here or ends here, and is none of PT_ROLE_FIELDS
    uint8_t fork;          //  of the steps that follow; 0: none do
    uint8_t next;          //  another step of the same fork whose key has the same number; 0: none has
    bool is_end : 1;       //  one path or two, which end here and take a scalar
    bool is_marker : 1;    //  those that end here are of PT_ROLE_STATUS
    bool opens_fields : 1; //  a path of PT_ROLE_FIELDS ends here
    bool holds_fields : 1; //  ends here or further on
    uint16_t
        places[2]; //  where the texts of the first two paths that end here stand in pt_facts_t; one: twice its place
} pt_step_t;

//  All steps that may be taken at one place of a body: element k is the first one whose key has the number k, 0
//  when there is none.
typedef struct {
    uint8_t steps[PT_SHAPE_KEYS];
} pt_fork_t;

//  The most steps that paths take together.
#define PT_SHAPE_STEPS_MAX (PT_PATHS_MAX * PT_PATH_STEPS)

//  Where in a gateway's bodies what stands: its paths, and the same paths as a tree, so that a body's key is looked
//  for once, however many paths run through it.
typedef struct {
    const pt_path_t *paths;
    size_t path_count; //  at most PT_PATHS_MAX
    //  What pt_shape_prepare writes. A shape that is not prepared is good too; reading a body by it costs more.
    const pt_fork_t *forks;        //  the root first; NULL: not prepared
    const pt_step_t *steps;        //  from 1
    uint16_t places[PT_PATHS_MAX]; //  where a path's text stands in pt_facts_t; 0 for PT_ROLE_FIELDS
} pt_shape_t;

/*  A number below PT_SHAPE_KEYS for a key of a body, so that most keys are told from all steps at once.
 *  `first` is its first byte; 0 for an empty key.
 */
static inline unsigned
pt_shape_key(uint8_t first, size_t len)
{
    return (unsigned) (first + 8 * len) % PT_SHAPE_KEYS;
}

static inline unsigned
pt_shape_key_of(pt_text_t key)
{
    return pt_shape_key(key.len ? (uint8_t) key.data[0] : 0, key.len);
}

//  How much of the room for a tree was used.
typedef struct {
    size_t forks, steps;
} pt_shape_room_t;

/*  Make the tree of the paths, in memory of the caller's that has to live as long: PT_SHAPE_STEPS_MAX + 1 of both are
 *  enough for any shape. Paths that share steps use less.
 */
pt_shape_room_t pt_shape_prepare(pt_shape_t *self, pt_fork_t *forks, pt_step_t *steps);

//  A name and a value: a captured hole, or a request field and its code.
typedef struct {
    pt_text_t name;
    pt_text_t value;
} pt_pair_t;

//  Room for what does not stand in the body as such: printed numbers, joined field paths.
#define PT_SCRATCH_BYTES 8192

//  Room for a JSON body of up to 3.5 KiB as msgpack; for a larger one memory is asked for.
#define PT_JSON_ROOM_BYTES 8192

//  What a body says, in the places that its gateway's shape names. Absent texts have data NULL;
//  an empty code is an absent code.
typedef struct {
    bool is_map; //  the body is a map with at least one key
    //  A place of the shape holds something, and not what belongs there: a code that is a list, an
    //  error that is a text. Its field is absent, and no success may be read out of the silence.
    bool is_odd;
    //  So stands something where a code or a marker belongs, and it is not empty however deep one looks: it may
    //  deny what the rest of the body says.
    bool is_illegible;
    pt_text_t codes[PT_CODE_SLOTS];
    pt_text_t messages[PT_CODE_SLOTS];
    pt_text_t statuses[PT_STATUS_SLOTS];
    pt_text_t advice[PT_ADVICE_SLOTS];
    pt_pair_t fields[PT_FIELDS_MAX];
    size_t field_count;
    size_t fields_dropped; //  beyond PT_FIELDS_MAX or the scratch room
    void *json;            //  a large JSON body as msgpack, which texts point into; else NULL
    size_t scratch_used;
    char scratch[PT_SCRATCH_BYTES];
    uint8_t json_room[PT_JSON_ROOM_BYTES]; //  any other JSON body as msgpack
} pt_facts_t;

typedef enum {
    PT_BODY_NONE,    //  absent, null, a list, a number: a body without fields
    PT_BODY_MSGPACK, //  a msgpack map
    PT_BODY_JSON,    //  str or bin that may hold JSON
} pt_body_kind_t;

//  One gateway answer, or the lack of one, as an orchestrator published it.
typedef struct {
    pt_text_t id; //  absent when the producer gave none
    pt_text_t provider;
    pt_text_t operation;
    pt_text_t reference;
    pt_text_t account;
    uint16_t http_status; //  0: nothing came back
    pt_transport_t transport;
    uint32_t attempt;          //  from 1
    uint64_t first_attempt_ms; //  unix ms; 0: not given
    uint64_t received_ms;      //  unix ms; 0: not given
    uint64_t retry_after_ms;   //  0: not given
    bool idempotent;
    bool redriven; //  put in again by an operator
    pt_body_kind_t body_kind;
    pt_bytes_t body; //  the msgpack map, or the text
} pt_response_t;

typedef struct {
    bool present;
    pt_action_t if_absent; //  with query_status: resubmit or none, which stands for dead_letter
    uint32_t attempt;      //  the next one
    uint32_t max_attempts;
    uint64_t delay_ms;
    uint64_t next_at_ms;  //  unix ms
    uint64_t deadline_ms; //  unix ms
} pt_retry_t;

typedef struct {
    bool present;
    bool active;
    uint8_t audience; //  PT_AUDIENCE_BIT of each
    pt_severity_t severity;
    pt_alert_when_t when;
    uint32_t count;    //  responses that it stands for, from 1
    bool drift;        //  the answer disagrees with itself
    pt_fold_t fold;    //  of a summary
    uint64_t first_ms; //  unix ms, of a summary: when the first of them was decided
    uint64_t last_ms;
    pt_text_t nearest; //  the entry whose code looks most like the unknown one; absent: none does
} pt_alert_t;

//  What of a decision is made unreadable where it holds a card number; see pt_mask.h.
typedef enum {
    PT_MASKING_TEXTS, //  what gateways wrote; identifiers, by which others find an order, stay as they are
    PT_MASKING_ALL,   //  also reference, account, operation and known codes; never id and producer
    PT_MASKING_NONE,
    PT_MASKING_COUNT_
} pt_masking_t;

//  Where a response goes and what to do about it. Fields that are texts are borrowed from the
//  response, its facts, the catalog or static text, and live as long as the shortest of these.
typedef struct {
    pt_text_t id;
    pt_text_t provider;
    pt_text_t operation;
    pt_text_t reference;
    pt_text_t account;
    pt_text_t producer; //  16 hex digits; absent off the bus
    bool redriven;
    bool on_bus; //  encode `producer` and `redriven`
    uint16_t http_status;
    uint32_t attempt;
    pt_text_t code;
    pt_text_t message;
    pt_text_t entry; //  "-" when no row answered
    pt_match_t match;
    size_t param_count;
    size_t reason_count; //  0: the message is no list
    const pt_pair_t *fields;
    size_t field_count;
    size_t fields_dropped;
    pt_category_t category;
    pt_outcome_t outcome;
    pt_route_t route;
    pt_action_t action;
    bool confirm_as_success;
    bool same_payload_ok;
    bool health;
    pt_retry_t retry;
    pt_alert_t alert;
    pt_text_t summary;
    uint64_t catalog; //  content hash of the image
    uint64_t decided_ms;
    pt_text_t error;      //  only with match invalid
    pt_bytes_t raw;       //  only with match invalid; PT_RAW_BYTES_MAX of it are encoded
    pt_masking_t masking; //  how it is encoded; not part of it
    //  Last, so that nobody has to clear what their counts leave out.
    pt_pair_t params[PT_PARAMS_MAX];
    pt_pair_t reasons[PT_REASONS_MAX]; //  the gateway's words, and the entry that answers to them
} pt_decision_t;

#ifdef __cplusplus
}
#endif
#endif
