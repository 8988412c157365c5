//  A journal whose entries were changed, below LMDB's own pages: whatever they say, with their checksums put right or
//  not, it is read to its end, refused, or called damaged.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "pt_store_parts.h"

#define TOPIC "retry.opn."
#define RECORDS "@retry.opn." //  its database
#define DATABASES_MAX 16      //  LMDB reserves memory for each in each transaction

static char s_folder[] = "/dev/shm/paytriage-fuzz-XXXXXX";
static char s_dir[sizeof s_folder + 8];
static char s_data[sizeof s_folder + 16];
static uint8_t *s_image; //  of the journal as it was made
static size_t s_image_len;
static MDB_env *s_env; //  of the journal, once it is made

static void
s_remove(void)
{
    char command[sizeof s_folder + 16];
    snprintf(command, sizeof command, "%s/data.mdb", s_dir);
    unlink(command);
    snprintf(command, sizeof command, "%s/lock.mdb", s_dir);
    unlink(command);
    rmdir(s_dir);
    rmdir(s_folder);
}

static void
s_fill(pt_store_t *store)
{
    static const uint8_t items[] = "\x92\x81\xa1n\x01\x81\xa1n\x02", answers[] = "\x92\xc4\x02\x81\xa0\xc0";
    pt_store_part_t part = {2, 7, {items, sizeof items - 1}, {answers, sizeof answers - 1}};
    const pt_text_t prefixes[] = {pt_text_of("retry."), pt_text_of("dead_letter.")};
    uint64_t first;
    FUZZ_REQUIRE(pt_store_begin(store) == PT_OK);
    for (int i = 0; i < 3; i++) {
        part.responses.len = i ? sizeof answers - 1 : 0;
        FUZZ_REQUIRE(pt_store_append(store, TOPIC, &part, 1, 1764000000000, &first) == PT_OK);
        FUZZ_REQUIRE(pt_store_remember(store, 9, 1, 1, (uint64_t) i + 1, 77, 1764000000000) == PT_OK);
    }
    FUZZ_REQUIRE(pt_store_subscribe(store, "desk", true, prefixes, 2, 1764000000000) == PT_OK);
    FUZZ_REQUIRE(pt_store_position(store, "desk", TOPIC, 3, 1764000000000) == PT_OK);
    FUZZ_REQUIRE(pt_store_commit(store) == PT_OK);
}

//  In memory: it is written anew for each input.
static void
s_make(void)
{
    char error[PT_STORE_ERROR_BYTES_MAX];
    struct stat found;
    pt_store_t *store;
    FUZZ_REQUIRE(mkdtemp(s_folder));
    atexit(s_remove);
    snprintf(s_dir, sizeof s_dir, "%s/store", s_folder);
    pt_store_options_t options = {.dir = s_dir, .bytes = PT_STORE_BYTES_MIN, .worker = 5};
    FUZZ_REQUIRE(pt_store_open(&options, &store, error) == PT_OK);
    s_fill(store);
    s_image_len = (size_t) (store->pages_used + 8) * 4096;
    pt_store_close(&store);
    snprintf(s_data, sizeof s_data, "%s/data.mdb", s_dir);
    int fd = open(s_data, O_RDONLY | O_CLOEXEC);
    FUZZ_REQUIRE(fd >= 0 && fstat(fd, &found) == 0 && (size_t) found.st_size >= s_image_len);
    s_image = malloc(s_image_len);
    FUZZ_REQUIRE(pread(fd, s_image, s_image_len, 0) == (ssize_t) s_image_len);
    close(fd);
}

static void
s_restore(void)
{
    int fd;
    FUZZ_REQUIRE(mdb_env_get_fd(s_env, &fd) == 0 && pwrite(fd, s_image, s_image_len, 0) == (ssize_t) s_image_len);
}

//  ---- one environment for all inputs

/*  To open one takes LMDB megabytes of memory, each time, and reserving the blocks of a file that has them
 *  takes long as well: more than all else together. So the store is linked with these, which give it the one
 *  that is open already. It holds nothing of the input before: without a lock file each transaction begins
 *  with what the file says.
 */
int __real_mdb_env_create(MDB_env **out_env);
int __real_mdb_env_set_mapsize(MDB_env *env, size_t bytes);
int __real_mdb_env_set_maxdbs(MDB_env *env, MDB_dbi count);
int __real_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);
void __real_mdb_env_close(MDB_env *env);
int __real_posix_fallocate(int fd, off_t offset, off_t len);
int __wrap_mdb_env_create(MDB_env **out_env);
int __wrap_mdb_env_set_mapsize(MDB_env *env, size_t bytes);
int __wrap_mdb_env_set_maxdbs(MDB_env *env, MDB_dbi count);
int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);
void __wrap_mdb_env_close(MDB_env *env);
int __wrap_posix_fallocate(int fd, off_t offset, off_t len);

int
__wrap_mdb_env_create(MDB_env **out_env)
{
    *out_env = s_env;
    return s_env ? 0 : __real_mdb_env_create(out_env);
}

int
__wrap_mdb_env_set_mapsize(MDB_env *env, size_t bytes)
{
    return s_env ? 0 : __real_mdb_env_set_mapsize(env, bytes);
}

int
__wrap_mdb_env_set_maxdbs(MDB_env *env, MDB_dbi count)
{
    return s_env ? 0 : __real_mdb_env_set_maxdbs(env, count);
}

int
__wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
    return s_env ? 0 : __real_mdb_env_open(env, path, flags, mode);
}

void
__wrap_mdb_env_close(MDB_env *env)
{
    if (env != s_env)
        __real_mdb_env_close(env);
}

int
__wrap_posix_fallocate(int fd, off_t offset, off_t len)
{
    return s_env ? 0 : __real_posix_fallocate(fd, offset, len);
}

static void
s_open_env(void)
{
    MDB_env *env;
    FUZZ_REQUIRE(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, DATABASES_MAX) == 0);
    FUZZ_REQUIRE(mdb_env_set_mapsize(env, PT_STORE_BYTES_MIN) == 0);
    FUZZ_REQUIRE(mdb_env_open(env, s_dir, MDB_NOSYNC | MDB_NOLOCK | MDB_NOTLS, 0600) == 0);
    s_env = env;
}

//  ---- changes

typedef struct {
    const uint8_t *at, *end;
} s_input_t;

static uint8_t
s_byte(s_input_t *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static void
s_seal_record(MDB_val key, uint8_t *value, size_t len)
{
    const uint8_t *bytes = key.mv_data;
    if (key.mv_size != S_RECORD_KEY_BYTES || len < S_RECORD_HEADER_BYTES)
        return;
    uint32_t begin = pt_store_begin_crc(TOPIC, s_get_key_u64(bytes), bytes[8]);
    if (bytes[8] == S_PART_ITEMS)
        s_put_u32(value + 28, pt_crc32c(begin, value + 4, S_RECORD_HEADER_BYTES - 8));
    s_put_u32(value, pt_crc32c(begin, value + 4, len - 4));
}

//  Cut, lengthen and overwrite a value at a place; sealed again or not.
static size_t
s_change(s_input_t *input, char letter, MDB_val key, uint8_t *value, size_t len)
{
    uint8_t what = s_byte(input);
    if (what & 1)
        len = s_byte(input) % (len + 9);
    size_t at = s_byte(input) % (len + 1);
    for (size_t left = s_byte(input) & 15; left && at < len; left--)
        value[at++] = s_byte(input);
    if (what & 2 && letter == S_RECORDS)
        s_seal_record(key, value, len);
    else if (what & 2 && len >= 4)
        s_seal(letter, key, value, len);
    return len;
}

//  One entry of one database: another value, another key, or none.
static void
s_change_entry(s_input_t *input, MDB_txn *txn)
{
    static const char *const names[] = {"meta", "heads", "producers", "subscribers", RECORDS};
    static const char letters[] = {S_META, S_HEADS, S_PRODUCERS, S_SUBSCRIBERS, S_RECORDS};
    static uint8_t key_room[512], room[4096 + 16];
    unsigned which = s_byte(input) % 5;
    unsigned place = s_byte(input) & 15;
    uint8_t how = s_byte(input);
    MDB_dbi dbi;
    MDB_cursor *cursor;
    MDB_val key, value;
    FUZZ_REQUIRE(mdb_dbi_open(txn, names[which], 0, &dbi) == 0 && mdb_cursor_open(txn, dbi, &cursor) == 0);
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; place && rc == 0; place--)
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    mdb_cursor_close(cursor);
    if (rc != 0 || key.mv_size > 256 || value.mv_size > 4096)
        return;
    memset(room, 0, sizeof room);
    memcpy(key_room, key.mv_data, key.mv_size);
    memcpy(room, value.mv_data, value.mv_size);
    key.mv_data = key_room;
    if (how & 1)
        FUZZ_REQUIRE(mdb_del(txn, dbi, &key, NULL) == 0);
    if (how & 2) {
        key.mv_size = s_byte(input) & 1 ? key.mv_size : 1 + s_byte(input) % (key.mv_size + 8);
        key_room[s_byte(input) % key.mv_size] = s_byte(input);
    }
    value = s_val(room, s_change(input, letters[which], key, room, value.mv_size));
    if ((how & 3) != 1)
        (void) mdb_put(txn, dbi, &key, &value, 0);
}

static void
s_change_all(s_input_t *input)
{
    MDB_txn *txn;
    FUZZ_REQUIRE(mdb_txn_begin(s_env, NULL, 0, &txn) == 0);
    for (int i = 0; i < 8 && input->at < input->end; i++)
        s_change_entry(input, txn);
    FUZZ_REQUIRE(mdb_txn_commit(txn) == 0);
}

//  ---- reading

static void
s_read_records(pt_store_view_t *view, const pt_store_head_t *head)
{
    pt_store_record_t record;
    if (pt_store_view_seek(view, head->topic, head->first_retained) != PT_OK)
        return;
    for (int i = 0; i < 16 && pt_store_view_next(view, &record) == PT_OK; i++) {
        //  What a reader reserves is bounded, whatever the header says.
        FUZZ_REQUIRE(record.items_bytes <= PT_BATCH_BYTES_MAX);
        FUZZ_REQUIRE(record.responses_bytes <= PT_STORE_RESPONSES_BYTES_MAX);
        uint8_t *out = malloc(record.items_bytes + record.responses_bytes + 1);
        FUZZ_REQUIRE(out);
        (void) pt_store_view_items(view, out);
        if (record.responses_bytes)
            (void) pt_store_view_responses(view, out);
        free(out);
    }
}

static void
s_take_window(void *context, uint64_t producer, uint64_t epoch, uint64_t floor, uint64_t seq, uint32_t crc32)
{
    (void) context, (void) producer, (void) epoch, (void) floor, (void) seq, (void) crc32;
}

static void
s_take_fault(void *context, const char *where, uint64_t seq, const char *what)
{
    (void) context, (void) seq;
    fuzz_touch(where, strlen(where));
    fuzz_touch(what, strlen(what));
}

static void
s_read_view(pt_store_t *store)
{
    pt_store_view_t *view;
    pt_store_head_t head = {.topic = ""};
    static pt_store_subscriber_t who;
    uint64_t position;
    who = (pt_store_subscriber_t) {0};
    if (pt_store_view_open(store, &view) != PT_OK)
        return;
    for (int i = 0; i < 16 && pt_store_view_topic(view, head.topic, &head) == PT_OK; i++)
        s_read_records(view, &head);
    for (int i = 0; i < 16 && pt_store_view_subscriber(view, who.name, &who) == PT_OK; i++) {
        fuzz_touch(who.prefixes, sizeof who.prefixes);
        (void) pt_store_view_position(view, who.name, TOPIC, &position);
    }
    (void) pt_store_view_windows(view, s_take_window, NULL);
    pt_store_view_close(&view);
}

static void
s_read(bool read_only)
{
    char error[PT_STORE_ERROR_BYTES_MAX] = "";
    pt_store_t *store;
    pt_store_verified_t verified;
    pt_store_options_t options = {.dir = s_dir, .bytes = read_only ? 0 : PT_STORE_BYTES_MIN, .read_only = read_only};
    pt_status_t status = pt_store_open(&options, &store, error);
    if (status != PT_OK) {
        FUZZ_REQUIRE(error[0] && status != PT_E_NOMEM);
        return;
    }
    s_read_view(store);
    (void) pt_store_verify(store, s_take_fault, NULL, &verified);
    pt_store_close(&store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!s_image) {
        s_make();
        s_open_env();
    }
    s_input_t input = {data, data + size};
    bool read_only = !(s_byte(&input) & 1);
    s_change_all(&input);
    s_read(read_only);
    s_restore();
    return 0;
}
