/*  pt_packer: gathers decisions by topic.
 *
 *  Decisions are encoded one after the other into one growing buffer, and each is noted under its
 *  topics; at the end of a train of jobs they are gathered into one frame per topic, or several where one
 *  would be over PT_PACKER_FRAME_BYTES_MAX. All room is used again for the next one.
 */
#ifndef PT_PACKER_H
#define PT_PACKER_H

#include "pt_job.h"
#include "pt_triage.h"

//  Of one frame of decisions. The wire allows 1 MiB; high-water marks count messages, so the smaller
//  frame is what bounds the memory that a stuck subscriber can hold. One decision always fits.
#define PT_PACKER_FRAME_BYTES_MAX (64 * 1024)

//  A batch of the largest size, behind others of together no more than that.
#define PT_PACKER_COUNT_MAX ((size_t) 2 * PT_BATCH_COUNT_MAX)

typedef struct pt_packer pt_packer_t;

/*  NULL when out of memory. The catalog names the providers of topics and must outlive the packer. */
pt_packer_t *pt_packer_new(const pt_catalog_t *catalog);
void pt_packer_destroy(pt_packer_t **self_p);

/*  Room for one decision, PT_DECISION_BYTES_MAX; NULL when out of memory. */
uint8_t *pt_packer_room(pt_packer_t *self);

/*  Note what was encoded into the room, and the alert that it raises. At most PT_PACKER_COUNT_MAX decisions between
 *  two gatherings.
 */
void pt_packer_add(pt_packer_t *self, const pt_triaged_t *triaged);

/*  The decisions since the last gathering, and their bytes. */
size_t pt_packer_count(const pt_packer_t *self);
size_t pt_packer_bytes(const pt_packer_t *self);

/*  Keep the response that the decision added last is about beside it: for the journal. Its bytes must
 *  stay until the next gathering; one above PT_STORE_RESPONSE_BYTES_MAX is noted as too long. Outputs
 *  have responses when one was kept; those of settled decisions never do.
 */
void pt_packer_keep(pt_packer_t *self, pt_bytes_t response);

/*  Make the job's outputs, list the alerts that they raise, and start over. False when out of memory: the job has no
 *  outputs then.
 */
bool pt_packer_gather(pt_packer_t *self, pt_job_t *job);

/*  Forget what was added. */
void pt_packer_reset(pt_packer_t *self);

#endif
