/*  The process has one stderr and one journal, so this is the one place with a state of the process's own. */
#include "pt_log.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define S_LINES_MAX 5 //  of one event in the limit's time; arbitrary, enough to see a pattern
#define S_LINE_BYTES (PT_LOG_FIELDS_MAX * (PT_LOG_TEXT_BYTES_MAX * 6 + 64) + 256)

static const struct {
    const char *name;
    pt_log_level_t level;
    const char *meaning;
} s_events[PT_EVENT_COUNT_] = {
    [PT_EVENT_SERVICE_STARTED] = {"service.started", PT_LOG_INFO, "the process has begun"},
    [PT_EVENT_SERVICE_ENDPOINT] = {"service.endpoint", PT_LOG_INFO, "an endpoint is bound or connected"},
    [PT_EVENT_SERVICE_READY] = {"service.ready", PT_LOG_INFO, "responses are taken from now on"},
    [PT_EVENT_SERVICE_STOPPING] = {"service.stopping", PT_LOG_INFO,
                                   "nothing more is taken; what was taken is finished"},
    [PT_EVENT_SERVICE_DRAINED] = {"service.drained", PT_LOG_INFO, "all that was taken is finished and answered"},
    [PT_EVENT_SERVICE_DRAIN_LATE] = {"service.drain_late", PT_LOG_ERROR,
                                     "the drain ended early; producers send the rest again"},
    [PT_EVENT_SERVICE_NOT_NOTIFIED] = {"service.not_notified", PT_LOG_WARNING, "systemd could not be told something"},
    [PT_EVENT_SERVICE_DESCRIPTORS] = {"service.descriptors", PT_LOG_WARNING,
                                      "peers were turned away for want of descriptors"},
    [PT_EVENT_CONFIG_WARNING] = {"config.warning", PT_LOG_WARNING, "a setting is probably not what was meant"},
    [PT_EVENT_LOG_LEVEL] = {"log.level", PT_LOG_WARNING, "the log level was changed"},
    [PT_EVENT_BROKER_COUNTS] = {"broker.counts", PT_LOG_INFO, "what the broker passed on since its start"},
    [PT_EVENT_BROKER_NO_WORKER] = {"broker.no_worker", PT_LOG_WARNING, "no worker is connected; producers wait"},
    [PT_EVENT_BROKER_WORKERS] = {"broker.workers", PT_LOG_INFO, "the number of connected workers has changed"},
    [PT_EVENT_BROKER_DROPPED] = {"broker.dropped", PT_LOG_WARNING,
                                 "messages of no known shape, or answers that nobody could take, were dropped"},
    [PT_EVENT_GATE_OPENED] = {"gate.opened", PT_LOG_INFO, "only peers with a known key are let in"},
    [PT_EVENT_GATE_COUNTS] = {"gate.counts", PT_LOG_INFO, "who was let in and refused since the start"},
    [PT_EVENT_GATE_NOTICE] = {"gate.notice", PT_LOG_WARNING,
                              "a peer was refused or cut off, or keys could not be read"},
    [PT_EVENT_WORKER_NO_BROKER] = {"worker.no_broker", PT_LOG_WARNING, "no broker answers; nothing can arrive"},
    [PT_EVENT_WORKER_BROKERS] = {"worker.brokers", PT_LOG_INFO, "the number of connected brokers has changed"},
    [PT_EVENT_WORKER_COUNTS] = {"worker.counts", PT_LOG_INFO, "what the workers decided since their start"},
    [PT_EVENT_WORKER_RATES] = {"worker.rates", PT_LOG_DEBUG, "what the workers did since the last look, a second ago"},
    [PT_EVENT_WORKER_INVALID] = {"worker.invalid", PT_LOG_WARNING, "bytes that were no response became dead letters"},
    [PT_EVENT_WORKER_GARBAGE] = {"worker.garbage", PT_LOG_WARNING, "messages of no known shape were dropped"},
    [PT_EVENT_CATALOG_SWITCHED] = {"catalog.switched", PT_LOG_INFO, "another catalog serves"},
    [PT_EVENT_CATALOG_UNCHANGED] = {"catalog.unchanged", PT_LOG_INFO, "the catalog was loaded again and is the same"},
    [PT_EVENT_CATALOG_REFUSED] = {"catalog.refused", PT_LOG_WARNING, "a catalog was refused; the old one stays in use"},
    [PT_EVENT_CONTROL_NONE] = {"control.none", PT_LOG_WARNING,
                               "there is no control socket, so 'paytriage ctl' cannot reach this worker"},
    [PT_EVENT_JOURNAL_OPENED] = {"journal.opened", PT_LOG_INFO, "decisions are kept before they are acknowledged"},
    [PT_EVENT_JOURNAL_NONE] = {"journal.none", PT_LOG_WARNING,
                               "nothing is kept: what is acknowledged is lost when this process dies"},
    [PT_EVENT_JOURNAL_SUSPECTS] = {"journal.suspects", PT_LOG_WARNING,
                                   "batches were being read when this worker died; they are read apart"},
    [PT_EVENT_JOURNAL_FULL] = {"journal.full", PT_LOG_ERROR, "the journal is full; producers are told to wait"},
    [PT_EVENT_JOURNAL_ROOM] = {"journal.room", PT_LOG_INFO, "the journal has room again"},
    [PT_EVENT_JOURNAL_NO_ROOM] = {"journal.no_room", PT_LOG_WARNING,
                                  "batches found no room in the journal and are to come again"},
    [PT_EVENT_JOURNAL_DEAD_READER] = {"journal.dead_reader", PT_LOG_INFO,
                                      "a process died while it read the journal; what it held is in use again"},
    [PT_EVENT_JOURNAL_TOPICS] = {"journal.topics", PT_LOG_ERROR,
                                 "the journal takes no more topics; decisions share the topic of unknown gateways"},
    [PT_EVENT_JOURNAL_DAMAGED] = {"journal.damaged", PT_LOG_ERROR,
                                  "a part of the journal cannot be read; subscribers are told what is lost"},
    [PT_EVENT_JOURNAL_FAILED] =
        {"journal.failed", PT_LOG_ERROR,
         "the disk or the journal's file failed; nothing is acknowledged, and the process ends"},
};

static const char *const s_levels[PT_LOG_LEVEL_COUNT_] = {"error", "warning", "info", "debug"};

typedef struct {
    uint64_t since_ms; //  the limit's time began
    unsigned lines;
    uint64_t suppressed;
} s_limit_t;

static struct {
    pthread_mutex_t lock;
    FILE *stream;
    pt_log_format_t format;
    atomic_int level;
    uint64_t limit_ms;
    s_limit_t limits[PT_EVENT_COUNT_];
    char line[S_LINE_BYTES];
} s_log = {.lock = PTHREAD_MUTEX_INITIALIZER, .format = PT_LOG_TEXT, .level = PT_LOG_INFO, .limit_ms = 10000};

const char *
pt_event_name(pt_event_t event)
{
    return s_events[event].name;
}

const char *
pt_event_meaning(pt_event_t event)
{
    return s_events[event].meaning;
}

const char *
pt_log_level_text(pt_log_level_t level)
{
    return s_levels[level];
}

int
pt_log_level_parse(const char *text)
{
    for (int i = 0; i < PT_LOG_LEVEL_COUNT_; i++)
        if (strcmp(text, s_levels[i]) == 0)
            return i;
    return -1;
}

//  ---- one line

static void s_append(size_t *len, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
s_append(size_t *len, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int wrote = vsnprintf(s_log.line + *len, sizeof s_log.line - *len, format, arguments);
    va_end(arguments);
    assert(wrote >= 0 && (size_t) wrote < sizeof s_log.line - *len); //  fields are cut before
    *len += (size_t) wrote;
}

//  Between quotes, whatever the text holds: one line stays one line, in JSON and in text.
static void
s_append_quoted(size_t *len, const char *text)
{
    s_append(len, "\"");
    for (size_t i = 0; text[i] && i < PT_LOG_TEXT_BYTES_MAX; i++) {
        unsigned char byte = (unsigned char) text[i];
        if (byte == '"' || byte == '\\')
            s_append(len, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f)
            s_append(len, "\\u%04x", byte);
        else
            s_append(len, "%c", byte);
    }
    s_append(len, "\"");
}

static bool
s_is_plain(const char *text)
{
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at >= 0x7f || strchr("\"\\=", *at))
            return false;
    return *text && strlen(text) <= PT_LOG_TEXT_BYTES_MAX;
}

static void
s_append_time(size_t *len)
{
    struct timespec now;
    struct tm utc;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    s_append(len, "%s.%03ldZ", text, now.tv_nsec / 1000000);
}

static void
s_append_text_fields(size_t *len, const pt_log_field_t *fields)
{
    for (size_t i = 0; fields[i].key && i < PT_LOG_FIELDS_MAX; i++) {
        s_append(len, " %s=", fields[i].key);
        if (!fields[i].text)
            s_append(len, "%llu", (unsigned long long) fields[i].number);
        else if (s_is_plain(fields[i].text))
            s_append(len, "%s", fields[i].text);
        else
            s_append_quoted(len, fields[i].text);
    }
}

static void
s_write_text(pt_event_t event, const pt_log_field_t *fields, uint64_t suppressed)
{
    size_t len = 0;
    s_append_time(&len);
    s_append(&len, " %s %s", s_levels[s_events[event].level], s_events[event].name);
    s_append_text_fields(&len, fields);
    if (suppressed)
        s_append(&len, " suppressed=%llu", (unsigned long long) suppressed);
    s_append(&len, "\n");
    FILE *stream = s_log.stream ? s_log.stream : stderr;
    fwrite(s_log.line, 1, len, stream);
    fflush(stream);
}

static void
s_write_json(pt_event_t event, const pt_log_field_t *fields, uint64_t suppressed)
{
    size_t len = 0;
    s_append(&len, "{\"time\":\"");
    s_append_time(&len);
    s_append(&len, "\",\"level\":\"%s\",\"event\":\"%s\",\"message\":", s_levels[s_events[event].level],
             s_events[event].name);
    s_append_quoted(&len, s_events[event].meaning);
    for (size_t i = 0; fields[i].key && i < PT_LOG_FIELDS_MAX; i++) {
        s_append(&len, ",\"%s\":", fields[i].key);
        if (fields[i].text)
            s_append_quoted(&len, fields[i].text);
        else
            s_append(&len, "%llu", (unsigned long long) fields[i].number);
    }
    if (suppressed)
        s_append(&len, ",\"suppressed\":%llu", (unsigned long long) suppressed);
    s_append(&len, "}\n");
    FILE *stream = s_log.stream ? s_log.stream : stderr;
    fwrite(s_log.line, 1, len, stream);
    fflush(stream);
}

//  A field of the journal: PAYTRIAGE_KEY=VALUE, behind `at`; the next free place.
static size_t
s_append_journal_field(size_t at, const pt_log_field_t *field, struct iovec *out)
{
    size_t len = at;
    s_append(&len, "PAYTRIAGE_");
    for (const char *letter = field->key; *letter; letter++)
        s_append(&len, "%c", *letter >= 'a' && *letter <= 'z' ? *letter - 'a' + 'A' : *letter);
    if (field->text)
        s_append(&len, "=%.*s", PT_LOG_TEXT_BYTES_MAX, field->text);
    else
        s_append(&len, "=%llu", (unsigned long long) field->number);
    *out = (struct iovec) {s_log.line + at, len - at};
    return len + 1;
}

static void
s_write_journal(pt_event_t event, const pt_log_field_t *fields, uint64_t suppressed)
{
    static const int priorities[PT_LOG_LEVEL_COUNT_] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    struct iovec parts[PT_LOG_FIELDS_MAX + 5];
    size_t count = 0, len = 0, at;
    s_append(&len, "MESSAGE=%s: %s", s_events[event].name, s_events[event].meaning);
    s_append_text_fields(&len, fields);
    parts[count++] = (struct iovec) {s_log.line, len};
    at = ++len;
    s_append(&len, "PRIORITY=%d", priorities[s_events[event].level]);
    parts[count++] = (struct iovec) {s_log.line + at, len - at};
    at = ++len;
    s_append(&len, "SYSLOG_IDENTIFIER=paytriage");
    parts[count++] = (struct iovec) {s_log.line + at, len - at};
    at = s_append_journal_field(len + 1, &PT_LOG_S("event", s_events[event].name), &parts[count++]);
    for (size_t i = 0; fields[i].key && i < PT_LOG_FIELDS_MAX; i++)
        at = s_append_journal_field(at, &fields[i], &parts[count++]);
    if (suppressed)
        s_append_journal_field(at, &PT_LOG_N("suppressed", suppressed), &parts[count++]);
    //  Without a journal there is still stderr.
    if (sd_journal_sendv(parts, (int) count) < 0)
        s_write_text(event, fields, suppressed);
}

static void
s_write(pt_event_t event, const pt_log_field_t *fields, uint64_t suppressed)
{
    if (s_log.format == PT_LOG_JSON)
        s_write_json(event, fields, suppressed);
    else if (s_log.format == PT_LOG_JOURNAL)
        s_write_journal(event, fields, suppressed);
    else
        s_write_text(event, fields, suppressed);
}

//  ---- how often

static uint64_t
s_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

//  Whether the event may be written now, and how many of it were not before.
static bool
s_pass(pt_event_t event, uint64_t *out_suppressed)
{
    s_limit_t *limit = &s_log.limits[event];
    uint64_t now_ms = s_now_ms();
    *out_suppressed = 0;
    if (s_events[event].level > PT_LOG_WARNING)
        return true;
    if (!limit->lines || now_ms - limit->since_ms >= s_log.limit_ms) {
        *out_suppressed = limit->suppressed;
        *limit = (s_limit_t) {.since_ms = now_ms};
    }
    if (limit->lines < S_LINES_MAX) {
        limit->lines++;
        return true;
    }
    limit->suppressed++;
    return false;
}

void
pt_log_event(pt_event_t event, const pt_log_field_t *fields)
{
    assert(event < PT_EVENT_COUNT_);
    if ((int) s_events[event].level > atomic_load_explicit(&s_log.level, memory_order_relaxed))
        return;
    uint64_t suppressed;
    pthread_mutex_lock(&s_log.lock);
    if (s_pass(event, &suppressed))
        s_write(event, fields, suppressed);
    pthread_mutex_unlock(&s_log.lock);
}

void
pt_log_tick(void)
{
    static const pt_log_field_t none[] = {{0}};
    pthread_mutex_lock(&s_log.lock);
    uint64_t now_ms = s_now_ms();
    for (unsigned event = 0; event < PT_EVENT_COUNT_; event++) {
        s_limit_t *limit = &s_log.limits[event];
        if (!limit->suppressed || now_ms - limit->since_ms < s_log.limit_ms)
            continue;
        s_write((pt_event_t) event, none, limit->suppressed);
        *limit = (s_limit_t) {0};
    }
    pthread_mutex_unlock(&s_log.lock);
}

//  ---- where to

//  systemd says which stream it reads, as DEVICE:INODE.
static bool
s_is_journal(FILE *stream)
{
    const char *given = getenv("JOURNAL_STREAM");
    struct stat about;
    char is[64];
    if (!given || fstat(fileno(stream), &about) != 0)
        return false;
    snprintf(is, sizeof is, "%llu:%llu", (unsigned long long) about.st_dev, (unsigned long long) about.st_ino);
    return strcmp(given, is) == 0;
}

void
pt_log_open(FILE *stream, pt_log_format_t format, pt_log_level_t level, uint64_t limit_ms)
{
    pthread_mutex_lock(&s_log.lock);
    s_log.stream = stream;
    s_log.format = format != PT_LOG_AUTO ? format : s_is_journal(stream) ? PT_LOG_JOURNAL : PT_LOG_TEXT;
    s_log.limit_ms = limit_ms;
    memset(s_log.limits, 0, sizeof s_log.limits);
    pthread_mutex_unlock(&s_log.lock);
    pt_log_set_level(level);
}

pt_log_format_t
pt_log_format(void)
{
    pthread_mutex_lock(&s_log.lock);
    pt_log_format_t format = s_log.format;
    pthread_mutex_unlock(&s_log.lock);
    return format;
}

void
pt_log_set_limit(uint64_t limit_ms)
{
    pthread_mutex_lock(&s_log.lock);
    s_log.limit_ms = limit_ms;
    pthread_mutex_unlock(&s_log.lock);
}

void
pt_log_set_level(pt_log_level_t level)
{
    atomic_store_explicit(&s_log.level, (int) level, memory_order_relaxed);
}

pt_log_level_t
pt_log_level(void)
{
    return (pt_log_level_t) atomic_load_explicit(&s_log.level, memory_order_relaxed);
}
