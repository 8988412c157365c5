#include "pt_instructions.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

int
pt_instructions_open(void)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof(attributes),
        .config = PERF_COUNT_HW_INSTRUCTIONS,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    return (int) syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}

uint64_t
pt_instructions_read(int fd)
{
    uint64_t count = 0;
    if (fd < 0 || read(fd, &count, sizeof(count)) != (ssize_t) sizeof(count))
        return 0;
    return count;
}
