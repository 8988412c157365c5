#include "pt_journal_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pt_bench.h"
#include "pt_scratch.h"

bool
pt_journal_log_open(pt_journal_log_t *self, const char *folder, unsigned number, uint64_t bytes)
{
    char dir[PT_SCRATCH_PATH_BYTES + 32];
    char error[PT_STORE_ERROR_BYTES_MAX];
    snprintf(dir, sizeof(dir), "%s/journal-%u", folder, number);
    pt_store_options_t options = {.dir = dir, .bytes = bytes};
    if (pt_store_open(&options, &self->store, error) != PT_OK) {
        fprintf(stderr, "pt_bench_journal: %s\n", error);
        return false;
    }
    self->commit = pt_bench_alloc(sizeof(*self->commit));
    self->commit->store = self->store;
    return true;
}

void
pt_journal_log_close(pt_journal_log_t *self)
{
    if (self->commit) {
        free(self->commit->entries);
        free(self->commit->parts);
    }
    free(self->commit);
    pt_store_close(&self->store);
}

//  Every batch has the next number, as a producer's have; what it waits for is the window behind it.
static void
s_number_job(pt_journal_log_t *self, pt_job_t *job)
{
    job->batch.seq = ++self->seq;
    job->batch.floor = self->seq > 64 ? self->seq - 64 : 1;
}

bool
pt_journal_log_commit(pt_journal_log_t *self, const pt_gathered_t *gathered, bool sync)
{
    for (size_t i = 0; i < gathered->job_count; i++) {
        s_number_job(self, gathered->jobs[i]);
        pt_commit_add(self->commit, gathered->jobs[i]);
    }
    pt_status_t status = pt_commit_write(self->commit, (uint64_t) time(NULL) * 1000);
    if (status == PT_OK && sync)
        status = pt_store_sync(self->store);
    pt_commit_clear(self->commit);
    self->decisions += gathered->decisions;
    if (status != PT_OK)
        fprintf(stderr, "pt_bench_journal: the journal: %s: %s\n", pt_status_text(status), pt_store_error(self->store));
    return status == PT_OK;
}

bool
pt_journal_log_prepare(pt_journal_log_t *self, size_t bytes)
{
    return !pt_store_wants_prepare(self->store) || pt_store_prepare(self->store, bytes) == PT_OK;
}

static void
s_tell_fault(void *context, const char *where, uint64_t seq, const char *what)
{
    (void) context;
    fprintf(stderr, "pt_bench_journal: %s %llu: %s\n", where, (unsigned long long) seq, what);
}

bool
pt_journal_log_check(pt_journal_log_t *self)
{
    uint64_t numbered = 0;
    pt_store_view_t *view;
    pt_store_head_t head = {.topic = ""};
    pt_store_verified_t verified;
    if (pt_store_sync(self->store) != PT_OK || pt_store_view_open(self->store, &view) != PT_OK)
        return false;
    while (pt_store_view_topic(view, head.topic, &head) == PT_OK)
        numbered += head.next_seq - 1;
    pt_store_view_close(&view);
    bool is_good = pt_store_verify(self->store, s_tell_fault, NULL, &verified) == PT_OK && !verified.faults;
    if (!is_good || numbered != self->decisions)
        fprintf(stderr, "pt_bench_journal: %llu decisions were committed, %llu are numbered\n",
                (unsigned long long) self->decisions, (unsigned long long) numbered);
    return is_good && numbered == self->decisions;
}
