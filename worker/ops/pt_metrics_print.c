/*  The names and words of /metrics. A series that may become interesting is printed at 0 as well, so
 *  that its first step is seen; the many of categories and matches only once they were counted.
 */
#include "pt_metrics.h"

#include <assert.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    const char *name;
    const char *help;
    uint64_t value;
} s_line_t;

static void
s_print_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

//  Whether a value is a counter shows in its name.
static void
s_print_lines(FILE *out, const s_line_t *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(lines[i].name);
        bool counter = len > 6 && strcmp(lines[i].name + len - 6, "_total") == 0;
        s_print_head(out, lines[i].name, counter ? "counter" : "gauge", lines[i].help);
        fprintf(out, "%s %" PRIu64 "\n", lines[i].name, lines[i].value);
    }
}
#define S_PRINT(out, lines) s_print_lines(out, lines, sizeof(lines) / sizeof((lines)[0]))

//  A value of somebody else's choice. What is not ASCII passes as UTF-8 or is none: then nobody could read
//  the whole page, so it is replaced.
static void
s_print_label(FILE *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            fprintf(out, "\\%c", *value);
        else
            fputc((unsigned char) *value < 0x20 || (unsigned char) *value > 0x7e ? '?' : *value, out);
    }
}

static void
s_print_histogram(FILE *out, const char *name, const char *help, const pt_histogram_ns_t *histogram)
{
    uint64_t count = 0;
    s_print_head(out, name, "histogram", help);
    for (size_t i = 0; i < PT_HISTOGRAM_NS_BOUNDS; i++) {
        count += histogram->counts[i];
        fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, (double) pt_histogram_ns_bounds[i] / 1e9, count);
    }
    count += histogram->counts[PT_HISTOGRAM_NS_BOUNDS];
    fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
    fprintf(out, "%s_sum %.9f\n%s_count %" PRIu64 "\n", name, (double) histogram->sum_ns / 1e9, name, count);
}

//  ---- decisions

typedef const char *(s_word_fn) (size_t value);

static const char *
s_route_word(size_t value)
{
    return pt_route_text((pt_route_t) value);
}

static const char *
s_category_word(size_t value)
{
    return pt_category_text((pt_category_t) value);
}

static const char *
s_match_word(size_t value)
{
    return pt_match_text((pt_match_t) value);
}

//  Nothing can be counted for "other" before there are more gateways than names.
static bool
s_is_shown(const pt_stats_snapshot_t *stats, size_t i, uint64_t value)
{
    return value || strcmp(stats->providers[i].name, "other") != 0;
}

//  One of the arrays of pt_stats_decided_t, at `offset`.
static void
s_print_decided(FILE *out, const pt_stats_snapshot_t *stats, const char *label, size_t offset, size_t count,
                s_word_fn *word, const s_line_t *line, bool zeros)
{
    s_print_head(out, line->name, "counter", line->help);
    for (size_t i = 0; i < stats->provider_count; i++) {
        const uint64_t *values = (const uint64_t *) ((const char *) &stats->providers[i].decided + offset);
        for (size_t value = 0; value < count; value++)
            if (values[value] || (zeros && s_is_shown(stats, i, 0)))
                fprintf(out, "%s{provider=\"%s\",%s=\"%s\"} %" PRIu64 "\n", line->name, stats->providers[i].name, label,
                        word(value), values[value]);
    }
}

static void
s_print_by_provider(FILE *out, const pt_stats_snapshot_t *stats, size_t offset, const s_line_t *line)
{
    s_print_head(out, line->name, "counter", line->help);
    for (size_t i = 0; i < stats->provider_count; i++) {
        uint64_t value = *(const uint64_t *) ((const char *) &stats->providers[i].decided + offset);
        if (s_is_shown(stats, i, value))
            fprintf(out, "%s{provider=\"%s\"} %" PRIu64 "\n", line->name, stats->providers[i].name, value);
    }
}

static void
s_print_fates(FILE *out, const pt_stats_alerts_t *alerts)
{
    const s_line_t lines[] = {
        {"paytriage_alerts_told_total", "Alerts published at once.", alerts->told},
        {"paytriage_alerts_folded_total", "Alerts counted for a summary.", alerts->folded},
        {"paytriage_alert_summaries_total", "Summaries of folded alerts published.", alerts->summaries},
        {"paytriage_alert_keys", "Kinds of alerts that are remembered now.", alerts->keys},
    };
    S_PRINT(out, lines);
}

static void
s_print_decisions(FILE *out, const pt_stats_snapshot_t *stats)
{
    static const s_line_t routes = {"paytriage_decisions_total", "Decisions made, by gateway and route.", 0};
    static const s_line_t categories = {"paytriage_decision_categories_total",
                                        "Decisions made, by gateway and category.", 0};
    static const s_line_t matches = {"paytriage_decision_matches_total",
                                     "Decisions made, by gateway and the rung of the catalog that answered.", 0};
    static const s_line_t alerts = {"paytriage_alerts_total", "Decisions made with an active alert, by gateway.", 0};
    static const s_line_t unknown = {"paytriage_unknown_codes_total",
                                     "Responses whose code no entry of the catalog knows, by gateway.", 0};
    s_print_decided(out, stats, "route", offsetof(pt_stats_decided_t, routes), PT_ROUTE_COUNT_, s_route_word, &routes,
                    true);
    s_print_decided(out, stats, "category", offsetof(pt_stats_decided_t, categories), PT_CATEGORY_COUNT_,
                    s_category_word, &categories, false);
    s_print_decided(out, stats, "match", offsetof(pt_stats_decided_t, matches), PT_MATCH_COUNT_, s_match_word, &matches,
                    false);
    s_print_by_provider(out, stats, offsetof(pt_stats_decided_t, alerts), &alerts);
    s_print_fates(out, &stats->alerts);
    s_print_by_provider(out, stats, offsetof(pt_stats_decided_t, categories[PT_CATEGORY_UNKNOWN_CODE]), &unknown);
}

//  ---- the worker

static void
s_print_catalogs(FILE *out, const pt_stats_snapshot_t *stats)
{
    s_print_head(out, "paytriage_catalog_info", "gauge", "The catalogs that decide now, by content hash; always 1.");
    for (size_t i = 0; i < stats->catalog_count; i++)
        fprintf(out, "paytriage_catalog_info{catalog=\"%016" PRIx64 "\",entries=\"%" PRIu64 "\"} 1\n",
                stats->catalogs[i].hash, stats->catalogs[i].entries);
}

static void
s_print_worker(FILE *out, const pt_pool_counters_t *pool)
{
    const s_line_t lines[] = {
        {"paytriage_responses_total", "Responses that were decided, published and acknowledged.", pool->received},
        {"paytriage_invalid_responses_total", "Of these, bytes that were no response.", pool->invalid},
        {"paytriage_messages_total", "Batches and plain requests taken into work.", pool->messages},
        {"paytriage_acks_total", "Batches and plain requests acknowledged.", pool->acked},
        {"paytriage_duplicate_batches_total", "Batches that were finished or in work already.", pool->duplicates},
        {"paytriage_published_messages_total", "DECISIONS messages published.", pool->published},
        {"paytriage_dropped_answers_total", "ACKs and NACKs that could not be sent at once.", pool->answers_dropped},
        {"paytriage_garbage_messages_total", "Messages of no known shape, dropped.", pool->garbage},
        {"paytriage_hellos_total", "Greetings by brokers, again after each restart.", pool->hellos},
        {"paytriage_in_work_messages", "Batches and plain requests in work now.", pool->in_work},
        {"paytriage_in_work_limit_messages", "The most that may be in work at a time.", pool->room},
        {"paytriage_brokers", "Brokers that this worker connects to.", pool->brokers},
        {"paytriage_brokers_connected", "Brokers that are connected now.", pool->connected},
        {"paytriage_draining", "1 while the worker takes nothing more and finishes what it has.", pool->draining},
    };
    S_PRINT(out, lines);
    s_print_head(out, "paytriage_nacks_total", "counter", "Batches and plain requests refused, by reason.");
    for (int reason = 0; reason < PT_REASON_COUNT_; reason++)
        fprintf(out, "paytriage_nacks_total{reason=\"%s\"} %" PRIu64 "\n", pt_reason_text((pt_reason_t) reason),
                pool->reasons[reason]);
    s_print_histogram(out, "paytriage_latency_seconds",
                      "Time from taking a batch into work to its acknowledgement, after publishing.", &pool->latency);
}

//  ---- the journal

static void
s_print_marks(FILE *out)
{
    s_print_head(out, "paytriage_journal_mark_ratio", "gauge",
                 "Shares of the file: above keep what all have read goes, above spill what no durable subscriber asked "
                 "for, at full batches are refused.");
    fprintf(out, "paytriage_journal_mark_ratio{mark=\"keep\"} %g\n", PT_STORE_KEEP_PERCENT / 100.0);
    fprintf(out, "paytriage_journal_mark_ratio{mark=\"spill\"} %g\n", PT_STORE_SPILL_PERCENT / 100.0);
    fprintf(out, "paytriage_journal_mark_ratio{mark=\"full\"} %g\n", PT_STORE_FULL_PERCENT / 100.0);
}

static void
s_print_lags(FILE *out, const pt_metrics_t *metrics)
{
    s_print_head(out, "paytriage_subscriber_behind_decisions", "gauge",
                 "Decisions kept that a named subscriber has not acknowledged.");
    for (size_t i = 0; i < metrics->lag_count; i++) {
        fputs("paytriage_subscriber_behind_decisions{subscriber=\"", out);
        s_print_label(out, metrics->lags[i].name);
        fprintf(out, "\"} %" PRIu64 "\n", metrics->lags[i].behind);
    }
    s_print_head(out, "paytriage_subscriber_seen_timestamp_seconds", "gauge", "Its last request, in unix seconds.");
    for (size_t i = 0; i < metrics->lag_count; i++) {
        fputs("paytriage_subscriber_seen_timestamp_seconds{subscriber=\"", out);
        s_print_label(out, metrics->lags[i].name);
        fprintf(out, "\"} %" PRIu64 ".%03u\n", metrics->lags[i].seen_ms / 1000,
                (unsigned) (metrics->lags[i].seen_ms % 1000));
    }
}

static void
s_print_journal(FILE *out, const pt_metrics_t *metrics)
{
    const pt_stats_snapshot_t *stats = &metrics->stats;
    const uint64_t page = (uint64_t) sysconf(_SC_PAGESIZE);
    const uint64_t *replayed = stats->replayed;
    const s_line_t lines[] = {
        {"paytriage_journal_size_bytes", "Size of the journal's file.", stats->usage.pages_max * page},
        {"paytriage_journal_used_bytes", "Of it, in use.", stats->usage.pages_used * page},
        {"paytriage_journal_topics", "Topics of the journal.", stats->usage.topics},
        {"paytriage_journal_topics_max", "Topics that the journal takes.", stats->usage.topics_max},
        {"paytriage_journal_failed", "1 when the journal has failed; the worker then ends.", stats->journal_failed},
        {"paytriage_journal_batches_total", "Batches made durable.", stats->commit_jobs},
        {"paytriage_journal_bytes_total", "Bytes of the decisions and responses made durable.", stats->commit_bytes},
        {"paytriage_journal_waiting_batches", "Batches gathered for the next commit.", stats->waiting},
        {"paytriage_journal_undone_commits_total", "Commits undone, for lack of room or a fault.",
         stats->commits_refused},
        {"paytriage_journal_trimmed_unread_total",
         "Decisions dropped for room that no durable subscriber asked for and not every reader may have had.",
         stats->usage.trimmed_unread},
        {"paytriage_replay_opens_total", "OPEN requests of subscribers answered.", replayed[PT_STATS_OPEN]},
        {"paytriage_replay_fetches_total", "FETCH requests of subscribers answered: gaps served.",
         replayed[PT_STATS_FETCH]},
        {"paytriage_replay_decisions_total", "Decisions sent again to subscribers that missed them.",
         replayed[PT_STATS_FETCHED]},
        {"paytriage_replay_truncated_total", "FETCH requests for decisions that are no longer kept, or damaged.",
         replayed[PT_STATS_TRUNCATED]},
        {"paytriage_replay_refused_total", "Requests of subscribers refused.", replayed[PT_STATS_REFUSED]},
    };
    S_PRINT(out, lines);
    s_print_marks(out);
    s_print_histogram(out, "paytriage_journal_commit_seconds", "Time of one commit, with its way to the disk.",
                      &stats->commits);
    s_print_lags(out, metrics);
}

//  ---- who comes in

static void
s_print_gate(FILE *out, const pt_gate_counters_t *gate)
{
    const s_line_t lines[] = {
        {"paytriage_gate_admitted_total", "Handshakes of clients that were let in.", gate->admitted},
        {"paytriage_gate_cuts_total", "Times that connections were cut after a key was taken away.", gate->cuts},
        {"paytriage_gate_keys", "Keys of clients that are let in now.", gate->keys},
    };
    S_PRINT(out, lines);
    s_print_head(out, "paytriage_gate_refused_total", "counter", "Handshakes that were refused, by reason.");
    const struct {
        const char *reason;
        uint64_t count;
    } reasons[] = {{"unknown_key", gate->unknown_key},
                   {"wrong_role", gate->wrong_role},
                   {"no_handshake", gate->no_handshake},
                   {"bad_request", gate->bad_request}};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        fprintf(out, "paytriage_gate_refused_total{reason=\"%s\"} %" PRIu64 "\n", reasons[i].reason, reasons[i].count);
}

//  ---- the broker

static void
s_print_broker(FILE *out, const pt_broker_counters_t *broker)
{
    const s_line_t lines[] = {
        {"paytriage_broker_batches_total", "Batches handed to workers.", broker->batches},
        {"paytriage_broker_plain_requests_total", "Plain requests handed to workers.", broker->plain},
        {"paytriage_broker_answers_total", "Answers passed back to producers.", broker->answers},
        {"paytriage_broker_dropped_answers_total", "Answers that could not be passed back at once.",
         broker->answers_dropped},
        {"paytriage_broker_garbage_messages_total", "Messages of no known shape, dropped.", broker->garbage},
        {"paytriage_broker_workers", "Workers alive now.", broker->workers},
        {"paytriage_broker_credit_messages", "Messages that workers would take now.", broker->credit},
    };
    S_PRINT(out, lines);
    s_print_head(out, "paytriage_broker_nacks_total", "counter",
                 "Batches refused: busy, the worker has no room; refused, the header cannot be read.");
    fprintf(out, "paytriage_broker_nacks_total{reason=\"busy\"} %" PRIu64 "\n", broker->busy);
    fprintf(out, "paytriage_broker_nacks_total{reason=\"refused\"} %" PRIu64 "\n", broker->refused);
}

//  ---- the process

static uint64_t
s_count_descriptors(void)
{
    uint64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return 0;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    closedir(folder);
    //  One of them is the folder itself.
    return count - 1;
}

static uint64_t
s_resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (uint64_t) sysconf(_SC_PAGESIZE);
}

static void
s_print_process(FILE *out)
{
    struct rlimit limit = {0, 0};
    (void) getrlimit(RLIMIT_NOFILE, &limit);
    const s_line_t lines[] = {
        {"process_open_fds", "Open file descriptors.", s_count_descriptors()},
        {"process_max_fds", "The most file descriptors that may be open.", limit.rlim_cur},
        {"process_resident_memory_bytes", "Resident memory; of the journal, the part that is mapped.",
         s_resident_bytes()},
    };
    struct timespec used = {0, 0};
    S_PRINT(out, lines);
    (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    s_print_head(out, "process_cpu_seconds_total", "counter", "Processor time of all threads.");
    fprintf(out, "process_cpu_seconds_total %ld.%03ld\n", (long) used.tv_sec, used.tv_nsec / 1000000);
}

void
pt_metrics_print(const pt_metrics_t *metrics, FILE *out)
{
    assert(metrics);
    assert(out);

    s_print_head(out, "paytriage_build_info", "gauge", "The version of the program; always 1.");
    fprintf(out, "paytriage_build_info{version=\"%s\"} 1\n", metrics->version);
    if (metrics->has_pool) {
        s_print_worker(out, &metrics->pool);
        s_print_catalogs(out, &metrics->stats);
        s_print_decisions(out, &metrics->stats);
    }
    if (metrics->has_journal)
        s_print_journal(out, metrics);
    if (metrics->has_broker)
        s_print_broker(out, &metrics->broker);
    if (metrics->has_gate)
        s_print_gate(out, &metrics->gate);
    s_print_process(out);
}
