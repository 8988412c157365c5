/*  pt_process: programs that a bench starts, which do not outlive it, and what they cost. */
#ifndef PT_PROCESS_H
#define PT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "pt_scratch.h"

//  Zero it to start; it must stay where it is while the process runs.
typedef struct pt_process {
    pid_t pid;        //  0: none
    const char *name; //  what faults call it
    char log[PT_SCRATCH_PATH_BYTES];
    struct pt_process *next;
} pt_process_t;

/*  From here on SIGINT, SIGTERM and SIGHUP first end all processes and remove all scratch folders; then the
 *  bench says so on stderr and ends by that signal. Call it once, before any thread is started. A process
 *  ends with its bench also where that is killed.
 */
void pt_process_watch_signals(void);

/*  Start a program; `arguments` end with NULL. What it says on stderr is kept in a file in `directory`
 *  under `name`, which is not copied. False with one line on stderr.
 */
bool pt_process_start(pt_process_t *self, const char *name, const char *directory, const char *const *arguments);

/*  Whether it has ended by itself; there is none any more then. */
bool pt_process_has_ended(pt_process_t *self);

/*  Ask it to end by SIGTERM, and see to it that it does. False, with one line on stderr and what it said,
 *  when it did not end well. True when there is none.
 */
bool pt_process_stop(pt_process_t *self);

/*  Wait until it ends by itself. False, with one line on stderr and what it said, when it did not end well. */
bool pt_process_finish(pt_process_t *self);

/*  Show on stderr what it said. */
void pt_process_show_log(const pt_process_t *self);

/*  Seconds of CPU since its start; NAN when there is none. */
double pt_process_cpu_s(const pt_process_t *self);

//  Memory in KiB; NAN where it is not known.
typedef struct {
    double resident;
    double anonymous; //  of it: not pages of files, which the kernel takes back when it needs them
    double peak;      //  the largest resident size so far
} pt_process_memory_t;

pt_process_memory_t pt_process_memory(const pt_process_t *self);

/*  Wait without using the processor. */
void pt_process_pause_ms(long ms);

#endif
