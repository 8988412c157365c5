/*  When to commit, and what follows from the result. A commit is durable when the next one has been on the disk, or
 *  when there is none and it is synced by itself: one wait for the disk per commit in a busy journal, two in an idle
 *  one. What follows where it found no room is pt_journal_undo's.
 */
#include "pt_journal.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "pt_actor.h"
#include "pt_fault_point.h"
#include "pt_journal_parts.h"
#include "pt_sockets.h"
#include "pt_wait.h"

//  Positions wait this long for decisions to be committed along with; a subscriber asks again after
//  a second without an answer. As many as one SUBACK holds do not wait: more are to follow them.
#define S_POSITION_WAIT_MS 200

//  Between two pieces of the file that are prepared meanwhile; a piece keeps a batch waiting for less than a commit.
#define S_PREPARE_EVERY_MS 20
#define S_PREPARE_BYTES (256u << 10)

//  The part of the file that one commit may take; at 1 GiB it is PT_JOURNAL_BYTES_MAX.
#define S_COMMIT_SHARE 64

//  The part that one batch is sure to find after hard trimming, with the pages that are not free yet.
#define S_BATCH_SHARE 4

void
pt_journal_fail(pt_journal_t *self)
{
    uint64_t one = 1;
    self->failed = true;
    pt_stats_journal_failed(self->stats);
    ssize_t written = write(self->failure_fd, &one, sizeof(one));
    assert(written == (ssize_t) sizeof(one));
    (void) written;
}

void
pt_journal_answer_requests(pt_journal_t *self, const pt_commit_t *commit)
{
    for (size_t i = 0; i < commit->request_count; i++)
        pt_askers_answer(&self->askers, commit->requests[i]);
    PT_FAULT_POINT("journal.answered");
}

void
pt_journal_hand_jobs(pt_journal_t *self, const pt_commit_t *commit)
{
    for (size_t i = 0; i < commit->job_count; i++) {
        pt_job_hand(zsock_resolve(self->next), commit->jobs[i]);
        PT_FAULT_POINT("journal.handed");
    }
}

//  What was written is durable.
static void
s_tell_written(pt_journal_t *self)
{
    pt_journal_hand_jobs(self, self->written);
    pt_journal_answer_requests(self, self->written);
    pt_commit_clear(self->written);
}

static bool
s_has_written(const pt_journal_t *self)
{
    return self->written->job_count || self->written->request_count;
}

bool
pt_journal_sync(pt_journal_t *self)
{
    if (!s_has_written(self))
        return true;
    PT_FAULT_POINT("journal.sync.before");
    pt_stats_disk_begin(self->stats);
    pt_status_t status = pt_store_sync(self->written->store);
    pt_stats_disk_end(self->stats);
    PT_FAULT_POINT("journal.sync.after");
    if (status != PT_OK && PT_RULE("stop_on_fault")) {
        pt_journal_fail(self);
        return false;
    }
    s_tell_written(self);
    return true;
}

static void
s_commit(pt_journal_t *self)
{
    PT_FAULT_POINT("journal.commit.before");
    pt_stats_disk_begin(self->stats);
    pt_status_t status = pt_commit_write(self->commit, (uint64_t) zclock_time());
    pt_stats_commit_end(self->stats, status, self->commit->batch_count, self->commit->bytes);
    PT_FAULT_POINT("journal.commit.after");
    self->due_ms = INT64_MAX;
    if (status == PT_E_IO && PT_RULE("stop_on_fault")) {
        pt_journal_fail(self);
        return;
    }
    //  Trains that do not fit together are tried one by one.
    self->jobs_max = status == PT_E_SPACE ? 1 : self->commit_jobs;
    if (status != PT_OK && status != PT_E_IO) {
        pt_journal_undo(self, status);
        return;
    }
    //  This commit has waited for the disk on behalf of the one before.
    s_tell_written(self);
    pt_commit_t *told = self->written;
    self->written = self->commit;
    self->commit = told;
    //  Both always hold but in tests. NOLINTNEXTLINE(misc-redundant-expression)
    if (!PT_RULE("publish_after_commit") || !PT_RULE("tell_when_synced"))
        s_tell_written(self);
}

static void
s_prepare(pt_journal_t *self, int64_t now_ms)
{
    self->prepare_ms = now_ms + S_PREPARE_EVERY_MS;
    pt_stats_disk_begin(self->stats);
    pt_status_t status = pt_store_prepare(self->commit->store, S_PREPARE_BYTES);
    pt_stats_disk_end(self->stats);
    if (status == PT_E_IO)
        pt_journal_fail(self);
}

static void
s_set_due(pt_journal_t *self, int64_t due_ms)
{
    if (due_ms < self->due_ms)
        self->due_ms = due_ms;
}

static bool
s_has_room(const pt_journal_t *self)
{
    return self->commit->job_count < self->jobs_max && self->commit->bytes < self->commit_bytes;
}

static void
s_gather_jobs(pt_journal_t *self, int64_t now_ms)
{
    pt_job_t *job;
    //  Those without anything to keep take no room, and what is written waits for the end of the turn.
    for (uint32_t left = self->commit_jobs; left && s_has_room(self); left--) {
        job = pt_job_take(zsock_resolve(self->jobs));
        if (!job)
            break;
        if (!pt_teller_take(self->teller, job, now_ms))
            pt_job_refuse(job, PT_REASON_BUSY);
        if (!pt_commit_wants(self->commit, job)) {
            pt_job_hand(zsock_resolve(self->next), job);
            continue;
        }
        pt_commit_add(self->commit, job);
        PT_FAULT_POINT("journal.took");
        s_set_due(self, now_ms + self->wait_ms);
    }
    if (!s_has_room(self))
        s_set_due(self, now_ms);
}

static void
s_gather_requests(pt_journal_t *self, int64_t now_ms)
{
    pt_request_t *request;
    while (self->commit->request_count < PT_COMMIT_REQUESTS_MAX &&
           (request = pt_request_take(zsock_resolve(self->requests))) != NULL) {
        self->commit->requests[self->commit->request_count++] = request;
        PT_FAULT_POINT("journal.request");
        bool waits = request->kind == PT_REQUEST_POSITION && request->topic_count < PT_HEADS_MAX;
        s_set_due(self, now_ms + (waits ? S_POSITION_WAIT_MS : 0));
    }
    if (self->commit->request_count == PT_COMMIT_REQUESTS_MAX)
        s_set_due(self, now_ms);
}

static int64_t
s_summary_due_ms(const pt_journal_t *self)
{
    int64_t due_ms = pt_teller_due_ms(self->teller);
    return due_ms > self->summary_ms ? due_ms : self->summary_ms;
}

//  Sum up alerts at the end of a commit. True: there were any.
static bool
s_gather_summaries(pt_journal_t *self, int64_t now_ms, bool at_the_end)
{
    pt_job_t *job = pt_job_new();
    if (!job)
        self->summary_ms = now_ms + PT_JOURNAL_SUMMARY_AGAIN_MS;
    if (!job || !pt_teller_sum_up(self->teller, now_ms, at_the_end, job)) {
        pt_job_destroy(&job);
        return false;
    }
    job->is_summary = true;
    job->plain = true; //  there is no batch to remember
    pt_commit_add(self->commit, job);
    s_set_due(self, now_ms);
    return true;
}

static int64_t
s_next_wake(const pt_journal_t *self, int64_t now_ms)
{
    int64_t wake_ms = self->due_ms;
    if (pt_store_wants_trim(self->commit->store) && self->trim_ms < wake_ms)
        wake_ms = self->trim_ms;
    if (pt_store_wants_prepare(self->commit->store) && self->prepare_ms < wake_ms)
        wake_ms = self->prepare_ms;
    if (s_summary_due_ms(self) < wake_ms)
        wake_ms = s_summary_due_ms(self);
    if (s_has_written(self))
        wake_ms = now_ms;
    if (self->failed || wake_ms == INT64_MAX)
        return -1;
    return wake_ms > now_ms ? wake_ms - now_ms : 0;
}

//  Other jobs than summaries belong to the pool.
static void
s_close_commit(pt_commit_t *commit)
{
    for (size_t i = 0; i < commit->job_count; i++)
        if (commit->jobs[i]->is_summary)
            pt_job_destroy(&commit->jobs[i]);
    free(commit->entries);
    free(commit->parts);
}

static void
s_journal_close(pt_journal_t **self_p)
{
    pt_journal_t *self = *self_p;
    if (!self)
        return;
    zsock_destroy(&self->jobs);
    zsock_destroy(&self->next);
    zsock_destroy(&self->requests);
    pt_askers_clear(&self->askers);
    for (size_t k = 0; k < 2; k++)
        s_close_commit(&self->commits[k]);
    pt_teller_destroy(&self->teller);
    free(self);
    *self_p = NULL;
}

static void
s_show_usage(pt_journal_t *self)
{
    pt_store_usage_t usage = pt_store_usage(self->commit->store);
    pt_stats_journal(self->stats, self->commit->batch_count + self->written->batch_count, &usage);
}

static bool
s_open_sockets(pt_journal_t *self, const pt_journal_options_t *options)
{
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    self->jobs = pt_sockets_new(ZMQ_PULL, 0, 0);
    self->next = pt_sockets_new(ZMQ_PUSH, 0, 0);
    self->requests = pt_sockets_new(ZMQ_PULL, 0, 0);
    return self->jobs && self->next && self->requests && pt_sockets_bind(self->jobs, options->jobs, bound) == PT_OK &&
           pt_sockets_bind(self->requests, options->requests, bound) == PT_OK &&
           pt_sockets_connect(self->next, options->next) == PT_OK;
}

//  What is made durable at a time. One commit must fit between the mark where trimming starts and the end of a small
//  file, with the pages that it copies; else it is refused again and again and nothing is ever trimmed.
static void
s_limit_commits(pt_journal_t *self, const pt_journal_options_t *options)
{
    uint64_t file_bytes = pt_store_usage(options->store).pages_max * (uint64_t) sysconf(_SC_PAGESIZE);
    self->commit_jobs = options->commit_jobs ? options->commit_jobs : PT_JOURNAL_JOBS_DEFAULT;
    self->jobs_max = self->commit_jobs;
    self->batch_bytes_max = file_bytes / S_BATCH_SHARE;
    self->commit_bytes = file_bytes / S_COMMIT_SHARE;
    if (self->commit_bytes > PT_JOURNAL_BYTES_MAX)
        self->commit_bytes = PT_JOURNAL_BYTES_MAX;
}

static pt_journal_t *
s_journal_open(const pt_journal_options_t *options)
{
    pt_journal_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    for (size_t k = 0; k < 2; k++) {
        self->commits[k].store = options->store;
        self->commits[k].settled = options->settled;
    }
    self->commit = &self->commits[0];
    self->written = &self->commits[1];
    s_limit_commits(self, options);
    self->wait_ms = options->commit_wait_ms;
    self->due_ms = INT64_MAX;
    self->failure_fd = options->failure_fd;
    self->stats = options->stats;
    s_show_usage(self);
    self->teller = pt_teller_new(options->alerts, options->stats);
    if (!self->teller || !s_open_sockets(self, options)) {
        int reason = errno;
        s_journal_close(&self);
        errno = reason;
    }
    return self;
}

static void
s_take_turn(pt_journal_t *self)
{
    int64_t now_ms = zclock_mono();
    s_gather_jobs(self, now_ms);
    s_gather_requests(self, now_ms);
    if (now_ms >= s_summary_due_ms(self))
        s_gather_summaries(self, now_ms, false);
    if (now_ms >= self->due_ms)
        s_commit(self);
    else if (s_has_written(self))
        pt_journal_sync(self);
    else if (now_ms >= self->trim_ms && pt_store_wants_trim(self->commit->store))
        pt_journal_trim(self, false);
    else if (now_ms >= self->prepare_ms && pt_store_wants_prepare(self->commit->store))
        s_prepare(self, now_ms);
    s_show_usage(self);
}

//  Folded alerts must not wait for a start that may never come. Jobs that are still here were not
//  drained, and their alerts come again with them.
static void
s_sum_up_the_rest(pt_journal_t *self)
{
    while (!self->failed && pt_journal_sync(self) && !self->commit->job_count &&
           s_gather_summaries(self, zclock_mono(), true)) {
        self->summary_ms = 0;
        s_commit(self);
        if (self->summary_ms)
            return;
    }
}

static void
s_journal_run(zsock_t *pipe, void *argument)
{
    pt_journal_t *self = argument;
    pt_wait_item_t items[] = {
        pt_wait_socket(zsock_resolve(pipe)),
        pt_wait_socket(zsock_resolve(self->jobs)),
        pt_wait_socket(zsock_resolve(self->requests)),
    };
    zsock_signal(pipe, 0);
    for (;;) {
        pt_wait(items, self->failed ? 1 : 3, s_next_wake(self, zclock_mono()));
        //  The only command is the end.
        if (items[0].ready)
            break;
        if (!self->failed)
            s_take_turn(self);
    }
    s_sum_up_the_rest(self);
    s_journal_close(&self);
}

zactor_t *
pt_journal_new(const pt_journal_options_t *options)
{
    assert(options);
    assert(options->store);
    assert(options->jobs && options->next && options->requests);
    assert(options->alerts);
    assert(options->commit_jobs <= PT_JOURNAL_JOBS_MAX);

    pt_journal_t *self = s_journal_open(options);
    if (!self)
        return NULL;
    zactor_t *actor = pt_actor_new(s_journal_run, self);
    if (!actor)
        s_journal_close(&self);
    return actor;
}
