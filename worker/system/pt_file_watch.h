/*  pt_file_watch: tells when files or folders may have changed, whichever way it is done.
 *
 *  inotify on the folders that hold the paths, not on the files: a file that is replaced by a rename, is
 *  gone for a while, or hangs behind a symbolic link that is turned, is seen all the same. A folder that
 *  is missing is waited for in the nearest one above it. What it sees is compared by inode, size and
 *  times, so that only a change of the named files counts. It sees nothing that another host does on a
 *  network file system.
 */
#ifndef PT_FILE_WATCH_H
#define PT_FILE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

//  Whoever writes a file or several is given this long without a further change, and in all.
#define PT_FILE_WATCH_QUIET_MS 200
#define PT_FILE_WATCH_WAIT_MS 2000

typedef struct pt_file_watch pt_file_watch_t;

/*  Watch paths[0..count): files, or folders whose files count; they are copied. NULL with errno. */
pt_file_watch_t *pt_file_watch_new(const char *const *paths, size_t count);
void pt_file_watch_destroy(pt_file_watch_t **self_p);

/*  To be polled for reading. */
int pt_file_watch_fd(const pt_file_watch_t *self);

/*  Take what the descriptor has. `now_ms` is monotonic. */
void pt_file_watch_read(pt_file_watch_t *self, int64_t now_ms);

/*  When pt_file_watch_changed is to be asked: INT64_MAX, nothing has happened. */
int64_t pt_file_watch_due_ms(const pt_file_watch_t *self);

/*  Whether the files have changed since the start or the last time that this was true. False before it
 *  is due.
 */
bool pt_file_watch_changed(pt_file_watch_t *self, int64_t now_ms);

#endif
