/*  Rendezvous hashing keeps a producer with its worker, and so with that worker's dedup window, for
 *  as long as the worker lives; when one goes, only its own producers move.
 */
#include "pt_roster.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

//  READYs of a worker that does not know our HELLO yet may wait in a queue; one HELLO a second
//  answers them all.
#define S_HELLO_MS 1000

struct pt_roster {
    pt_member_t *members;
    size_t count;
    size_t count_max;
    size_t turn;
    uint64_t credit;
};

pt_roster_t *
pt_roster_new(size_t members_max)
{
    assert(members_max > 0);

    pt_roster_t *self = calloc(1, sizeof(*self));
    if (self)
        self->members = calloc(members_max, sizeof(*self->members));
    if (!self || !self->members) {
        free(self);
        return NULL;
    }
    self->count_max = members_max;
    return self;
}

void
pt_roster_destroy(pt_roster_t **self_p)
{
    assert(self_p);

    pt_roster_t *self = *self_p;
    if (!self)
        return;
    free(self->members);
    free(self);
    *self_p = NULL;
}

size_t
pt_roster_count(const pt_roster_t *self)
{
    assert(self);

    return self->count;
}

uint64_t
pt_roster_credit(const pt_roster_t *self)
{
    assert(self);

    return self->credit;
}

pt_member_t *
pt_roster_find(pt_roster_t *self, pt_bytes_t route)
{
    assert(self);

    for (size_t i = 0; i < self->count; i++) {
        pt_member_t *member = &self->members[i];
        if (member->route_len == route.len && memcmp(member->route, route.data, route.len) == 0)
            return member;
    }
    return NULL;
}

bool
pt_member_has_credit(const pt_member_t *member)
{
    assert(member);

    return member->sent < member->limit;
}

static uint64_t
s_credit(const pt_member_t *member)
{
    return pt_member_has_credit(member) ? member->limit - member->sent : 0;
}

static void
s_set_account(pt_roster_t *self, pt_member_t *member, uint64_t sent, uint64_t limit)
{
    self->credit -= s_credit(member);
    member->sent = sent;
    member->limit = limit;
    self->credit += s_credit(member);
}

//  The same worker under a new routing id: its old connection is gone.
static void
s_remove_namesake(pt_roster_t *self, uint64_t worker)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->members[i].worker == worker) {
            pt_roster_remove(self, &self->members[i]);
            return;
        }
}

static bool
s_add_member(pt_roster_t *self, pt_bytes_t route, const pt_ready_t *ready, int64_t now_ms)
{
    if (route.len > PT_ROSTER_ROUTE_BYTES_MAX)
        return false;
    s_remove_namesake(self, ready->worker);
    if (self->count == self->count_max)
        return false;
    pt_member_t *member = &self->members[self->count++];
    *member = (pt_member_t) {.route_len = route.len, .worker = ready->worker, .heard_ms = now_ms, .hello_ms = now_ms};
    memcpy(member->route, route.data, route.len);
    return true;
}

bool
pt_roster_ready(pt_roster_t *self, pt_bytes_t route, const pt_ready_t *ready, int64_t now_ms)
{
    assert(self);
    assert(ready);

    pt_member_t *member = pt_roster_find(self, route);
    if (!member)
        return s_add_member(self, route, ready, now_ms);
    member->heard_ms = now_ms;
    if (ready->received > member->sent) {
        if (now_ms - member->hello_ms < S_HELLO_MS)
            return false;
        member->hello_ms = now_ms;
        s_set_account(self, member, 0, 0);
        return true;
    }
    //  A limit only falls when the worker drains; one that is merely full keeps the limit it gave.
    if (ready->limit > ready->received)
        member->draining = false;
    else if (ready->limit < member->limit)
        member->draining = true;
    uint64_t limit_max = ready->received + PT_ROSTER_CREDIT_MAX;
    s_set_account(self, member, member->sent, ready->limit < limit_max ? ready->limit : limit_max);
    return false;
}

void
pt_roster_heard(pt_roster_t *self, pt_bytes_t route, int64_t now_ms)
{
    assert(self);

    pt_member_t *member = pt_roster_find(self, route);
    if (member)
        member->heard_ms = now_ms;
}

pt_member_t *
pt_roster_choose(pt_roster_t *self, uint64_t producer)
{
    assert(self);

    pt_member_t *chosen = NULL;
    uint64_t highest = 0;
    for (size_t i = 0; i < self->count; i++) {
        uint64_t key[2] = {producer, self->members[i].worker};
        uint64_t weight = XXH64(key, sizeof(key), 0);
        if (self->members[i].draining || (chosen && weight <= highest))
            continue;
        chosen = &self->members[i];
        highest = weight;
    }
    return chosen;
}

pt_member_t *
pt_roster_next(pt_roster_t *self)
{
    assert(self);

    for (size_t i = 0; i < self->count; i++) {
        self->turn = (self->turn + 1) % self->count;
        if (pt_member_has_credit(&self->members[self->turn]))
            return &self->members[self->turn];
    }
    return NULL;
}

void
pt_roster_spend(pt_roster_t *self, pt_member_t *member)
{
    assert(self);
    assert(member);
    assert(pt_member_has_credit(member));

    s_set_account(self, member, member->sent + 1, member->limit);
}

void
pt_roster_remove(pt_roster_t *self, pt_member_t *member)
{
    assert(self);
    assert(member >= self->members && member < self->members + self->count);

    self->credit -= s_credit(member);
    *member = self->members[--self->count];
}

void
pt_roster_expire(pt_roster_t *self, int64_t before_ms)
{
    assert(self);

    for (size_t i = self->count; i-- > 0;)
        if (self->members[i].heard_ms < before_ms)
            pt_roster_remove(self, &self->members[i]);
}
