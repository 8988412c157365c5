/*  What a store says after its process was killed, and after bits of its file were turned over. */
#include "pt_replay_answer.h"
#include "store.h"

#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

//  ---- killed

#define S_KILLS 60
#define S_BYTES (UINT64_C(16) << 20)
#define S_TOPICS 3

static const char *const s_topics[S_TOPICS] = {"retry.opn.", "dead_letter.opn.", "operator_alert.-."};

//  Transaction number `turn`: known to both sides.
static uint32_t
s_count_of(uint64_t turn)
{
    return 1 + (uint32_t) (turn * 7 % 50);
}

static void
s_write_turn(pt_store_t *store, uint64_t turn)
{
    uint64_t first_seq;
    store_part_t part = store_part(turn, s_count_of(turn), turn * 31 % 700, true);
    pt_status_t status = pt_store_begin(store);
    if (status == PT_OK)
        status = pt_store_append(store, s_topics[turn % S_TOPICS], &part.part, 1, turn, &first_seq);
    if (status == PT_OK)
        status = pt_store_remember(store, 1, 1, turn > 50 ? turn - 50 : 1, turn, (uint32_t) turn, turn);
    if (status == PT_OK && pt_store_wants_trim(store))
        status = pt_store_trim(store, 1 << 20);
    if (status == PT_OK)
        status = pt_store_commit(store);
    store_part_clear(&part);
    if (status != PT_OK)
        _exit(3);
}

//  Write transactions and tell each that is durable, until killed.
static void
s_write_for_ever(const char *dir, uint64_t turn, int tell)
{
    pt_store_options_t options = {.dir = dir, .bytes = S_BYTES};
    pt_store_t *store;
    char error[PT_STORE_ERROR_BYTES_MAX];
    if (pt_store_open(&options, &store, error) != PT_OK)
        _exit(2);
    for (;; turn++) {
        s_write_turn(store, turn);
        if (write(tell, &turn, sizeof(turn)) != (ssize_t) sizeof(turn))
            _exit(4);
    }
}

//  Start a writer, kill it some time after its `count`th word, and give back the last word.
static uint64_t
s_kill_writer(const char *dir, uint64_t turn, unsigned count, unsigned spin)
{
    int ends[2];
    uint64_t told = turn - 1;
    uint64_t word;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        close(ends[0]);
        s_write_for_ever(dir, turn, ends[1]);
    }
    close(ends[1]);
    for (unsigned i = 0; i < count && read(ends[0], &word, sizeof(word)) == (ssize_t) sizeof(word); i++)
        told = word;
    //  Any moment will do; this one moves through the parts of a commit.
    for (volatile unsigned i = 0; i < spin; i++)
        continue;
    kill(child, SIGKILL);
    while (read(ends[0], &word, sizeof(word)) == (ssize_t) sizeof(word))
        told = word;
    close(ends[0]);
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    return told;
}

static void
s_find_last(void *context, uint64_t producer, uint64_t epoch, uint64_t floor, uint64_t seq, uint32_t crc32)
{
    (void) producer;
    (void) epoch;
    (void) floor;
    assert_int_equal(crc32, (uint32_t) seq);
    uint64_t *last = context;
    if (seq > *last)
        *last = seq;
}

//  The records that are kept must be those of the transactions up to `last`.
static void
s_compare_turns(pt_store_view_t *view, uint64_t last)
{
    uint64_t next_seqs[S_TOPICS] = {1, 1, 1};
    for (uint64_t turn = 1; turn <= last; turn++) {
        uint64_t *next_seq = &next_seqs[turn % S_TOPICS];
        uint64_t first_seq = *next_seq;
        *next_seq += s_count_of(turn);
        pt_store_record_t record;
        pt_status_t status = pt_store_view_seek(view, s_topics[turn % S_TOPICS], first_seq);
        if (status == PT_E_RANGE)
            continue;
        assert_int_equal(status, PT_OK);
        assert_int_equal(pt_store_view_next(view, &record), PT_OK);
        store_part_t part = store_part(turn, s_count_of(turn), turn * 31 % 700, true);
        assert_int_equal(record.first_seq, first_seq);
        assert_int_equal(record.crc32, part.part.crc32);
        store_part_clear(&part);
    }
    for (size_t i = 0; i < S_TOPICS; i++) {
        pt_store_head_t head;
        pt_status_t status = pt_store_view_head(view, s_topics[i], &head);
        assert_int_equal(status == PT_OK ? head.next_seq : 1, next_seqs[i]);
    }
}

static void
killed_writer_leaves_all_that_it_told(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    uint64_t seed = 12345;
    uint64_t turn = 1;
    store_dir(dir);
    for (unsigned i = 0; i < S_KILLS; i++) {
        uint64_t told =
            s_kill_writer(dir, turn, (unsigned) (store_random(&seed) % 20), (unsigned) (store_random(&seed) % 3000000));
        pt_store_t *store = store_open(dir, S_BYTES);
        pt_store_view_t *view;
        uint64_t last = 0;
        assert_int_equal(pt_store_view_open(store, &view), PT_OK);
        assert_int_equal(pt_store_view_windows(view, s_find_last, &last), PT_OK);
        //  One more may be durable and not told.
        assert_in_range(last, told, told + 1);
        s_compare_turns(view, last);
        pt_store_view_close(&view);
        store_expect_sound(store);
        pt_store_close(&store);
        turn = last + 1;
    }
    assert_true(turn > S_KILLS);
}

//  ---- bits turned over

#define S_RECORD_FLIPS 600
#define S_OTHER_FLIPS 300
#define S_AREAS_MAX 20000

//  A stretch of the file.
typedef struct {
    size_t offset;
    size_t len;
} s_area_t;

typedef struct {
    char path[STORE_PATH_BYTES + 16];
    char dir[STORE_PATH_BYTES];
    s_area_t *areas; //  keys and values of all databases but LMDB's own
    size_t area_count;
    size_t file_bytes;
    uint32_t digest; //  of all that can be read
} s_victim_t;

//  Where this process has mapped the file.
static size_t
s_find_map(const char *path)
{
    char line[2 * STORE_PATH_BYTES];
    size_t base = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (!base && fgets(line, sizeof(line), maps))
        if (strstr(line, path))
            base = strtoull(line, NULL, 16);
    fclose(maps);
    assert_int_not_equal(base, 0);
    return base;
}

static void
s_add_database(s_victim_t *victim, size_t base, MDB_txn *txn, const char *name)
{
    MDB_dbi dbi;
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    assert_int_equal(mdb_dbi_open(txn, name, 0, &dbi), 0);
    assert_int_equal(mdb_cursor_open(txn, dbi, &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        assert_true(victim->area_count + 2 <= S_AREAS_MAX);
        victim->areas[victim->area_count++] = (s_area_t) {(size_t) key.mv_data - base, key.mv_size};
        victim->areas[victim->area_count++] = (s_area_t) {(size_t) value.mv_data - base, value.mv_size};
    }
    mdb_cursor_close(cursor);
}

static void
s_find_areas(s_victim_t *victim)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_dbi names;
    MDB_val key;
    MDB_val value;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 64), 0);
    assert_int_equal(mdb_env_open(env, victim->dir, MDB_RDONLY, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &names), 0);
    assert_int_equal(mdb_cursor_open(txn, names, &cursor), 0);
    size_t base = s_find_map(victim->path);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        char name[128] = "";
        memcpy(name, key.mv_data, key.mv_size);
        s_add_database(victim, base, txn, name);
    }
    MDB_envinfo info;
    mdb_env_info(env, &info);
    victim->file_bytes = (info.me_last_pgno + 1) * 4096;
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    mdb_env_close(env);
}

static uint32_t
s_digest_topic(pt_store_view_t *view, const pt_store_head_t *head, uint32_t crc)
{
    pt_store_record_t record;
    crc = (uint32_t) (crc * 31 + head->next_seq);
    if (pt_store_view_seek(view, head->topic, head->first_retained) != PT_OK)
        return crc;
    while (pt_store_view_next(view, &record) == PT_OK) {
        uint8_t *bytes = malloc(record.items_bytes);
        if (pt_store_view_items(view, bytes) == PT_OK)
            crc = crc * 31 + pt_wire_crc32((pt_bytes_t) {bytes, record.items_bytes});
        free(bytes);
    }
    return crc;
}

static uint32_t
s_digest(pt_store_t *store)
{
    pt_store_view_t *view;
    pt_store_head_t head = {.topic = ""};
    char after[PT_TOPIC_BYTES_MAX + 1] = "";
    uint32_t crc = 0;
    if (pt_store_view_open(store, &view) != PT_OK)
        return 0;
    while (pt_store_view_topic(view, after, &head) == PT_OK) {
        crc = s_digest_topic(view, &head, crc);
        memcpy(after, head.topic, sizeof(after));
    }
    pt_store_view_close(&view);
    return crc;
}

static void
s_make_victim(s_victim_t *victim)
{
    memset(victim, 0, sizeof(*victim));
    pt_store_t *store = store_open(store_dir(victim->dir), PT_STORE_BYTES_MIN);
    snprintf(victim->path, sizeof(victim->path), "%s/data.mdb", victim->dir);
    victim->areas = calloc(S_AREAS_MAX, sizeof(*victim->areas));
    pt_text_t prefix = PT_TEXT("retry.");
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_subscribe(store, "scheduler", true, &prefix, 1, 1), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
    for (uint64_t turn = 1; turn <= 60; turn++)
        s_write_turn(store, turn);
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_position(store, "scheduler", "retry.opn.", 20, 1), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
    victim->digest = s_digest(store);
    pt_store_close(&store);
    s_find_areas(victim);
}

typedef enum { S_SOUND, S_FOUND, S_CHANGED } s_result_t;

//  Look at the file in a process of its own: damage to LMDB's pages may well end it.
static s_result_t
s_look(const s_victim_t *victim)
{
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        char error[PT_STORE_ERROR_BYTES_MAX];
        pt_store_t *store;
        pt_store_options_t options = {.dir = victim->dir, .read_only = true};
        pt_store_verified_t verified;
        //  The test's runner would take a crash for its own.
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        signal(SIGFPE, SIG_DFL);
        //  Pages that point at each other would be read for ever.
        struct rlimit seconds = {5, 5};
        setrlimit(RLIMIT_CPU, &seconds);
        if (!freopen("/dev/null", "w", stderr) || pt_store_open(&options, &store, error) != PT_OK ||
            pt_store_verify(store, NULL, NULL, &verified) != PT_OK || verified.faults)
            _exit(S_FOUND);
        _exit(s_digest(store) == victim->digest ? S_SOUND : S_CHANGED);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    if (WIFEXITED(how) && (WEXITSTATUS(how) == S_SOUND || WEXITSTATUS(how) == S_CHANGED))
        return (s_result_t) WEXITSTATUS(how);
    return S_FOUND;
}

static void
s_flip(const s_victim_t *victim, size_t offset, unsigned bit)
{
    uint8_t byte;
    int fd = open(victim->path, O_RDWR);
    assert_int_not_equal(fd, -1);
    assert_int_equal(pread(fd, &byte, 1, (off_t) offset), 1);
    byte ^= (uint8_t) (1u << bit);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t) offset), 1);
    close(fd);
}

static void
every_bit_of_an_entry_counts(void **state)
{
    (void) state;
    s_victim_t victim;
    uint64_t seed = 777;
    s_make_victim(&victim);
    assert_int_equal(s_look(&victim), S_SOUND);
    size_t bytes = 0;
    for (size_t i = 0; i < victim.area_count; i++)
        bytes += victim.areas[i].len;
    for (unsigned i = 0; i < S_RECORD_FLIPS; i++) {
        //  Half of them by byte, half by entry, so that short entries have their turn as well.
        size_t at = store_random(&seed) % bytes;
        size_t area = 0;
        if (i % 2)
            for (; at >= victim.areas[area].len; area++)
                at -= victim.areas[area].len;
        else
            area = at % victim.area_count;
        size_t offset = victim.areas[area].offset + at % victim.areas[area].len;
        unsigned bit = (unsigned) (store_random(&seed) % 8);
        s_flip(&victim, offset, bit);
        if (s_look(&victim) != S_FOUND)
            fail_msg("bit %u of byte %zu was not found", bit, offset);
        s_flip(&victim, offset, bit);
    }
    assert_int_equal(s_look(&victim), S_SOUND);
    free(victim.areas);
}

static void
bits_elsewhere_are_found_or_change_nothing(void **state)
{
    (void) state;
    s_victim_t victim;
    uint64_t seed = 4242;
    unsigned found = 0;
    s_make_victim(&victim);
    for (unsigned i = 0; i < S_OTHER_FLIPS; i++) {
        size_t offset = store_random(&seed) % victim.file_bytes;
        //  Every second one in the head of a page, where LMDB keeps its own numbers.
        if (i % 2)
            offset = offset / 4096 * 4096 + offset % 40;
        unsigned bit = (unsigned) (store_random(&seed) % 8);
        s_flip(&victim, offset, bit);
        s_result_t result = s_look(&victim);
        if (result == S_CHANGED)
            fail_msg("bit %u of byte %zu changes what is read", bit, offset);
        found += result == S_FOUND;
        s_flip(&victim, offset, bit);
    }
    assert_true(found > S_OTHER_FLIPS / 10);
    free(victim.areas);
}

//  ---- asked for

typedef struct {
    uint64_t first_seq, count, next_seq; //  of the decisions, and of END
    uint64_t behind;                     //  of TRUNCATED
} s_answer_t;

static bool
s_take(void *context, const pt_frames_t *route, const pt_bytes_t *frames, size_t count)
{
    (void) route;
    s_answer_t *answer = context;
    pt_decisions_t header;
    pt_end_t end;
    pt_truncated_t truncated;
    if (count == 4 && pt_decisions_decode(frames[2], &header) == PT_OK) {
        answer->first_seq = header.first_seq;
        answer->count = header.count;
    } else if (pt_end_decode(frames[count - 1], &end) == PT_OK) {
        answer->next_seq = end.next_seq;
    } else if (pt_truncated_decode(frames[count - 1], &truncated) == PT_OK) {
        answer->behind = truncated.first_retained;
    }
    return true;
}

static bool
s_fetch(pt_answer_t *self, s_answer_t *out_answer, uint64_t from_seq)
{
    pt_frames_t route = {.count = 0};
    pt_fetch_t fetch = {1, PT_TEXT("retry.opn."), self->identity.epoch, from_seq, 1 << 20};
    *out_answer = (s_answer_t) {0};
    return pt_answer_fetch(self, &route, &fetch);
}

//  Flip a bit of the items of the record `seq` wherever they stand: older pages of the file have them too.
static void
s_damage(const s_victim_t *victim, uint64_t seq, size_t filler)
{
    static uint8_t s_file[PT_STORE_BYTES_MIN];
    store_part_t part = store_part(seq, 10, filler, false);
    size_t middle = part.part.items.len / 2; //  less behind it than one chunk holds
    int fd = open(victim->path, O_RDONLY);
    ssize_t len = read(fd, s_file, sizeof(s_file));
    close(fd);
    assert_true(len > 0);
    unsigned found = 0;
    for (uint8_t *at = s_file; (at = memmem(at, (size_t) (s_file + len - at), part.items + middle, 100)); at++, found++)
        s_flip(victim, (size_t) (at - s_file), 3);
    store_part_clear(&part);
    assert_true(found > 0);
}

//  Of four records the third is damaged.
static void
s_expect_what_is_well(size_t filler)
{
    s_victim_t victim = {.file_bytes = 0};
    s_answer_t heard;
    pt_answer_t answer;
    pt_store_t *store = store_open(store_dir(victim.dir), PT_STORE_BYTES_MIN);
    snprintf(victim.path, sizeof(victim.path), "%s/data.mdb", victim.dir);
    for (uint64_t turn = 0; turn < 4; turn++)
        store_commit_one(store, "retry.opn.", 1 + turn * 10, 10, filler);
    pt_store_close(&store);
    s_damage(&victim, 21, filler);

    store = store_open(victim.dir, PT_STORE_BYTES_MIN);
    assert_true(pt_answer_open_store(&answer, store, s_take, &heard));
    assert_true(s_fetch(&answer, &heard, 5));
    assert_int_equal(heard.first_seq, 1);
    assert_int_equal(heard.count, 20);
    assert_int_equal(heard.next_seq, 21);
    for (uint64_t seq = 21; seq < 31; seq++) {
        assert_true(s_fetch(&answer, &heard, seq));
        assert_int_equal(heard.count, 0);
        assert_int_equal(heard.behind, 31);
    }
    assert_int_equal(pt_store_troubles(store).damaged, 10);
    assert_true(s_fetch(&answer, &heard, 31));
    assert_int_equal(heard.count, 10);
    pt_answer_close(&answer);
    pt_store_close(&store);
}

static void
what_is_well_around_a_damaged_record_is_given(void **state)
{
    (void) state;
    s_expect_what_is_well(900); //  records of several chunks
    s_expect_what_is_well(20);  //  of one
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_writer_leaves_all_that_it_told),
        cmocka_unit_test(every_bit_of_an_entry_counts),
        cmocka_unit_test(bits_elsewhere_are_found_or_change_nothing),
        cmocka_unit_test(what_is_well_around_a_damaged_record_is_given),
    };
    return cmocka_run_group_tests_name("pt_store_faults", tests, store_setup, store_teardown);
}
