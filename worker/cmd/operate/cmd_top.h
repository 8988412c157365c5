/*  cmd_top: the page of `paytriage top`, made of scrapes and decisions, without a terminal. */
#ifndef PT_CMD_TOP_H
#define PT_CMD_TOP_H

#include "cmd.h"
#include "cmd_scrape.h"

#include "pt_http_get.h"
#include "pt_model.h"

//  Codes that are told apart; the ones beyond are counted together.
#define CMD_TOP_CODES_MAX 512
#define CMD_TOP_ALERTS_MAX 5
#define CMD_TOP_TEXT_BYTES 100

typedef struct {
    char name[CMD_TOP_TEXT_BYTES]; //  "gateway code"
    char action[32];
    uint64_t count;
} cmd_top_code_t;

typedef struct {
    char *page, *before; //  the last two scrapes; NULL: none
    uint64_t page_ms, before_ms;
    char error[PT_HTTP_GET_ERROR_BYTES_MAX]; //  empty: the last scrape came
    cmd_top_code_t codes[CMD_TOP_CODES_MAX];
    size_t code_count;
    uint64_t other_codes;
    char alerts[CMD_TOP_ALERTS_MAX][2 * CMD_TOP_TEXT_BYTES]; //  a ring
    uint64_t alert_count;
} cmd_top_t;

/*  A page has come, and belongs to `self` from then on; NULL: it has not, because of `error`. */
void cmd_top_scraped(cmd_top_t *self, char *page, const char *error, uint64_t now_ms);

/*  A decision was published, on its route or as an alert. */
void cmd_top_note(cmd_top_t *self, const pt_decision_t *decision, bool alert);

/*  Print the page as plain text: what the last two scrapes and all decisions since the start say. */
void cmd_top_print(const cmd_top_t *self, FILE *out);

/*  Why the last scrape did not come; "" when it did. */
const char *cmd_top_error(const cmd_top_t *self);

void cmd_top_clear(cmd_top_t *self);

#endif
