/*  The rows stand in the order of the file; groups only order the help of the daemons. */
#include "pt_option.h"

#include "pt_journal.h"
#include "pt_load.h"
#include "pt_log.h"
#include "pt_pool.h"
#include "pt_producer.h"
#include "pt_units.h"
#include "pt_wire.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *const s_colors[] = {"auto", "always", "never", NULL};

static const char *const s_log_formats[PT_LOG_FORMAT_COUNT_ + 1] = {"auto", "text", "json", "journal", NULL};
static const char *const s_log_levels[PT_LOG_LEVEL_COUNT_ + 1] = {"error", "warning", "info", "debug", NULL};
static const char *const s_maskings[PT_MASKING_COUNT_ + 1] = {"texts", "all", "none", NULL};

#define S_ALERT_WINDOW_MS_MAX (UINT64_C(24) * 60 * 60 * 1000)

static const pt_option_t s_options[PT_OPTION_COUNT_] = {
    [PT_OPTION_BIND] = {.key = "bind",
                        .flag = "bind",
                        .argument = "ADDRESS",
                        .preset = "127.0.0.1",
                        .commands = PT_FOR_DAEMONS,
                        .letter = 'B',
                        .letter_for = PT_FOR_DAEMONS,
                        .group = 9,
                        .help = "the address for default endpoints"},
    [PT_OPTION_PORT_BASE] = {.key = "port_base",
                             .flag = "port-base",
                             .type = PT_OPTION_NUMBER,
                             .argument = "PORT",
                             .preset = "5560",
                             .min = 1024,
                             .max = 65535 - 20,
                             .commands = PT_FOR_WATCH | PT_FOR_DAEMONS | PT_FOR_TAIL | PT_FOR_SEND | PT_FOR_REDRIVE,
                             .letter = 'b',
                             .letter_for = PT_FOR_DAEMONS | PT_FOR_TAIL,
                             .group = 9,
                             .help = "move all default ports: front is PORT, back PORT+1, retry PORT+10, …"},
    [PT_OPTION_DRAIN_TIMEOUT] = {.key = "drain_timeout",
                                 .flag = "drain-timeout",
                                 .type = PT_OPTION_DURATION,
                                 .argument = "TIME",
                                 .preset = "30s",
                                 .max = UINT32_MAX,
                                 .commands = PT_FOR_DAEMONS,
                                 .group = 9,
                                 .help = "to finish what was taken, after SIGTERM"},
    [PT_OPTION_HTTP] = {.key = "http",
                        .flag = "http",
                        .argument = "ENDPOINT",
                        .commands = PT_FOR_WATCH | PT_FOR_DAEMONS,
                        .group = 7,
                        .otherwise = "tcp://127.0.0.1:5580, when that is free",
                        .help = "where /metrics, /healthz and /readyz are shown, or none"},
    [PT_OPTION_PORTS_FILE] = {.key = "ports_file",
                              .flag = "ports-file",
                              .argument = "FILE",
                              .commands = PT_FOR_DAEMONS,
                              .group = 9,
                              .otherwise = "none",
                              .help = "once ready, write the bound endpoints there as JSON"},
    [PT_OPTION_CATALOG] = {.key = "catalog",
                           .flag = "catalog",
                           .argument = "PATH",
                           .otherwise = "the built-in one alone",
                           .values_max = PT_LOAD_PATHS_MAX,
                           .commands = PT_FOR_WORKER | PT_FOR_RUN | PT_FOR_CLASSIFY | PT_FOR_EXPLAIN | PT_FOR_CATALOG,
                           .group = 4,
                           .help = "YAML beside the built-in catalog, or an image; repeat it for more"},
    [PT_OPTION_CATALOG_WATCH] = {.key = "catalog_watch",
                                 .flag = "catalog-watch",
                                 .type = PT_OPTION_SWITCH,
                                 .argument = "BOOL",
                                 .preset = "false",
                                 .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                 .group = 4,
                                 .help = "load the catalog again when its files change; SIGHUP and 'paytriage ctl "
                                         "reload' always do"},
    [PT_OPTION_CONTROL] = {.key = "control",
                           .flag = "control",
                           .argument = "ENDPOINT",
                           .otherwise = "one for each worker, in a folder of this user",
                           .commands = PT_FOR_WORKER | PT_FOR_RUN,
                           .group = 9,
                           .help = "ipc socket for 'paytriage ctl', or 'none'"},
    [PT_OPTION_MASK] =
        {.key = "mask",
         .flag = "mask",
         .type = PT_OPTION_WORD,
         .words = s_maskings,
         .argument = "WHAT",
         .preset = "texts",
         .commands = PT_FOR_WORKER | PT_FOR_RUN,
         .group = 8,
         .help = "card numbers in texts of gateways; all: also in reference, account, operation and code; or none"},
    [PT_OPTION_CURVE] = {.key = "curve",
                         .flag = "curve",
                         .argument = "DIR",
                         .otherwise = "none: no encryption, and whoever reaches a socket is let in",
                         .commands = PT_FOR_TOP | PT_FOR_DAEMONS | PT_FOR_SEND | PT_FOR_TAIL | PT_FOR_REDRIVE,
                         .group = 6,
                         .help = "keys for CURVE, as 'paytriage keygen DIR' makes them"},
    [PT_OPTION_INSECURE_PUBLIC_BIND] = {.key = "insecure_public_bind",
                                        .flag = "insecure-public-bind",
                                        .type = PT_OPTION_SWITCH,
                                        .argument = "BOOL",
                                        .preset = "false",
                                        .commands = PT_FOR_DAEMONS,
                                        .group = 6,
                                        .help = "without --curve, listen where other machines can reach it"},
    [PT_OPTION_COLOR] = {.key = "color",
                         .flag = "color",
                         .type = PT_OPTION_WORD,
                         .words = s_colors,
                         .argument = "WHEN",
                         .preset = "auto",
                         .commands = PT_FOR_DEMO | PT_FOR_TAIL | PT_FOR_CLASSIFY | PT_FOR_EXPLAIN | PT_FOR_JOURNAL,
                         .letter = 'C',
                         .letter_for = PT_FOR_DEMO | PT_FOR_TAIL | PT_FOR_CLASSIFY | PT_FOR_EXPLAIN,
                         .help = "of text: auto, always or never"},
    [PT_OPTION_BROKER_FRONT] = {.key = "broker.front",
                                .flag = "front",
                                .type = PT_OPTION_ENDPOINT,
                                .argument = "ENDPOINT",
                                .otherwise = "port 5560",
                                .commands = PT_FOR_BROKER | PT_FOR_RUN,
                                .group = 1,
                                .help = "where to take responses"},
    [PT_OPTION_BROKER_BACK] = {.key = "broker.back",
                               .flag = "back",
                               .type = PT_OPTION_ENDPOINT,
                               .argument = "ENDPOINT",
                               .otherwise = "port 5561; with 'run', inside the process",
                               .commands = PT_FOR_BROKER | PT_FOR_RUN,
                               .group = 1,
                               .help = "where workers come"},
    [PT_OPTION_WORKER_CONNECT] = {.key = "worker.connect",
                                  .flag = "connect",
                                  .env = "WORKER_CONNECT",
                                  .type = PT_OPTION_ENDPOINT,
                                  .argument = "ENDPOINT",
                                  .otherwise = "port 5561 of this machine",
                                  .values_max = PT_POOL_BROKERS_MAX - 1,
                                  .commands = PT_FOR_WORKER,
                                  .letter = 'c',
                                  .letter_for = PT_FOR_WORKER,
                                  .group = 1,
                                  .help = "a broker's back; repeat it for more brokers"},
    [PT_OPTION_WORKER_THREADS] = {.key = "worker.threads",
                                  .flag = "workers",
                                  .type = PT_OPTION_NUMBER,
                                  .argument = "N",
                                  .preset = "auto",
                                  .word = "auto",
                                  .min = 1,
                                  .max = PT_POOL_WORKERS_MAX,
                                  .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                  .letter = 'w',
                                  .letter_for = PT_FOR_WORKER | PT_FOR_RUN,
                                  .group = 3,
                                  .help = "threads that classify, 1 to 256, or auto: one for each core"},
    [PT_OPTION_WORKER_WINDOW] = {.key = "worker.window",
                                 .flag = "window",
                                 .env = "WORKER_WINDOW",
                                 .type = PT_OPTION_NUMBER,
                                 .argument = "N",
                                 .preset = "64",
                                 .min = 1,
                                 .max = PT_POOL_WINDOW_MAX,
                                 .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                 .group = 3,
                                 .help = "batches taken and not yet finished, for each broker"},
    [PT_OPTION_PUBLISH_RETRY] = {.key = "publish.retry",
                                 .flag = "retry",
                                 .env = "PUBLISH_RETRY",
                                 .type = PT_OPTION_ENDPOINT,
                                 .argument = "ENDPOINT",
                                 .otherwise = "port 5570",
                                 .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                 .group = 2,
                                 .help = "decisions to retry"},
    [PT_OPTION_PUBLISH_DEAD_LETTER] = {.key = "publish.dead_letter",
                                       .flag = "dead-letter",
                                       .env = "PUBLISH_DEAD_LETTER",
                                       .type = PT_OPTION_ENDPOINT,
                                       .argument = "ENDPOINT",
                                       .otherwise = "port 5571",
                                       .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                       .group = 2,
                                       .help = "dead letters"},
    [PT_OPTION_PUBLISH_OPERATOR_ALERT] = {.key = "publish.operator_alert",
                                          .flag = "operator-alert",
                                          .env = "PUBLISH_OPERATOR_ALERT",
                                          .type = PT_OPTION_ENDPOINT,
                                          .argument = "ENDPOINT",
                                          .otherwise = "port 5572",
                                          .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                          .group = 2,
                                          .help = "decisions with an active alert"},
    [PT_OPTION_PUBLISH_SETTLED] = {.key = "publish.settled",
                                   .flag = "settled",
                                   .env = "PUBLISH_SETTLED",
                                   .type = PT_OPTION_ENDPOINT,
                                   .argument = "ENDPOINT",
                                   .otherwise = "port 5573",
                                   .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                   .group = 2,
                                   .help = "settled ones, live only"},
    [PT_OPTION_PUBLISH_HWM] = {.key = "publish.hwm",
                               .flag = "publish-hwm",
                               .type = PT_OPTION_NUMBER,
                               .argument = "N",
                               .preset = "4096",
                               .min = 1,
                               .max = 1000000,
                               .commands = PT_FOR_WORKER | PT_FOR_RUN,
                               .group = 2,
                               .help = "messages of up to 64 KiB kept for a slow subscriber before it loses some"},
    [PT_OPTION_ALERT_WINDOW] = {.key = "alerts.window",
                                .flag = "alert-window",
                                .type = PT_OPTION_DURATION,
                                .argument = "TIME",
                                .preset = "5m",
                                .max = S_ALERT_WINDOW_MS_MAX,
                                .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                .group = 7,
                                .help = "alerts that follow one of their kind within it are folded into one "
                                        "summary; 0s publishes each"},
    [PT_OPTION_ALERT_FREQUENT] = {.key = "alerts.frequent",
                                  .flag = "alert-frequent",
                                  .type = PT_OPTION_NUMBER,
                                  .argument = "N",
                                  .preset = "10",
                                  .min = 1,
                                  .max = PT_ALERTS_FREQUENT_COUNT_MAX,
                                  .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                  .group = 7,
                                  .help = "what alerts if frequent does when it came so often, 1 to 1000"},
    [PT_OPTION_ALERT_FREQUENT_WINDOW] = {.key = "alerts.frequent_window",
                                         .flag = "alert-frequent-window",
                                         .type = PT_OPTION_DURATION,
                                         .argument = "TIME",
                                         .preset = "5m",
                                         .min = 1000,
                                         .max = S_ALERT_WINDOW_MS_MAX,
                                         .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                         .group = 7,
                                         .help = "within so long, 1s to 24h"},
    [PT_OPTION_JOURNAL_DIR] = {.key = "journal.dir",
                               .flag = "journal",
                               .argument = "DIR",
                               .otherwise = "$STATE_DIRECTORY, else /var/lib/paytriage or a folder of this user",
                               .commands = PT_FOR_WORKER | PT_FOR_RUN | PT_FOR_JOURNAL,
                               .letter = 'j',
                               .letter_for = PT_FOR_JOURNAL,
                               .group = 5,
                               .help = "where decisions are kept before they are acknowledged, or 'none'"},
    [PT_OPTION_JOURNAL_SIZE] = {.key = "journal.size",
                                .flag = "journal-size",
                                .type = PT_OPTION_BYTES,
                                .argument = "BYTES",
                                .preset = "1G",
                                .min = PT_STORE_BYTES_MIN,
                                .max = UINT64_C(1) << 40,
                                .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                .group = 5,
                                .help =
                                    "of its file, allocated at the start, such as 512M or 8G; below 64M, batches of "
                                    "thousands may be refused as too_big"},
    [PT_OPTION_JOURNAL_SETTLED] = {.key = "journal.settled",
                                   .flag = "journal-settled",
                                   .type = PT_OPTION_SWITCH,
                                   .argument = "BOOL",
                                   .preset = "false",
                                   .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                   .group = 5,
                                   .help = "keep settled decisions as well"},
    [PT_OPTION_JOURNAL_COMMIT_MAX] = {.key = "journal.commit_max",
                                      .flag = "commit-max",
                                      .type = PT_OPTION_NUMBER,
                                      .argument = "N",
                                      .preset = "256",
                                      .min = 1,
                                      .max = PT_JOURNAL_JOBS_MAX,
                                      .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                      .group = 5,
                                      .help = "batches made durable at a time, 1 to 4096"},
    [PT_OPTION_JOURNAL_COMMIT_WAIT] = {.key = "journal.commit_wait",
                                       .flag = "commit-wait",
                                       .type = PT_OPTION_DURATION,
                                       .argument = "TIME",
                                       .preset = "0ms",
                                       .max = 1000,
                                       .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                       .group = 5,
                                       .help = "for more batches before each commit, up to 1s"},
    [PT_OPTION_JOURNAL_REPLAY] = {.key = "journal.replay",
                                  .flag = "replay",
                                  .env = "JOURNAL_REPLAY",
                                  .type = PT_OPTION_ENDPOINT,
                                  .argument = "ENDPOINT",
                                  .otherwise = "port 5574",
                                  .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                  .group = 5,
                                  .help = "where subscribers fetch what they missed"},
    [PT_OPTION_JOURNAL_ADVERTISE] = {.key = "journal.advertise",
                                     .flag = "advertise",
                                     .type = PT_OPTION_ENDPOINT,
                                     .argument = "ENDPOINT",
                                     .otherwise = "what was bound",
                                     .max = PT_ENDPOINT_BYTES_MAX,
                                     .commands = PT_FOR_WORKER | PT_FOR_RUN,
                                     .group = 5,
                                     .help = "how subscribers reach it"},
    [PT_OPTION_LOG_FORMAT] = {.key = "log.format",
                              .flag = "log-format",
                              .type = PT_OPTION_WORD,
                              .words = s_log_formats,
                              .argument = "FORMAT",
                              .preset = "auto",
                              .commands = PT_FOR_DAEMONS,
                              .group = 8,
                              .help = "text, json, journal, or auto: the journal when started by systemd, else text"},
    [PT_OPTION_LOG_LEVEL] = {.key = "log.level",
                             .flag = "log-level",
                             .type = PT_OPTION_WORD,
                             .words = s_log_levels,
                             .argument = "LEVEL",
                             .preset = "info",
                             .commands = PT_FOR_DAEMONS,
                             .group = 8,
                             .help = "error, warning, info or debug"},
    [PT_OPTION_LOG_LIMIT] = {.key = "log.limit",
                             .flag = "log-limit",
                             .type = PT_OPTION_DURATION,
                             .argument = "TIME",
                             .preset = "10s",
                             .max = 3600000,
                             .commands = PT_FOR_DAEMONS,
                             .group = 8,
                             .help = "in which a warning comes at most 5 times; what did not come is counted"},
    [PT_OPTION_CLIENT_CONNECT] = {.key = "client.connect",
                                  .flag = "connect",
                                  .env = "CLIENT_CONNECT",
                                  .type = PT_OPTION_ENDPOINT,
                                  .argument = "ENDPOINT",
                                  .otherwise = "port 5560 of client.host",
                                  .values_max = PT_PRODUCER_BROKERS_MAX,
                                  .commands = PT_FOR_SEND | PT_FOR_REDRIVE,
                                  .letter = 'c',
                                  .letter_for = PT_FOR_SEND,
                                  .help = "a broker's front; repeat it for a second one"},
    [PT_OPTION_CLIENT_HOST] = {.key = "client.host",
                               .flag = "host",
                               .argument = "HOST",
                               .preset = "127.0.0.1",
                               .commands = PT_FOR_WATCH | PT_FOR_TAIL | PT_FOR_SEND | PT_FOR_REDRIVE,
                               .letter = 'H',
                               .letter_for = PT_FOR_TAIL,
                               .help = "where broker and worker are, for their default ports"},
};

const pt_option_t *
pt_option(pt_option_id_t id)
{
    assert(id < PT_OPTION_COUNT_);
    return &s_options[id];
}

const char *
pt_option_env(const pt_option_t *option, char out[PT_OPTION_NAME_BYTES])
{
    snprintf(out, PT_OPTION_NAME_BYTES, "PAYTRIAGE_%s", option->env ? option->env : option->flag);
    for (char *at = out; *at; at++)
        *at = *at == '-' ? '_' : (char) toupper((unsigned char) *at);
    return out;
}

static bool
s_refuse_number(const pt_option_t *option, const char *text, char reason[PT_OPTION_REASON_BYTES])
{
    snprintf(reason, PT_OPTION_REASON_BYTES, "'%.60s' is not a whole number from %llu to %llu%s%s", text,
             (unsigned long long) option->min, (unsigned long long) option->max, option->word ? ", or " : "",
             option->word ? option->word : "");
    return false;
}

static bool
s_parse_number(const pt_option_t *option, const char *text, uint64_t *out, char reason[PT_OPTION_REASON_BYTES])
{
    if (option->word && strcmp(text, option->word) == 0) {
        *out = 0;
        return true;
    }
    return pt_units_number(text, option->min, option->max, out) || s_refuse_number(option, text, reason);
}

static bool
s_parse_duration(const pt_option_t *option, const char *text, uint64_t *out, char reason[PT_OPTION_REASON_BYTES])
{
    if (pt_units_duration_ms(text, out) && *out >= option->min && *out <= option->max)
        return true;
    snprintf(reason, PT_OPTION_REASON_BYTES, "'%.60s' is not a duration such as 500ms, 30s, 15m or 1h, %llu to %llu ms",
             text, (unsigned long long) option->min, (unsigned long long) option->max);
    return false;
}

static bool
s_parse_bytes(const pt_option_t *option, const char *text, uint64_t *out, char reason[PT_OPTION_REASON_BYTES])
{
    if (pt_units_bytes(text, out) && *out >= option->min && *out <= option->max)
        return true;
    snprintf(reason, PT_OPTION_REASON_BYTES, "'%.60s' is no size from %lluM to %lluM, such as 512M or 8G", text,
             (unsigned long long) option->min >> 20, (unsigned long long) option->max >> 20);
    return false;
}

static bool
s_parse_switch(const char *text, uint64_t *out, char reason[PT_OPTION_REASON_BYTES])
{
    *out = strcmp(text, "true") == 0;
    if (*out || strcmp(text, "false") == 0)
        return true;
    snprintf(reason, PT_OPTION_REASON_BYTES, "'%.60s' is not true or false", text);
    return false;
}

static bool
s_parse_word(const pt_option_t *option, const char *text, uint64_t *out, char reason[PT_OPTION_REASON_BYTES])
{
    char list[100] = "";
    for (size_t i = 0, len = 0; option->words[i]; i++) {
        if (strcmp(text, option->words[i]) == 0) {
            *out = i;
            return true;
        }
        const char *comma = !i ? "" : option->words[i + 1] ? ", " : " or ";
        len += (size_t) snprintf(list + len, sizeof list - len, "%s%s", comma, option->words[i]);
        assert(len < sizeof list);
    }
    snprintf(reason, PT_OPTION_REASON_BYTES, "'%.60s' is not %s", text, list);
    return false;
}

static bool
s_check_endpoint(const pt_option_t *option, const char *text, char reason[PT_OPTION_REASON_BYTES])
{
    const char *colon = strstr(text, "://");
    if (!colon || colon == text || !colon[3])
        snprintf(reason, PT_OPTION_REASON_BYTES,
                 "'%.60s' is no endpoint such as tcp://127.0.0.1:5560 or ipc:///run/paytriage/front", text);
    else if (option->max && strlen(text) > option->max)
        snprintf(reason, PT_OPTION_REASON_BYTES, "longer than %llu bytes", (unsigned long long) option->max);
    else
        return true;
    return false;
}

bool
pt_option_parse(const pt_option_t *option, const char *text, pt_option_value_t *out,
                char reason[PT_OPTION_REASON_BYTES])
{
    *out = (pt_option_value_t) {.text = text};
    switch (option->type) {
    case PT_OPTION_NUMBER:
        return s_parse_number(option, text, &out->number, reason);
    case PT_OPTION_DURATION:
        return s_parse_duration(option, text, &out->number, reason);
    case PT_OPTION_BYTES:
        return s_parse_bytes(option, text, &out->number, reason);
    case PT_OPTION_SWITCH:
        return s_parse_switch(text, &out->number, reason);
    case PT_OPTION_WORD:
        return s_parse_word(option, text, &out->number, reason);
    case PT_OPTION_ENDPOINT:
        return s_check_endpoint(option, text, reason);
    case PT_OPTION_TEXT:
        break;
    }
    if (*text)
        return true;
    snprintf(reason, PT_OPTION_REASON_BYTES, "nothing is no value");
    return false;
}

const char *
pt_option_group_text(int group)
{
    static const char *const texts[] = {
        [1] = "Where responses come from:", [2] = "Where to publish:", [3] = "How much at a time:",
        [4] = "What codes mean:",           [5] = "What is kept:",     [6] = "Who may connect:",
        [7] = "How it is watched:",         [8] = "What it says:",     [9] = "Everywhere:",
    };
    return group > 0 && (size_t) group < sizeof texts / sizeof texts[0] ? texts[group] : NULL;
}

const char *
pt_option_help(const pt_option_t *option, char out[PT_OPTION_HELP_BYTES])
{
    const char *preset = option->preset ? option->preset : option->otherwise;
    snprintf(out, PT_OPTION_HELP_BYTES, preset ? "%s (default %s)" : "%s", option->help, preset);
    return out;
}
