#include "pt_raw_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pt_bench.h"

//  As much as a file in place has: more than what one round writes is not needed, for it is written over.
#define S_PLACE_BYTES ((size_t) 32 << 20)
#define S_PAGE_BYTES 4096

const char *
pt_raw_way_text(pt_raw_way_t way)
{
    static const char *const texts[PT_RAW_WAYS] = {"append", "in place", "in place, marked"};
    return texts[way];
}

static bool
s_fail(const pt_raw_log_t *self)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, self->path, strerror(errno));
    return false;
}

static bool
s_write_all(int fd, pt_bytes_t bytes, uint64_t offset)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t len = pwrite(fd, bytes.data + done, bytes.len - done, (off_t) (offset + done));
        if (len < 0 && errno != EINTR)
            return false;
        done += len > 0 ? (size_t) len : 0;
    }
    return true;
}

//  Written, not only reserved: a block that was never written costs the file system a note at its first flush.
static bool
s_fill(const pt_raw_log_t *self)
{
    uint8_t *room = pt_bench_alloc(S_PLACE_BYTES);
    memset(room, 0xa5, S_PLACE_BYTES);
    bool is_filled = s_write_all(self->data_fd, (pt_bytes_t) {room, S_PLACE_BYTES}, 0) && fsync(self->data_fd) == 0;
    free(room);
    return is_filled;
}

bool
pt_raw_log_open(pt_raw_log_t *self, pt_raw_way_t way, const char *folder)
{
    *self = (pt_raw_log_t) {.way = way, .mark_fd = -1};
    snprintf(self->path, sizeof(self->path), "%s/raw-%d", folder, (int) way);
    self->data_fd = open(self->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (self->data_fd < 0 || (way != PT_RAW_APPEND && !s_fill(self)))
        return s_fail(self);
    if (way != PT_RAW_MARKED)
        return true;
    //  The first page is the mark's.
    self->end = S_PAGE_BYTES;
    self->mark_fd = open(self->path, O_RDWR | O_DSYNC | O_CLOEXEC);
    return self->mark_fd >= 0 || s_fail(self);
}

void
pt_raw_log_close(pt_raw_log_t *self)
{
    if (self->mark_fd >= 0)
        close(self->mark_fd);
    if (self->data_fd >= 0)
        close(self->data_fd);
    self->mark_fd = self->data_fd = -1;
}

bool
pt_raw_log_commit(pt_raw_log_t *self, pt_bytes_t bytes)
{
    if (self->way != PT_RAW_APPEND && self->end + bytes.len > S_PLACE_BYTES)
        self->end = self->way == PT_RAW_MARKED ? S_PAGE_BYTES : 0;
    if (!s_write_all(self->data_fd, bytes, self->end) || fdatasync(self->data_fd) != 0)
        return s_fail(self);
    self->end += bytes.len;
    self->written += bytes.len;
    if (self->way != PT_RAW_MARKED)
        return true;
    uint8_t page[S_PAGE_BYTES] = {0};
    memcpy(page, &self->end, sizeof(self->end));
    return s_write_all(self->mark_fd, (pt_bytes_t) {page, sizeof(page)}, 0) || s_fail(self);
}
