/*  A record is written and read in two pieces, its head and its payload. */
#include "pt_outbox_log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

//  The file that is locked must be the one that the path names: another process may have renamed a
//  new one over it in between.
int
pt_outbox_log_lock(const char *path)
{
    assert(path);

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

bool
pt_outbox_log_append(pt_outbox_log_t *self, const pt_outbox_record_t *record, pt_bytes_t payload)
{
    assert(self);
    assert(record);

    uint8_t head[PT_OUTBOX_RECORD_BYTES];
    pt_outbox_record_encode(record, payload, head);
    if (!s_write(self->fd, (pt_bytes_t) {head, sizeof head}, self->size) ||
        !s_write(self->fd, payload, self->size + sizeof head))
        return false;
    self->size += sizeof head + payload.len;
    return true;
}

bool
pt_outbox_log_read(const pt_outbox_log_t *self, uint64_t offset, uint64_t end, uint8_t *room,
                   pt_outbox_record_t *out_record)
{
    assert(self);
    assert(room);
    assert(out_record);

    uint8_t head[PT_OUTBOX_RECORD_BYTES];
    errno = EBADMSG; //  unless a call says something else
    if (end - offset < sizeof head || !s_read(self->fd, head, sizeof head, offset))
        return false;
    if (!pt_outbox_record_decode(head, out_record) || end - offset - sizeof head < out_record->payload_len)
        return false;
    return s_read(self->fd, room, out_record->payload_len, offset + sizeof head) &&
           pt_outbox_record_check(head, (pt_bytes_t) {room, out_record->payload_len});
}

bool
pt_outbox_log_is_damaged(const pt_outbox_log_t *self, uint64_t from, uint64_t end, uint8_t *room)
{
    assert(self);
    assert(room);

    uint8_t chunk[4096];
    pt_outbox_record_t record;
    for (uint64_t at = from + 1; at + PT_OUTBOX_RECORD_BYTES <= end; at += sizeof chunk) {
        size_t len = end - at < sizeof chunk ? (size_t) (end - at) : sizeof chunk;
        if (!s_read(self->fd, chunk, len, at))
            return true;
        for (const uint8_t *p = chunk; (p = memchr(p, 'P', len - (size_t) (p - chunk))); p++)
            if (pt_outbox_log_read(self, at + (size_t) (p - chunk), end, room, &record) && record.synced > from)
                return true;
    }
    return false;
}
