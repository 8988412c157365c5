/*  What a disk may hold after the power went: every write that no sync followed may be there, or not, or
 *  in parts of 512 bytes, in any order. A store is written under shim_disk, images are made of its
 *  record, and each of them is opened: all that was told to be durable must be there, and nothing else
 *  under its numbers.
 *
 *  With --row the turns are committed in a row, as by a busy journal: each is told when the next one, or a sync, has
 *  been on the disk; and pages are prepared in between.
 *
 *  With --mib the file is larger than the smallest one, so that its pages are taken from a pool (pt_store_room).
 *
 *      powerloss --shim FILE [--row] [--mib N] [--images N] [--seed N] [--turns N] [--expect-violation]
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload.h"
#include "pt_fault_point.h"
#include "shim_disk.h"
#include "store.h"

#define S_SPARE_BYTES (1u << 20) //  of an image, behind the file
#define S_TOPICS 3
#define S_SECTOR 512
#define S_PENDING_MAX 4096
#define S_REOPEN 80 //  turns between two starts
#define S_SYNC 4    //  of a row, by itself
#define S_PREPARE 9
#define S_PREPARE_BYTES (200u << 10)

static bool s_row;
static uint64_t s_bytes = PT_STORE_BYTES_MIN; //  of the file

static const char *const s_topics[S_TOPICS] = {"retry.opn.", "dead_letter.opn.", "operator_alert.-."};

extern void pt_shim_mark(uint64_t value) __attribute__((weak));

//  ---- the writer; everything about a turn is known from its number

static uint32_t
s_count_of(uint64_t turn)
{
    return 1 + (uint32_t) (turn * 7 % 40);
}

static store_part_t
s_part_of(uint64_t turn)
{
    return store_part(turn, s_count_of(turn), turn * 31 % 900, turn % 2);
}

//  A turn keeps decisions of one topic, remembers a batch and moves the position of a subscriber.
static pt_status_t
s_write_turn(pt_store_t *store, uint64_t turn)
{
    uint64_t first_seq = 0;
    pt_text_t prefix = PT_TEXT("retry.");
    store_part_t part = s_part_of(turn);
    pt_status_t status = pt_store_begin(store);
    if (status == PT_OK && turn == 1)
        status = pt_store_subscribe(store, "audit", true, &prefix, 1, 1);
    if (status == PT_OK)
        status = pt_store_append(store, s_topics[turn % S_TOPICS], &part.part, 1, turn, &first_seq);
    if (status == PT_OK)
        status = pt_store_remember(store, 1, 1, turn > 50 ? turn - 50 : 1, turn, (uint32_t) turn, turn);
    if (status == PT_OK && turn % S_TOPICS == 0)
        status = pt_store_position(store, "audit", s_topics[0], first_seq, turn);
    if (status == PT_OK && pt_store_wants_trim(store))
        status = pt_store_trim(store, 1 << 20);
    if (status == PT_OK)
        status = s_row ? pt_store_commit_unsynced(store) : pt_store_commit(store);
    store_part_clear(&part);
    return status;
}

//  What a writer may tell behind a turn.
static pt_status_t
s_tell_turn(pt_store_t *store, uint64_t turn)
{
    bool synced = !s_row || !PT_RULE("tell_when_synced");
    pt_status_t status = PT_OK;
    if (!synced && turn % S_SYNC == 0) {
        status = pt_store_sync(store);
        synced = true;
    }
    if (status == PT_OK && (synced || turn % S_REOPEN != 1))
        pt_shim_mark(synced ? turn : turn - 1);
    if (status == PT_OK && s_row && turn % S_PREPARE == 0)
        status = pt_store_prepare(store, S_PREPARE_BYTES);
    return status;
}

static int
s_write_all(const char *dir, uint64_t turns)
{
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_options_t options = {.dir = dir, .bytes = s_bytes};
    pt_store_t *store = NULL;
    for (uint64_t turn = 1; turn <= turns; turn++) {
        if (turn % S_REOPEN == 1) {
            pt_store_close(&store);
            if (pt_store_open(&options, &store, error) != PT_OK)
                return 3;
        }
        if (s_write_turn(store, turn) != PT_OK || s_tell_turn(store, turn) != PT_OK)
            return 4;
    }
    pt_store_close(&store);
    return 0;
}

//  ---- the judge, in a process of its own for each image

static void
s_find_last(void *context, uint64_t producer, uint64_t epoch, uint64_t floor, uint64_t seq, uint32_t crc32)
{
    (void) producer, (void) epoch, (void) floor, (void) crc32;
    uint64_t *last = context;
    if (seq > *last)
        *last = seq;
}

static bool
s_is_record(pt_store_view_t *view, uint64_t turn, uint64_t first_seq)
{
    static uint8_t s_items[PT_BATCH_BYTES_MAX];
    pt_store_record_t record;
    if (pt_store_view_next(view, &record) != PT_OK || record.first_seq != first_seq ||
        pt_store_view_items(view, s_items) != PT_OK)
        return false;
    store_part_t part = s_part_of(turn);
    bool same = record.items_bytes == part.part.items.len && memcmp(s_items, part.items, record.items_bytes) == 0;
    store_part_clear(&part);
    return same;
}

//  What is kept must be the turns up to `last`. NULL, or what is wrong.
static const char *
s_compare_turns(pt_store_view_t *view, uint64_t last)
{
    uint64_t next_seqs[S_TOPICS] = {1, 1, 1};
    uint64_t position = 0, stored = 0;
    for (uint64_t turn = 1; turn <= last; turn++) {
        uint64_t *next_seq = &next_seqs[turn % S_TOPICS];
        uint64_t first_seq = *next_seq;
        *next_seq += s_count_of(turn);
        if (turn % S_TOPICS == 0)
            position = first_seq;
        pt_status_t status = pt_store_view_seek(view, s_topics[turn % S_TOPICS], first_seq);
        if (status == PT_OK && !s_is_record(view, turn, first_seq))
            return "a number stands for something else";
        if (status != PT_OK && status != PT_E_RANGE)
            return "a record is missing";
        if (status == PT_E_RANGE && turn % S_TOPICS == 0 && first_seq + s_count_of(turn) > position && turn == last)
            return "a record is trimmed that its subscriber has not had";
    }
    for (size_t i = 0; i < S_TOPICS; i++) {
        pt_store_head_t head = {.next_seq = 1};
        if (pt_store_view_head(view, s_topics[i], &head) != PT_OK ? next_seqs[i] != 1 : head.next_seq != next_seqs[i])
            return "a topic's head is another";
    }
    if (last && (pt_store_view_position(view, "audit", s_topics[0], &stored) != PT_OK || stored != position))
        return "a position is another";
    return NULL;
}

static const char *
s_judge_store(pt_store_t *store, uint64_t told)
{
    pt_store_verified_t verified;
    pt_store_view_t *view;
    uint64_t last = 0;
    if (pt_store_verify(store, NULL, NULL, &verified) != PT_OK || verified.faults)
        return "verify finds faults";
    if (pt_store_view_open(store, &view) != PT_OK || pt_store_view_windows(view, s_find_last, &last) != PT_OK)
        return "the batches cannot be read";
    //  One more may be durable and not told, and in a row one behind it.
    if (last < told || last > told + 1 + s_row)
        return last < told ? "what was told is missing" : "there is more than was written";
    const char *fault = s_compare_turns(view, last);
    pt_store_view_close(&view);
    s_row = false;
    if (!fault && s_write_turn(store, last + 1) != PT_OK)
        fault = "the next turn cannot be written";
    return fault;
}

static const char *
s_judge_image(const char *dir, uint64_t told)
{
    static char s_error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_options_t options = {.dir = dir, .bytes = s_bytes};
    pt_store_t *store;
    if (pt_store_open(&options, &store, s_error) != PT_OK)
        return s_error;
    const char *fault = s_judge_store(store, told);
    pt_store_close(&store);
    return fault;
}

static bool
s_judge_apart(const char *dir, uint64_t told, size_t cut, bool quiet)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        const char *fault = s_judge_image(dir, told);
        if (fault && !quiet)
            fprintf(stderr, "VIOLATION: cut at %zu, turn %" PRIu64 " told: %s\n", cut, told, fault);
        _exit(fault ? 1 : 0);
    }
    int how;
    bool ended = child > 0 && waitpid(child, &how, 0) == child;
    if (ended && !WIFEXITED(how) && !quiet)
        fprintf(stderr, "VIOLATION: cut at %zu, turn %" PRIu64 " told: opening it ends with %d\n", cut, told, how);
    return ended && WIFEXITED(how) && WEXITSTATUS(how) == 0;
}

//  ---- images

typedef struct {
    const shim_record_t **records;
    size_t count;
    void *bytes;
    size_t len;
} s_log_t;

typedef struct {
    uint8_t *base; //  what is durable
    uint8_t *image;
    const shim_record_t *pending[S_PENDING_MAX];
    size_t pending_count;
    uint64_t told;
    bool renamed, durable_name;
} s_disk_t;

static void
s_apply(uint8_t *to, const shim_record_t *record)
{
    if (record->offset + record->bytes > s_bytes + S_SPARE_BYTES)
        abort();
    memcpy(to + record->offset, record + 1, record->bytes);
}

static void
s_apply_torn(uint8_t *to, const shim_record_t *record, uint64_t *seed)
{
    if (record->offset + record->bytes > s_bytes + S_SPARE_BYTES)
        abort();
    for (size_t at = 0; at < record->bytes; at += S_SECTOR) {
        size_t size = record->bytes - at < S_SECTOR ? record->bytes - at : S_SECTOR;
        if (store_random(seed) % 2)
            memcpy(to + record->offset + at, (const uint8_t *) (record + 1) + at, size);
    }
}

static void
s_step(s_disk_t *disk, const shim_record_t *record)
{
    switch ((shim_kind_t) record->kind) {
    case SHIM_WRITE:
        if (disk->pending_count == S_PENDING_MAX)
            abort();
        disk->pending[disk->pending_count++] = record;
        break;
    case SHIM_WRITE_SYNCED:
        s_apply(disk->base, record);
        break;
    case SHIM_SYNC:
        for (size_t i = 0; i < disk->pending_count; i++)
            s_apply(disk->base, disk->pending[i]);
        disk->pending_count = 0;
        break;
    case SHIM_RENAME:
        disk->renamed = true;
        break;
    case SHIM_SYNC_FOLDER:
        disk->durable_name = disk->renamed;
        break;
    case SHIM_MARK:
        disk->told = record->offset;
        break;
    case SHIM_SIZE:
        break;
    }
}

//  The ways in which a disk forgets; by turns, so that each of them has its share.
static void
s_make_image(s_disk_t *disk, const shim_record_t *next, unsigned way, uint64_t *seed)
{
    const shim_record_t *writes[S_PENDING_MAX + 1];
    size_t count = disk->pending_count;
    memcpy(disk->image, disk->base, s_bytes + S_SPARE_BYTES);
    memcpy(writes, disk->pending, count * sizeof(*writes));
    if (next->kind == SHIM_WRITE || next->kind == SHIM_WRITE_SYNCED)
        writes[count++] = next;
    //  Any order.
    for (size_t i = count; i > 1 && way % 5 != 4; i--) {
        size_t other = store_random(seed) % i;
        const shim_record_t *swap = writes[i - 1];
        writes[i - 1] = writes[other];
        writes[other] = swap;
    }
    size_t missing = count ? store_random(seed) % count : 0;
    for (size_t i = 0; i < count; i++) {
        bool kept = way % 5 == 0   ? store_random(seed) % 2 //  some
                    : way % 5 == 1 ? i != missing           //  all but one
                    : way % 5 == 2 ? i == missing           //  one
                    : way % 5 == 3 ? store_random(seed) % 4 //  most
                                   : true;                  //  all
        if (kept && (way / 5) % 2)
            s_apply_torn(disk->image, writes[i], seed);
        else if (kept)
            s_apply(disk->image, writes[i]);
    }
}

static void
s_write_image(const s_disk_t *disk, const char *dir, uint64_t *seed)
{
    static const char *const files[] = {"data.mdb", "data.new", "lock.mdb", "lock"};
    char path[STORE_PATH_BYTES + 16];
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        unlink(path);
    }
    bool named = disk->durable_name || (disk->renamed && store_random(seed) % 2);
    snprintf(path, sizeof(path), "%s/%s", dir, named ? "data.mdb" : "data.new");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, disk->image, s_bytes) != (ssize_t) s_bytes || close(fd) != 0) {
        perror(path);
        exit(2);
    }
}

static int
s_compare_sizes(const void *left, const void *right)
{
    size_t a = *(const size_t *) left, b = *(const size_t *) right;
    return (a > b) - (a < b);
}

static uint64_t
s_judge_all(const s_log_t *log, const char *dir, size_t images, uint64_t seed, bool quiet)
{
    s_disk_t disk = {.base = calloc(1, s_bytes + S_SPARE_BYTES), .image = malloc(s_bytes + S_SPARE_BYTES)};
    size_t *cuts = malloc(images * sizeof(*cuts));
    uint64_t violations = 0;
    if (!disk.base || !disk.image || !cuts)
        exit(2);
    for (size_t i = 0; i < images; i++)
        cuts[i] = store_random(&seed) % log->count;
    qsort(cuts, images, sizeof(*cuts), s_compare_sizes);
    for (size_t i = 0, at = 0; i < images && !(quiet && violations); i++) {
        for (; at < cuts[i]; at++)
            s_step(&disk, log->records[at]);
        s_make_image(&disk, log->records[at], (unsigned) i, &seed);
        s_write_image(&disk, dir, &seed);
        violations += !s_judge_apart(dir, disk.told, cuts[i], quiet);
    }
    free(cuts);
    free(disk.base);
    free(disk.image);
    return violations;
}

//  ---- from the writer's record to the verdict

static void
s_read_log(const char *path, s_log_t *log)
{
    struct stat about;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &about) != 0 || about.st_size == 0) {
        perror(path);
        exit(2);
    }
    log->len = (size_t) about.st_size;
    log->bytes = mmap(NULL, log->len, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    size_t capacity = 0;
    for (size_t at = 0; at < log->len; log->count++) {
        //  The records follow each other without gaps, so a copy of the numbers decides about the next.
        const shim_record_t *record = (const shim_record_t *) (const void *) ((const uint8_t *) log->bytes + at);
        if (log->count == capacity) {
            capacity = 2 * capacity + 1024;
            log->records = realloc(log->records, capacity * sizeof(*log->records));
            if (!log->records)
                exit(2);
        }
        log->records[log->count] = record;
        at += sizeof(*record) + record->bytes;
    }
}

static void
s_run_writer(const char *self, const char *shim, const char *dir, const char *log, const char *turns)
{
    pid_t child = fork();
    if (child == 0) {
        preload_t preload = preload_of(shim);
        putenv(preload.folder);
        putenv(preload.name);
        setenv("PT_SHIM_LOG", log, 1);
        char mib[24];
        snprintf(mib, sizeof(mib), "%" PRIu64, s_bytes >> 20);
        execl(self, "powerloss", "--write", dir, "--turns", turns, "--mib", mib, s_row ? "--row" : (char *) NULL,
              (char *) NULL);
        _exit(127);
    }
    int how;
    if (waitpid(child, &how, 0) != child || !WIFEXITED(how) || WEXITSTATUS(how) != 0) {
        fprintf(stderr, "the writer ended with %d\n", how);
        exit(2);
    }
}

static int
s_run(const char *self, const char *shim, size_t images, uint64_t seed, const char *turns, bool expect_violation)
{
    char root[] = "/dev/shm/pt-power-XXXXXX", elsewhere[] = "/tmp/pt-power-XXXXXX";
    char *dir = mkdtemp(root);
    char path[64], log_path[64], image[64], command[128];
    if (!dir)
        dir = mkdtemp(elsewhere);
    if (!dir)
        return 2;
    snprintf(path, sizeof(path), "%s/journal", dir);
    snprintf(log_path, sizeof(log_path), "%s/log", dir);
    snprintf(image, sizeof(image), "%s/image", dir);
    s_run_writer(self, shim, path, log_path, turns);
    //  The images are made of what a writer without this rule has left; they are judged with all rules.
    unsetenv("PAYTRIAGE_RULE_OFF");
    s_log_t log = {.count = 0};
    s_read_log(log_path, &log);
    mkdir(image, 0700);
    uint64_t violations = s_judge_all(&log, image, images, seed, expect_violation);
    printf("power loss: seed %" PRIu64 ", %s turns, %zu calls recorded (%zu MiB), %zu images, %" PRIu64 " violations\n",
           seed, turns, log.count, log.len >> 20, images, violations);
    snprintf(command, sizeof(command), "rm -r '%s'", dir);
    if (system(command) != 0)
        return 2;
    return (violations > 0) == expect_violation ? 0 : 1;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {{"shim", 1, NULL, 'm'},
                                            {"images", 1, NULL, 'i'},
                                            {"seed", 1, NULL, 'e'},
                                            {"turns", 1, NULL, 't'},
                                            {"mib", 1, NULL, 'b'},
                                            {"write", 1, NULL, 'w'},
                                            {"row", 0, NULL, 'r'},
                                            {"expect-violation", 0, NULL, 'x'},
                                            {0}};
    const char *shim = NULL, *write_dir = NULL, *turns = "300";
    size_t images = 1000;
    uint64_t seed = 1;
    bool expect_violation = false;
    int key;
    while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (key == 'm')
            shim = optarg;
        else if (key == 'i')
            images = strtoull(optarg, NULL, 10);
        else if (key == 'e')
            seed = strtoull(optarg, NULL, 10);
        else if (key == 't')
            turns = optarg;
        else if (key == 'b')
            s_bytes = strtoull(optarg, NULL, 10) << 20;
        else if (key == 'r')
            s_row = true;
        else if (key == 'w')
            write_dir = optarg;
        else if (key == 'x')
            expect_violation = true;
        else
            return 2;
    }
    if (write_dir)
        return s_write_all(write_dir, strtoull(turns, NULL, 10));
    if (!shim || seed == 0 || images == 0 || s_bytes < PT_STORE_BYTES_MIN)
        return 2;
    return s_run("/proc/self/exe", shim, images, seed, turns, expect_violation);
}
