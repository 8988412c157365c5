/*  pt_journal: the stage between the workers and the publisher: one actor that makes decisions durable.
 *
 *  It gathers jobs and what subscribers told, commits all of it in one transaction, and only then
 *  hands the jobs on, so that nothing is published or acknowledged that could still be lost. While a
 *  commit is on its way to the disk the next jobs gather, so a busy journal has large commits and an
 *  idle one a short wait.
 *
 *  It is also where alerts are told or folded (pt_teller), before they are kept.
 *
 *  Jobs without anything to keep (settled decisions only, or refused) are handed on at once. When the
 *  file is full, jobs are refused as busy, nothing of them is kept, and trimming goes on. After a
 *  fault of the disk the actor does nothing more: it tells so, keeps the jobs that it holds
 *  unanswered, and waits for its end.
 */
#ifndef PT_JOURNAL_H
#define PT_JOURNAL_H

#include "pt_alerts.h"
#include "pt_job.h"
#include "pt_stats.h"
#include "pt_store.h"

//  Bounds of one commit. The bytes bound how long the disk takes, and with it how long an ACK waits.
#define PT_JOURNAL_JOBS_DEFAULT 256
#define PT_JOURNAL_BYTES_MAX (16u << 20)
#define PT_JOURNAL_JOBS_MAX 4096

typedef struct {
    pt_store_t *store;                 //  outlives the actor, which alone writes to it
    const char *jobs;                  //  inproc endpoint to bind: a PULL of jobs
    const char *next;                  //  inproc endpoint, bound by the next stage
    const char *requests;              //  inproc endpoint to bind: a PULL of requests
    bool settled;                      //  keep settled decisions as well
    uint32_t commit_jobs;              //  most trains of jobs in one commit; 0: the default
    uint32_t commit_wait_ms;           //  how long the first job waits for others
    const pt_alerts_options_t *alerts; //  only read at the start
    pt_stats_t *stats;                 //  outlives the actor; NULL: nobody counts
    int failure_fd;                    //  an eventfd, written to when the disk has failed
} pt_journal_options_t;

/*  Start; all sockets are bound and connected when this returns. Stop it with zactor_destroy, after
 *  the stages before it. NULL when out of memory or sockets.
 */
zactor_t *pt_journal_new(const pt_journal_options_t *options);

//  ---- requests of others to the one thread that writes

typedef enum {
    PT_REQUEST_SUBSCRIBE, //  name, durable, prefixes
    PT_REQUEST_POSITION,  //  name, topics; topics that are unknown or not covered are passed over
    PT_REQUEST_FORGET,    //  name
    PT_REQUEST_DISCARD,   //  topics: one; durable: not what durable subscribers have not had
} pt_request_kind_t;

//  A request goes to the journal as a pointer and comes back on the asker's own socket, once it is
//  durable. The asker owns it before and after.
typedef struct {
    pt_request_kind_t kind;
    char name[PT_STORE_NAME_BYTES_MAX + 1];
    bool durable;
    size_t prefix_count;
    char prefixes[PT_STORE_PREFIXES_MAX][PT_TOPIC_BYTES_MAX + 1];
    size_t topic_count;
    struct {
        char topic[PT_TOPIC_BYTES_MAX + 1];
        uint64_t next_seq;
    } topics[PT_HEADS_MAX];
    char answers[64]; //  inproc endpoint of the asker's PULL

    //  Set by the journal: PT_OK; PT_E_NOT_FOUND, no such name or topic; PT_E_COUNT, too many names; PT_E_SPACE,
    //  no room now.
    pt_status_t status;
    atomic_uint baton; //  as of a job
} pt_request_t;

/*  Hand a request over; false when nobody is there to take it, as at the end. */
bool pt_request_hand(void *socket, pt_request_t *request);
/*  The next request that was handed over, or NULL. Never waits. */
pt_request_t *pt_request_take(void *socket);

#endif
