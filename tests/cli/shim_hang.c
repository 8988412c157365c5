/*  shim_hang: a disk that does not come back from a flush while $PT_SHIM_HANG is a fifo that nobody writes to. For
 *  LD_PRELOAD.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int
fdatasync(int fd)
{
    const char *path = getenv("PT_SHIM_HANG");
    int fifo = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fifo >= 0)
        close(fifo);
    return (int) syscall(SYS_fdatasync, fd);
}
