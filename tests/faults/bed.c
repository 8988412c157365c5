/*  One thread does everything, and waits for nothing but sockets and the worker's end. */
#include "bed.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <msgpack.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pt_frames.h"
#include "pt_sockets.h"
#include "pt_store.h"

#define S_DECIDED 1u
#define S_ALERTED 2u
#define S_ALERT_DUE 4u

static const char *const s_queues[BED_QUEUES] = {"settled", "retry", "dead_letter", "operator_alert"};
static const char s_name[] = "audit";

int64_t
bed_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t
bed_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

void
bed_violate(bed_t *self, const char *format, ...)
{
    va_list arguments;
    //  The first ones tell; the others follow from them.
    if (self->counts.violations++ >= 8 || self->options.quiet)
        return;
    va_start(arguments, format);
    fputs("VIOLATION: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static void
s_give_up(const char *what, const char *reason)
{
    fprintf(stderr, "cannot %s: %s\n", what, reason);
    exit(2);
}

//  ---- what arrives

static bool
s_find_number(const bed_t *self, pt_text_t id, uint64_t *out_number)
{
    char text[32] = "";
    char *end;
    if (id.len < 2 || id.len >= sizeof(text) || id.data[0] != 'r')
        return false;
    memcpy(text, id.data + 1, id.len - 1);
    *out_number = strtoull(text, &end, 10);
    return *end == 0 && *out_number < self->put;
}

static void
s_take_alert(bed_t *self, uint64_t number)
{
    uint8_t *state = &self->states[number];
    if (*state & S_ALERTED)
        bed_violate(self, "the alert of response %" PRIu64 " is delivered twice", number);
    self->alerts_due -= (*state & S_ALERT_DUE) != 0 && !(*state & S_ALERTED);
    *state |= S_ALERTED;
}

static void
s_take_decision(void *context, pt_text_t topic, const pt_decision_t *decision, pt_bytes_t bytes)
{
    (void) bytes;
    bed_t *self = context;
    uint64_t number;
    //  A batch that is never read again has no ids but its places.
    if (decision->match == PT_MATCH_INVALID && self->poison) {
        number = self->poison - 1;
    } else if (!s_find_number(self, decision->id, &number)) {
        bed_violate(self, "a decision of no response: %.*s", (int) decision->id.len, decision->id.data);
        return;
    }
    if (topic.len > 15 && memcmp(topic.data, "operator_alert.", 15) == 0) {
        s_take_alert(self, number);
        return;
    }
    if (self->states[number] & S_DECIDED) {
        bed_violate(self, "response %" PRIu64 " is delivered twice", number);
        return;
    }
    self->states[number] |= S_DECIDED;
    self->delivered++;
    if (decision->alert.present && decision->alert.active) {
        self->states[number] |= S_ALERT_DUE;
        self->alerts_due += !(self->states[number] & S_ALERTED);
    }
}

static void
s_take_gap(void *context, pt_text_t topic, uint64_t worker, uint64_t first, uint64_t next)
{
    (void) worker;
    bed_violate(context, "%.*s: [%" PRIu64 ", %" PRIu64 ") is reported lost", (int) topic.len, topic.data, first, next);
}

static void
s_take_fault(void *context, pt_positions_fault_t fault, uint64_t worker, uint64_t epoch)
{
    (void) worker, (void) epoch;
    bed_violate(context, "the subscriber says: %s", pt_subscriber_fault_text(fault));
}

//  ---- numbers and what they stand for

static bed_topic_t *
s_find_topic(bed_t *self, pt_text_t name)
{
    for (size_t i = 0; i < self->topic_count; i++)
        if (pt_text_equal(pt_text_of(self->topics[i].name), name))
            return &self->topics[i];
    if (self->topic_count == BED_TOPICS_MAX)
        s_give_up("follow topics", "too many");
    bed_topic_t *topic = &self->topics[self->topic_count++];
    *topic = (bed_topic_t) {.crcs = NULL};
    memcpy(topic->name, name.data, name.len);
    return topic;
}

static void
s_grow_topic(bed_topic_t *topic, uint64_t seq)
{
    if (seq < topic->capacity)
        return;
    size_t capacity = 2 * seq + 1024;
    topic->crcs = realloc(topic->crcs, capacity * sizeof(*topic->crcs));
    if (!topic->crcs)
        s_give_up("follow topics", "no memory");
    memset(topic->crcs + topic->capacity, 0, (capacity - topic->capacity) * sizeof(*topic->crcs));
    topic->capacity = capacity;
}

static uint32_t
s_crc(pt_bytes_t item)
{
    uint32_t crc = pt_wire_crc32(item);
    return crc ? crc : 1;
}

//  A message of the PUB sockets: what its numbers stand for must never change.
static void
s_note_published(bed_t *self, const pt_frames_t *message)
{
    pt_decisions_t header;
    pt_items_t items;
    pt_bytes_t item;
    pt_bytes_t name = pt_frames_bytes(message, 0);
    if (message->count != 3 || pt_decisions_decode(pt_frames_bytes(message, 1), &header) != PT_OK ||
        header.flags & PT_FLAG_LIVE ||
        pt_items_open_decisions(pt_frames_bytes(message, 2), header.count, &items) != PT_OK)
        return;
    bed_topic_t *topic = s_find_topic(self, (pt_text_t) {(const char *) name.data, name.len});
    s_grow_topic(topic, header.first_seq + header.count);
    for (uint64_t seq = header.first_seq; pt_items_next(&items, &item); seq++) {
        uint32_t crc = s_crc(item);
        if (topic->crcs[seq] && topic->crcs[seq] != crc)
            bed_violate(self, "%s %" PRIu64 " was published with two meanings", topic->name, seq);
        topic->crcs[seq] = crc;
        self->counts.published++;
    }
}

static void
s_read_raw(bed_t *self)
{
    pt_frames_t message;
    while (pt_frames_receive(zsock_resolve(self->raw), &message)) {
        s_note_published(self, &message);
        pt_frames_clear(&message);
    }
}

static void
s_compare_record(bed_t *self, bed_topic_t *topic, const pt_store_record_t *record, const uint8_t *bytes)
{
    pt_items_t items;
    pt_bytes_t item;
    if (pt_items_open_decisions((pt_bytes_t) {bytes, record->items_bytes}, record->count, &items) != PT_OK) {
        bed_violate(self, "%s %" PRIu64 " holds no decisions", topic->name, record->first_seq);
        return;
    }
    s_grow_topic(topic, record->first_seq + record->count);
    for (uint64_t seq = record->first_seq; pt_items_next(&items, &item); seq++) {
        if (topic->crcs[seq] && topic->crcs[seq] != s_crc(item))
            bed_violate(self, "%s %" PRIu64 " is not what was published", topic->name, seq);
        topic->crcs[seq] = s_crc(item);
    }
}

//  Everything that was published stands in the journal, or was trimmed from it.
static void
s_compare_topic(bed_t *self, pt_store_view_t *view, bed_topic_t *topic)
{
    static uint8_t s_bytes[PT_BATCH_BYTES_MAX];
    pt_store_head_t head = {.first_retained = 1, .next_seq = 1};
    pt_store_record_t record;
    bool known = pt_store_view_head(view, topic->name, &head) == PT_OK;
    for (uint64_t seq = head.next_seq; seq < topic->capacity; seq++)
        if (topic->crcs[seq]) {
            bed_violate(self, "%s %" PRIu64 " was published and is not in the journal", topic->name, seq);
            break;
        }
    if (!known || head.first_retained == head.next_seq ||
        pt_store_view_seek(view, topic->name, head.first_retained) != PT_OK)
        return;
    while (pt_store_view_next(view, &record) == PT_OK) {
        if (pt_store_view_items(view, s_bytes) == PT_OK)
            s_compare_record(self, topic, &record, s_bytes);
        else
            bed_violate(self, "%s %" PRIu64 " cannot be read", topic->name, record.first_seq);
    }
}

void
bed_compare_journal(bed_t *self)
{
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_options_t options = {.dir = self->journal, .read_only = true};
    pt_store_verified_t verified;
    pt_store_view_t *view = NULL;
    pt_store_t *store;
    s_read_raw(self);
    if (pt_store_open(&options, &store, error) != PT_OK) {
        bed_violate(self, "the journal cannot be opened: %s", error);
        return;
    }
    if (pt_store_verify(store, NULL, NULL, &verified) != PT_OK || verified.faults)
        bed_violate(self, "verify finds %" PRIu64 " faults", verified.faults);
    if (pt_store_view_open(store, &view) != PT_OK)
        bed_violate(self, "the journal cannot be read");
    for (size_t i = 0; view && i < self->topic_count; i++)
        s_compare_topic(self, view, &self->topics[i]);
    pt_store_view_close(&view);
    pt_store_close(&store);
}

//  ---- responses

static void
s_pack_text(msgpack_packer *packer, const char *text)
{
    msgpack_pack_str_with_body(packer, text, strlen(text));
}

//  Every third one is a dead letter; about half of them raise an alert.
static void
s_pack_response(const bed_t *self, uint64_t number, msgpack_sbuffer *buffer)
{
    static const int statuses[] = {503, 400, 429};
    static const char filler[4096];
    char id[32];
    msgpack_packer packer;
    msgpack_packer_init(&packer, buffer, msgpack_sbuffer_write);
    msgpack_pack_map(&packer, self->options.filler ? 4 : 3);
    s_pack_text(&packer, "id");
    snprintf(id, sizeof(id), "r%" PRIu64, number);
    s_pack_text(&packer, id);
    s_pack_text(&packer, "provider");
    s_pack_text(&packer, number % 2 ? "opn" : "nobody");
    s_pack_text(&packer, "http_status");
    msgpack_pack_int(&packer, statuses[number % 3]);
    if (self->options.filler) {
        s_pack_text(&packer, "body");
        msgpack_pack_bin_with_body(&packer, filler, self->options.filler);
    }
}

static void
s_grow_states(bed_t *self)
{
    if (self->put < self->capacity)
        return;
    size_t capacity = 2 * self->capacity + 65536;
    self->states = realloc(self->states, capacity);
    if (!self->states)
        s_give_up("follow responses", "no memory");
    memset(self->states + self->capacity, 0, capacity - self->capacity);
    self->capacity = capacity;
}

bool
bed_put(bed_t *self, pt_bytes_t raw)
{
    msgpack_sbuffer buffer;
    s_grow_states(self);
    msgpack_sbuffer_init(&buffer);
    s_pack_response(self, self->put, &buffer);
    pt_bytes_t response = raw.len ? raw : (pt_bytes_t) {(const uint8_t *) buffer.data, buffer.size};
    pt_status_t status = pt_producer_put(self->producer, response);
    msgpack_sbuffer_destroy(&buffer);
    if (status == PT_OK)
        self->put++;
    else if (status != PT_E_SPACE)
        s_give_up("put a response", pt_status_text(status));
    return status == PT_OK;
}

static void
s_take_refusal(void *context, uint64_t first, uint32_t count, pt_reason_t reason)
{
    bed_violate(context, "%u responses from %" PRIu64 " are refused: %s", count, first, pt_reason_text(reason));
}

//  ---- the worker

static void
s_start_process(bed_t *self, char *const *arguments, char *const *environment)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, self->words, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    int rc = posix_spawn(&self->worker, self->options.program, &actions, &attributes, arguments, environment);
    if (rc != 0)
        s_give_up("start a worker", strerror(rc));
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
}

void
bed_start_worker(bed_t *self, const bed_fault_t *fault, unsigned life)
{
    const char *arguments[] = {"paytriage",
                               "worker",
                               "--connect",
                               pt_broker_back(self->broker),
                               "--settled",
                               self->publish[0],
                               "--retry",
                               self->publish[1],
                               "--dead-letter",
                               self->publish[2],
                               "--operator-alert",
                               self->publish[3],
                               "--alert-window",
                               "0s",
                               "--replay",
                               self->replay,
                               "--journal",
                               self->journal,
                               "--journal-size",
                               self->options.journal_bytes,
                               "--commit-max",
                               "1",
                               "--threads",
                               "2",
                               "--drain-timeout",
                               "20s",
                               NULL};
    char rule[96];
    char sanitizer[256];
    const char *environment[BED_VARIABLES_MAX + 5] = {"ASAN_OPTIONS=verify_asan_link_order=0:abort_on_error=1"};
    size_t count = 1;
    for (size_t i = 0; i < BED_VARIABLES_MAX && life < fault->lives; i++)
        if (fault->variable[i])
            environment[count++] = fault->variable[i];
    snprintf(rule, sizeof(rule), "PAYTRIAGE_RULE_OFF=%s", self->options.rule ? self->options.rule : "");
    environment[count++] = rule;
    if (getenv("TSAN_OPTIONS")) {
        snprintf(sanitizer, sizeof(sanitizer), "TSAN_OPTIONS=%s", getenv("TSAN_OPTIONS"));
        environment[count++] = sanitizer;
    }
    s_start_process(self, (char *const *) (uintptr_t) arguments, (char *const *) (uintptr_t) environment);
}

static void
s_copy_words(const bed_t *self)
{
    char line[512];
    FILE *file = fopen(self->words, "r");
    while (file && !self->options.quiet && fgets(line, sizeof(line), file))
        fprintf(stderr, "    %s", line);
    if (file)
        fclose(file);
}

//  A worker that fails says what and where, in one line of its own.
static bool
s_says_why(const bed_t *self)
{
    char line[512];
    bool says = false;
    FILE *file = fopen(self->words, "r");
    while (file && fgets(line, sizeof(line), file))
        says |= strncmp(line, "paytriage: ", 11) == 0;
    if (file)
        fclose(file);
    return says;
}

//  Whether the worker has ended; an end that nothing explains is a violation.
static bool
s_has_ended(bed_t *self, const bed_fault_t *fault, unsigned life)
{
    int how;
    if (waitpid(self->worker, &how, WNOHANG) != self->worker)
        return false;
    self->worker = 0;
    bool died = (WIFEXITED(how) && WEXITSTATUS(how) == 137) || (WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    bool failed = WIFEXITED(how) && WEXITSTATUS(how) > 64 && WEXITSTATUS(how) <= 78 && s_says_why(self);
    //  libzmq and CZMQ end a process that has no memory: crash only.
    bool aborted = fault->aborts && WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT;
    self->counts.deaths += died;
    self->counts.failures += failed || aborted;
    if (!(died && life < fault->lives) && !(died && fault->kill_at) && !((failed || aborted) && fault->fails)) {
        bed_violate(self, "the worker ended with %d (life %u)", how, life);
        s_copy_words(self);
    }
    return true;
}

void
bed_stop_worker(bed_t *self)
{
    int how;
    if (!self->worker)
        return;
    kill(self->worker, SIGTERM);
    int64_t end_ms = bed_now_ms() + self->options.patience_ms;
    while (waitpid(self->worker, &how, WNOHANG) != self->worker) {
        bed_poll(self, 2);
        if (bed_now_ms() < end_ms)
            continue;
        bed_violate(self, "the worker does not stop");
        kill(self->worker, SIGKILL);
        end_ms = INT64_MAX;
    }
    self->worker = 0;
    bool died = WIFEXITED(how) && WEXITSTATUS(how) == 137;
    self->counts.deaths += died;
    if (!died && (!WIFEXITED(how) || WEXITSTATUS(how) != 0)) {
        bed_violate(self, "the worker stopped with %d", how);
        s_copy_words(self);
    }
}

//  ---- turns

void
bed_poll(bed_t *self, uint32_t wait_ms)
{
    bool heard;
    if (pt_producer_poll(self->producer, wait_ms, -1) != PT_OK)
        s_give_up("send", strerror(errno));
    if (self->subscriber && pt_subscriber_poll(self->subscriber, 0, -1, &heard) != PT_OK)
        s_give_up("receive", strerror(errno));
    s_read_raw(self);
}

bool
bed_is_finished(const bed_t *self)
{
    return pt_producer_is_idle(self->producer) && self->delivered == self->put && self->alerts_due == 0;
}

static void
s_report_stuck(bed_t *self)
{
    uint64_t first = 0;
    while (first < self->put && self->states[first] & S_DECIDED)
        first++;
    bed_violate(self,
                "no progress for %u ms: %" PRIu64 " put, %" PRIu64 " accepted, %" PRIu64
                " delivered (first missing %" PRIu64 "), %" PRIu64 " alerts missing",
                self->options.patience_ms, self->put, pt_producer_counts(self->producer).accepted, self->delivered,
                first, self->alerts_due);
    s_copy_words(self);
    //  What is missing now is not to be missed again in the turns that follow.
    for (uint64_t i = 0; i < self->put; i++)
        self->states[i] |= S_DECIDED;
    self->delivered = self->put;
    self->alerts_due = 0;
}

static void
s_kill_worker(bed_t *self, const bed_fault_t *fault)
{
    for (volatile unsigned i = 0; i < fault->spin; i++)
        continue;
    kill(self->worker, SIGKILL);
}

void
bed_turn(bed_t *self, const bed_fault_t *fault, uint64_t responses, pt_bytes_t raw)
{
    unsigned life = 0;
    uint64_t goal = self->put + responses;
    uint64_t before = self->put;
    uint64_t seen = 0;
    bool killed = false;
    int64_t progress_ms = bed_now_ms();
    self->counts.turns++;
    bed_start_worker(self, fault, life);
    while (self->put < goal || !bed_is_finished(self)) {
        while (self->put < goal && bed_put(self, self->put == before ? raw : (pt_bytes_t) {NULL, 0}))
            continue;
        if (self->put == goal)
            pt_producer_seal(self->producer);
        bed_poll(self, 2);
        uint64_t accepted = pt_producer_counts(self->producer).accepted + self->accepted_before;
        if (fault->kill_at && !killed && accepted >= before + fault->kill_at && self->worker) {
            s_kill_worker(self, fault);
            killed = true;
        }
        if (self->worker && s_has_ended(self, fault, life)) {
            if (++life == BED_LIVES_MAX) {
                bed_violate(self, "the worker died %u times", life);
                s_report_stuck(self);
                break;
            }
            bed_start_worker(self, fault, life);
        }
        if (accepted + self->delivered != seen) {
            seen = accepted + self->delivered;
            progress_ms = bed_now_ms();
        }
        if (bed_now_ms() - progress_ms > self->options.patience_ms) {
            s_report_stuck(self);
            break;
        }
    }
    bed_stop_worker(self);
    bed_compare_journal(self);
}

//  ---- making and unmaking

void
bed_add_subscriber(bed_t *self)
{
    const char *error = "";
    pt_subscriber_options_t options = {.prefixes = {"retry.", "dead_letter.", "operator_alert."},
                                       .prefix_count = 3,
                                       .endpoints = {self->publish[1], self->publish[2], self->publish[3]},
                                       .endpoint_count = 3,
                                       .mode = PT_POSITIONS_DURABLE,
                                       .name = s_name};
    pt_subscriber_handlers_t handlers = {self, s_take_decision, s_take_gap, s_take_fault, NULL};
    self->subscriber = pt_subscriber_new(&options, &handlers, &error);
    if (!self->subscriber)
        s_give_up("subscribe", error);
}

static void
s_count_subscriber(bed_t *self)
{
    pt_subscriber_counts_t counts = pt_subscriber_counts(self->subscriber);
    self->counts.delivered += counts.decisions;
    self->counts.dropped += counts.dropped;
    self->counts.repeats += counts.repeats;
    self->counts.fetched += counts.fetched;
    //  One journal that remembers its batches numbers each response once.
    if (counts.repeats)
        bed_violate(self, "%" PRIu64 " decisions were numbered twice", counts.repeats);
}

void
bed_drop_subscriber(bed_t *self)
{
    if (self->worker && !pt_subscriber_finish(self->subscriber, self->options.patience_ms))
        bed_violate(self, "the subscriber's positions are not kept");
    s_count_subscriber(self);
    pt_subscriber_destroy(&self->subscriber);
}

static void
s_name_endpoints(bed_t *self)
{
    for (size_t i = 0; i < BED_QUEUES; i++)
        snprintf(self->publish[i], BED_PATH_BYTES, "ipc://%s/%s", self->dir, s_queues[i]);
    snprintf(self->replay, BED_PATH_BYTES, "ipc://%s/replay", self->dir);
    snprintf(self->words, BED_PATH_BYTES, "%s/words", self->dir);
    snprintf(self->journal, BED_PATH_BYTES, "%s/journal", self->dir);
}

void
bed_open(bed_t *self, const bed_options_t *options)
{
    char front[BED_PATH_BYTES], back[BED_PATH_BYTES];
    char error[PT_BROKER_ERROR_BYTES_MAX] = "";
    const char *words = "";
    memset(self, 0, sizeof(*self));
    self->options = *options;
    //  A process that dies loses no page of the system: memory serves as well as a disk, and faster.
    bool memory = access("/dev/shm", W_OK | X_OK) == 0;
    snprintf(self->dir, sizeof(self->dir), "%s/pt-bed-XXXXXX", memory ? "/dev/shm" : "/tmp");
    if (!mkdtemp(self->dir))
        s_give_up("make a folder", strerror(errno));
    s_name_endpoints(self);
    if (pt_sockets_init() != PT_OK)
        s_give_up("make sockets", strerror(errno));
    snprintf(front, sizeof(front), "ipc://%s/front", self->dir);
    snprintf(back, sizeof(back), "ipc://%s/back", self->dir);
    self->broker = pt_broker_new(&(pt_broker_options_t) {.front = front, .back = back}, error);
    if (!self->broker)
        s_give_up("start a broker", error);
    //  The producer keeps the address, for when it has to connect again.
    pt_producer_options_t producer = {.brokers = {pt_broker_front(self->broker)},
                                      .broker_count = 1,
                                      .batch_max = options->batch,
                                      .window = options->window,
                                      .rto_ms = 50};
    self->producer = pt_producer_new(&producer, s_take_refusal, self, &words);
    self->raw = pt_sockets_new(ZMQ_SUB, 0, 0);
    if (!self->producer || !self->raw)
        s_give_up("make sockets", words);
    zmq_setsockopt(zsock_resolve(self->raw), ZMQ_SUBSCRIBE, "", 0);
    //  So that it sees what a worker publishes first.
    zsock_set_reconnect_ivl(self->raw, 2);
    zsock_set_reconnect_ivl_max(self->raw, 0);
    for (size_t i = 1; i < BED_QUEUES; i++)
        if (pt_sockets_connect(self->raw, self->publish[i]) != PT_OK)
            s_give_up("subscribe", strerror(errno));
    bed_add_subscriber(self);
}

void
bed_renew_journal(bed_t *self)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "data.new", "data.new-lock",
                                        "lock",     "suspects", "control"};
    char path[BED_PATH_BYTES + 16];
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", self->journal, files[i]);
        unlink(path);
    }
    rmdir(self->journal);
    for (size_t i = 0; i < self->topic_count; i++)
        free(self->topics[i].crcs);
    self->topic_count = 0;
}

void
bed_close(bed_t *self)
{
    static const char *const files[] = {"words",       "front",          "back",   "settled", "retry",
                                        "dead_letter", "operator_alert", "replay", "counts"};
    char path[BED_PATH_BYTES];
    pt_producer_counts_t counts = pt_producer_counts(self->producer);
    self->counts.accepted = counts.accepted;
    self->counts.resent = counts.batches_resent;
    self->counts.busy = counts.busy;
    if (self->subscriber) {
        s_count_subscriber(self);
        pt_subscriber_destroy(&self->subscriber);
    }
    pt_producer_destroy(&self->producer);
    zsock_destroy(&self->raw);
    pt_broker_destroy(&self->broker);
    bed_renew_journal(self);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", self->dir, files[i]);
        unlink(path);
    }
    rmdir(self->dir);
    free(self->states);
}
