/*  pt_chain: a broker and a worker for the bus bench to drive, in processes of their own or in this one.
 *
 *  A worker process is any program that takes the options of `paytriage worker` and speaks the bus:
 *
 *      PROGRAM --connect BACK --retry E --dead-letter E --operator-alert E --settled E --ports-file FILE
 *
 *  It binds the four endpoints (port `*`: any) and then writes FILE, a JSON object with what was bound
 *  under the names of the queues.
 */
#ifndef PT_CHAIN_H
#define PT_CHAIN_H

#include <wordexp.h>

#include "pt_job.h"
#include "pt_payloads.h"
#include "pt_process.h"

typedef enum { PT_TRANSPORT_INPROC, PT_TRANSPORT_IPC, PT_TRANSPORT_TCP, PT_CHAIN_TRANSPORTS } pt_chain_transport_t;

const char *pt_chain_transport_text(pt_chain_transport_t transport);

#define PT_CHAIN_ARGUMENTS_MAX 24

//  Who works.
typedef enum { PT_CHAIN_PAYTRIAGE, PT_CHAIN_NULL, PT_CHAIN_PROGRAM } pt_chain_kind_t;

typedef struct {
    const char *name;
    pt_chain_kind_t kind;
    bool is_process; //  only as a process of its own: not inproc
    //  The start of the command line, ended by NULL; not for inproc.
    const char *command[PT_CHAIN_ARGUMENTS_MAX];
    wordexp_t words;        //  that command may point into
    bool has_alerts;        //  publishes every active alert on operator_alert, and folds none
    const char *journal_in; //  a folder; paytriage's worker keeps a fresh journal there; NULL: none
    //  The start of a broker's command line, ended by NULL, in the place of paytriage's; not for inproc.
    const char *broker[PT_CHAIN_ARGUMENTS_MAX];
} pt_chain_worker_t;

typedef struct {
    const char *paytriage; //  the program that brings the broker
    pt_chain_transport_t transport;
    const pt_chain_worker_t *worker;
    unsigned threads;              //  threads that classify; inproc only, elsewhere they stand in the command
    const pt_payloads_t *payloads; //  for a null worker in this process
} pt_chain_options_t;

typedef struct pt_chain pt_chain_t;

/*  Start both and wait until they are bound. NULL with one line on stderr. */
pt_chain_t *pt_chain_new(const pt_chain_options_t *options);

/*  Stop both. False, with one line on stderr, when a process did not end well. */
bool pt_chain_destroy(pt_chain_t **self_p);

const char *pt_chain_front(const pt_chain_t *self);
const char *pt_chain_endpoint(const pt_chain_t *self, pt_queue_t queue);

//  What each process has cost since its start; NAN inproc, where nothing tells the two apart.
typedef struct {
    double broker_s; //  of CPU
    double worker_s;
    pt_process_memory_t broker;
    pt_process_memory_t worker;
} pt_chain_cost_t;

pt_chain_cost_t pt_chain_cost(const pt_chain_t *self);

#endif
