/*  Opening, trimming and filling a store. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define S_SMALL (UINT64_C(8) << 20)

//  ---- opening

static void
second_writer_is_refused_with_the_pid_of_the_first(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char error[PT_STORE_ERROR_BYTES_MAX];
    char pid[32];
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    pt_store_options_t options = {.dir = dir, .bytes = S_SMALL};
    pt_store_t *second;

    assert_int_equal(pt_store_open(&options, &second, error), PT_E_IO);

    assert_int_equal(errno, EWOULDBLOCK);
    assert_null(second);
    snprintf(pid, sizeof(pid), "pid %d ", (int) getpid());
    assert_non_null(strstr(error, pid));
    pt_store_close(&store);
    store = store_open(dir, S_SMALL);
    pt_store_close(&store);
}

static void
file_is_allocated_when_it_is_opened(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char path[STORE_PATH_BYTES + 16];
    struct stat about;
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    snprintf(path, sizeof(path), "%s/data.mdb", dir);

    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_size, S_SMALL);
    assert_true((uint64_t) about.st_blocks * 512 >= S_SMALL);
    assert_int_equal(about.st_mode & 0777, 0600);
    pt_store_close(&store);
    store = store_open(dir, 2 * S_SMALL);
    assert_int_equal(stat(path, &about), 0);
    assert_true((uint64_t) about.st_blocks * 512 >= 2 * S_SMALL);
    pt_store_close(&store);
}

//  It is written through a map, where a hole on a full disk is a SIGBUS.
static void
table_of_readers_has_no_hole(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char path[STORE_PATH_BYTES + 16];
    struct stat about;
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    snprintf(path, sizeof(path), "%s/lock.mdb", dir);

    assert_int_equal(stat(path, &about), 0);
    assert_true(about.st_blocks * 512 >= about.st_size);
    pt_store_close(&store);
}

static void
opening_says_when_the_disk_has_no_room(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char path[STORE_PATH_BYTES + 16];
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_options_t options = {.dir = store_dir(dir), .bytes = 2 * S_SMALL};
    pt_store_t *store;
    //  A file of this process may not grow so far; a signal says so before errno does.
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = S_SMALL / 2, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);

    assert_int_equal(pt_store_open(&options, &store, error), PT_E_IO);

    int reason = errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    errno = reason;
    assert_true(errno == ENOSPC || errno == EFBIG);
    assert_non_null(strstr(error, "cannot reserve"));
    //  Nothing half made is left.
    snprintf(path, sizeof(path), "%s/data.mdb", dir);
    assert_int_not_equal(access(path, F_OK), 0);
    snprintf(path, sizeof(path), "%s/data.new", dir);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void
identity_stays_and_starts_are_counted(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    pt_store_identity_t first = pt_store_identity(store);
    assert_int_not_equal(first.worker, 0);
    assert_int_not_equal(first.epoch, 0);
    assert_int_equal(first.incarnation, 1);
    pt_store_close(&store);

    store = store_open(dir, S_SMALL);
    pt_store_identity_t second = pt_store_identity(store);
    assert_int_equal(second.worker, first.worker);
    assert_int_equal(second.epoch, first.epoch);
    assert_int_equal(second.incarnation, 2);
    pt_store_close(&store);

    pt_store_options_t options = {.dir = dir, .bytes = S_SMALL, .worker = first.worker + 1};
    assert_int_equal(pt_store_open(&options, &store, error), PT_E_RANGE);
    store = store_open_reader(dir);
    assert_int_equal(pt_store_identity(store).incarnation, 2);
    pt_store_close(&store);
}

static void
reader_is_refused_where_there_is_no_journal(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_t *store;
    pt_store_options_t options = {.dir = store_dir(dir), .read_only = true};

    assert_int_equal(pt_store_open(&options, &store, error), PT_E_NOT_FOUND);

    assert_int_not_equal(access(dir, F_OK), 0);
}

static void
file_of_another_kind_is_refused(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char path[STORE_PATH_BYTES + 16];
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_t *store;
    pt_store_options_t options = {.dir = store_dir(dir), .bytes = S_SMALL};
    assert_int_equal(mkdir(dir, 0700), 0);
    snprintf(path, sizeof(path), "%s/data.mdb", dir);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 5000; i++)
        fputs("not a journal\n", file);
    fclose(file);

    assert_int_equal(pt_store_open(&options, &store, error), PT_E_CHECKSUM);
}

//  ---- trimming

//  Fill a topic with records of 10 decisions and about 100 KiB, until the store is that full.
static void
s_fill(pt_store_t *store, const char *topic, unsigned percent)
{
    uint64_t start = 0;
    while (pt_store_usage(store).used_percent < percent) {
        store_commit_one(store, topic, start, 10, 10000);
        start += 10;
    }
}

static void
s_trim(pt_store_t *store)
{
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_trim(store, 64 << 20), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
}

static void
s_subscribe(pt_store_t *store, const char *name, bool durable, const char *prefix)
{
    pt_text_t text = pt_text_of(prefix);
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_subscribe(store, name, durable, &text, *prefix ? 1 : 0, 5), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
}

static void
s_position(pt_store_t *store, const char *name, const char *topic, uint64_t next_seq)
{
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_position(store, name, topic, next_seq, 6), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
}

typedef struct {
    const char *name;
    struct {
        const char *name;
        bool durable;
        const char *prefix;
        uint64_t position; //  0: none
    } subscribers[3];
    unsigned percent;    //  how full when trimmed
    uint64_t floor;      //  what first_retained may reach at most
    bool trims;          //  whether anything goes
    bool trimmed_unread; //  and whether that is told
} s_rule_t;

static const s_rule_t s_rules[] = {
    {"nobody asked, below the mark for spilling", {{NULL, false, NULL, 0}}, 70, 1, false, false},
    {"nobody asked, above it", {{NULL, false, NULL, 0}}, 78, UINT64_MAX, true, true},
    {"all has been read, little used", {{"a", true, "retry.", 100}}, 55, 1, false, false},
    {"a part has been read", {{"a", true, "retry.", 51}}, 70, 51, true, false},
    {"the slowest counts",
     {{"a", true, "retry.", 71}, {"b", true, "", 41}, {"c", true, "retry.opn.", 61}},
     79,
     41,
     true,
     false},
    {"others do not count",
     {{"a", true, "retry.", 71}, {"b", true, "dead_letter.", 0}, {"c", true, "retry.opn2", 0}},
     79,
     71,
     true,
     false},
    {"who is not durable does not count", {{"a", true, "retry.", 71}, {"b", false, "retry.", 11}}, 79, 71, true, false},
    {"only one who is not durable", {{"b", false, "retry.", 11}}, 79, UINT64_MAX, true, true},
    {"one who never told a position holds all",
     {{"a", true, "retry.", 71}, {"b", true, "retry.", 0}},
     85,
     1,
     false,
     false},
    {"a position inside a record keeps the record", {{"a", true, "retry.", 58}}, 70, 51, true, false},
};

static void
trim_keeps_what_the_rules_keep(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(s_rules) / sizeof(s_rules[0]); i++) {
        const s_rule_t *rule = &s_rules[i];
        char dir[STORE_PATH_BYTES];
        pt_store_head_t head;
        pt_store_t *store = store_open(store_dir(dir), S_SMALL);
        s_fill(store, "retry.opn.", rule->percent);
        for (size_t j = 0; j < 3 && rule->subscribers[j].name; j++) {
            s_subscribe(store, rule->subscribers[j].name, rule->subscribers[j].durable, rule->subscribers[j].prefix);
            if (rule->subscribers[j].position)
                s_position(store, rule->subscribers[j].name, "retry.opn.", rule->subscribers[j].position);
        }
        s_trim(store);
        assert_true(pt_store_head(store, "retry.opn.", &head));
        if (rule->trims != (head.first_retained > 1) || head.first_retained > rule->floor)
            fail_msg("%s: %llu", rule->name, (unsigned long long) head.first_retained);
        assert_int_equal(head.first_retained % 10, 1);
        assert_int_equal(pt_store_usage(store).trimmed_unread > 0, rule->trimmed_unread);
        store_expect_sound(store);
        //  What is on the disk says the same.
        pt_store_close(&store);
        store = store_open(dir, S_SMALL);
        pt_store_head_t again;
        assert_true(pt_store_head(store, "retry.opn.", &again));
        assert_int_equal(again.first_retained, head.first_retained);
        assert_int_equal(again.bytes, head.bytes);
        pt_store_close(&store);
    }
}

//  Discard in one transaction of its own; where the topic begins then.
static uint64_t
s_discard(pt_store_t *store, uint64_t below_seq, bool unread_too, size_t bytes_max)
{
    pt_store_head_t head;
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_discard(store, "retry.opn.", below_seq, unread_too, bytes_max), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
    assert_true(pt_store_head(store, "retry.opn.", &head));
    store_expect_sound(store);
    return head.first_retained;
}

static void
discard_drops_whole_records_below_a_number_that_all_have_read(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    for (uint64_t start = 0; start < 100; start += 10)
        store_commit_one(store, "retry.opn.", start, 10, 1000);
    store_commit_one(store, "retry.x.", 0, 10, 1000);

    assert_int_equal(s_discard(store, 10, false, SIZE_MAX), 1);
    assert_int_equal(s_discard(store, 25, false, SIZE_MAX), 21);
    //  Piece by piece.
    assert_int_equal(s_discard(store, 51, false, 1), 31);
    s_subscribe(store, "behind", true, "retry.");
    assert_int_equal(s_discard(store, 51, false, SIZE_MAX), 31);
    s_position(store, "behind", "retry.opn.", 45);
    assert_int_equal(s_discard(store, 71, false, SIZE_MAX), 41);
    //  All but one of a record are as good as none.
    s_position(store, "behind", "retry.opn.", 50);
    assert_int_equal(s_discard(store, 71, false, SIZE_MAX), 41);
    s_position(store, "behind", "retry.opn.", 51);
    assert_int_equal(s_discard(store, 71, false, SIZE_MAX), 51);
    assert_int_equal(s_discard(store, 71, true, SIZE_MAX), 71);
    assert_int_equal(s_discard(store, UINT64_MAX, true, SIZE_MAX), 101);
    assert_int_equal(s_discard(store, UINT64_MAX, true, SIZE_MAX), 101);

    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_discard(store, "retry.y.", 2, false, SIZE_MAX), PT_E_NOT_FOUND);
    pt_store_abort(store);
    pt_store_close(&store);
    store = store_open(dir, S_SMALL);
    pt_store_head_t head;
    assert_true(pt_store_head(store, "retry.opn.", &head));
    assert_int_equal(head.first_retained, 101);
    assert_int_equal(head.records, 0);
    assert_int_equal(head.bytes, 0);
    assert_true(pt_store_head(store, "retry.x.", &head));
    assert_int_equal(head.first_retained, 1);
    store_commit_one(store, "retry.opn.", 100, 10, 1000);
    store_expect_sound(store);
    pt_store_close(&store);
}

static void
trim_takes_the_oldest_of_all_topics_first(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    const char *topics[] = {"retry.b.", "retry.a."};
    store_part_t part = store_part(0, 10, 10000, false);
    uint64_t first_seq;
    for (uint64_t turn = 0; pt_store_usage(store).used_percent < 78; turn++) {
        assert_int_equal(pt_store_begin(store), PT_OK);
        assert_int_equal(pt_store_append(store, topics[turn % 2], &part.part, 1, turn, &first_seq), PT_OK);
        assert_int_equal(pt_store_commit(store), PT_OK);
    }
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_trim(store, 1), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
    pt_store_head_t head;
    assert_true(pt_store_head(store, "retry.b.", &head));
    assert_int_equal(head.first_retained, 11);
    assert_true(pt_store_head(store, "retry.a.", &head));
    assert_int_equal(head.first_retained, 1);
    store_part_clear(&part);
    pt_store_close(&store);
}

//  What is young stays, in whichever topic, while there is older.
static void
trim_leaves_a_topic_alone_that_is_younger_than_others(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    store_part_t part = store_part(0, 10, 10000, false);
    pt_store_head_t head;
    uint64_t first_seq;
    uint64_t turn = 0;
    while (pt_store_usage(store).used_percent < 78) {
        const char *topic = pt_store_usage(store).used_percent < 60 ? "retry.old." : "retry.young.";
        assert_int_equal(pt_store_begin(store), PT_OK);
        assert_int_equal(pt_store_append(store, topic, &part.part, 1, ++turn, &first_seq), PT_OK);
        assert_int_equal(pt_store_commit(store), PT_OK);
    }
    s_trim(store);
    assert_true(pt_store_head(store, "retry.young.", &head));
    assert_int_equal(head.first_retained, 1);
    assert_true(pt_store_head(store, "retry.old.", &head));
    assert_true(head.first_retained > 11);
    store_part_clear(&part);
    pt_store_close(&store);
}

//  A process that takes all places of views and is gone: what many commands leave that are killed.
static int
s_die_with_all_views(const char *dir)
{
    pt_store_t *store = store_open_reader(dir);
    pt_store_view_t *view;
    int count = 0;
    while (pt_store_view_open(store, &view) == PT_OK)
        count++;
    _exit(count > 100 ? 0 : 1);
}

static void
s_let_one_die(const char *dir)
{
    int ended;
    pid_t pid = fork();
    if (pid == 0)
        _exit(execl("/proc/self/exe", "test", "--take-all-views", dir, NULL));
    assert_int_equal(waitpid(pid, &ended, 0), pid);
    assert_int_equal(ended, 0);
}

static void
views_of_the_dead_leave_their_places_to_others(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_view_t *view;
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    s_let_one_die(dir);
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    pt_store_view_close(&view);
    assert_true(pt_store_troubles(store).dead_views > 100);
    //  To commands as well.
    s_let_one_die(dir);
    pt_store_t *reader = store_open_reader(dir);
    store_expect_sound(reader);
    pt_store_close(&reader);
    pt_store_close(&store);
}

//  Records of which many share a page.
static void
trimming_small_records_stops_where_enough_is_free(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    for (uint64_t i = 0; pt_store_usage(store).used_percent < 77; i++)
        store_commit_one(store, "retry.opn.", i, 1, 200);
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_trim(store, SIZE_MAX), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
    assert_in_range(pt_store_usage(store).used_percent, PT_STORE_KEEP_PERCENT, PT_STORE_SPILL_PERCENT);
    store_expect_sound(store);
    pt_store_close(&store);
}

static const char *
s_numbered_topic(size_t number, char *out)
{
    snprintf(out, PT_TOPIC_BYTES_MAX + 1, "retry.gateway-%zu.", number);
    return out;
}

//  Append one record to each of the topics from `first` to `end`, in one transaction.
static void
s_append_to_topics(pt_store_t *store, size_t first, size_t end)
{
    char topic[PT_TOPIC_BYTES_MAX + 1];
    store_part_t part = store_part(first, 1, 50, false);
    assert_int_equal(pt_store_begin(store), PT_OK);
    for (size_t i = first; i < end; i++)
        store_append(store, s_numbered_topic(i, topic), &part);
    store_part_clear(&part);
}

static void
as_many_topics_as_there_may_be_are_kept_apart(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char topic[PT_TOPIC_BYTES_MAX + 1];
    const size_t half = PT_STORE_TOPICS_MAX / 2;
    const uint64_t bytes = UINT64_C(128) << 20;
    pt_store_t *store = store_open(store_dir(dir), bytes);
    s_append_to_topics(store, 0, half);
    assert_int_equal(pt_store_commit(store), PT_OK);
    //  What is undone leaves its places to others.
    s_append_to_topics(store, 2 * half, 3 * half);
    pt_store_abort(store);
    s_append_to_topics(store, half, PT_STORE_TOPICS_MAX);
    assert_int_equal(pt_store_commit(store), PT_OK);

    pt_store_head_t head;
    for (int opened = 0; opened < 2; opened++) {
        store_part_t part = store_part(0, 1, 50, false);
        uint64_t first_seq;
        for (size_t i = 0; i < PT_STORE_TOPICS_MAX; i++) {
            assert_true(pt_store_head(store, s_numbered_topic(i, topic), &head));
            assert_int_equal(head.next_seq, 2);
        }
        assert_false(pt_store_head(store, s_numbered_topic(2 * half, topic), &head));
        assert_int_equal(pt_store_begin(store), PT_OK);
        assert_int_equal(pt_store_append(store, topic, &part.part, 1, 1, &first_seq), PT_E_COUNT);
        assert_int_equal(pt_store_add_topic(store, topic, 0), PT_E_COUNT);
        assert_int_equal(pt_store_add_topic(store, "retry.gateway-7.", 4), PT_OK);
        //  The transaction is well, and so is the store.
        assert_int_equal(pt_store_commit(store), PT_OK);
        store_part_clear(&part);
        assert_int_equal(store_expect_sound(store).records, PT_STORE_TOPICS_MAX);
        pt_store_close(&store);
        store = store_open(dir, bytes);
    }
    pt_store_close(&store);
}

static void
places_that_are_spared_are_for_those_who_ask(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open_narrow(store_dir(dir), S_SMALL, 3);
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_add_topic(store, "retry.a.", 2), PT_OK);
    assert_int_equal(pt_store_add_topic(store, "retry.b.", 2), PT_E_COUNT);
    assert_int_equal(pt_store_add_topic(store, "retry.a.", 2), PT_OK);
    assert_int_equal(pt_store_add_topic(store, "retry.-.", 0), PT_OK);
    pt_store_abort(store);
    pt_store_close(&store);
}

static void
forgotten_subscriber_holds_nothing(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_head_t head;
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    s_subscribe(store, "dead", true, "");
    s_fill(store, "retry.opn.", 82);
    assert_true(pt_store_is_full(store));
    s_trim(store);
    assert_true(pt_store_is_full(store));

    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_forget(store, "dead"), PT_OK);
    assert_int_equal(pt_store_forget(store, "dead"), PT_E_NOT_FOUND);
    assert_int_equal(pt_store_trim(store, 64 << 20), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);

    assert_false(pt_store_is_full(store));
    assert_true(pt_store_head(store, "retry.opn.", &head));
    assert_true(head.first_retained > 1);
    pt_store_close(&store);
}

//  ---- filling

static void
full_comes_before_the_file_has_no_room(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    s_subscribe(store, "dead", true, "");
    uint64_t start = 0;
    while (!pt_store_is_full(store))
        start += 0 * store_commit_one(store, "retry.opn.", start, 10, 3000) + 10;
    assert_in_range(pt_store_usage(store).used_percent, PT_STORE_FULL_PERCENT, PT_STORE_FULL_PERCENT + 2);

    //  Work that was taken before still finds room; in the end the file is full and nothing breaks.
    store_part_t part = store_part(start, 10, 10000, true);
    pt_status_t status = PT_OK;
    uint64_t first_seq = 0;
    unsigned more = 0;
    for (; status == PT_OK; more++) {
        assert_int_equal(pt_store_begin(store), PT_OK);
        status = pt_store_append(store, "retry.opn.", &part.part, 1, 7, &first_seq);
        if (status == PT_OK)
            status = pt_store_commit(store);
        else
            pt_store_abort(store);
    }
    assert_int_equal(status, PT_E_SPACE);
    assert_true(more > 4);
    pt_store_head_t head;
    assert_true(pt_store_head(store, "retry.opn.", &head));
    store_expect_sound(store);
    pt_store_close(&store);

    store = store_open(dir, S_SMALL);
    pt_store_head_t again;
    assert_true(pt_store_head(store, "retry.opn.", &again));
    assert_int_equal(again.next_seq, head.next_seq);
    assert_true(pt_store_is_full(store));
    store_expect_sound(store);
    store_part_clear(&part);
    pt_store_close(&store);
}

static void
room_is_used_again_for_ever(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    uint64_t seed = 99;
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    const char *topics[] = {"retry.a.", "retry.b.", "dead_letter.a.", "dead_letter.b."};
    uint64_t bytes = 0;
    //  Eight times the file, in records of all sizes.
    while (bytes < 8 * S_SMALL) {
        store_part_t part = store_part(bytes, 1 + (uint32_t) (store_random(&seed) % 60), store_random(&seed) % 3000,
                                       store_random(&seed) % 2);
        assert_int_equal(pt_store_begin(store), PT_OK);
        store_append(store, topics[store_random(&seed) % 4], &part);
        if (pt_store_wants_trim(store))
            assert_int_equal(pt_store_trim(store, 1 << 20), PT_OK);
        assert_int_equal(pt_store_commit(store), PT_OK);
        bytes += part.part.items.len + part.part.responses.len;
        assert_false(pt_store_is_full(store));
        store_part_clear(&part);
    }
    assert_true(pt_store_usage(store).used_percent > PT_STORE_KEEP_PERCENT);
    store_expect_sound(store);
    pt_store_close(&store);
}

//  ---- windows

static void
s_count_windows(void *context, uint64_t producer, uint64_t epoch, uint64_t floor, uint64_t seq, uint32_t crc32)
{
    (void) epoch;
    (void) floor;
    (void) seq;
    (void) crc32;
    uint64_t *seen = context;
    seen[0]++;
    if (producer < seen[1])
        seen[1] = producer;
    seen[2] = producer > seen[2] ? producer : seen[2];
}

//  A hundred producers from `first` on, one after the other.
static void
s_remember_hundred(pt_store_t *store, uint64_t first, uint64_t now_ms)
{
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(pt_store_begin(store), PT_OK);
        assert_int_equal(pt_store_remember(store, first + i, 1, 1, 1, 77, now_ms + i), PT_OK);
        assert_int_equal(pt_store_commit(store), PT_OK);
    }
}

//  The last of `end` producers.
static void
s_expect_windows_of_the_last(pt_store_t *store, uint64_t end)
{
    pt_store_view_t *view;
    uint64_t seen[3] = {0, UINT64_MAX};
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    assert_int_equal(pt_store_view_windows(view, s_count_windows, seen), PT_OK);
    pt_store_view_close(&view);
    assert_in_range(seen[0], 20, 36);
    assert_int_equal(seen[1], end - seen[0]);
}

static void
windows_unused_for_longest_are_forgotten(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_options_t options = {.dir = store_dir(dir), .bytes = S_SMALL, .producers_max = 20};
    pt_store_t *store;
    assert_int_equal(pt_store_open(&options, &store, error), PT_OK);
    s_remember_hundred(store, 0, 36000000);
    s_expect_windows_of_the_last(store, 100);

    //  The clock is set back by hours, and back again while the store is closed.
    s_remember_hundred(store, 100, 7200000);
    s_expect_windows_of_the_last(store, 200);
    pt_store_close(&store);
    assert_int_equal(pt_store_open(&options, &store, error), PT_OK);
    s_remember_hundred(store, 200, 1000);
    s_expect_windows_of_the_last(store, 300);
    pt_store_close(&store);
}

//  Which windows go does not depend on the order of their names.
static void
windows_are_forgotten_by_their_use_and_not_by_their_names(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_options_t options = {.dir = store_dir(dir), .bytes = S_SMALL, .producers_max = 20};
    pt_store_t *store;
    uint64_t seen[3] = {0, UINT64_MAX};
    pt_store_view_t *view;
    assert_int_equal(pt_store_open(&options, &store, error), PT_OK);
    //  With the 36th there are 16 more than may be kept.
    assert_int_equal(pt_store_begin(store), PT_OK);
    for (uint64_t producer = 100; producer > 64; producer--)
        assert_int_equal(pt_store_remember(store, producer, 1, 1, 1, 77, 1000 - producer), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    assert_int_equal(pt_store_view_windows(view, s_count_windows, seen), PT_OK);
    pt_store_view_close(&view);
    assert_int_equal(seen[0], 20);
    assert_int_equal(seen[1], 65);
    assert_int_equal(seen[2], 84);
    pt_store_close(&store);
}

static void
s_note_window(void *context, uint64_t producer, uint64_t epoch, uint64_t floor, uint64_t seq, uint32_t crc32)
{
    uint64_t *told = context;
    assert_int_equal(++told[0], 1);
    assert_int_equal(producer, 5);
    assert_int_equal(epoch, 6);
    assert_int_equal(crc32, 0);
    told[1] = floor;
    told[2] = seq;
}

//  Its floor is what keeps older batches from being decided again.
static void
window_whose_batches_the_floor_has_passed_is_told(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    uint64_t told[3] = {0};
    pt_store_view_t *view;
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    assert_int_equal(pt_store_begin(store), PT_OK);
    assert_int_equal(pt_store_remember(store, 5, 6, 1, 3, 7, 1), PT_OK);
    assert_int_equal(pt_store_remember(store, 5, 6, 9, 8, 7, 2), PT_OK);
    assert_int_equal(pt_store_commit(store), PT_OK);
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    assert_int_equal(pt_store_view_windows(view, s_note_window, told), PT_OK);
    pt_store_view_close(&view);
    assert_int_equal(told[0], 1);
    assert_int_equal(told[1], 9);
    assert_int_equal(told[2], 0);
    pt_store_close(&store);
}

//  Remember a batch of each of these producers, in one transaction each; `kept`: it is committed.
static void
s_remember_each(pt_store_t *store, uint64_t first, uint64_t end, bool kept)
{
    for (uint64_t producer = first; producer < end; producer++) {
        assert_int_equal(pt_store_begin(store), PT_OK);
        assert_int_equal(pt_store_remember(store, producer, 1, 1, 1, 7, producer), PT_OK);
        if (kept)
            assert_int_equal(pt_store_commit(store), PT_OK);
        else
            pt_store_abort(store);
    }
}

static uint64_t
s_count_all_windows(pt_store_t *store)
{
    uint64_t seen[3] = {0};
    pt_store_view_t *view;
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    assert_int_equal(pt_store_view_windows(view, s_count_windows, seen), PT_OK);
    pt_store_view_close(&view);
    return seen[0];
}

//  What was undone takes no place among the windows, and makes none either: 16 more than there may be are kept before
//  some are forgotten.
static void
windows_that_were_undone_do_not_count(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    char error[PT_STORE_ERROR_BYTES_MAX];
    pt_store_options_t options = {.dir = store_dir(dir), .bytes = S_SMALL, .producers_max = 20};
    pt_store_t *store;
    assert_int_equal(pt_store_open(&options, &store, error), PT_OK);
    s_remember_each(store, 1000, 1050, false);
    s_remember_each(store, 1, 31, true);
    assert_int_equal(s_count_all_windows(store), 30);
    pt_store_close(&store);
    assert_int_equal(pt_store_open(&options, &store, error), PT_OK);
    s_remember_each(store, 1000, 1001, false);
    s_remember_each(store, 31, 41, true);
    assert_in_range(s_count_all_windows(store), 20, 36);
    pt_store_close(&store);
}

//  ---- marks: how far each topic is

static void
s_expect_mark(const pt_store_t *store, const char *topic, const pt_store_head_t *expected)
{
    pt_store_head_t head;
    assert_true(pt_store_head(store, topic, &head));
    assert_string_equal(head.topic, topic);
    assert_int_equal(head.first_retained, expected->first_retained);
    assert_int_equal(head.next_seq, expected->next_seq);
    assert_int_equal(head.records, expected->records);
    assert_int_equal(head.bytes, expected->bytes);
}

//  What a subscriber is shown: as much, and all of it durable.
static void
s_expect_view(pt_store_t *store, const char *topic, const pt_store_head_t *expected)
{
    pt_store_view_t *view;
    pt_store_head_t head;
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    assert_int_equal(pt_store_view_head(view, topic, &head), PT_OK);
    assert_int_equal(head.first_retained, expected->first_retained);
    assert_int_equal(head.next_seq, expected->next_seq);
    assert_int_equal(pt_store_view_seek(view, topic, expected->next_seq - 1), PT_OK);
    assert_int_equal(pt_store_view_seek(view, topic, expected->next_seq), PT_E_NOT_FOUND);
    pt_store_view_close(&view);
}

//  Append in a transaction that is undone.
static void
s_append_in_vain(pt_store_t *store, const char *topic)
{
    store_part_t part = store_part(90, 5, 300, false);
    assert_int_equal(pt_store_begin(store), PT_OK);
    store_append(store, topic, &part);
    pt_store_abort(store);
    store_part_clear(&part);
}

static void
mark_says_how_far_a_topic_is_after_undoing_and_after_a_start(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_head_t mark = {.first_retained = 1, .next_seq = 1};
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    s_append_in_vain(store, "retry.opn.");
    assert_false(pt_store_head(store, "retry.opn.", &mark));
    for (uint64_t start = 0; start < 3; start++) {
        store_part_t part = store_part(start, 4, 200, true);
        assert_int_equal(store_commit_one(store, "retry.opn.", start, 4, 200), mark.next_seq);
        mark.next_seq += 4;
        mark.records++;
        //  With the headers of both.
        mark.bytes += 32 + part.part.items.len + 12 + part.part.responses.len;
        store_part_clear(&part);
        s_expect_mark(store, "retry.opn.", &mark);
        s_expect_view(store, "retry.opn.", &mark);
        s_append_in_vain(store, "retry.opn.");
        s_expect_mark(store, "retry.opn.", &mark);
    }

    pt_store_close(&store);
    store = store_open(dir, S_SMALL);
    s_expect_mark(store, "retry.opn.", &mark);
    s_expect_view(store, "retry.opn.", &mark);
    s_append_in_vain(store, "retry.opn.");
    s_expect_mark(store, "retry.opn.", &mark);
    s_expect_view(store, "retry.opn.", &mark);
    assert_int_equal(store_commit_one(store, "retry.opn.", 3, 1, 200), mark.next_seq);
    store_expect_sound(store);
    pt_store_close(&store);
}

static void
mark_of_a_topic_whose_first_record_is_not_durable_is_the_beginning(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_head_t head;
    pt_store_view_t *view;
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    store_part_t part = store_part(0, 5, 300, false);
    assert_int_equal(pt_store_begin(store), PT_OK);
    store_append(store, "retry.opn.", &part);
    assert_int_equal(pt_store_commit_unsynced(store), PT_OK);

    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    assert_int_equal(pt_store_view_head(view, "retry.opn.", &head), PT_OK);
    assert_int_equal(head.next_seq, 1);
    pt_store_view_close(&view);

    assert_int_equal(pt_store_sync(store), PT_OK);
    s_expect_view(store, "retry.opn.", &(pt_store_head_t) {.first_retained = 1, .next_seq = 6});
    store_part_clear(&part);
    pt_store_close(&store);
}

static void
view_sees_one_moment(void **state)
{
    (void) state;
    char dir[STORE_PATH_BYTES];
    pt_store_t *store = store_open(store_dir(dir), S_SMALL);
    store_commit_one(store, "retry.opn.", 0, 3, 100);
    pt_store_view_t *view;
    pt_store_head_t head;
    assert_int_equal(pt_store_view_open(store, &view), PT_OK);
    store_commit_one(store, "retry.opn.", 3, 3, 100);
    store_commit_one(store, "retry.new.", 3, 3, 100);

    assert_int_equal(pt_store_view_head(view, "retry.opn.", &head), PT_OK);
    assert_int_equal(head.next_seq, 4);
    assert_int_equal(pt_store_view_seek(view, "retry.opn.", 4), PT_E_NOT_FOUND);
    assert_int_equal(pt_store_view_seek(view, "retry.new.", 1), PT_E_NOT_FOUND);
    pt_store_view_close(&view);
    pt_store_close(&store);
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--take-all-views") == 0)
        return s_die_with_all_views(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_writer_is_refused_with_the_pid_of_the_first),
        cmocka_unit_test(file_is_allocated_when_it_is_opened),
        cmocka_unit_test(table_of_readers_has_no_hole),
        cmocka_unit_test(opening_says_when_the_disk_has_no_room),
        cmocka_unit_test(identity_stays_and_starts_are_counted),
        cmocka_unit_test(reader_is_refused_where_there_is_no_journal),
        cmocka_unit_test(file_of_another_kind_is_refused),
        cmocka_unit_test(trim_keeps_what_the_rules_keep),
        cmocka_unit_test(discard_drops_whole_records_below_a_number_that_all_have_read),
        cmocka_unit_test(trim_takes_the_oldest_of_all_topics_first),
        cmocka_unit_test(trim_leaves_a_topic_alone_that_is_younger_than_others),
        cmocka_unit_test(views_of_the_dead_leave_their_places_to_others),
        cmocka_unit_test(trimming_small_records_stops_where_enough_is_free),
        cmocka_unit_test(as_many_topics_as_there_may_be_are_kept_apart),
        cmocka_unit_test(places_that_are_spared_are_for_those_who_ask),
        cmocka_unit_test(forgotten_subscriber_holds_nothing),
        cmocka_unit_test(full_comes_before_the_file_has_no_room),
        cmocka_unit_test(room_is_used_again_for_ever),
        cmocka_unit_test(windows_unused_for_longest_are_forgotten),
        cmocka_unit_test(windows_are_forgotten_by_their_use_and_not_by_their_names),
        cmocka_unit_test(window_whose_batches_the_floor_has_passed_is_told),
        cmocka_unit_test(windows_that_were_undone_do_not_count),
        cmocka_unit_test(mark_says_how_far_a_topic_is_after_undoing_and_after_a_start),
        cmocka_unit_test(mark_of_a_topic_whose_first_record_is_not_durable_is_the_beginning),
        cmocka_unit_test(view_sees_one_moment),
    };
    return cmocka_run_group_tests_name("pt_store", tests, store_setup, store_teardown);
}
