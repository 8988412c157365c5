/*  Pages that were never written. A file system keeps a note of which parts of a reserved file have been: the first
 *  write to such a part changes the note, and a commit then waits for the note as well. Zeros that were written in an
 *  idle moment spare it that; what was used once is used again without.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pt_fault_point.h"
#include "pt_store_parts.h"

//  Prepared ahead of what is used: enough for the busiest second, and little of what a quiet worker never uses.
#define S_AHEAD_BYTES (UINT64_C(64) << 20)

#define S_ZEROS_BYTES (64u << 10)

//  Where LMDB will take its next new page. Only this process writes, and no transaction is open.
static uint64_t
s_used_end(const pt_store_t *self)
{
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(self->env, &info) != 0 || mdb_env_stat(self->env, &stat) != 0)
        return self->file_bytes;
    return ((uint64_t) info.me_last_pgno + 1) * stat.ms_psize;
}

//  A file that was made for more than it may hold now is longer than what LMDB uses.
static uint64_t
s_wanted_end(const pt_store_t *self)
{
    MDB_stat stat;
    uint64_t end = (s_used_end(self) + S_AHEAD_BYTES) / S_ZEROS_BYTES * S_ZEROS_BYTES;
    if (mdb_env_stat(self->env, &stat) == 0 && end > self->pages_max * stat.ms_psize)
        end = self->pages_max * stat.ms_psize;
    return end < self->file_bytes ? end : self->file_bytes;
}

bool
pt_store_wants_prepare(const pt_store_t *self)
{
    assert(self);

    return !self->dead && !self->txn && self->prepared_end < s_wanted_end(self);
}

//  Write zeros; false when the system does not take them, which is no harm: they are only a help.
static bool
s_write_zeros(int fd, uint64_t at, uint64_t end)
{
    static const uint8_t zeros[S_ZEROS_BYTES];
    while (at < end) {
        size_t size = sizeof(zeros) - at % sizeof(zeros);
        if (end - at < size)
            size = (size_t) (end - at);
        ssize_t written = pwrite(fd, zeros, size, (off_t) at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += (uint64_t) written;
    }
    return true;
}

pt_status_t
pt_store_prepare(pt_store_t *self, size_t bytes_max)
{
    assert(self);
    assert(!self->txn);
    assert(!self->read_only);

    int fd;
    if (self->dead)
        return PT_E_IO;
    uint64_t used_end = s_used_end(self);
    uint64_t from = self->prepared_end > used_end ? self->prepared_end : used_end;
    off_t hole = mdb_env_get_fd(self->env, &fd) == 0 ? lseek(fd, (off_t) from, SEEK_HOLE) : -1;
    uint64_t end = s_wanted_end(self);
    //  Prepared before, or a file system that does not tell.
    if (hole < 0 || (uint64_t) hole >= end) {
        self->prepared_end = hole < 0 ? self->file_bytes : (uint64_t) hole;
        return PT_OK;
    }
    if (end - (uint64_t) hole > bytes_max)
        end = (uint64_t) hole + bytes_max;
    if (end / S_ZEROS_BYTES * S_ZEROS_BYTES > (uint64_t) hole)
        end = end / S_ZEROS_BYTES * S_ZEROS_BYTES;
    self->unsynced = true;
    self->prepared_end = s_write_zeros(fd, (uint64_t) hole, end) ? end : self->file_bytes;
    PT_FAULT_POINT("store.prepared");
    //  Now, or the next commit would wait for it.
    return pt_store_sync(self);
}
