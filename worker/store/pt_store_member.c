/*  Named subscribers: on the disk an entry for the name, one for each prefix and one for each
 *  position, so that a position costs some bytes; in memory all of them, because trimming asks.
 */
#include <stdlib.h>

#include "pt_store_parts.h"

bool
pt_store_covers(const pt_store_subscriber_t *subscriber, const char *topic)
{
    assert(subscriber);
    assert(topic);

    for (size_t i = 0; i < subscriber->prefix_count; i++)
        if (strncmp(topic, subscriber->prefixes[i], strlen(subscriber->prefixes[i])) == 0)
            return true;
    return subscriber->prefix_count == 0;
}

void
pt_store_drop_members(pt_store_t *self)
{
    while (self->member_count)
        free(self->members[--self->member_count]);
}

static size_t
s_find_member(const pt_store_t *self, const char *name)
{
    for (size_t i = 0; i < self->member_count; i++)
        if (strcmp(self->members[i]->who.name, name) == 0)
            return i;
    return SIZE_MAX;
}

bool
pt_store_has_subscriber(const pt_store_t *self, const char *name)
{
    assert(self);
    assert(name);

    return s_find_member(self, name) != SIZE_MAX;
}

//  ---- reading

pt_status_t
pt_store_read_member(MDB_cursor *cursor, MDB_val key, MDB_val value, pt_store_subscriber_t *out_who)
{
    *out_who = (pt_store_subscriber_t) {0};
    const uint8_t *bytes = value.mv_data;
    size_t name_len = strnlen(key.mv_data, key.mv_size);
    if (name_len > PT_STORE_NAME_BYTES_MAX || key.mv_size != name_len + 2 ||
        !s_is_sealed(S_SUBSCRIBERS, key, value, S_NAME_BYTES))
        return PT_E_CHECKSUM;
    memcpy(out_who->name, key.mv_data, name_len);
    out_who->durable = bytes[4] != 0;
    out_who->created_ms = s_get_u64(bytes + 5);
    out_who->seen_ms = s_get_u64(bytes + 13);
    uint8_t prefix_key[S_MEMBER_KEY_BYTES_MAX];
    size_t head = s_make_member_key(prefix_key, out_who->name, 'p', NULL, 0);
    int rc;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (key.mv_size != head + 1 || memcmp(key.mv_data, prefix_key, head) != 0)
            break;
        if (value.mv_size < 4 || value.mv_size > 4 + PT_TOPIC_BYTES_MAX ||
            !s_is_sealed(S_SUBSCRIBERS, key, value, value.mv_size) || out_who->prefix_count == PT_STORE_PREFIXES_MAX)
            return PT_E_CHECKSUM;
        memcpy(out_who->prefixes[out_who->prefix_count++], (const uint8_t *) value.mv_data + 4, value.mv_size - 4);
    }
    return rc == 0 || rc == MDB_NOTFOUND ? PT_OK : PT_E_IO;
}

//  Positions of topics that are not known any more do not matter.
static bool
s_load_position(pt_store_t *self, pt_store_member_t *member, MDB_val key, MDB_val value)
{
    size_t head = strlen(member->who.name) + 2;
    char topic[PT_TOPIC_BYTES_MAX + 1] = "";
    if (key.mv_size <= head || key.mv_size - head > PT_TOPIC_BYTES_MAX ||
        !s_is_sealed(S_SUBSCRIBERS, key, value, S_POSITION_BYTES))
        return false;
    memcpy(topic, (const uint8_t *) key.mv_data + head, key.mv_size - head);
    size_t index = pt_store_find_topic(self, topic, self->topic_count);
    if (index != SIZE_MAX)
        member->positions[index] = s_get_u64((const uint8_t *) value.mv_data + 4);
    return true;
}

static pt_status_t
s_load_positions(pt_store_t *self, MDB_cursor *cursor, pt_store_member_t *member)
{
    uint8_t key_bytes[S_MEMBER_KEY_BYTES_MAX];
    size_t head = s_make_member_key(key_bytes, member->who.name, 't', NULL, 0);
    MDB_val key = s_val(key_bytes, head);
    MDB_val value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (key.mv_size < head || memcmp(key.mv_data, key_bytes, head) != 0)
            return PT_OK;
        if (!s_load_position(self, member, key, value))
            return PT_E_CHECKSUM;
    }
    return rc == MDB_NOTFOUND ? PT_OK : PT_E_IO;
}

//  Step to the name entry after `name`, or to the first. MDB_NOTFOUND behind the last.
static int
s_next_name(MDB_cursor *cursor, const char *after, MDB_val *key, MDB_val *value)
{
    if (!*after)
        return mdb_cursor_get(cursor, key, value, MDB_FIRST);
    //  No entry of a name has a kind above 't', and the byte before it ends the name.
    uint8_t bytes[S_MEMBER_KEY_BYTES_MAX];
    *key = s_val(bytes, s_make_member_key(bytes, after, '~', NULL, 0));
    return mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
}

static pt_status_t
s_load_member(pt_store_t *self, MDB_cursor *cursor, MDB_val key, MDB_val value)
{
    if (self->member_count == PT_STORE_SUBSCRIBERS_MAX)
        return PT_E_CHECKSUM;
    pt_store_member_t *member = calloc(1, sizeof(*member));
    if (!member)
        return PT_E_NOMEM;
    self->members[self->member_count++] = member;
    pt_status_t status = pt_store_read_member(cursor, key, value, &member->who);
    return status == PT_OK ? s_load_positions(self, cursor, member) : status;
}

static pt_status_t
s_load_from(pt_store_t *self, MDB_cursor *cursor)
{
    MDB_val key;
    MDB_val value;
    const char *after = "";
    int rc;
    pt_status_t status = PT_OK;
    while (status == PT_OK && (rc = s_next_name(cursor, after, &key, &value)) == 0) {
        status = s_load_member(self, cursor, key, value);
        if (status == PT_OK)
            after = self->members[self->member_count - 1]->who.name;
    }
    return status == PT_OK && rc != MDB_NOTFOUND ? PT_E_IO : status;
}

pt_status_t
pt_store_load_members(pt_store_t *self, MDB_txn *txn)
{
    MDB_txn *own = NULL;
    MDB_cursor *cursor;
    pt_store_drop_members(self);
    if (!txn && pt_store_begin_view(self, &own) != 0)
        return PT_E_IO;
    pt_status_t status = PT_E_NOMEM;
    if (mdb_cursor_open(txn ? txn : own, self->subscribers, &cursor) == 0) {
        status = s_load_from(self, cursor);
        mdb_cursor_close(cursor);
    }
    if (own)
        mdb_txn_abort(own);
    return status;
}

pt_status_t
pt_store_next_member(MDB_cursor *cursor, const char *after, pt_store_subscriber_t *out_who)
{
    MDB_val key;
    MDB_val value;
    int rc = s_next_name(cursor, after, &key, &value);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? PT_E_NOT_FOUND : PT_E_IO;
    return pt_store_read_member(cursor, key, value, out_who);
}

//  ---- writing

//  Seal and write one entry; `bytes` has room for the checksum at its start.
static int
s_write_entry(pt_store_t *self, const uint8_t *key_bytes, size_t key_len, uint8_t *bytes, size_t len)
{
    MDB_val key = s_val(key_bytes, key_len);
    MDB_val value = s_val(bytes, len);
    s_seal(S_SUBSCRIBERS, key, bytes, len);
    return mdb_put(self->txn, self->subscribers, &key, &value, 0);
}

static int
s_write_name(pt_store_t *self, const pt_store_subscriber_t *who)
{
    uint8_t key[S_MEMBER_KEY_BYTES_MAX];
    uint8_t bytes[S_NAME_BYTES];
    size_t key_len = s_make_member_key(key, who->name, 'n', NULL, 0);
    bytes[4] = who->durable;
    s_put_u64(s_put_u64(bytes + 5, who->created_ms), who->seen_ms);
    return s_write_entry(self, key, key_len, bytes, sizeof(bytes));
}

static int
s_write_prefixes(pt_store_t *self, const pt_store_subscriber_t *who)
{
    int rc = 0;
    for (size_t i = 0; i < who->prefix_count && rc == 0; i++) {
        uint8_t key[S_MEMBER_KEY_BYTES_MAX];
        uint8_t bytes[4 + PT_TOPIC_BYTES_MAX];
        uint8_t index = (uint8_t) i;
        size_t key_len = s_make_member_key(key, who->name, 'p', &index, 1);
        size_t len = strlen(who->prefixes[i]);
        memcpy(bytes + 4, who->prefixes[i], len);
        rc = s_write_entry(self, key, key_len, bytes, 4 + len);
    }
    return rc;
}

//  Delete the entries of a name of one kind, or of all kinds with '\0'.
static int
s_delete_entries(pt_store_t *self, const char *name, char kind)
{
    uint8_t first[S_MEMBER_KEY_BYTES_MAX];
    uint8_t end[S_MEMBER_KEY_BYTES_MAX];
    size_t len = s_make_member_key(first, name, kind, NULL, 0);
    if (!kind)
        len--;
    //  The last byte is a kind or the 0 behind the name: one more is behind all that begins so.
    memcpy(end, first, len);
    end[len - 1]++;
    return pt_store_delete_range(self, self->subscribers, s_val(first, len), s_val(end, len));
}

static bool
s_set_prefixes(pt_store_subscriber_t *who, const pt_text_t *prefixes, size_t count)
{
    if (count > PT_STORE_PREFIXES_MAX)
        return false;
    memset(who->prefixes, 0, sizeof(who->prefixes));
    for (size_t i = 0; i < count; i++) {
        if (prefixes[i].len > PT_TOPIC_BYTES_MAX || memchr(prefixes[i].data, 0, prefixes[i].len))
            return false;
        memcpy(who->prefixes[i], prefixes[i].data, prefixes[i].len);
    }
    who->prefix_count = count;
    return true;
}

//  The member of that name, added without prefixes when it is new.
static pt_status_t
s_get_member(pt_store_t *self, const char *name, uint64_t now_ms, pt_store_member_t **out_member)
{
    size_t index = s_find_member(self, name);
    if (index != SIZE_MAX) {
        *out_member = self->members[index];
        return PT_OK;
    }
    if (self->member_count == PT_STORE_SUBSCRIBERS_MAX)
        return PT_E_COUNT;
    *out_member = calloc(1, sizeof(**out_member));
    if (!*out_member)
        return PT_E_COUNT;
    memcpy((*out_member)->who.name, name, strlen(name));
    (*out_member)->who.created_ms = now_ms;
    self->members[self->member_count++] = *out_member;
    return PT_OK;
}

pt_status_t
pt_store_subscribe(pt_store_t *self, const char *name, bool durable, const pt_text_t *prefixes, size_t prefix_count,
                   uint64_t now_ms)
{
    assert(name);
    assert(prefixes || prefix_count == 0);

    pt_store_member_t *member;
    pt_store_subscriber_t tried;
    pt_status_t status = pt_store_check_txn(self);
    if (status != PT_OK)
        return status;
    if (!*name || strlen(name) > PT_STORE_NAME_BYTES_MAX || !s_set_prefixes(&tried, prefixes, prefix_count))
        return PT_E_RANGE;
    self->members_dirty = true;
    status = s_get_member(self, name, now_ms, &member);
    if (status != PT_OK)
        return status;
    s_set_prefixes(&member->who, prefixes, prefix_count);
    member->who.durable = durable;
    member->who.seen_ms = now_ms;
    int rc = s_delete_entries(self, name, 'p');
    if (rc == 0)
        rc = s_write_name(self, &member->who);
    if (rc == 0)
        rc = s_write_prefixes(self, &member->who);
    return rc == 0 ? PT_OK : pt_store_fail(self, rc, "register subscriber", name);
}

//  Where a member is in a topic, and when it was last seen.
static int
s_write_position(pt_store_t *self, const pt_store_member_t *member, const char *topic, uint64_t next_seq)
{
    uint8_t key[S_MEMBER_KEY_BYTES_MAX];
    uint8_t bytes[S_POSITION_BYTES];
    size_t key_len = s_make_member_key(key, member->who.name, 't', topic, strlen(topic));
    s_put_u64(bytes + 4, next_seq);
    int rc = s_write_entry(self, key, key_len, bytes, sizeof(bytes));
    return rc == 0 ? s_write_name(self, &member->who) : rc;
}

pt_status_t
pt_store_position(pt_store_t *self, const char *name, const char *topic, uint64_t next_seq, uint64_t now_ms)
{
    assert(name);
    assert(topic);

    pt_status_t status = pt_store_check_txn(self);
    if (status != PT_OK)
        return status;
    size_t index = s_find_member(self, name);
    size_t topic_index = pt_store_find_topic(self, topic, self->topic_count);
    if (index == SIZE_MAX || topic_index == SIZE_MAX)
        return PT_E_NOT_FOUND;
    pt_store_member_t *member = self->members[index];
    if (!pt_store_covers(&member->who, topic))
        return PT_E_NOT_FOUND;
    if (next_seq > self->topics[topic_index]->now.next_seq)
        return PT_E_RANGE;
    if (next_seq <= member->positions[topic_index])
        return PT_OK;
    self->members_dirty = true;
    member->positions[topic_index] = next_seq;
    member->who.seen_ms = now_ms;
    int rc = s_write_position(self, member, topic, next_seq);
    return rc == 0 ? PT_OK : pt_store_fail(self, rc, "note a position of", name);
}

pt_status_t
pt_store_forget(pt_store_t *self, const char *name)
{
    assert(name);

    pt_status_t status = pt_store_check_txn(self);
    if (status != PT_OK)
        return status;
    size_t index = s_find_member(self, name);
    if (index == SIZE_MAX)
        return PT_E_NOT_FOUND;
    self->members_dirty = true;
    free(self->members[index]);
    self->members[index] = self->members[--self->member_count];
    int rc = s_delete_entries(self, name, '\0');
    return rc == 0 ? PT_OK : pt_store_fail(self, rc, "forget subscriber", name);
}
