/*  pt_scratch: folders for what a bench writes, which are gone when it ends, whatever ends it but SIGKILL. */
#ifndef PT_SCRATCH_H
#define PT_SCRATCH_H

#include <stdbool.h>

#define PT_SCRATCH_PATH_BYTES 160

//  Zero it to start; it must stay where it is while the folder is there.
typedef struct pt_scratch {
    char path[PT_SCRATCH_PATH_BYTES]; //  empty: none
    struct pt_scratch *next;
} pt_scratch_t;

/*  Make a new folder in another one. False with one line on stderr. */
bool pt_scratch_make(pt_scratch_t *self, const char *parent);

/*  Remove the folder and all in it. Does nothing when there is none. */
void pt_scratch_remove(pt_scratch_t *self);

/*  Remove all folders, and make no more: for whoever must leave at once. From any thread. */
void pt_scratch_leave(void);

#endif
