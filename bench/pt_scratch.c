#include "pt_scratch.h"

#include <czmq.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

//  All folders, for whoever must leave at once.
static pt_scratch_t *s_all;
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;

bool
pt_scratch_make(pt_scratch_t *self, const char *parent)
{
    (void) pthread_mutex_lock(&s_lock);
    int len = snprintf(self->path, sizeof(self->path), "%s/paytriage-bench-XXXXXX", parent);
    if (len >= (int) sizeof(self->path))
        errno = ENAMETOOLONG;
    bool is_made = len < (int) sizeof(self->path) && mkdtemp(self->path);
    if (is_made) {
        self->next = s_all;
        s_all = self;
    } else {
        fprintf(stderr, "%s: cannot make a folder in %s: %s\n", program_invocation_short_name, parent, strerror(errno));
        self->path[0] = 0;
    }
    (void) pthread_mutex_unlock(&s_lock);
    return is_made;
}

static void
s_remove_files(const char *path)
{
    zdir_t *directory = zdir_new(path, NULL);
    if (directory)
        zdir_remove(directory, true);
    zdir_destroy(&directory);
}

void
pt_scratch_remove(pt_scratch_t *self)
{
    if (!self->path[0])
        return;
    (void) pthread_mutex_lock(&s_lock);
    pt_scratch_t **place = &s_all;
    while (*place != self)
        place = &(*place)->next;
    *place = self->next;
    s_remove_files(self->path);
    self->path[0] = 0;
    (void) pthread_mutex_unlock(&s_lock);
}

void
pt_scratch_leave(void)
{
    //  Never unlocked: who wants to make or remove one waits for the end.
    (void) pthread_mutex_lock(&s_lock);
    for (const pt_scratch_t *scratch = s_all; scratch; scratch = scratch->next) {
        char gone[PT_SCRATCH_PATH_BYTES + 8];
        snprintf(gone, sizeof(gone), "%s.gone", scratch->path);
        //  Under its old name others might still put files into it.
        s_remove_files(rename(scratch->path, gone) == 0 ? gone : scratch->path);
    }
}
