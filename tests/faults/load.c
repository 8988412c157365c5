/*  A producer and a subscriber for chaos.py, which start, stop and judge them.
 *
 *      load produce --name K --rate N --stop-at N --broker ENDPOINT…
 *          responses "pK-0", "pK-1", … at this rate until SIGTERM or the N-th, then until all are
 *          answered; one line of JSON at the end.
 *      load watch --name NAME --counts FILE --prefix P… --publisher ENDPOINT…
 *          a durable subscriber that counts in FILE how often each response's decision came: one byte for
 *          each, a page of LOAD_IDS bytes for each producer. The file outlives the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <msgpack.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pt_producer.h"
#include "pt_sockets.h"
#include "pt_subscriber.h"

#define S_IDS (UINT64_C(1) << 24) //  of one producer
#define S_PRODUCERS 3
//  After this long without an answer something is lost, not late.
#define S_PATIENCE_MS 120000

typedef struct {
    const char *name, *counts;
    const char *brokers[PT_PRODUCER_BROKERS_MAX], *prefixes[PT_SUBSCRIBER_PREFIXES_MAX];
    const char *publishers[PT_SUBSCRIBER_ENDPOINTS_MAX];
    size_t broker_count, prefix_count, publisher_count;
    uint64_t rate, stop_at;
} s_options_t;

typedef struct {
    uint8_t *counts;
    uint64_t gaps, strange;
} s_watch_t;

static volatile sig_atomic_t s_stopped;

static void
s_stop(int number)
{
    (void) number;
    s_stopped = 1;
}

//  ---- produce

static void
s_pack_text(msgpack_packer *packer, const char *text)
{
    msgpack_pack_str_with_body(packer, text, strlen(text));
}

//  Every second response is settled, every fourth a retry, every fourth a dead letter; of the dead
//  letters one in five belongs to a gateway that a slow subscriber wants.
static void
s_pack_response(const char *name, uint64_t number, msgpack_sbuffer *buffer)
{
    char id[48];
    msgpack_packer packer;
    msgpack_packer_init(&packer, buffer, msgpack_sbuffer_write);
    bool settled = number % 2 == 0, retry = number % 4 == 1;
    snprintf(id, sizeof(id), "p%s-%" PRIu64, name, number);
    msgpack_pack_map(&packer, settled ? 4 : 3);
    s_pack_text(&packer, "id");
    s_pack_text(&packer, id);
    s_pack_text(&packer, "provider");
    s_pack_text(&packer, settled ? "opn" : number % 20 == 3 ? "uapay" : "nobody");
    s_pack_text(&packer, "http_status");
    msgpack_pack_int(&packer, settled ? 200 : retry ? 503 : 400);
    if (settled) {
        s_pack_text(&packer, "body");
        msgpack_pack_map(&packer, 2);
        s_pack_text(&packer, "object");
        s_pack_text(&packer, "charge");
        s_pack_text(&packer, "status");
        s_pack_text(&packer, "successful");
    }
}

static bool
s_put(pt_producer_t *producer, const char *name, uint64_t number)
{
    msgpack_sbuffer buffer;
    msgpack_sbuffer_init(&buffer);
    s_pack_response(name, number, &buffer);
    pt_status_t status = pt_producer_put(producer, (pt_bytes_t) {(const uint8_t *) buffer.data, buffer.size});
    msgpack_sbuffer_destroy(&buffer);
    if (status != PT_OK && status != PT_E_SPACE)
        exit(3);
    return status == PT_OK;
}

static int
s_produce(const s_options_t *options)
{
    const char *error = "";
    pt_producer_options_t producer_options = {.broker_count = options->broker_count, .window = 64};
    memcpy(producer_options.brokers, options->brokers, sizeof(producer_options.brokers));
    pt_producer_t *producer = pt_producer_new(&producer_options, NULL, NULL, &error);
    if (!producer) {
        fprintf(stderr, "%s\n", error);
        return 3;
    }
    uint64_t put = 0, answered = 0;
    int64_t start_ms = zclock_mono(), answered_ms = start_ms;
    while (!s_stopped || !pt_producer_is_idle(producer)) {
        uint64_t goal = (uint64_t) (zclock_mono() - start_ms) * options->rate / 1000;
        goal = goal < options->stop_at ? goal : options->stop_at;
        while (!s_stopped && put < goal && s_put(producer, options->name, put))
            put++;
        s_stopped |= put == options->stop_at;
        if (s_stopped)
            pt_producer_seal(producer);
        if (pt_producer_poll(producer, 5, -1) != PT_OK)
            return 3;
        pt_producer_counts_t counts = pt_producer_counts(producer);
        if (counts.accepted + counts.refused != answered || !s_stopped) {
            answered = counts.accepted + counts.refused;
            answered_ms = zclock_mono();
        }
        if (zclock_mono() - answered_ms > S_PATIENCE_MS)
            break;
    }
    pt_producer_counts_t counts = pt_producer_counts(producer);
    printf("{\"put\": %" PRIu64 ", \"accepted\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"resent\": %" PRIu64
           ", \"busy\": %" PRIu64 "}\n",
           counts.put, counts.accepted, counts.refused, counts.batches_resent, counts.busy);
    pt_producer_destroy(&producer);
    return 0;
}

//  ---- watch

static void
s_take_decision(void *context, pt_text_t topic, const pt_decision_t *decision, pt_bytes_t bytes)
{
    (void) topic, (void) bytes;
    s_watch_t *self = context;
    char id[64] = "";
    unsigned producer;
    uint64_t number;
    if (decision->id.len < sizeof(id))
        memcpy(id, decision->id.data, decision->id.len);
    if (sscanf(id, "p%u-%" SCNu64, &producer, &number) != 2 || producer >= S_PRODUCERS || number >= S_IDS) {
        self->strange++;
        return;
    }
    uint8_t *count = &self->counts[producer * S_IDS + number];
    *count = (uint8_t) (*count < 255 ? *count + 1 : 255);
}

static void
s_take_gap(void *context, pt_text_t topic, uint64_t worker, uint64_t first, uint64_t next)
{
    ((s_watch_t *) context)->gaps += next - first;
    fprintf(stderr, "GAP %.*s of %016" PRIx64 ": %" PRIu64 " to %" PRIu64 "\n", (int) topic.len, topic.data, worker,
            first, next - 1);
}

static void
s_take_fault(void *context, pt_positions_fault_t fault, uint64_t worker, uint64_t epoch)
{
    (void) context, (void) epoch;
    fprintf(stderr, "FAULT of %016" PRIx64 ": %s\n", worker, pt_subscriber_fault_text(fault));
}

static uint8_t *
s_map_counts(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    void *counts = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, S_PRODUCERS * S_IDS) == 0)
        counts = mmap(NULL, S_PRODUCERS * S_IDS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counts == MAP_FAILED) {
        perror(path);
        exit(3);
    }
    close(fd);
    return counts;
}

static int
s_watch(const s_options_t *options)
{
    const char *error = "";
    s_watch_t self = {.counts = s_map_counts(options->counts)};
    pt_subscriber_options_t subscriber_options = {.endpoint_count = options->publisher_count,
                                                  .prefix_count = options->prefix_count,
                                                  .mode = PT_POSITIONS_DURABLE,
                                                  .name = options->name};
    memcpy(subscriber_options.endpoints, options->publishers, sizeof(subscriber_options.endpoints));
    memcpy(subscriber_options.prefixes, options->prefixes, sizeof(subscriber_options.prefixes));
    pt_subscriber_handlers_t handlers = {&self, s_take_decision, s_take_gap, s_take_fault, NULL};
    pt_subscriber_t *subscriber = pt_subscriber_new(&subscriber_options, &handlers, &error);
    if (!subscriber) {
        fprintf(stderr, "%s\n", error);
        return 3;
    }
    bool heard;
    while (!s_stopped)
        if (pt_subscriber_poll(subscriber, 100, -1, &heard) != PT_OK)
            return 3;
    bool finished = pt_subscriber_finish(subscriber, 5000);
    pt_subscriber_counts_t counts = pt_subscriber_counts(subscriber);
    printf("{\"decisions\": %" PRIu64 ", \"fetched\": %" PRIu64 ", \"repeats\": %" PRIu64 ", \"dropped\": %" PRIu64
           ", \"missed\": %" PRIu64 ", \"malformed\": %" PRIu64 ", \"strange\": %" PRIu64 ", \"acked\": %s}\n",
           counts.decisions, counts.fetched, counts.repeats, counts.dropped, counts.missed, counts.malformed,
           self.strange, finished ? "true" : "false");
    pt_subscriber_destroy(&subscriber);
    return 0;
}

int
main(int argc, char **argv)
{
    static const struct option words[] = {
        {"name", 1, NULL, 'n'},   {"rate", 1, NULL, 'r'},      {"stop-at", 1, NULL, 's'}, {"broker", 1, NULL, 'b'},
        {"prefix", 1, NULL, 'p'}, {"publisher", 1, NULL, 'u'}, {"counts", 1, NULL, 'c'},  {0}};
    s_options_t options = {.rate = 1000, .stop_at = S_IDS};
    int key;
    while ((key = getopt_long(argc, argv, "", words, NULL)) != -1) {
        if (key == 'n')
            options.name = optarg;
        else if (key == 'r')
            options.rate = strtoull(optarg, NULL, 10);
        else if (key == 's')
            options.stop_at = strtoull(optarg, NULL, 10);
        else if (key == 'b' && options.broker_count < PT_PRODUCER_BROKERS_MAX)
            options.brokers[options.broker_count++] = optarg;
        else if (key == 'p' && options.prefix_count < PT_SUBSCRIBER_PREFIXES_MAX)
            options.prefixes[options.prefix_count++] = optarg;
        else if (key == 'u' && options.publisher_count < PT_SUBSCRIBER_ENDPOINTS_MAX)
            options.publishers[options.publisher_count++] = optarg;
        else if (key == 'c')
            options.counts = optarg;
        else
            return 2;
    }
    bool produces = optind + 1 == argc && strcmp(argv[optind], "produce") == 0;
    if (optind + 1 != argc || !options.name || (!produces && !options.counts) || options.stop_at > S_IDS)
        return 2;
    if (pt_sockets_init() != PT_OK)
        return 2;
    signal(SIGTERM, s_stop);
    return produces ? s_produce(&options) : s_watch(&options);
}
