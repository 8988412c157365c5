//  Producer and subscriber of this project against the real program: a broker and a worker as
//  processes of their own, the gateways' answers through them, and every decision counted back.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <signal.h>

#include "pt_json.h"
#include "pt_producer.h"
#include "pt_sockets.h"
#include "pt_subscriber.h"

//  What never happens on a machine that works, also under sanitizers.
#define PATIENCE_MS 120000
#define RESPONSES_MAX 1024
#define ENDPOINT_BYTES 128
#define QUEUES 4

static const char *const s_gateways[] = {"jamespay", "opn", "shopline", "smilepayz", "uapay"};
static const char *const s_queues[QUEUES] = {"settled.", "retry.", "dead_letter.", "operator_alert."};

//  One response for each queue; the third one also raises an alert.
static const char *const s_markers[] = {
    "{\"id\": \"%s\", \"provider\": \"opn\", \"http_status\": 200, \"body\": {\"object\": \"charge\", \"status\": "
    "\"successful\"}}",
    "{\"id\": \"%s\", \"provider\": \"nobody\", \"http_status\": 503}",
    "{\"id\": \"%s\", \"provider\": \"nobody\", \"http_status\": 400}",
};

typedef struct {
    pid_t pid;
    int words; //  its stderr
} s_process_t;

//  A response of the sample, and how often its decision came.
typedef struct {
    char id[PT_ID_BYTES_MAX + 1];
    unsigned decided, alerts;
    bool alert_active;
} s_response_t;

typedef struct {
    char folder[32];
    char endpoints[QUEUES][ENDPOINT_BYTES], front[ENDPOINT_BYTES], back[ENDPOINT_BYTES];
    s_process_t broker, worker;
    pt_producer_t *producer;
    pt_subscriber_t *subscriber;
    s_response_t responses[RESPONSES_MAX];
    size_t response_count;
    bool heard[QUEUES]; //  "warm" came on this queue
    bool ended[QUEUES]; //  "end" came on this queue
} s_bus_t;

static int64_t
s_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

//  ---- processes

//  Read words until the line that says "ready".
static void
s_await_ready(s_process_t *process)
{
    char text[4096];
    size_t len = 0;
    while (len < sizeof text - 1) {
        ssize_t got = read(process->words, text + len, sizeof text - 1 - len);
        text[len += got > 0 ? (size_t) got : 0] = '\0';
        if (strstr(text, "\nready"))
            return;
        if (got <= 0)
            break;
    }
    fail_msg("the process ended before it was ready: %s", text);
}

//  Before this process has any thread, so that the child may do as it likes.
static s_process_t
s_start(const char *const *arguments)
{
    int words[2];
    assert_int_equal(pipe(words), 0);
    s_process_t process = {.pid = fork(), .words = words[0]};
    assert_true(process.pid >= 0);
    if (process.pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) dup2(words[1], STDERR_FILENO);
        (void) close(words[0]);
        (void) close(words[1]);
        (void) execv(PT_PROGRAM, (char *const *) (uintptr_t) arguments);
        _exit(127);
    }
    (void) close(words[1]);
    s_await_ready(&process);
    return process;
}

static void
s_stop(s_process_t *process)
{
    int status;
    assert_int_equal(kill(process->pid, SIGTERM), 0);
    assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    (void) close(process->words);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void
s_start_processes(s_bus_t *self)
{
    (void) snprintf(self->folder, sizeof self->folder, "paytriage-XXXXXX");
    assert_non_null(mkdtemp(self->folder));
    (void) snprintf(self->front, ENDPOINT_BYTES, "ipc://%s/front", self->folder);
    (void) snprintf(self->back, ENDPOINT_BYTES, "ipc://%s/back", self->folder);
    for (size_t i = 0; i < QUEUES; i++)
        (void) snprintf(self->endpoints[i], ENDPOINT_BYTES, "ipc://%s/%s", self->folder, s_queues[i]);
    const char *broker[] = {"paytriage", "broker", "--front", self->front, "--back", self->back, NULL};
    const char *worker[] = {"paytriage",
                            "worker",
                            "--connect",
                            self->back,
                            "--settled",
                            self->endpoints[0],
                            "--retry",
                            self->endpoints[1],
                            "--dead-letter",
                            self->endpoints[2],
                            "--operator-alert",
                            self->endpoints[3],
                            "--alert-window",
                            "0s",
                            NULL};
    self->broker = s_start(broker);
    self->worker = s_start(worker);
}

//  ---- decisions

static s_response_t *
s_find_response(s_bus_t *self, pt_text_t id)
{
    for (size_t i = 0; i < self->response_count; i++)
        if (pt_text_equal(pt_text_of(self->responses[i].id), id))
            return &self->responses[i];
    fail_msg("a decision about nothing that was sent: %.*s", (int) id.len, id.data);
    return NULL;
}

static size_t
s_queue_of(pt_text_t topic)
{
    for (size_t i = 0; i < QUEUES; i++)
        if (topic.len > strlen(s_queues[i]) && memcmp(topic.data, s_queues[i], strlen(s_queues[i])) == 0)
            return i;
    fail_msg("a topic of no queue: %.*s", (int) topic.len, topic.data);
    return 0;
}

static void
s_take_decision(void *context, pt_text_t topic, const pt_decision_t *decision, pt_bytes_t bytes)
{
    s_bus_t *self = context;
    size_t queue = s_queue_of(topic);
    assert_true(bytes.len > 0);
    if (pt_text_equal(decision->id, PT_TEXT("warm"))) {
        self->heard[queue] = true;
        return;
    }
    if (pt_text_equal(decision->id, PT_TEXT("end"))) {
        self->ended[queue] = true;
        return;
    }
    s_response_t *response = s_find_response(self, decision->id);
    if (queue == QUEUES - 1) {
        assert_true(decision->alert.present && decision->alert.active);
        response->alerts++;
        return;
    }
    char expected[PT_TOPIC_BYTES_MAX + 1];
    (void) snprintf(expected, sizeof expected, "%s.%.*s.", pt_route_text(decision->route), (int) decision->provider.len,
                    decision->provider.data);
    assert_true(pt_text_equal(topic, pt_text_of(expected)));
    response->decided++;
    response->alert_active = decision->alert.present && decision->alert.active;
}

static void
s_take_gap(void *context, pt_text_t topic, uint64_t worker, uint64_t first, uint64_t next)
{
    (void) context;
    (void) worker;
    fail_msg("%.*s: %lu to %lu did not arrive", (int) topic.len, topic.data, (unsigned long) first,
             (unsigned long) next);
}

//  ---- both sides of the bus

static void
s_turn(s_bus_t *self)
{
    bool heard;
    pt_producer_seal(self->producer);
    assert_int_equal(pt_producer_poll(self->producer, 0, -1), PT_OK);
    assert_int_equal(pt_subscriber_poll(self->subscriber, 10, -1, &heard), PT_OK);
}

static void
s_put(s_bus_t *self, const char *line)
{
    uint8_t *bytes;
    size_t len;
    char error[160];
    assert_int_equal(pt_json_to_msgpack(pt_text_of(line), &bytes, &len, error), PT_OK);
    pt_status_t status;
    while ((status = pt_producer_put(self->producer, (pt_bytes_t) {bytes, len})) == PT_E_SPACE)
        s_turn(self);
    assert_int_equal(status, PT_OK);
    free(bytes);
}

static void
s_put_markers(s_bus_t *self, const char *id)
{
    for (size_t i = 0; i < sizeof s_markers / sizeof s_markers[0]; i++) {
        char line[256];
        (void) snprintf(line, sizeof line, s_markers[i], id);
        s_put(self, line);
    }
}

static bool
s_all(const bool *queues)
{
    return queues[0] && queues[1] && queues[2] && queues[3];
}

static void
s_connect(s_bus_t *self)
{
    const char *error;
    pt_producer_options_t producer = {.brokers = {self->front}, .broker_count = 1, .batch_max = 20};
    pt_subscriber_options_t subscriber = {.endpoint_count = QUEUES};
    for (size_t i = 0; i < QUEUES; i++)
        subscriber.endpoints[i] = self->endpoints[i];
    pt_subscriber_handlers_t handlers = {.context = self, .decision = s_take_decision, .gap = s_take_gap};
    assert_int_equal(pt_sockets_init(), PT_OK);
    self->producer = pt_producer_new(&producer, NULL, NULL, &error);
    self->subscriber = pt_subscriber_new(&subscriber, &handlers, &error);
    assert_non_null(self->producer);
    assert_non_null(self->subscriber);
    //  A PUB socket drops what comes before a subscription does.
    for (int64_t end_ms = s_now_ms() + PATIENCE_MS; !s_all(self->heard); s_turn(self)) {
        assert_true(s_now_ms() < end_ms);
        s_put_markers(self, "warm");
    }
}

//  `{"id":"…"` begins every line of the sample, with or without blanks.
static void
s_note_response(s_bus_t *self, const char *line)
{
    assert_true(self->response_count < RESPONSES_MAX);
    s_response_t *response = &self->responses[self->response_count++];
    assert_int_equal(sscanf(line, "{ \"id\" : \"%128[^\"]\"", response->id), 1);
}

static void
s_send_gateway(s_bus_t *self, const char *gateway)
{
    char path[512];
    char *line = NULL;
    size_t capacity = 0;
    (void) snprintf(path, sizeof path, "%s/tests/vectors/bodies/%s.jsonl", PT_SOURCE_DIR, gateway);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (getline(&line, &capacity, file) > 0) {
        s_note_response(self, line);
        s_put(self, line);
    }
    free(line);
    (void) fclose(file);
}

static void
s_close(s_bus_t *self)
{
    pt_producer_destroy(&self->producer);
    pt_subscriber_destroy(&self->subscriber);
    s_stop(&self->worker);
    s_stop(&self->broker);
    for (size_t i = 0; i < QUEUES; i++)
        (void) unlink(self->endpoints[i] + strlen("ipc://"));
    (void) unlink(self->front + strlen("ipc://"));
    (void) unlink(self->back + strlen("ipc://"));
    assert_int_equal(rmdir(self->folder), 0);
}

static void
every_response_is_counted_back_once(void **state)
{
    (void) state;
    static s_bus_t bus;
    s_start_processes(&bus);
    s_connect(&bus);
    for (size_t i = 0; i < sizeof s_gateways / sizeof s_gateways[0]; i++)
        s_send_gateway(&bus, s_gateways[i]);
    int64_t end_ms = s_now_ms() + PATIENCE_MS;
    for (; !pt_producer_is_idle(bus.producer); s_turn(&bus))
        assert_true(s_now_ms() < end_ms);
    //  Everything is acknowledged, so it is published, and what comes now stands behind it.
    for (s_put_markers(&bus, "end"); !s_all(bus.ended); s_turn(&bus))
        assert_true(s_now_ms() < end_ms);

    size_t alerts = 0;
    assert_true(bus.response_count >= 300);
    for (size_t i = 0; i < bus.response_count; i++) {
        assert_int_equal(bus.responses[i].decided, 1);
        assert_int_equal(bus.responses[i].alerts, bus.responses[i].alert_active);
        alerts += bus.responses[i].alerts;
    }
    assert_true(alerts > 0 && alerts < bus.response_count);
    pt_producer_counts_t sent = pt_producer_counts(bus.producer);
    pt_subscriber_counts_t got = pt_subscriber_counts(bus.subscriber);
    assert_int_equal(sent.refused, 0);
    assert_int_equal(got.missed, 0);
    assert_int_equal(got.malformed, 0);
    assert_int_equal(got.dropped, 0);
    s_close(&bus);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_response_is_counted_back_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
