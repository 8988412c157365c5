/*  ctl_print: what workers answer to `paytriage ctl`, for people. */
#ifndef PT_CMD_CTL_PRINT_H
#define PT_CMD_CTL_PRINT_H

#include <jansson.h>

/*  Print the answer to an order that was carried out. */
typedef void(ctl_print_t)(const json_t *answer);

ctl_print_t ctl_print_status, ctl_print_reloaded, ctl_print_drained, ctl_print_level;

/*  The text of a key, empty where there is none. */
const char *ctl_text(const json_t *object, const char *key);

#endif
