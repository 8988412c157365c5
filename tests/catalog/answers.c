#include "answers.h"

#include <stdlib.h>
#include <string.h>

#include "pt_json.h"

#define NOW_MS UINT64_C(1700000000000)

static pt_status_t
s_pack(json_t *envelope, uint8_t **out_bytes, size_t *out_len)
{
    char error[160];
    char *text = json_dumps(envelope, JSON_COMPACT);
    pt_status_t status = text ? pt_json_to_msgpack(pt_text_of(text), out_bytes, out_len, error) : PT_E_NOMEM;
    free(text);
    json_decref(envelope);
    return status;
}

static json_t *
s_envelope(const char *gateway, const char *operation, unsigned http_status, json_t *body, answer_form_t form)
{
    json_t *envelope =
        json_pack("{s:s, s:s, s:i}", "id", "order-1", "provider", gateway, "http_status", (int) http_status);
    if (operation && *operation)
        json_object_set_new(envelope, "operation", json_string(operation));
    if (form == ANSWER_BODY_MAP) {
        json_object_set_new(envelope, "body", body);
        return envelope;
    }
    char *text = json_dumps(body, 0);
    json_object_set_new(envelope, "body", json_string(text));
    free(text);
    json_decref(body);
    return envelope;
}

answer_t *
answer_decide(const char *gateway, const char *operation, unsigned http_status, json_t *body, answer_form_t form)
{
    return answer_decide_envelope(s_envelope(gateway, operation, http_status, body, form));
}

answer_t *
answer_decide_envelope(json_t *envelope)
{
    answer_t *self = calloc(1, sizeof *self);
    size_t length = 0;
    char error[PT_ERROR_BYTES_MAX];
    if (s_pack(envelope, &self->bytes, &length) != PT_OK ||
        pt_response_decode((pt_bytes_t) {self->bytes, length}, &self->response, error) != PT_OK) {
        free(self->bytes);
        free(self);
        return NULL;
    }
    const pt_catalog_t *catalog = pt_catalog_builtin();
    const pt_provider_t *provider = pt_catalog_provider(catalog, self->response.provider);
    pt_facts_extract(&self->response, pt_provider_shape(provider), &self->facts);
    pt_catalog_lookup(catalog, provider, &self->response, &self->facts, &self->verdict);
    pt_policy_decide(&self->verdict, &self->response, &self->facts, pt_catalog_hash(catalog), NOW_MS, &self->decision);
    return self;
}

void
answer_destroy(answer_t **self_p)
{
    if (!*self_p)
        return;
    pt_facts_release(&(*self_p)->facts);
    free((*self_p)->bytes);
    free(*self_p);
    *self_p = NULL;
}

static json_t *
s_code(const answer_words_t *words)
{
    bool digits = *words->code && strspn(words->code, "0123456789") == strlen(words->code);
    return words->number && digits ? json_integer(strtoll(words->code, NULL, 10)) : json_string(words->code);
}

//  `code_key` with the code and `message_key` with the message, where there is one.
static json_t *
s_pair(const char *code_key, const char *message_key, const answer_words_t *words)
{
    json_t *object = json_object();
    json_object_set_new(object, code_key, s_code(words));
    if (words->message)
        json_object_set_new(object, message_key, json_string(words->message));
    return object;
}

//  Under HTTP 200 Shopline answers with the payment or refund that failed and its reason inside.
static json_t *
s_shopline_body(const answer_words_t *words)
{
    json_t *reason = s_pair("code", "msg", words);
    if (words->http_status != 200 || words->flat)
        return reason;
    bool refund = words->operation && strcmp(words->operation, "refund") == 0;
    return json_pack("{s:s, s:o}", "tradeOrderId", "T1", refund ? "refundMsg" : "paymentMsg", reason);
}

static json_t *
s_opn_body(const answer_words_t *words)
{
    json_t *body = s_pair("code", "message", words);
    json_object_set_new(body, "object", json_string("error"));
    json_object_set_new(body, "location", json_string("https://www.omise.co/api-errors"));
    return body;
}

//  The message is for people, in Thai or English; the code stands in `error`.
static json_t *
s_jamespay_body(const answer_words_t *words)
{
    return json_pack("{s:i, s:s, s:b, s:s}", "code", (int) words->http_status, "error", words->code, "success", 0,
                     "message", words->message ? words->message : "Wording that changes from day to day");
}

json_t *
answer_body(const char *gateway, const answer_words_t *words)
{
    if (strcmp(gateway, "opn") == 0)
        return s_opn_body(words);
    if (strcmp(gateway, "jamespay") == 0)
        return s_jamespay_body(words);
    if (strcmp(gateway, "shopline") == 0)
        return s_shopline_body(words);
    if (strcmp(gateway, "smilepayz") == 0)
        return s_pair("responseCode", "message", words);
    if (strcmp(gateway, "uapay") == 0)
        return json_pack("{s:o}", "error", s_pair("code", "message", words));
    return NULL;
}
