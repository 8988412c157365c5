/*  pt_config: what this process is told, and where it was told so.
 *
 *  Four layers: a flag wins over a variable of the environment, that one over paytriage.yml, and that one
 *  over the default of the table. Everything is checked, also what another layer overrides, and every
 *  fault is noted with its place, so that an operator sees all of them at once.
 */
#ifndef PT_CONFIG_H
#define PT_CONFIG_H

#include "pt_option.h"
#include "pt_source.h"
#include "pt_status.h"
#include "pt_yaml.h"

#define PT_CONFIG_PATH_DEFAULT "/etc/paytriage/paytriage.yml"
//  Arbitrary, and far beyond what people write.
#define PT_CONFIG_BYTES_MAX (256 * 1024)
#define PT_CONFIG_ORIGIN_BYTES 4200

typedef enum { PT_ORIGIN_DEFAULT, PT_ORIGIN_FILE, PT_ORIGIN_ENV, PT_ORIGIN_FLAG } pt_origin_t;

typedef struct {
    pt_origin_t origin;
    const pt_option_value_t *values; //  NULL: none
    size_t count;
    pt_mark_t mark; //  in the file
} pt_setting_t;

typedef struct {
    pt_setting_t settings[PT_OPTION_COUNT_];
    const char *path; //  of the file that was read; NULL: none was
    pt_faults_t faults;
    pt_source_t memory;
    pt_tree_t tree;
} pt_config_t;

/*  All defaults. Release with pt_config_clear. PT_OK or PT_E_NOMEM. */
PT_MUST_CHECK pt_status_t pt_config_init(pt_config_t *self);

/*  A flag. The first one of an option replaces what other layers say; a further one is added where the
 *  option may be given several times, and replaces otherwise. The text is borrowed. False, with
 *  `reason` written as by pt_option_parse.
 */
bool pt_config_put_flag(pt_config_t *self, pt_option_id_t id, const char *text, char reason[PT_OPTION_REASON_BYTES]);

/*  Read the text of a file; `path` names it in faults, and outlives this. Faults are noted. PT_OK, also
 *  with faults, or PT_E_NOMEM.
 */
PT_MUST_CHECK pt_status_t pt_config_read(pt_config_t *self, const char *path, pt_bytes_t text);

/*  Take the variables PAYTRIAGE_… out of `environment` ("NAME=VALUE", NULL terminated). A list is
 *  separated by commas. An empty one counts as not given; one that belongs to no row is a warning.
 */
PT_MUST_CHECK pt_status_t pt_config_read_environment(pt_config_t *self, const char *const *environment);

/*  The value: its text, or NULL where there is none; its number, 0 where there is none. */
const char *pt_config_text(const pt_config_t *self, pt_option_id_t id);
uint64_t pt_config_number(const pt_config_t *self, pt_option_id_t id);

/*  Where it comes from: "default", "--journal", "PAYTRIAGE_JOURNAL", "FILE:LINE:COLUMN". Into `out`. */
const char *pt_config_origin(const pt_config_t *self, pt_option_id_t id, char out[PT_CONFIG_ORIGIN_BYTES]);

void pt_config_clear(pt_config_t *self);

#endif
