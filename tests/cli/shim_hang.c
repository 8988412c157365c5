/*  shim_hang: a disk that does not come back from a flush while $PT_SHIM_HANG is a fifo that nobody writes to, nor, as
 *  a frozen file system, from the writing with which LMDB begins to read. For LD_PRELOAD.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void
s_hang(void)
{
    const char *path = getenv("PT_SHIM_HANG");
    int fifo = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fifo >= 0)
        close(fifo);
}

int
fdatasync(int fd)
{
    s_hang();
    return (int) syscall(SYS_fdatasync, fd);
}

int
mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **out_txn)
{
    int (*begin)(MDB_env *, MDB_txn *, unsigned, MDB_txn **);
    void *found = dlsym(RTLD_NEXT, "mdb_txn_begin");
    memcpy(&begin, &found, sizeof(begin));
    if (flags & MDB_RDONLY)
        s_hang();
    return begin(env, parent, flags, out_txn);
}
