/*  pt_journal, pt_outlet and pt_replay without their sockets, around the real table of topics.
 *
 *  What may be seen when: jobs gather, one transaction takes all of them with the windows and the
 *  positions, and when the disk has it the jobs are published, in order, and then answered. A crash in
 *  between leaves the transaction whole or not there.
 */
#include <assert.h>
#include <stdlib.h>

#include "sim_oracle.h"
#include "sim_worker.h"

#define S_POSITION_WAIT_MS 200
//  Of one FETCH: messages, and decisions of each. Small, so that there are many.
#define S_CHUNKS_MAX 3
#define S_CHUNK_MAX 8
//  How long a disk takes that is not waited for.
#define S_LATE_SYNC_MS 500

//  ---- publishing

static void
s_publish(sim_t *sim, const sim_worker_t *self, unsigned topic, uint8_t topics, sim_message_t *message)
{
    for (unsigned i = 0; i < sim->config.subscribers; i++) {
        unsigned node = sim_node(sim, SIM_SUBSCRIBER, i);
        uint8_t mask = sim_subscriber_mask(sim->subscribers[i]);
        //  A list of HEADs goes only to those who want the whole queue.
        if (!(mask & (1u << topic)) || (topics & mask) != topics)
            continue;
        message->refs++;
        sim_send(sim, self->node, node, sim->nodes[node].life, message);
    }
    sim_message_release(message);
}

static void
s_publish_part(sim_t *sim, sim_worker_t *self, const sim_job_t *job, uint32_t from, uint32_t count)
{
    unsigned topic = job->decisions[from].topic;
    sim_message_t *message =
        sim_message_new(PT_KIND_DECISIONS, &job->decisions[from], count * sizeof(job->decisions[0]));
    message->topic = topic;
    message->as.decisions = (pt_decisions_t) {
        .worker = sim_worker_id(self->index), .epoch = self->store.epoch, .count = count, .flags = PT_FLAG_LIVE};
    if (sim_is_kept(sim, topic)) {
        pt_topic_move(self->topic[topic], job->retained[topic], job->heads[topic], sim_mono_ms(sim, self->node));
        message->as.decisions.flags = 0;
        message->as.decisions.first_seq = job->firsts[topic];
        message->as.decisions.head_seq = job->heads[topic];
        for (uint32_t i = 0; i < count; i++)
            sim_oracle_named(sim, self->index, self->store.epoch, job->firsts[topic] + i, &job->decisions[from + i]);
    }
    s_publish(sim, self, topic, 0, message);
}

void
sim_journal_publish(sim_t *sim, sim_worker_t *self, const sim_job_t *job)
{
    for (uint32_t from = 0, to; from < job->count; from = to) {
        for (to = from + 1; to < job->count && job->decisions[to].topic == job->decisions[from].topic; to++)
            continue;
        s_publish_part(sim, self, job, from, to - from);
    }
}

static void
s_send_head(sim_t *sim, sim_worker_t *self, unsigned topic, uint8_t topics)
{
    sim_message_t *message = sim_message_new(PT_KIND_HEAD, NULL, 0);
    message->topic = topic;
    message->as.head.worker = sim_worker_id(self->index);
    message->as.head.epoch = self->store.epoch;
    message->as.head.first_retained = self->topic[topic]->first_retained;
    message->as.head.head_seq = self->topic[topic]->head_seq;
    s_publish(sim, self, topic, topics, message);
}

//  Without HEADs a subscriber learns where a worker is by the first one, and nothing more.
static bool
s_may_send_head(sim_t *sim, sim_worker_t *self, unsigned topic)
{
    if (!sim_is_broken(sim, SIM_BREAK_NO_HEAD))
        return true;
    bool all = true;
    for (unsigned i = 0; i < sim->config.subscribers; i++) {
        uint32_t life = sim->nodes[sim_node(sim, SIM_SUBSCRIBER, i)].life;
        if (self->greeted_life[i] != life)
            self->greeted[i] = 0;
        self->greeted_life[i] = life;
        all = all && (self->greeted[i] & (1u << topic));
        self->greeted[i] |= (uint8_t) (1u << topic);
    }
    return !all;
}

//  HEADs that are due; when the next one is.
static int64_t
s_send_heads(sim_t *sim, sim_worker_t *self)
{
    int64_t now_ms = sim_mono_ms(sim, self->node);
    bool lists = now_ms - self->heads_ms >= PT_TOPIC_HEAD_MS;
    if (lists)
        self->heads_ms = now_ms;
    int64_t due_ms = self->heads_ms + PT_TOPIC_HEAD_MS;
    for (unsigned topic = 0; topic < SIM_TOPICS; topic++) {
        pt_topic_t *about = self->topic[topic];
        if (!about)
            continue;
        if (lists && pt_topic_is_idle(about, now_ms) && s_may_send_head(sim, self, topic))
            s_send_head(sim, self, topic, (uint8_t) (3u << (topic & ~1u)));
        if (pt_topic_due_ms(about) <= now_ms) {
            if (s_may_send_head(sim, self, topic))
                s_send_head(sim, self, topic, 0);
            pt_topic_announce(about, now_ms);
        }
        due_ms = pt_topic_due_ms(about) < due_ms ? pt_topic_due_ms(about) : due_ms;
    }
    return due_ms;
}

//  ---- committing

//  The stages behind the journal, in order, each a little later than the one before.
static void
s_hand_on(sim_t *sim, sim_worker_t *self, sim_job_t *job, bool publish)
{
    uint32_t life = sim->nodes[self->node].life;
    int64_t at_ms = sim->now_ms + (int64_t) sim_random(sim, 3);
    self->published_ms = at_ms > self->published_ms ? at_ms : self->published_ms;
    if (publish && !job->refused)
        sim_schedule(sim, self->published_ms, SIM_EVENT_STAGE, self->node, life, SIM_STAGE_PUBLISH, job);
    at_ms = self->published_ms + (int64_t) sim_random(sim, 3);
    self->answered_ms = at_ms > self->answered_ms ? at_ms : self->answered_ms;
    sim_schedule(sim, self->answered_ms, SIM_EVENT_STAGE, self->node, life, SIM_STAGE_ANSWER, job);
}

void
sim_journal_take(sim_t *sim, sim_worker_t *self, sim_job_t *job)
{
    if (!job->kept) {
        s_hand_on(sim, self, job, true);
        return;
    }
    assert(self->gathered_count < SIM_JOBS_MAX);
    self->gathered[self->gathered_count++] = job;
    int64_t due_ms = sim_mono_ms(sim, self->node);
    due_ms += self->gathered_count < sim->config.commit_jobs ? sim->config.commit_wait_ms : 0;
    self->due_ms = due_ms < self->due_ms ? due_ms : self->due_ms;
}

//  Give numbers to what will be in the transaction.
static void
s_number(const sim_t *sim, const sim_worker_t *self, sim_job_t *const *jobs, size_t count)
{
    uint64_t nexts[SIM_TOPICS];
    for (unsigned topic = 0; topic < SIM_TOPICS; topic++)
        nexts[topic] = self->store.streams[topic].next;
    for (size_t i = 0; i < count; i++) {
        memcpy(jobs[i]->firsts, nexts, sizeof(nexts));
        for (uint32_t j = 0; j < jobs[i]->count; j++)
            nexts[jobs[i]->decisions[j].topic] += sim_is_kept(sim, jobs[i]->decisions[j].topic);
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(jobs[i]->heads, nexts, sizeof(nexts));
        for (unsigned topic = 0; topic < SIM_TOPICS; topic++)
            jobs[i]->retained[topic] = self->store.streams[topic].first;
    }
}

static void
s_apply_request(sim_worker_t *self, const sim_t *sim, const sim_message_t *request)
{
    unsigned subscriber = sim->nodes[request->from].index;
    if (request->kind == PT_KIND_OPEN)
        self->store.members[subscriber].registered = true;
    else if (self->store.members[subscriber].registered)
        for (size_t i = 0; i < request->place_count; i++)
            sim_store_position(&self->store, subscriber, request->places[i].topic, request->places[i].position);
}

//  The transaction of the commit on its way, as a whole.
static void
s_apply(sim_t *sim, sim_worker_t *self)
{
    for (size_t i = 0; i < self->committing_count; i++) {
        const sim_job_t *job = self->committing[i];
        bool forgot = self->store.forgot || self->highest_count > sim->config.worker_producers;
        for (uint32_t j = 0; j < job->count; j++)
            if (sim_is_kept(sim, job->decisions[j].topic))
                sim_store_append(&self->store, &job->decisions[j]);
        sim_store_remember(sim, &self->store, &job->batch, sim_wall_ms(sim, self->node));
        sim_oracle_journaled(sim, self->index, self->disk, &job->batch, forgot);
        sim->stats.decisions += job->count;
    }
    for (size_t i = 0; i < self->answering_count; i++)
        s_apply_request(self, sim, self->answering[i]);
    sim_store_trim(sim, &self->store);
    if (sim_store_percent(sim, &self->store) > 300)
        sim_fail(sim, "the journal of worker %u grows without bound", self->index);
}

static void
s_begin(sim_t *sim, sim_worker_t *self)
{
    self->busy = true;
    self->due_ms = SIM_FOREVER;
    self->committing_count =
        self->gathered_count < sim->config.commit_jobs ? self->gathered_count : sim->config.commit_jobs;
    memcpy(self->committing, self->gathered, self->committing_count * sizeof(self->gathered[0]));
    self->gathered_count -= self->committing_count;
    memmove(self->gathered, self->gathered + self->committing_count, self->gathered_count * sizeof(self->gathered[0]));
    if (self->gathered_count)
        self->due_ms = sim_mono_ms(sim, self->node);
    memcpy(self->answering, self->requests, self->request_count * sizeof(self->requests[0]));
    self->answering_count = self->request_count;
    self->request_count = 0;
    s_number(sim, self, self->committing, self->committing_count);
    uint32_t life = sim->nodes[self->node].life;
    bool early = sim_is_broken(sim, SIM_BREAK_ACK_BEFORE_SYNC);
    for (size_t i = 0; i < self->committing_count && sim_is_broken(sim, SIM_BREAK_PUBLISH_BEFORE_COMMIT); i++)
        sim_journal_publish(sim, self, self->committing[i]);
    if (early && !self->durable) {
        self->durable = sim_store_copy(&self->store);
        sim_schedule(sim, sim->now_ms + (int64_t) sim_random(sim, S_LATE_SYNC_MS), SIM_EVENT_STAGE, self->node, life,
                     SIM_STAGE_SYNCED, NULL);
    }
    int64_t sync_ms = early ? 0 : 1 + (int64_t) sim_random(sim, (uint64_t) sim->config.sync_ms);
    sim_schedule(sim, sim->now_ms + sync_ms, SIM_EVENT_STAGE, self->node, life, SIM_STAGE_COMMITTED, NULL);
}

void
sim_journal_synced(sim_worker_t *self)
{
    if (self->durable)
        sim_store_close(self->durable);
    free(self->durable);
    self->durable = NULL;
}

//  ---- replay

static void
s_reply(sim_t *sim, const sim_worker_t *self, const sim_message_t *request, sim_message_t *answer)
{
    sim_send(sim, self->node, request->from, request->from_life, answer);
}

static void
s_send_opened(sim_t *sim, const sim_worker_t *self, const sim_message_t *request)
{
    sim_message_t *answer = sim_message_new(PT_KIND_OPENED, NULL, 0);
    unsigned subscriber = sim->nodes[request->from].index;
    uint8_t mask = sim_subscriber_mask(sim->subscribers[subscriber]);
    answer->as.opened.req_id = request->as.req_id;
    answer->as.opened.worker = sim_worker_id(self->index);
    answer->as.opened.epoch = self->store.epoch;
    for (unsigned topic = 0; topic < SIM_TOPICS; topic++) {
        const sim_stream_t *stream = &self->store.streams[topic];
        if (!(mask & (1u << topic)) || stream->next == 1)
            continue;
        uint64_t position = request->durable ? self->store.members[subscriber].positions[topic] : 0;
        position = position > stream->first ? position : stream->first;
        answer->places[answer->place_count++] = (sim_place_t) {topic, stream->first, stream->next, position};
    }
    s_reply(sim, self, request, answer);
}

//  A record may begin before the number that was asked for.
static uint64_t
s_send_chunk(sim_t *sim, sim_worker_t *self, const sim_message_t *request, uint64_t from, bool first)
{
    const sim_stream_t *stream = &self->store.streams[request->topic];
    uint64_t back = first ? sim_random(sim, 4) : 0;
    from = from - stream->first > back ? from - back : stream->first;
    uint32_t count = 1 + (uint32_t) back + (uint32_t) sim_random(sim, S_CHUNK_MAX - 3);
    count = stream->next - from < count ? (uint32_t) (stream->next - from) : count;
    const sim_decision_t *decisions = &stream->decisions[from - 1];
    sim_message_t *answer = sim_message_new(PT_KIND_FETCHED, decisions, count * sizeof(*decisions));
    answer->req_id = request->as.fetch.req_id;
    answer->topic = request->topic;
    answer->as.decisions = (pt_decisions_t) {.worker = sim_worker_id(self->index),
                                             .epoch = self->store.epoch,
                                             .first_seq = from,
                                             .head_seq = stream->next,
                                             .count = count,
                                             .flags = PT_FLAG_REPLAY};
    for (uint32_t i = 0; i < count; i++)
        sim_oracle_named(sim, self->index, self->store.epoch, from + i, &decisions[i]);
    s_reply(sim, self, request, answer);
    return from + count;
}

static void
s_fetch(sim_t *sim, sim_worker_t *self, const sim_message_t *request)
{
    const sim_stream_t *stream = &self->store.streams[request->topic];
    uint64_t req_id = request->as.fetch.req_id, next = request->as.fetch.from_seq;
    sim_message_t *answer;
    if (request->as.fetch.epoch != self->store.epoch) {
        answer = sim_message_new(PT_KIND_BADEPOCH, NULL, 0);
        answer->as.bad_epoch = (pt_bad_epoch_t) {req_id, self->store.epoch};
    } else if (next < stream->first) {
        answer = sim_message_new(PT_KIND_TRUNCATED, NULL, 0);
        answer->as.truncated = (pt_truncated_t) {req_id, stream->first};
    } else {
        next = next < stream->next ? next : stream->next;
        for (int i = 0; i < S_CHUNKS_MAX && next < stream->next; i++)
            next = s_send_chunk(sim, self, request, next, i == 0);
        answer = sim_message_new(PT_KIND_END, NULL, 0);
        answer->as.end = (pt_end_t) {req_id, next, stream->next};
    }
    s_reply(sim, self, request, answer);
}

static void
s_refuse(sim_t *sim, const sim_worker_t *self, const sim_message_t *request, uint64_t req_id, pt_refusal_t refusal)
{
    sim_message_t *answer = sim_message_new(PT_KIND_REFUSED, NULL, 0);
    answer->as.refused = (pt_refused_t) {req_id, refusal};
    s_reply(sim, self, request, answer);
}

//  What the journal has to write waits for the next commit.
static void
s_put_request(sim_t *sim, sim_worker_t *self, sim_message_t *request)
{
    if (self->request_count == SIM_REQUESTS_MAX) {
        s_refuse(sim, self, request, request->kind == PT_KIND_OPEN ? request->as.req_id : request->req_id,
                 PT_REFUSAL_BUSY);
        return;
    }
    request->refs++;
    self->requests[self->request_count++] = request;
    int64_t due_ms = sim_mono_ms(sim, self->node) + (request->kind == PT_KIND_OPEN ? 0 : S_POSITION_WAIT_MS);
    self->due_ms = due_ms < self->due_ms ? due_ms : self->due_ms;
}

void
sim_journal_ask(sim_t *sim, sim_worker_t *self, sim_message_t *request)
{
    if (request->kind == PT_KIND_FETCH) {
        sim->stats.fetched++;
        s_fetch(sim, self, request);
    } else if (request->kind == PT_KIND_OPEN && !request->durable) {
        s_send_opened(sim, self, request);
    } else if (request->kind == PT_KIND_SUBACK && request->epoch != self->store.epoch) {
        sim_message_t *answer = sim_message_new(PT_KIND_BADEPOCH, NULL, 0);
        answer->as.bad_epoch = (pt_bad_epoch_t) {request->req_id, self->store.epoch};
        s_reply(sim, self, request, answer);
    } else {
        s_put_request(sim, self, request);
    }
}

static void
s_answer_request(sim_t *sim, sim_worker_t *self, const sim_message_t *request)
{
    if (request->kind == PT_KIND_OPEN) {
        s_send_opened(sim, self, request);
    } else if (!self->store.members[sim->nodes[request->from].index].registered) {
        s_refuse(sim, self, request, request->req_id, PT_REFUSAL_UNKNOWN);
    } else {
        sim_message_t *answer = sim_message_new(PT_KIND_SUBACKED, NULL, 0);
        answer->as.req_id = request->req_id;
        s_reply(sim, self, request, answer);
    }
}

void
sim_journal_committed(sim_t *sim, sim_worker_t *self)
{
    s_apply(sim, self);
    self->busy = false;
    for (size_t i = 0; i < self->committing_count; i++)
        s_hand_on(sim, self, self->committing[i], !sim_is_broken(sim, SIM_BREAK_PUBLISH_BEFORE_COMMIT));
    for (size_t i = 0; i < self->answering_count; i++) {
        s_answer_request(sim, self, self->answering[i]);
        sim_message_release(self->answering[i]);
    }
    self->committing_count = self->answering_count = 0;
}

//  ---- start and stop

void
sim_journal_start(sim_t *sim, sim_worker_t *self)
{
    int64_t now_ms = sim_mono_ms(sim, self->node);
    self->topics = pt_topics_new();
    assert(self->topics);
    for (unsigned topic = 0; topic < SIM_TOPICS; topic++) {
        const sim_stream_t *stream = &self->store.streams[topic];
        self->topic[topic] = NULL;
        if (!sim_is_kept(sim, topic))
            continue;
        self->topic[topic] = pt_topics_get(self->topics, sim_topic_queue(topic), sim_topic_name(topic), now_ms);
        assert(self->topic[topic]);
        if (stream->next > 1)
            pt_topic_move(self->topic[topic], stream->first, stream->next, now_ms);
        else
            self->topic[topic]->first_retained = 1;
    }
    memset(self->greeted, 0, sizeof(self->greeted));
    self->due_ms = SIM_FOREVER;
    self->heads_ms = now_ms;
}

void
sim_journal_stop(sim_t *sim, sim_worker_t *self, bool power)
{
    //  The disk was told to write; whether it had is not known.
    if (self->busy && sim_chance(sim, 50))
        s_apply(sim, self);
    if (self->durable && power) {
        sim_store_close(&self->store);
        self->store = *self->durable;
        free(self->durable);
        self->durable = NULL;
    }
    for (size_t i = 0; i < self->answering_count; i++)
        sim_message_release(self->answering[i]);
    for (size_t i = 0; i < self->request_count; i++)
        sim_message_release(self->requests[i]);
    self->gathered_count = self->committing_count = self->answering_count = self->request_count = 0;
    self->busy = false;
    self->published_ms = self->answered_ms = 0;
    sim_journal_synced(self);
}

int64_t
sim_journal_turn(sim_t *sim, sim_worker_t *self)
{
    int64_t now_ms = sim_mono_ms(sim, self->node);
    if (!self->busy && self->due_ms <= now_ms)
        s_begin(sim, self);
    int64_t wake_ms = s_send_heads(sim, self);
    if (!self->busy && self->due_ms < wake_ms)
        wake_ms = self->due_ms;
    return wake_ms;
}
