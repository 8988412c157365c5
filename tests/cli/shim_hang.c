/*  shim_hang: a disk that does not come back from a flush while the file $PT_SHIM_HANG is there. For LD_PRELOAD. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define S_LOOK_US 10000

int
fdatasync(int fd)
{
    const char *path = getenv("PT_SHIM_HANG");
    while (path && access(path, F_OK) == 0)
        usleep(S_LOOK_US);
    return (int) syscall(SYS_fdatasync, fd);
}
