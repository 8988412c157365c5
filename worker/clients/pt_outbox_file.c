/*  Append-only, one writer, one lock. What the records say together is pt_outbox_ledger's. */
#include "pt_outbox_file.h"

#include "pt_outbox_ledger.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct pt_outbox_file {
    char *path;
    int fd;
    uint64_t size, synced;     //  bytes written; of these, on disk
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

static bool
s_write(int fd, pt_bytes_t bytes, uint64_t offset)
{
    while (bytes.len) {
        ssize_t written = pwrite(fd, bytes.data, bytes.len, (off_t) offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes.data += written;
        bytes.len -= (size_t) written;
        offset += (uint64_t) written;
    }
    return true;
}

static bool
s_read(int fd, uint8_t *out, size_t len, uint64_t offset)
{
    while (len) {
        ssize_t got = pread(fd, out, len, (off_t) offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        out += got;
        len -= (size_t) got;
        offset += (uint64_t) got;
    }
    return true;
}

//  Head and payload at *size, which moves behind them.
static bool
s_append(int fd, uint64_t *size, pt_outbox_record_t record, pt_bytes_t payload)
{
    uint8_t head[PT_OUTBOX_RECORD_BYTES];
    pt_outbox_record_encode(&record, payload, head);
    if (!s_write(fd, (pt_bytes_t) {head, sizeof head}, *size) || !s_write(fd, payload, *size + sizeof head))
        return false;
    *size += sizeof head + payload.len;
    return true;
}

//  Whether a whole record stands at `offset`; its payload is then in the room.
static bool
s_read_record(pt_outbox_file_t *self, uint64_t offset, uint64_t end, pt_outbox_record_t *out_record)
{
    uint8_t head[PT_OUTBOX_RECORD_BYTES];
    errno = EBADMSG; //  unless a call says something else
    if (end - offset < sizeof head || !s_read(self->fd, head, sizeof head, offset))
        return false;
    if (!pt_outbox_record_decode(head, out_record) || end - offset - sizeof head < out_record->payload_len)
        return false;
    return s_read(self->fd, self->room, out_record->payload_len, offset + sizeof head) &&
           pt_outbox_record_check(head, (pt_bytes_t) {self->room, out_record->payload_len});
}

//  Whether a whole record behind `from` says that the place where reading failed had been on disk.
static bool
s_is_damage(pt_outbox_file_t *self, uint64_t from, uint64_t end)
{
    uint8_t chunk[4096];
    pt_outbox_record_t record;
    for (uint64_t at = from + 1; at + PT_OUTBOX_RECORD_BYTES <= end; at += sizeof chunk) {
        size_t len = end - at < sizeof chunk ? (size_t) (end - at) : sizeof chunk;
        if (!s_read(self->fd, chunk, len, at))
            return true;
        for (const uint8_t *p = chunk; (p = memchr(p, 'P', len - (size_t) (p - chunk))); p++)
            if (s_read_record(self, at + (size_t) (p - chunk), end, &record) && record.synced > from)
                return true;
    }
    return false;
}

//  Read all records; what follows the last whole one is cut off.
static bool
s_load(pt_outbox_file_t *self, pt_outbox_file_state_t *out_state)
{
    struct stat info;
    if (fstat(self->fd, &info) != 0)
        return false;
    uint64_t end = (uint64_t) info.st_size, at = 0;
    pt_outbox_record_t record;
    errno = EBADMSG;
    if (!S_ISREG(info.st_mode))
        return false;
    while (at < end && s_read_record(self, at, end, &record)) {
        if (!pt_outbox_ledger_take(&self->ledger, &record, self->room, at)) {
            errno = EBADMSG;
            return false;
        }
        at += PT_OUTBOX_RECORD_BYTES + record.payload_len;
    }
    if (at < end && (at == 0 || s_is_damage(self, at, end))) {
        errno = EBADMSG;
        return false;
    }
    out_state->fresh = end == 0;
    out_state->cut_bytes = end - at;
    if (at < end && ftruncate(self->fd, (off_t) at) != 0)
        return false;
    self->size = at;
    //  What another life wrote may still be in memory only: it is on disk before anything builds on it.
    if (fdatasync(self->fd) != 0)
        return false;
    self->synced = at;
    return true;
}

//  The file that is locked must be the one that the path names: another process may have renamed a
//  new one over it in between.
static int
s_open_locked(const char *path)
{
    for (;;) {
        struct stat mine, named;
        //  Responses of gateways are nobody else's business: mode 0600.
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return -1;
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            int error = errno;
            close(fd);
            errno = error;
            return -1;
        }
        if (fstat(fd, &mine) == 0 && stat(path, &named) == 0 && mine.st_ino == named.st_ino &&
            mine.st_dev == named.st_dev)
            return fd;
        close(fd);
    }
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
    self->fd = -1;
    self->path = strdup(path);
    self->room = malloc(PT_BATCH_BYTES_MAX);
    if (self->path && self->room)
        self->fd = s_open_locked(path);
    if (self->fd < 0 || !s_load(self, out_state)) {
        int error = errno;
        pt_outbox_file_close(&self);
        errno = error;
        return NULL;
    }
    out_state->producer = self->ledger.producer;
    out_state->epoch = self->ledger.epoch;
    out_state->next = self->ledger.next;
    out_state->cover = self->ledger.cover;
    out_state->complete = self->ledger.complete;
    for (uint64_t seq = self->ledger.floor; seq < self->ledger.next; seq++)
        out_state->batches += pt_outbox_ledger_place(&self->ledger, seq)->open;
    return self;
}

void
pt_outbox_file_close(pt_outbox_file_t **self_p)
{
    pt_outbox_file_t *self = *self_p;
    if (!self)
        return;
    if (self->fd >= 0)
        close(self->fd);
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

//  All that is still needed, into `fd`; places of batches move.
static bool
s_write_whole(pt_outbox_file_t *self, int fd, uint64_t *size)
{
    pt_outbox_record_t begin = {.type = PT_OUTBOX_BEGIN,
                                .value = {self->ledger.producer, self->ledger.epoch, self->ledger.next},
                                .responses = self->ledger.cover.responses,
                                .hash = self->ledger.cover.hash};
    if (!s_append(fd, size, begin, (pt_bytes_t) {0}))
        return false;
    for (uint64_t seq = self->ledger.floor; seq < self->ledger.next; seq++) {
        pt_outbox_place_t *place = pt_outbox_ledger_place(&self->ledger, seq);
        pt_outbox_record_t record;
        if (!place->open)
            continue;
        if (!s_read_record(self, place->offset, self->size, &record))
            return false;
        uint64_t offset = *size;
        record.type = PT_OUTBOX_KEPT;
        record.synced = 0;
        if (!s_append(fd, size, record, (pt_bytes_t) {self->room, record.payload_len}))
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
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    uint64_t size = 0;
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || !s_write_whole(self, fd, &size) || fdatasync(fd) != 0 ||
        rename(path, self->path) != 0 || !s_sync_directory(self->path)) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        errno = error;
        return s_break(self);
    }
    close(self->fd);
    self->fd = fd;
    self->size = self->synced = size;
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
        if (!s_read_record(self, place->offset, self->size, &record))
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
    uint64_t offset = self->size;
    if (!s_append(self->fd, &self->size, record, batch->payload))
        return s_break(self);
    //  The outbox has let go of what is answered, so its window is no wider than ours.
    bool taken = pt_outbox_ledger_take(&self->ledger, &record, self->room, offset);
    assert(taken);
    self->unsynced = true;
    return PT_OK;
}

pt_status_t
pt_outbox_file_answered(pt_outbox_file_t *self, const pt_outbox_t *outbox)
{
    assert(self);
    assert(outbox);

    if (self->broken)
        return PT_E_IO;
    uint8_t bits[PT_WINDOW / 8] = {0};
    uint64_t floor = pt_outbox_floor(outbox);
    size_t bytes = 0;
    bool news = false;
    floor = floor < self->ledger.next ? floor : self->ledger.next;
    for (uint64_t seq = self->ledger.floor; seq < self->ledger.next; seq++) {
        pt_outbox_batch_t batch;
        if (pt_outbox_batch(outbox, seq, &batch))
            continue;
        news |= pt_outbox_ledger_place(&self->ledger, seq)->open;
        pt_outbox_ledger_close(&self->ledger, seq);
        if (seq < floor)
            continue;
        bits[(seq - floor) / 8] |= (uint8_t) (1u << ((seq - floor) % 8));
        bytes = (size_t) (seq - floor) / 8 + 1;
    }
    pt_outbox_ledger_lift(&self->ledger);
    if (!news)
        return PT_OK;
    pt_outbox_record_t record = {.type = PT_OUTBOX_ANSWERED, .value = {floor}, .synced = self->synced};
    if (!s_append(self->fd, &self->size, record, (pt_bytes_t) {bits, bytes}))
        return s_break(self);
    if (self->size > PT_OUTBOX_FILE_BYTES_SOFT && self->size / 4 > self->ledger.live_bytes)
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
    if (fdatasync(self->fd) != 0)
        return s_break(self);
    self->synced = self->size;
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
    if (!s_append(self->fd, &self->size, record, (pt_bytes_t) {0}))
        return s_break(self);
    self->ledger.complete = self->unsynced = true;
    return pt_outbox_file_sync(self);
}
