/*  A bit of the journal's file turns over while nobody looks. A worker that starts on it may refuse to, and
 *  `verify` finds it; what FETCH gives is right or is not given.
 *
 *      bitflips [--flips N] [--seed N] [--expect-violation]
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pt_replay_answer.h"
#include "store.h"

#define S_BYTES PT_STORE_BYTES_MIN
#define S_TURNS 90
#define S_TOPICS 3
#define S_SEQS_MAX 4096
#define S_PAGE 4096

static const char *const s_topics[S_TOPICS] = {"retry.opn.", "dead_letter.opn.", "operator_alert.-."};

typedef struct {
    uint32_t crcs[S_TOPICS][S_SEQS_MAX]; //  of each decision
    uint64_t next_seqs[S_TOPICS];
    uint8_t *file;
    size_t used_bytes; //  of it
} s_victim_t;

//  What FETCH sent.
typedef struct {
    const s_victim_t *victim;
    size_t topic;
    uint64_t next;  //  behind the last decision
    uint64_t sent;  //  decisions
    uint64_t wrong; //  of them
} s_heard_t;

typedef enum { S_SOUND, S_FOUND, S_SERVED, S_SILENT, S_RESULTS } s_result_t;

static pt_status_t
s_fill(pt_store_t *store, s_victim_t *victim, uint64_t turn)
{
    size_t topic = turn % S_TOPICS;
    uint64_t first_seq = 0;
    store_part_t part = store_part(turn * 100, 1 + (uint32_t) (turn * 7 % 20), turn * 31 % 700, turn % 2);
    pt_items_t items;
    pt_bytes_t item;
    pt_status_t status = pt_store_begin(store);
    if (status == PT_OK)
        status = pt_store_append(store, s_topics[topic], &part.part, 1, turn, &first_seq);
    if (status == PT_OK)
        status = pt_store_remember(store, turn % 5, 1, 1, turn, (uint32_t) turn, turn);
    if (status == PT_OK)
        status = pt_store_commit(store);
    if (status == PT_OK)
        status = pt_items_open_decisions(part.part.items, part.part.count, &items);
    for (uint64_t seq = first_seq; status == PT_OK && pt_items_next(&items, &item); seq++)
        victim->crcs[topic][seq] = pt_wire_crc32(item);
    victim->next_seqs[topic] = first_seq + part.part.count;
    store_part_clear(&part);
    return status;
}

static void
s_give_up(const char *what)
{
    perror(what);
    exit(2);
}

//  Without the pages that are free, so that each bit is one of something that is kept, or of nothing.
static void
s_copy_compact(const char *dir, const char *path)
{
    MDB_env *env;
    if (mdb_env_create(&env) != 0 || mdb_env_open(env, dir, MDB_RDONLY, 0) != 0)
        s_give_up(dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || mdb_env_copyfd2(env, fd, MDB_CP_COMPACT) != 0 || close(fd) != 0)
        s_give_up(path);
    mdb_env_close(env);
}

static void
s_make_victim(const char *dir, s_victim_t *victim)
{
    char error[PT_STORE_ERROR_BYTES_MAX];
    char path[128];
    pt_store_t *store;
    pt_text_t prefix = PT_TEXT("retry.");
    pt_store_options_t options = {.dir = dir, .bytes = S_BYTES};
    if (pt_store_open(&options, &store, error) != PT_OK || pt_store_begin(store) != PT_OK ||
        pt_store_subscribe(store, "audit", true, &prefix, 1, 1) != PT_OK || pt_store_commit(store) != PT_OK)
        s_give_up("make a journal");
    for (uint64_t turn = 1; turn <= S_TURNS; turn++)
        if (s_fill(store, victim, turn) != PT_OK)
            s_give_up("fill a journal");
    pt_store_close(&store);
    snprintf(path, sizeof(path), "%s/compact.mdb", dir);
    s_copy_compact(dir, path);
    int fd = open(path, O_RDONLY);
    victim->file = calloc(1, S_BYTES);
    ssize_t size = fd < 0 || !victim->file ? -1 : read(fd, victim->file, S_BYTES);
    if (size <= 0)
        s_give_up(path);
    victim->used_bytes = (size_t) size;
    close(fd);
}

//  ---- a subscriber that asks for everything

static bool
s_hear(void *context, const pt_frames_t *route, const pt_bytes_t *frames, size_t count)
{
    (void) route;
    s_heard_t *heard = context;
    pt_decisions_t header;
    pt_items_t items;
    pt_bytes_t item;
    if (count != 4)
        return true;
    if (pt_decisions_decode(frames[2], &header) != PT_OK ||
        pt_items_open_decisions(frames[3], header.count, &items) != PT_OK || pt_wire_crc32(frames[3]) != header.crc32) {
        //  A subscriber drops what fails the checksum of the message.
        heard->next = 0;
        return true;
    }
    for (uint64_t seq = header.first_seq; pt_items_next(&items, &item); seq++) {
        bool right = seq < heard->victim->next_seqs[heard->topic] &&
                     heard->victim->crcs[heard->topic][seq] == pt_wire_crc32(item);
        heard->sent++;
        heard->wrong += !right;
        heard->next = seq + 1;
    }
    return true;
}

static void
s_fetch_topic(pt_store_t *store, s_heard_t *heard, size_t topic)
{
    pt_answer_t answer;
    pt_frames_t route = {.count = 0};
    heard->topic = topic;
    if (!pt_answer_open_store(&answer, store, s_hear, heard))
        _exit(2);
    for (uint64_t seq = 1; seq < heard->victim->next_seqs[topic];) {
        pt_fetch_t fetch = {1, pt_text_of(s_topics[topic]), pt_store_identity(store).epoch, seq, 32768};
        heard->next = 0;
        bool answered = pt_answer_fetch(&answer, &route, &fetch);
        //  Behind a record that is refused there may be others.
        seq = answered && heard->next > seq ? heard->next : seq + 1;
    }
    pt_answer_close(&answer);
}

static s_result_t
s_look(const char *dir, const s_victim_t *victim)
{
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_t *store;
    pt_store_verified_t verified;
    pt_store_options_t options = {.dir = dir, .bytes = S_BYTES};
    s_heard_t heard = {.victim = victim};
    uint64_t all = 0;
    if (pt_store_open(&options, &store, error) != PT_OK)
        return S_FOUND;
    for (size_t i = 0; i < S_TOPICS; i++) {
        s_fetch_topic(store, &heard, i);
        all += victim->next_seqs[i] - 1;
    }
    if (heard.wrong)
        return S_SERVED;
    bool found = pt_store_verify(store, NULL, NULL, &verified) != PT_OK || verified.faults;
    if (!found && heard.sent != all)
        return S_SILENT;
    return found ? S_FOUND : S_SOUND;
}

//  Somewhere in the keys of a page that only leads to others, from a random page on; 0: there is none. LMDB's
//  pages begin with number (8 bytes), padding (2), flags (2; 1: a branch), and where the room between begins and ends.
static size_t
s_random_branch(const s_victim_t *victim, uint64_t *seed)
{
    size_t pages = victim->used_bytes / S_PAGE;
    size_t from = store_random(seed) % pages;
    for (size_t i = 0; i < pages; i++) {
        size_t page = (from + i) % pages * S_PAGE;
        const uint8_t *head = victim->file + page;
        size_t upper = head[14] | (size_t) head[15] << 8;
        if (head[10] == 1 && head[11] == 0 && upper > 16 && upper < S_PAGE)
            return page + upper + store_random(seed) % (S_PAGE - upper);
    }
    return 0;
}

//  Damage to LMDB's own pages may end the process that reads them; that serves nothing either.
static s_result_t
s_look_apart(const char *dir, const s_victim_t *victim)
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit seconds = {5, 5};
        setrlimit(RLIMIT_CPU, &seconds);
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        _exit(100 + (int) s_look(dir, victim));
    }
    int how;
    if (child < 0 || waitpid(child, &how, 0) != child)
        s_give_up("wait");
    if (WIFEXITED(how) && WEXITSTATUS(how) >= 100)
        return (s_result_t) (WEXITSTATUS(how) - 100);
    return S_FOUND;
}

static void
s_write_image(const char *dir, const s_victim_t *victim)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/data.mdb", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, victim->file, S_BYTES) != (ssize_t) S_BYTES || close(fd) != 0)
        s_give_up(path);
    snprintf(path, sizeof(path), "%s/lock.mdb", dir);
    unlink(path);
}

static int
s_run(const char *dir, size_t flips, uint64_t seed, bool expect_violation)
{
    static s_victim_t s_victim;
    size_t results[S_RESULTS] = {0};
    char made[96], image[96];
    snprintf(made, sizeof(made), "%s/made", dir);
    snprintf(image, sizeof(image), "%s/image", dir);
    mkdir(image, 0700);
    s_make_victim(made, &s_victim);
    s_write_image(image, &s_victim);
    if (s_look_apart(image, &s_victim) != S_SOUND) {
        fprintf(stderr, "the journal is not sound before anything happens\n");
        return 2;
    }
    for (size_t i = 0; i < flips; i++) {
        size_t offset = store_random(&seed) % s_victim.used_bytes;
        uint8_t bit = (uint8_t) (1u << store_random(&seed) % 8);
        //  Every fifth one in the head of a page, where LMDB keeps its own numbers, and every fifth one where it
        //  keeps the way to the records.
        if (i % 5 == 4)
            offset = offset / S_PAGE * S_PAGE + offset % 40;
        else if (i % 5 == 2)
            offset = s_random_branch(&s_victim, &seed);
        s_victim.file[offset] ^= bit;
        s_write_image(image, &s_victim);
        s_result_t result = s_look_apart(image, &s_victim);
        s_victim.file[offset] ^= bit;
        results[result]++;
        if (result >= S_SERVED && !expect_violation)
            fprintf(stderr, "VIOLATION: bit %u of byte %zu: %s\n", bit, offset,
                    result == S_SERVED ? "what FETCH gives is not what was written"
                                       : "something is missing, and verify is silent");
    }
    size_t violations = results[S_SERVED] + results[S_SILENT];
    printf("bit flips: %zu: %zu found, %zu where nothing is kept, %zu served wrong, %zu missing without a word\n",
           flips, results[S_FOUND], results[S_SOUND], results[S_SERVED], results[S_SILENT]);
    bool enough = expect_violation || results[S_FOUND] > flips / 4;
    return enough && (violations > 0) == expect_violation ? 0 : 1;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"flips", 1, NULL, 'f'}, {"seed", 1, NULL, 'e'}, {"expect-violation", 0, NULL, 'x'}, {0}};
    char memory[] = "/dev/shm/pt-flips-XXXXXX", disk[] = "/tmp/pt-flips-XXXXXX", command[128];
    size_t flips = 500;
    uint64_t seed = 1;
    bool expect_violation = false;
    int key;
    while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (key == 'f')
            flips = strtoull(optarg, NULL, 10);
        else if (key == 'e')
            seed = strtoull(optarg, NULL, 10);
        else if (key == 'x')
            expect_violation = true;
        else
            return 2;
    }
    char *dir = mkdtemp(memory);
    if (!dir)
        dir = mkdtemp(disk);
    if (!dir)
        s_give_up("make a folder");
    int code = s_run(dir, flips, seed, expect_violation);
    snprintf(command, sizeof(command), "rm -r '%s'", dir);
    return system(command) == 0 ? code : 2;
}
