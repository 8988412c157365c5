/*  One writer, one lock. The records stand in a pt_outbox_log; what they say together is pt_outbox_ledger's. */
#include "pt_outbox_file.h"

#include "pt_outbox_ledger.h"
#include "pt_outbox_log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct pt_outbox_file {
    char *path;
    pt_outbox_log_t log;
    uint64_t synced;           //  bytes of the log that are on disk
    bool unsynced;             //  of the others, some have to be
    bool broken;               //  a write or sync failed: nothing is promised any more
    pt_outbox_ledger_t ledger; //  what the records say
    uint8_t *room;             //  one payload
};

static pt_status_t
s_break(pt_outbox_file_t *self)
{
    self->broken = true;
    return PT_E_IO;
}

//  Read records as far as they are whole: to *at. False with errno when one contradicts those before it.
static bool
s_read_records(pt_outbox_file_t *self, uint64_t end, uint64_t *at)
{
    pt_outbox_record_t record;
    while (*at < end && pt_outbox_log_read(&self->log, *at, end, self->room, &record)) {
        if (!pt_outbox_ledger_take(&self->ledger, &record, self->room, *at)) {
            errno = EBADMSG;
            return false;
        }
        *at += PT_OUTBOX_RECORD_BYTES + record.payload_len;
    }
    return true;
}

//  Read all records; what follows the last whole one is cut off.
static bool
s_load(pt_outbox_file_t *self, pt_outbox_file_state_t *out_state)
{
    struct stat info;
    if (fstat(self->log.fd, &info) != 0)
        return false;
    uint64_t end = (uint64_t) info.st_size, at = 0;
    errno = EBADMSG;
    if (!S_ISREG(info.st_mode) || !s_read_records(self, end, &at))
        return false;
    if (at < end && (at == 0 || pt_outbox_log_is_damaged(&self->log, at, end, self->room))) {
        errno = EBADMSG;
        return false;
    }
    out_state->fresh = end == 0;
    out_state->cut_bytes = end - at;
    if (at < end && ftruncate(self->log.fd, (off_t) at) != 0)
        return false;
    self->log.size = at;
    //  What another life wrote may still be in memory only: it is on disk before anything builds on it.
    if (fdatasync(self->log.fd) != 0)
        return false;
    self->synced = at;
    return true;
}

static void
s_tell_state(pt_outbox_file_t *self, pt_outbox_file_state_t *out_state)
{
    out_state->producer = self->ledger.producer;
    out_state->epoch = self->ledger.epoch;
    out_state->next = self->ledger.next;
    out_state->cover = self->ledger.cover;
    out_state->complete = self->ledger.complete;
    for (uint64_t seq = self->ledger.floor; seq < self->ledger.next; seq++)
        out_state->batches += pt_outbox_ledger_place(&self->ledger, seq)->open;
}

pt_outbox_file_t *
pt_outbox_file_open(const char *path, pt_outbox_file_state_t *out_state)
{
    assert(path);
    assert(out_state);

    *out_state = (pt_outbox_file_state_t) {0};
    pt_outbox_file_t *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->log.fd = -1;
    self->path = strdup(path);
    self->room = malloc(PT_BATCH_BYTES_MAX);
    if (self->path && self->room)
        self->log.fd = pt_outbox_log_lock(path);
    if (self->log.fd < 0 || !s_load(self, out_state)) {
        int error = errno;
        pt_outbox_file_close(&self);
        errno = error;
        return NULL;
    }
    s_tell_state(self, out_state);
    return self;
}

void
pt_outbox_file_close(pt_outbox_file_t **self_p)
{
    pt_outbox_file_t *self = *self_p;
    if (!self)
        return;
    if (self->log.fd >= 0)
        close(self->log.fd);
    free(self->path);
    free(self->room);
    free(self);
    *self_p = NULL;
}

static bool
s_sync_directory(const char *path)
{
    char copy[4096];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool well = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return well;
}

//  The record of an unanswered batch, and its payload into the room.
static bool
s_read_batch(pt_outbox_file_t *self, const pt_outbox_place_t *place, pt_outbox_record_t *out_record)
{
    return pt_outbox_log_read(&self->log, place->offset, self->log.size, self->room, out_record);
}

//  All that is still needed, into a new log; places of batches move.
static bool
s_write_whole(pt_outbox_file_t *self, pt_outbox_log_t *log)
{
    pt_outbox_record_t begin = {.type = PT_OUTBOX_BEGIN,
                                .value = {self->ledger.producer, self->ledger.epoch, self->ledger.next},
                                .responses = self->ledger.cover.responses,
                                .hash = self->ledger.cover.hash};
    if (!pt_outbox_log_append(log, &begin, (pt_bytes_t) {0}))
        return false;
    for (uint64_t seq = self->ledger.floor; seq < self->ledger.next; seq++) {
        pt_outbox_place_t *place = pt_outbox_ledger_place(&self->ledger, seq);
        pt_outbox_record_t record;
        if (!place->open)
            continue;
        if (!s_read_batch(self, place, &record))
            return false;
        uint64_t offset = log->size;
        record.type = PT_OUTBOX_KEPT;
        record.synced = 0;
        if (!pt_outbox_log_append(log, &record, (pt_bytes_t) {self->room, record.payload_len}))
            return false;
        place->offset = offset;
    }
    return true;
}

//  Written beside it, synced and renamed over it: there is one whole file at every moment.
static pt_status_t
s_rewrite(pt_outbox_file_t *self)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s.new", self->path) >= (int) sizeof path) {
        errno = ENAMETOOLONG;
        return s_break(self);
    }
    pt_outbox_log_t log = {.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (log.fd < 0 || flock(log.fd, LOCK_EX | LOCK_NB) != 0 || !s_write_whole(self, &log) || fdatasync(log.fd) != 0 ||
        rename(path, self->path) != 0 || !s_sync_directory(self->path)) {
        int error = errno;
        if (log.fd >= 0)
            close(log.fd);
        errno = error;
        return s_break(self);
    }
    close(self->log.fd);
    self->log = log;
    self->synced = log.size;
    self->unsynced = false;
    return PT_OK;
}

pt_status_t
pt_outbox_file_begin(pt_outbox_file_t *self, uint64_t producer, uint64_t epoch)
{
    assert(self);

    if (self->broken)
        return PT_E_IO;
    self->ledger.producer = producer;
    self->ledger.epoch = epoch;
    self->ledger.floor = self->ledger.next = 1;
    self->ledger.cover = (pt_outbox_cover_t) {0};
    self->ledger.live_bytes = 0;
    self->ledger.complete = false;
    return s_rewrite(self);
}

pt_status_t
pt_outbox_file_restore(pt_outbox_file_t *self, pt_outbox_t *outbox)
{
    assert(self);
    assert(outbox);

    for (uint64_t seq = self->ledger.floor; seq < self->ledger.next; seq++) {
        const pt_outbox_place_t *place = pt_outbox_ledger_place(&self->ledger, seq);
        pt_outbox_record_t record;
        if (!place->open)
            continue;
        if (!s_read_batch(self, place, &record))
            return s_break(self);
        //  The cover counts the input up to the batch's end.
        uint64_t first = place->cover.responses >= place->count ? place->cover.responses - place->count : 0;
        pt_bytes_t payload = {self->room, record.payload_len};
        pt_status_t status = pt_outbox_restore(outbox, seq, first, place->count, payload);
        if (status != PT_OK)
            return status;
    }
    return PT_OK;
}

pt_status_t
pt_outbox_file_add(pt_outbox_file_t *self, const pt_outbox_batch_t *batch, pt_outbox_cover_t cover)
{
    assert(self);
    assert(batch);
    assert(batch->header.seq == self->ledger.next);

    if (self->broken)
        return PT_E_IO;
    pt_outbox_record_t record = {.type = PT_OUTBOX_BATCH,
                                 .payload_len = (uint32_t) batch->payload.len,
                                 .value = {batch->header.seq, batch->header.count},
                                 .responses = cover.responses,
                                 .hash = cover.hash,
                                 .synced = self->synced};
    uint64_t offset = self->log.size;
    if (!pt_outbox_log_append(&self->log, &record, batch->payload))
        return s_break(self);
    //  The outbox has let go of what is answered, so its window is no wider than ours.
    bool taken = pt_outbox_ledger_take(&self->ledger, &record, self->room, offset);
    assert(taken);
    self->unsynced = true;
    return PT_OK;
}

//  Close the batches that the outbox has no more. Those from `floor` on are named by their bits, in *out_bytes bytes.
//  True: some of them were open.
static bool
s_close_answered(pt_outbox_file_t *self, const pt_outbox_t *outbox, uint64_t floor, uint8_t bits[PT_WINDOW / 8],
                 size_t *out_bytes)
{
    bool news = false;
    for (uint64_t seq = self->ledger.floor; seq < self->ledger.next; seq++) {
        pt_outbox_batch_t batch;
        if (pt_outbox_batch(outbox, seq, &batch))
            continue;
        news |= pt_outbox_ledger_place(&self->ledger, seq)->open;
        pt_outbox_ledger_close(&self->ledger, seq);
        if (seq < floor)
            continue;
        bits[(seq - floor) / 8] |= (uint8_t) (1u << ((seq - floor) % 8));
        *out_bytes = (size_t) (seq - floor) / 8 + 1;
    }
    pt_outbox_ledger_lift(&self->ledger);
    return news;
}

pt_status_t
pt_outbox_file_answered(pt_outbox_file_t *self, const pt_outbox_t *outbox)
{
    assert(self);
    assert(outbox);

    if (self->broken)
        return PT_E_IO;
    uint8_t bits[PT_WINDOW / 8] = {0};
    size_t bytes = 0;
    uint64_t floor = pt_outbox_floor(outbox);
    floor = floor < self->ledger.next ? floor : self->ledger.next;
    if (!s_close_answered(self, outbox, floor, bits, &bytes))
        return PT_OK;
    pt_outbox_record_t record = {.type = PT_OUTBOX_ANSWERED, .value = {floor}, .synced = self->synced};
    if (!pt_outbox_log_append(&self->log, &record, (pt_bytes_t) {bits, bytes}))
        return s_break(self);
    if (self->log.size > PT_OUTBOX_FILE_BYTES_SOFT && self->log.size / 4 > self->ledger.live_bytes)
        return s_rewrite(self);
    return PT_OK;
}

pt_status_t
pt_outbox_file_sync(pt_outbox_file_t *self)
{
    assert(self);

    if (self->broken)
        return PT_E_IO;
    if (!self->unsynced)
        return PT_OK;
    //  After a failed sync the kernel may call the pages clean, so there is no second try.
    if (fdatasync(self->log.fd) != 0)
        return s_break(self);
    self->synced = self->log.size;
    self->unsynced = false;
    return PT_OK;
}

pt_status_t
pt_outbox_file_complete(pt_outbox_file_t *self)
{
    assert(self);
    assert(self->ledger.floor == self->ledger.next);

    if (self->broken)
        return PT_E_IO;
    pt_outbox_record_t record = {.type = PT_OUTBOX_COMPLETE, .synced = self->synced};
    if (!pt_outbox_log_append(&self->log, &record, (pt_bytes_t) {0}))
        return s_break(self);
    self->ledger.complete = self->unsynced = true;
    return pt_outbox_file_sync(self);
}
