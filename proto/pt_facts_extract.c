/*  Facts of a response that was decoded before. A JSON body is turned into msgpack first, so that both forms are read
 *  by the same walk.
 */
#include "pt_facts.h"
#include "pt_json_pack.h"

#include <assert.h>
#include <stdlib.h>

/*  Turn a JSON object into msgpack, in the room that `facts` have, or in memory that they own. False: the text is no
 *  JSON object, or one that would be too deep as a map.
 */
static bool
s_convert_json(pt_bytes_t body, pt_facts_t *facts, pt_bytes_t *out_body)
{
    pt_text_t json = pt_text_after_mark((pt_text_t) {(const char *) body.data, body.len});
    for (; json.len > 0 && memchr(" \t\r\n", json.data[0], 4); json.data++)
        json.len--;
    //  Most of what is no JSON is HTML or plain words; that is seen at once.
    if (json.len == 0 || json.data[0] != '{')
        return false;

    size_t bytes = PT_JSON_ROOM(json.len), fault_at;
    uint8_t *room = facts->json_room;
    if (bytes > sizeof facts->json_room)
        facts->json = room = malloc(bytes);
    out_body->data = room;
    return room && pt_json_pack(json, PT_BODY_DEPTH_MAX, room, &out_body->len, &fault_at) == PT_OK;
}

void
pt_facts_extract(const pt_response_t *response, const pt_shape_t *shape, pt_facts_t *out_facts)
{
    assert(response);
    assert(shape);
    assert(shape->path_count <= PT_PATHS_MAX);
    assert(out_facts);

    pt_facts_clear(out_facts);
    pt_bytes_t body = response->body;
    bool has_fields = response->body_kind == PT_BODY_MSGPACK;
    if (response->body_kind == PT_BODY_JSON)
        has_fields = s_convert_json(response->body, out_facts, &body);
    //  Bodies come from pt_response_decode, or through JSON; either way their bounds are checked
    //  already. Checking again costs little and makes this function total.
    if (!has_fields)
        return;
    pt_value_t root;
    pt_cursor_t cursor = pt_cursor_open(body);
    if (pt_cursor_next(&cursor, &root) != PT_OK || root.kind != PT_VALUE_MAP)
        return;
    pt_status_t status = pt_facts_walk(&cursor, root.as.count, shape, out_facts);
    (void) status;
}

void
pt_facts_release_json(pt_facts_t *facts)
{
    free(facts->json);
    facts->json = NULL;
}
