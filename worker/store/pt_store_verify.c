/*  Reading everything. A topic is read in views of about a megabyte, so that a worker that is at work
 *  on the store can go on using its pages again; what it trims meanwhile is no fault.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pt_store_parts.h"

#define S_VIEW_BYTES (1024 * 1024)

typedef struct {
    pt_store_t *store;
    pt_store_fault_fn *tell;
    void *context;
    pt_store_verified_t *verified;
    uint8_t *room; //  for one record
    size_t room_bytes;
    uint64_t records; //  of the topic at hand
    uint64_t bytes;
} s_check_t;

static void
s_report(s_check_t *check, const char *where, uint64_t seq, const char *what)
{
    check->verified->faults++;
    if (check->tell)
        check->tell(check->context, where, seq, what);
}

static bool
s_make_room(s_check_t *check, size_t bytes)
{
    if (bytes <= check->room_bytes)
        return true;
    uint8_t *room = realloc(check->room, bytes);
    if (!room)
        return false;
    check->room = room;
    check->room_bytes = bytes;
    return true;
}

//  Whether the items of a record are an array of as many maps, with zlib's checksum.
static bool
s_is_consistent(const pt_store_record_t *record, const uint8_t *bytes)
{
    pt_items_t items;
    pt_bytes_t array = {bytes, record->items_bytes};
    return pt_wire_crc32(array) == record->crc32 && pt_items_open_decisions(array, record->count, &items) == PT_OK;
}

//  Whether each number leads to the record, as it has to for those who ask from there on. The pages above the
//  records have no checksum, and one that is damaged may lead most numbers right.
static bool
s_is_found(pt_store_view_t *view, const pt_store_record_t *record)
{
    uint64_t first_seq;
    for (uint32_t i = 0; i < record->count; i++)
        if (pt_store_view_find(view, record->first_seq + i, &first_seq) != PT_OK || first_seq != record->first_seq)
            return false;
    return true;
}

static pt_status_t
s_check_record(s_check_t *check, pt_store_view_t *view, const char *topic, const pt_store_record_t *record)
{
    size_t bytes = record->items_bytes > record->responses_bytes ? record->items_bytes : record->responses_bytes;
    if (!s_make_room(check, bytes))
        return PT_E_NOMEM;
    pt_status_t status = pt_store_view_items(view, check->room);
    if (status == PT_OK && !s_is_consistent(record, check->room))
        s_report(check, topic, record->first_seq, "the items are not what the header says");
    else if (status != PT_OK)
        s_report(check, topic, record->first_seq, pt_store_view_error(view));
    status = record->responses_bytes ? pt_store_view_responses(view, check->room) : PT_OK;
    if (status != PT_OK)
        s_report(check, topic, record->first_seq, pt_store_view_error(view));
    if (!s_is_found(view, record))
        s_report(check, topic, record->first_seq, "the record is not found by each of its numbers");
    check->verified->records++;
    check->verified->decisions += record->count;
    check->records++;
    size_t all = S_RECORD_HEADER_BYTES + record->items_bytes;
    if (record->responses_bytes)
        all += S_RESPONSES_HEADER_BYTES + record->responses_bytes;
    check->bytes += all;
    check->verified->bytes += all;
    return PT_OK;
}

//  Check records of one topic from *seq on, for one view; *seq is then the number to go on from.
static pt_status_t
s_check_some(s_check_t *check, pt_store_view_t *view, const char *topic, uint64_t *seq, bool *out_more)
{
    pt_store_record_t record;
    pt_status_t status = PT_OK;
    *out_more = true;
    for (size_t bytes = 0; bytes < S_VIEW_BYTES && status == PT_OK; bytes += record.items_bytes) {
        status = pt_store_view_next(view, &record);
        if (status != PT_OK)
            break;
        status = s_check_record(check, view, topic, &record);
        *seq = record.first_seq + record.count;
    }
    if (status == PT_OK)
        return PT_OK;
    *out_more = false;
    if (status == PT_E_NOT_FOUND)
        return PT_OK;
    //  Where the next record begins is not known, so the rest of the topic cannot be found.
    if (status == PT_E_CHECKSUM)
        s_report(check, topic, *seq, pt_store_view_error(view));
    return status == PT_E_CHECKSUM ? PT_OK : status;
}

static pt_status_t
s_check_view(s_check_t *check, const char *topic, uint64_t *seq, bool *out_more)
{
    pt_store_view_t *view;
    pt_store_head_t head;
    pt_status_t status = pt_store_view_open(check->store, &view);
    if (status != PT_OK)
        return status;
    *out_more = false;
    status = pt_store_view_head(view, topic, &head);
    if (status == PT_OK && *seq < head.first_retained)
        *seq = head.first_retained;
    if (status == PT_OK && *seq < head.next_seq) {
        status = pt_store_view_seek(view, topic, *seq);
        if (status == PT_OK)
            status = s_check_some(check, view, topic, seq, out_more);
    }
    if (status == PT_E_CHECKSUM || status == PT_E_NOT_FOUND) {
        s_report(check, topic, *seq, pt_store_view_error(view));
        status = PT_OK;
    }
    pt_store_view_close(&view);
    return status;
}

//  Compare what was read with what the head counts, unless a worker has changed it meanwhile.
static pt_status_t
s_check_counts(s_check_t *check, const pt_store_head_t *before)
{
    pt_store_view_t *view;
    pt_store_head_t after;
    pt_status_t status = pt_store_view_open(check->store, &view);
    if (status != PT_OK)
        return status;
    bool same = pt_store_view_head(view, before->topic, &after) == PT_OK &&
                after.first_retained == before->first_retained && after.next_seq == before->next_seq;
    if (same && (check->records != before->records || check->bytes != before->bytes))
        s_report(check, before->topic, before->first_retained, "the head counts other records than there are");
    pt_store_view_close(&view);
    return PT_OK;
}

static pt_status_t
s_check_topic(s_check_t *check, const pt_store_head_t *head)
{
    uint64_t seq = head->first_retained;
    uint64_t faults = check->verified->faults;
    bool more = true;
    pt_status_t status = PT_OK;
    check->records = 0;
    check->bytes = 0;
    //  Made by a worker after this process opened the store.
    if (check->store->read_only &&
        pt_store_find_topic(check->store, head->topic, check->store->topic_count) == SIZE_MAX)
        return PT_OK;
    while (more && status == PT_OK)
        status = s_check_view(check, head->topic, &seq, &more);
    return status == PT_OK && check->verified->faults == faults ? s_check_counts(check, head) : status;
}

static pt_status_t
s_check_topics(s_check_t *check)
{
    pt_store_head_t head = {.topic = ""};
    for (;;) {
        pt_store_view_t *view;
        pt_status_t status = pt_store_view_open(check->store, &view);
        if (status != PT_OK)
            return status;
        char after[PT_TOPIC_BYTES_MAX + 1];
        memcpy(after, head.topic, sizeof(after));
        status = pt_store_view_topic(view, after, &head);
        if (status == PT_E_CHECKSUM)
            s_report(check, "heads", 0, pt_store_view_error(view));
        pt_store_view_close(&view);
        if (status != PT_OK)
            return status == PT_E_NOT_FOUND || status == PT_E_CHECKSUM ? PT_OK : status;
        status = s_check_topic(check, &head);
        if (status != PT_OK)
            return status;
    }
}

//  The databases beside the records. Each entry is sealed with its key, so none can change unnoticed.
static pt_status_t
s_check_others(s_check_t *check)
{
    static const struct {
        char letter;
        const char *name;
    } databases[] = {{S_META, "meta"}, {S_HEADS, "heads"}, {S_PRODUCERS, "producers"}, {S_SUBSCRIBERS, "subscribers"}};
    pt_store_view_t *view;
    pt_status_t status = pt_store_view_open(check->store, &view);
    for (size_t i = 0; i < 4 && status == PT_OK; i++) {
        uint64_t entries;
        uint64_t bad;
        status = pt_store_view_check(view, databases[i].letter, &entries, &bad);
        check->verified->others += entries;
        for (uint64_t j = 0; status == PT_OK && j < bad; j++)
            s_report(check, databases[i].name, 0, "an entry is damaged or missing");
    }
    pt_store_view_close(&view);
    return status;
}

pt_status_t
pt_store_verify(pt_store_t *self, pt_store_fault_fn *tell, void *context, pt_store_verified_t *out_verified)
{
    assert(self);
    assert(out_verified);

    *out_verified = (pt_store_verified_t) {0};
    s_check_t check = {.store = self, .tell = tell, .context = context, .verified = out_verified};
    pt_status_t status = s_check_topics(&check);
    if (status == PT_OK)
        status = s_check_others(&check);
    free(check.room);
    return status;
}
