/*  The loop of pt_engine and pt_accounts around the real window of batches: credit, what is a repeat, and answers. */
#include "sim_worker.h"

#include <assert.h>
#include <stdlib.h>

#include "sim_oracle.h"

#define S_READY_MS 1000
#define S_RETRY_AFTER_MS 50

uint64_t
sim_worker_id(unsigned index)
{
    return 0x4000 + index;
}

sim_worker_t *
sim_worker_new(sim_t *sim, unsigned index)
{
    sim_worker_t *self = calloc(1, sizeof(*self));
    assert(self);
    self->index = index;
    self->node = sim_node(sim, SIM_WORKER, index);
    sim_store_open(&self->store, sim_wall_ms(sim, self->node));
    return self;
}

static void
s_free_job(sim_worker_t *self, sim_job_t *job)
{
    *(job->previous ? &job->previous->next : &self->working) = job->next;
    if (job->next)
        job->next->previous = job->previous;
    sim_message_release(job->message);
    free(job);
}

static void
s_clear_link(sim_link_t *link)
{
    for (size_t i = 0; i < link->inbox_count; i++)
        sim_message_release(link->inbox[i]);
    *link = (sim_link_t) {0};
}

static void
s_clear(sim_worker_t *self)
{
    while (self->working)
        s_free_job(self, self->working);
    pt_dedup_destroy(&self->dedup);
    pt_topics_destroy(&self->topics);
    for (unsigned broker = 0; broker < SIM_BROKERS; broker++)
        s_clear_link(&self->links[broker]);
    self->highest_count = 0;
}

void
sim_worker_destroy(sim_worker_t **self_p)
{
    sim_worker_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->request_count; i++)
        sim_message_release(self->requests[i]);
    for (size_t i = 0; i < self->answering_count; i++)
        sim_message_release(self->answering[i]);
    s_clear(self);
    sim_store_close(&self->store);
    if (self->durable)
        sim_store_close(self->durable);
    free(self->durable);
    free(self);
    *self_p = NULL;
}

sim_highest_t *
sim_worker_highest(sim_worker_t *self, const pt_batch_t *batch)
{
    for (size_t i = 0; i < self->highest_count; i++)
        if (self->highest[i].producer == batch->producer && self->highest[i].epoch == batch->epoch)
            return &self->highest[i];
    assert(self->highest_count < SIM_WINDOWS_MAX);
    self->highest[self->highest_count] = (sim_highest_t) {batch->producer, batch->epoch, 0, 0};
    return &self->highest[self->highest_count++];
}

static void
s_restore_window(sim_worker_t *self, const sim_window_t *window)
{
    bool any = false;
    pt_batch_t name = {.producer = window->producer, .epoch = window->epoch};
    for (size_t i = 0; i < PT_WINDOW; i++) {
        if (!window->seqs[i] || window->seqs[i] < window->floor)
            continue;
        bool well = pt_dedup_restore(self->dedup, window->producer, window->epoch, window->floor, window->seqs[i],
                                     window->crcs[i]);
        assert(well);
        (void) well;
        any = true;
        sim_highest_t *highest = sim_worker_highest(self, &name);
        highest->highest = window->seqs[i] > highest->highest ? window->seqs[i] : highest->highest;
    }
    if (!any && !pt_dedup_restore(self->dedup, window->producer, window->epoch, window->floor, 0, 0))
        abort();
}

void
sim_worker_start(sim_t *sim, sim_worker_t *self)
{
    self->dedup = pt_dedup_new(sim->config.worker_producers);
    assert(self->dedup);
    for (size_t i = 0; i < self->store.window_count && !sim_is_broken(sim, SIM_BREAK_DEDUP_NOT_DURABLE); i++)
        s_restore_window(self, self->store.windows[i]);
    for (unsigned broker = 0; broker < sim->config.brokers; broker++)
        self->links[broker].due = true;
    sim_journal_start(sim, self);
    sim_worker_wake(sim, self);
}

void
sim_worker_stop(sim_t *sim, sim_worker_t *self, bool power)
{
    sim_journal_stop(sim, self, power);
    s_clear(self);
    for (unsigned broker = 0; broker < sim->config.brokers; broker++)
        sim_reset_link(sim, broker, self->index);
}

void
sim_worker_replace_disk(sim_t *sim, sim_worker_t *self)
{
    sim_trace(sim, self->node, "has a new, empty disk");
    sim->stats.disks++;
    for (unsigned topic = 0; topic < SIM_TOPICS; topic++) {
        const sim_stream_t *stream = &self->store.streams[topic];
        for (uint64_t seq = stream->first; seq < stream->next; seq++)
            for (unsigned i = 0; i < sim->config.subscribers; i++)
                sim_oracle_excused(sim, i, &stream->decisions[seq - 1]);
    }
    uint64_t epoch = self->store.epoch;
    sim_oracle_disk_lost(sim, self->index, epoch);
    sim_store_close(&self->store);
    self->disk++;
    //  By the clock, as pt_store does it. That it was not set back behind the old epoch is for whoever
    //  puts in the disk to see to: PROTOCOL.md has it that epochs grow.
    uint64_t now_ms = sim_wall_ms(sim, self->node);
    uint64_t newer = now_ms > epoch ? now_ms : epoch + 1;
    sim_store_open(&self->store, sim_is_broken(sim, SIM_BREAK_SAME_EPOCH) ? epoch : newer);
}

//  ---- answers

static void
s_answer(sim_t *sim, const sim_job_t *job, const sim_worker_t *self, sim_message_t *answer)
{
    answer->client = job->message->client;
    answer->client_life = job->message->client_life;
    sim_send_linked(sim, job->broker, self->index, false, answer);
}

static void
s_send_ack(sim_t *sim, const sim_worker_t *self, const sim_job_t *job)
{
    sim_message_t *answer = sim_message_new(PT_KIND_ACK, NULL, 0);
    answer->as.ack.producer = job->batch.producer;
    answer->as.ack.epoch = job->batch.epoch;
    answer->as.ack.first = sim_is_broken(sim, SIM_BREAK_CUMULATIVE_ACK) ? 1 : job->batch.seq;
    answer->as.ack.last = job->batch.seq;
    s_answer(sim, job, self, answer);
}

static void
s_send_nack(sim_t *sim, const sim_worker_t *self, const sim_job_t *job, pt_reason_t reason)
{
    sim_message_t *answer = sim_message_new(PT_KIND_NACK, NULL, 0);
    answer->as.nack = (pt_nack_t) {.producer = job->batch.producer,
                                   .epoch = job->batch.epoch,
                                   .seq = job->batch.seq,
                                   .reason = reason,
                                   .retry_after_ms = pt_reason_is_passing(reason) ? S_RETRY_AFTER_MS : 0};
    s_answer(sim, job, self, answer);
}

//  ---- batches

//  What the rules that are switched off say instead.
static pt_dedup_state_t
s_judge(const sim_t *sim, sim_worker_t *self, const pt_batch_t *batch)
{
    sim_highest_t *highest = sim_worker_highest(self, batch);
    highest->floor = batch->floor > highest->floor ? batch->floor : highest->floor;
    pt_dedup_state_t state = pt_dedup_take(self->dedup, batch);
    if (sim_is_broken(sim, SIM_BREAK_DEDUP_HIGHEST) && state == PT_DEDUP_NEW && batch->seq <= highest->highest) {
        pt_dedup_release(self->dedup, batch);
        return PT_DEDUP_FINISHED;
    }
    if (sim_is_broken(sim, SIM_BREAK_FLOOR_IGNORED) && batch->seq < highest->floor)
        return PT_DEDUP_NEW;
    return state;
}

static void
s_start_job(sim_t *sim, sim_worker_t *self, sim_job_t *job)
{
    self->links[job->broker].in_work++;
    if (sim_is_broken(sim, SIM_BREAK_ACK_ON_RECEIVE))
        s_send_ack(sim, self, job);
    //  Several actors work side by side, so batches overtake each other.
    sim_schedule(sim, sim->now_ms + (int64_t) sim_random(sim, (uint64_t) sim->config.work_ms + 1), SIM_EVENT_STAGE,
                 self->node, sim->nodes[self->node].life, SIM_STAGE_WORKED, job);
}

static void
s_take_batch(sim_t *sim, sim_worker_t *self, sim_job_t *job)
{
    bool full = sim_store_percent(sim, &self->store) >= SIM_FULL_PERCENT;
    switch (s_judge(sim, self, &job->batch)) {
    case PT_DEDUP_NEW:
        if (!full) {
            s_start_job(sim, self, job);
            return;
        }
        pt_dedup_release(self->dedup, &job->batch);
        s_send_nack(sim, self, job, PT_REASON_BUSY);
        break;
    case PT_DEDUP_IN_WORK:
        break;
    case PT_DEDUP_FINISHED:
        s_send_ack(sim, self, job);
        break;
    case PT_DEDUP_CONFLICT:
        s_send_nack(sim, self, job, PT_REASON_CONFLICT);
        break;
    }
    s_free_job(self, job);
}

static void
s_receive(sim_t *sim, sim_worker_t *self, unsigned broker, sim_message_t *message)
{
    sim_link_t *link = &self->links[broker];
    if (message->kind == PT_KIND_HELLO) {
        link->received = link->announced = 0;
        link->due = true;
        return;
    }
    link->received++;
    sim_job_t *job = calloc(1, sizeof(*job));
    assert(job);
    message->refs++;
    *job = (sim_job_t) {.next = self->working, .broker = broker, .message = message, .batch = message->as.batch};
    if (job->next)
        job->next->previous = job;
    self->working = job;
    s_take_batch(sim, self, job);
}

//  A connection that broke takes along what was not read.
static void
s_read_link(sim_t *sim, sim_worker_t *self, unsigned broker)
{
    sim_link_t *link = &self->links[broker];
    size_t done = 0;
    for (; done < link->inbox_count && link->in_work < sim->config.link_window; done++) {
        if (link->inbox[done]->route == sim_route(sim, broker, self->index))
            s_receive(sim, self, broker, link->inbox[done]);
        sim_message_release(link->inbox[done]);
    }
    link->inbox_count -= done;
    memmove(link->inbox, link->inbox + done, link->inbox_count * sizeof(link->inbox[0]));
}

static void
s_take_from_broker(sim_t *sim, sim_worker_t *self, unsigned broker, sim_message_t *message)
{
    sim_link_t *link = &self->links[broker];
    if (link->inbox_count == SIM_INBOX_MAX) {
        sim_fail(sim, "worker %u was sent far more than it gave credit for", self->index);
        return;
    }
    message->refs++;
    link->inbox[link->inbox_count++] = message;
}

static void
s_add_decisions(const sim_t *sim, sim_job_t *job, pt_bytes_t item, uint32_t index)
{
    uint16_t producer;
    uint32_t response;
    unsigned topics[2];
    memcpy(&producer, item.data, sizeof(producer));
    memcpy(&response, item.data + 4, sizeof(response));
    //  Every other producer gives ids of its own; the others' are made up from the batch.
    uint64_t identity = sim_mix(job->batch.producer, producer % 2 ? UINT64_C(1) << 40 | response : 0);
    if (producer % 2 == 0)
        identity = sim_mix(sim_mix(identity, job->batch.epoch), sim_mix(job->batch.seq, index));
    size_t count = sim_topics_of(sim, producer, response, topics);
    for (size_t i = 0; i < count; i++)
        job->decisions[job->count++] =
            (sim_decision_t) {.producer = producer,
                              .topic = (uint16_t) topics[i],
                              .response = response,
                              .attempt = sim_attempt_of(sim, producer, response),
                              .identity = sim_mix(identity, sim_attempt_of(sim, producer, response))};
}

static int
s_compare_topics(const void *left, const void *right)
{
    const sim_decision_t *a = left, *b = right;
    if (a->topic != b->topic)
        return a->topic < b->topic ? -1 : 1;
    return (a->response > b->response) - (a->response < b->response);
}

//  Decide about a batch, or refuse it for bytes that are not what was checksummed.
static void
s_work(const sim_t *sim, sim_job_t *job)
{
    pt_bytes_t payload = {job->message->data, job->message->size};
    pt_items_t items;
    pt_status_t status = PT_E_CHECKSUM;
    if (pt_wire_crc32(payload) == job->batch.crc32)
        status = pt_items_open_batch(payload, job->batch.count, &items);
    job->refused = status != PT_OK;
    if (job->refused) {
        job->reason = pt_batch_reason(status, &job->batch);
        return;
    }
    pt_bytes_t item;
    for (uint32_t index = 0; pt_items_next(&items, &item); index++)
        s_add_decisions(sim, job, item, index);
    qsort(job->decisions, job->count, sizeof(job->decisions[0]), s_compare_topics);
    for (uint32_t i = 0; i < job->count; i++)
        job->kept |= sim_is_kept(sim, job->decisions[i].topic);
}

static void
s_finish_job(sim_t *sim, sim_worker_t *self, sim_job_t *job)
{
    self->links[job->broker].in_work--;
    if (job->refused) {
        pt_dedup_release(self->dedup, &job->batch);
        s_send_nack(sim, self, job, job->reason);
    } else {
        pt_dedup_finish(self->dedup, &job->batch);
        sim_highest_t *highest = sim_worker_highest(self, &job->batch);
        highest->highest = job->batch.seq > highest->highest ? job->batch.seq : highest->highest;
        sim->stats.batches++;
        if (!sim_is_broken(sim, SIM_BREAK_ACK_ON_RECEIVE))
            s_send_ack(sim, self, job);
    }
    s_free_job(self, job);
}

//  ---- credit

static void
s_announce(sim_t *sim, sim_worker_t *self, unsigned broker)
{
    sim_link_t *link = &self->links[broker];
    int64_t now_ms = sim_mono_ms(sim, self->node);
    uint32_t window = sim->config.link_window;
    uint64_t limit = link->received + (link->in_work < window ? window - link->in_work : 0);
    bool worth =
        limit > link->announced && (link->announced <= link->received || limit - link->announced >= (window + 3) / 4);
    if (!link->due && now_ms - link->told_ms < S_READY_MS && !worth)
        return;
    sim_message_t *ready = sim_message_new(PT_KIND_READY, NULL, 0);
    ready->as.ready = (pt_ready_t) {sim_worker_id(self->index), self->store.epoch, link->received, limit};
    sim_send_linked(sim, broker, self->index, false, ready);
    link->announced = limit;
    link->due = false;
    link->told_ms = now_ms;
}

void
sim_worker_wake(sim_t *sim, sim_worker_t *self)
{
    int64_t wake_ms = sim_journal_turn(sim, self);
    for (unsigned broker = 0; broker < sim->config.brokers; broker++) {
        s_read_link(sim, self, broker);
        s_announce(sim, self, broker);
        int64_t told_ms = self->links[broker].told_ms + S_READY_MS;
        wake_ms = told_ms < wake_ms ? told_ms : wake_ms;
    }
    sim_wake(sim, self->node, wake_ms);
}

void
sim_worker_take(sim_t *sim, sim_worker_t *self, sim_message_t *message)
{
    const sim_node_t *from = &sim->nodes[message->from];
    if (from->role == SIM_SUBSCRIBER)
        sim_journal_ask(sim, self, message);
    else if (message->route == sim_route(sim, from->index, self->index))
        s_take_from_broker(sim, self, from->index, message);
    sim_worker_wake(sim, self);
}

void
sim_worker_stage(sim_t *sim, sim_worker_t *self, unsigned stage, void *what)
{
    switch ((sim_stage_t) stage) {
    case SIM_STAGE_WORKED:
        s_work(sim, what);
        sim_journal_take(sim, self, what);
        break;
    case SIM_STAGE_COMMITTED:
        sim_journal_committed(sim, self);
        break;
    case SIM_STAGE_SYNCED:
        sim_journal_synced(self);
        break;
    case SIM_STAGE_PUBLISH:
        sim_journal_publish(sim, self, what);
        break;
    case SIM_STAGE_ANSWER:
        s_finish_job(sim, self, what);
        break;
    }
    sim_worker_wake(sim, self);
}
