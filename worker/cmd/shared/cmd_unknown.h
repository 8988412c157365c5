/*  cmd_unknown: a word that a catalog does not have, said together with the ones that it has. */
#ifndef PT_CMD_UNKNOWN_H
#define PT_CMD_UNKNOWN_H

#include "cmd.h"

#include "pt_catalog.h"

/*  Say on stderr that the catalog has no such gateway, which one was probably meant, and which there are.
 *  Returns `code`.
 */
int cmd_unknown_provider(int code, const pt_catalog_t *catalog, const char *name);

/*  Whether a gateway of the catalog has this operation, by any of its names. */
bool cmd_unknown_is_operation(const pt_catalog_t *catalog, const pt_provider_t *provider, const char *name);

/*  The same for an operation of a gateway. Returns CMD_EXIT_NO. */
int cmd_unknown_operation(const pt_provider_t *provider, const char *name);

/*  The operation of a gateway that was probably meant by a name which it does not have; absent: none is near. */
pt_text_t cmd_unknown_nearest_operation(const pt_provider_t *provider, const char *name);

/*  Name the codes of a gateway that are nearest to `code`, as a hint; without a gateway those of all. */
void cmd_unknown_hint_codes(const pt_catalog_t *catalog, const pt_provider_t *provider, const char *code);

/*  Say on stderr which gateway was probably meant by a name that the catalog does not have; nothing where no
 *  name is near: another catalog may have it.
 */
void cmd_unknown_note_provider(const pt_catalog_t *catalog, const char *name);

#endif
