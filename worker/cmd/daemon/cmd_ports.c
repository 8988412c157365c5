/*  Run as root, a rename over /dev/stdout takes it from the whole machine; so only files are replaced. */
#include "cmd_ports.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

//  A link counts as what it is: the file behind /dev/stdout is another time a terminal.
static bool
s_is_file_or_nothing(const char *path)
{
    struct stat found;
    return lstat(path, &found) == 0 ? S_ISREG(found.st_mode) : errno == ENOENT;
}

//  A pipe without a reader is an error, not a wait: signals are blocked by now.
static int
s_write_into(const char *path, const json_t *ports)
{
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno;
    int error = json_dumpfd(ports, fd, JSON_INDENT(2)) == 0 ? 0 : errno;
    if (close(fd) != 0 && !error)
        error = errno;
    return error;
}

//  What a process of this user left when it was killed; anything else under that name is somebody else's.
static void
s_remove_stale(const char *path)
{
    struct stat found;
    if (lstat(path, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == geteuid())
        unlink(path);
}

//  Whoever may write to the folder may plant a link there: only a file that this call makes is written to.
static int
s_replace(const char *path, const json_t *ports)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int) sizeof beside)
        return ENAMETOOLONG;
    s_remove_stale(beside);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno;
    int error = json_dumpfd(ports, fd, JSON_INDENT(2)) == 0 ? 0 : errno;
    if (close(fd) != 0 && !error)
        error = errno;
    if (!error && rename(beside, path) != 0)
        error = errno;
    if (error)
        unlink(beside);
    return error;
}

int
cmd_ports_write(const char *path, json_t *ports)
{
    json_object_set_new(ports, "pid", json_integer(getpid()));
    return s_is_file_or_nothing(path) ? s_replace(path, ports) : s_write_into(path, ports);
}

void
cmd_ports_remove(const char *path)
{
    json_t *ports = s_is_file_or_nothing(path) ? json_load_file(path, 0, NULL) : NULL;
    if (ports && json_integer_value(json_object_get(ports, "pid")) == getpid())
        unlink(path);
    json_decref(ports);
}
