/*  pt_overlay: one file's changes laid over another file, tree over tree.
 *
 *  An overlay names a gateway and holds only what differs. What comes out is read as though one
 *  author had written it, so every check of a catalog holds for it; each node still names the file
 *  and line that it came from.
 *
 *  -  gateway, body, operation_digits, status_digits: each key replaces the one below; gateway.aliases are added.
 *     gateway.cite and gateway.id_operation are refused, for they would change what the file below says.
 *  -  operations by name, policies by name, field_codes by code: each key replaces the one below,
 *     aliases of operations are added, new ones are appended.
 *  -  entries: one with the id of an entry below (with or without the gateway in front), or else with
 *     its code (status, http), operation, message and subcode, changes that entry key by key, or with
 *     `remove: true` and nothing else takes it out; any other one is new.
 */
#ifndef PT_OVERLAY_H
#define PT_OVERLAY_H

#include "pt_read.h"

#ifdef __cplusplus
extern "C" {
#endif

/*  Whether a file's tree is an overlay: it says `overlay: true`. */
bool pt_overlay_is(const pt_node_t *root);

/*  The value of gateway.id, or NULL where there is no plain one. */
const pt_node_t *pt_overlay_gateway(const pt_node_t *root);

/*  The tree of both. It lives as long as the reader's source and both trees do. Faults that only show
 *  here go to the reader; NULL only when out of memory.
 */
const pt_node_t *pt_overlay_apply(pt_reader_t *reader, const pt_node_t *base, const pt_node_t *overlay);

#ifdef __cplusplus
}
#endif
#endif
