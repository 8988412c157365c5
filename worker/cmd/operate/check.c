/*  paytriage check: one line and an exit code, for Nagios and its kin and for containers. */
#include "cmd_options.h"
#include "cmd_scrape.h"

#include "pt_http_get.h"
#include "pt_wire.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

//  The codes of monitoring plugins.
typedef enum { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN } check_code_t;

enum { KEY_WARN_BEHIND = 0x100, KEY_CRIT_BEHIND, KEY_WARN_JOURNAL, KEY_CRIT_JOURNAL };

typedef struct {
    uint64_t timeout_ms;
    uint64_t warn_behind, crit_behind;   //  decisions
    uint64_t warn_journal, crit_journal; //  percent
    bool given[4];                       //  of these, in the order of their keys
    bool live;                           //  nothing but that
    const char *endpoint;
} check_options_t;

static const struct argp_option s_options[] = {
    {"live", 'l', NULL, 0,
     "only whether its loops are turning (/healthz), for whatever restarts containers: exit 0 or 1", 0},
    {"timeout", 't', "TIME", 0, "for all requests together (default 5s)", 0},
    {"warn-behind", KEY_WARN_BEHIND, "N", 0,
     "warn when a durable subscriber is this many decisions behind (default 10000)", 0},
    {"crit-behind", KEY_CRIT_BEHIND, "N", 0,
     "critical when a durable subscriber is this many decisions behind (default 100000)", 0},
    {"warn-journal", KEY_WARN_JOURNAL, "PERCENT", 0, "warn when this much of the journal's file is in use (default 75)",
     0},
    {"crit-journal", KEY_CRIT_JOURNAL, "PERCENT", 0,
     "critical when this much of the journal's file is in use (default 80: batches are refused)", 0},
    {0},
};

//  A warning that comes too late to be one would look like a check; but who names the worse bound alone
//  means just that one.
static void
s_settle_bounds(struct argp_state *state, bool warn_given, const char *what, uint64_t *warn, const uint64_t *crit)
{
    if (*warn <= *crit)
        return;
    if (warn_given)
        argp_error(state, "--warn-%s %" PRIu64 " is above --crit-%s %" PRIu64, what, *warn, what, *crit);
    *warn = *crit;
}

static void
s_check_line(struct argp_state *state, check_options_t *options)
{
    if (options->live && memchr(options->given, true, sizeof options->given))
        argp_error(state, "--live looks at no figures, so it takes no bounds");
    s_settle_bounds(state, options->given[0], "behind", &options->warn_behind, &options->crit_behind);
    s_settle_bounds(state, options->given[2], "journal", &options->warn_journal, &options->crit_journal);
}

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    check_options_t *options = state->input;
    if (key >= KEY_WARN_BEHIND && key <= KEY_CRIT_JOURNAL)
        options->given[key - KEY_WARN_BEHIND] = true;
    switch (key) {
    case 't':
        options->timeout_ms = cmd_duration_ms(state, "--timeout", arg);
        if (options->timeout_ms == 0 || options->timeout_ms > 3600000)
            argp_error(state, "--timeout: '%s' is not 1ms to 1h", arg);
        break;
    case 'l':
        options->live = true;
        break;
    case KEY_WARN_BEHIND:
        options->warn_behind = cmd_number(state, "--warn-behind", arg, 0, UINT64_MAX);
        break;
    case KEY_CRIT_BEHIND:
        options->crit_behind = cmd_number(state, "--crit-behind", arg, 0, UINT64_MAX);
        break;
    case KEY_WARN_JOURNAL:
        options->warn_journal = cmd_number(state, "--warn-journal", arg, 0, 100);
        break;
    case KEY_CRIT_JOURNAL:
        options->crit_journal = cmd_number(state, "--crit-journal", arg, 0, 100);
        break;
    case ARGP_KEY_END:
        s_check_line(state, options);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse_option,
    .doc = "Ask a daemon whether it is well: one line, figures after a bar, and an exit code.\v"
           "Examples:\n"
           "  paytriage check\n"
           "  paytriage check --http tcp://127.0.0.1:5580 --warn-behind 1000 --timeout 2s\n"
           "  paytriage check --live\n\n"
           "Exit: 0 ok, 1 warning, 2 critical: not ready or no answer, 3 unknown: a wrong command line, HTTP is off, "
           "or another program answers. With --live: 0 it lives, 1 not, or no answer; a full journal or a slow "
           "subscriber is no reason to restart."};

//  What an answer in the way of plugins begins with.
static const char *const s_words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

static int
s_tell(check_code_t code, const char *what)
{
    //  The text of another process, and one line: a bar would begin the figures.
    printf("%s - ", s_words[code]);
    for (; *what && *what != '\n'; what++)
        putchar((unsigned char) *what < 0x20 || *what == '|' ? '?' : *what);
    return (int) code;
}

static check_code_t
s_judge(double value, uint64_t warn, uint64_t crit)
{
    if (value >= (double) crit)
        return CHECK_CRITICAL;
    return value >= (double) warn ? CHECK_WARNING : CHECK_OK;
}

static double
s_worst_behind(const char *page, pt_text_t *out_name)
{
    double worst = 0;
    cmd_sample_t sample;
    while (cmd_scrape_next(&page, &sample))
        if (pt_text_equal(sample.name, PT_TEXT("paytriage_subscriber_behind_decisions")) && sample.value >= worst) {
            worst = sample.value;
            *out_name = cmd_scrape_label(&sample, "subscriber");
        }
    return worst;
}

static int
s_judge_metrics(const check_options_t *options, const char *page)
{
    char what[256];
    pt_text_t name = {"", 0};
    double behind = s_worst_behind(page, &name);
    double size = cmd_scrape_sum(page, "paytriage_journal_size_bytes", NULL, NULL, NULL);
    double used = cmd_scrape_sum(page, "paytriage_journal_used_bytes", NULL, NULL, NULL);
    double percent = size > 0 ? 100 * used / size : 0;
    check_code_t lag = s_judge(behind, options->warn_behind, options->crit_behind);
    check_code_t full = size > 0 ? s_judge(percent, options->warn_journal, options->crit_journal) : CHECK_OK;
    check_code_t code = lag > full ? lag : full;
    if (code == CHECK_OK)
        snprintf(what, sizeof what, "ready");
    else if (lag >= full)
        snprintf(what, sizeof what, "subscriber %.*s is %.0f decisions behind", (int) name.len, name.data, behind);
    else
        snprintf(what, sizeof what, "%.0f %% of the journal is in use", percent);
    s_tell(code, what);
    printf(" | responses=%.0fc in_work=%.0f;;;0;%.0f behind=%.0f;%" PRIu64 ";%" PRIu64 ";0 journal=%.1f%%;%" PRIu64
           ";%" PRIu64 ";0;100\n",
           cmd_scrape_sum(page, "paytriage_responses_total", NULL, NULL, NULL),
           cmd_scrape_sum(page, "paytriage_in_work_messages", NULL, NULL, NULL),
           cmd_scrape_sum(page, "paytriage_in_work_limit_messages", NULL, NULL, NULL), behind, options->warn_behind,
           options->crit_behind, percent, options->warn_journal, options->crit_journal);
    return (int) code;
}

static int
s_check(const check_options_t *options)
{
    char error[PT_HTTP_GET_ERROR_BYTES_MAX];
    unsigned status;
    char *body = NULL;
    unsigned half_ms = (unsigned) (options->timeout_ms + 1) / 2;
    if (!pt_http_get(options->endpoint, "/readyz", half_ms, &status, &body, error))
        strncat(error, "\n", sizeof error - strlen(error) - 1);
    int code = CHECK_OK;
    if (!body)
        code = s_tell(CHECK_CRITICAL, error);
    else if (status == 503 && strncmp(body, "not ready", 9) == 0)
        code = s_tell(CHECK_CRITICAL, body);
    else if (status != 200 || strcmp(body, "ready\n") != 0)
        code = s_tell(CHECK_UNKNOWN, "what answers there is not paytriage");
    free(body);
    body = NULL;
    if (code == CHECK_OK && !pt_http_get(options->endpoint, "/metrics", half_ms, &status, &body, error))
        code = s_tell(CHECK_CRITICAL, error);
    if (code == CHECK_OK)
        code = s_judge_metrics(options, body);
    else
        putchar('\n');
    free(body);
    return cmd_flush() == EX_OK ? code : (int) CHECK_UNKNOWN;
}

//  The codes of a container's health: 2 and above are not for us.
static int
s_check_life(const check_options_t *options)
{
    char error[PT_HTTP_GET_ERROR_BYTES_MAX];
    unsigned status;
    char *body = NULL;
    bool answered = pt_http_get(options->endpoint, "/healthz", (unsigned) options->timeout_ms, &status, &body, error);
    bool lives = answered && status == 200 && strcmp(body, "live\n") == 0;
    bool ours = answered && (lives || (status == 503 && strncmp(body, "not live", 8) == 0));
    s_tell(lives ? CHECK_OK : CHECK_CRITICAL, ours ? body : answered ? "what answers there is not paytriage" : error);
    putchar('\n');
    free(body);
    return cmd_flush() == EX_OK && lives ? 0 : 1;
}

//  Nothing is known of a daemon that shows nothing.
static int
s_tell_off(const check_options_t *options, const char *why)
{
    s_tell(options->live ? CHECK_CRITICAL : CHECK_UNKNOWN, why);
    printf("; %s\n", CMD_OPTIONS_HTTP_HINT);
    return cmd_flush() == EX_OK && options->live ? 1 : (int) CHECK_UNKNOWN;
}

int
cmd_check(int argc, char **argv)
{
    check_options_t options = {
        .timeout_ms = 5000, .warn_behind = 10000, .crit_behind = 100000, .warn_journal = 75, .crit_journal = 80};
    char room[CMD_OPTIONS_ENDPOINT_BYTES];
    pt_config_t config;
    argp_err_exit_status = CHECK_UNKNOWN;
    if (cmd_parse(PT_FOR_CHECK, &s_argp, argc, argv, &options, &config) != EX_OK)
        return CHECK_UNKNOWN;
    options.endpoint = cmd_options_http(&config, room);
    int code;
    if (!options.endpoint)
        code = s_tell_off(&options, room);
    else if (cmd_options_check_http(options.endpoint) != EX_OK)
        code = CHECK_UNKNOWN;
    else
        code = options.live ? s_check_life(&options) : s_check(&options);
    pt_config_clear(&config);
    return code;
}
