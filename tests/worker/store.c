#include "store.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char s_root[STORE_PATH_BYTES];
static unsigned s_serial;

uint64_t
store_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

int
store_setup(void **state)
{
    (void) state;
    const char *base = getenv("TMPDIR");
    snprintf(s_root, sizeof(s_root), "%s/pt-store-XXXXXX", base ? base : "/tmp");
    return mkdtemp(s_root) ? 0 : -1;
}

const char *
store_dir(char out[STORE_PATH_BYTES])
{
    int len = snprintf(out, STORE_PATH_BYTES, "%s/%u", s_root, s_serial++);
    assert_in_range(len, 1, STORE_PATH_BYTES - 1);
    return out;
}

static void
s_empty_dir(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        char inner[2 * STORE_PATH_BYTES + 256];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR) {
            s_empty_dir(inner);
            rmdir(inner);
        } else {
            unlink(inner);
        }
    }
    if (dir)
        closedir(dir);
}

int
store_teardown(void **state)
{
    (void) state;
    s_empty_dir(s_root);
    return rmdir(s_root);
}

pt_store_t *
store_open(const char *dir, uint64_t bytes)
{
    return store_open_narrow(dir, bytes, 0);
}

pt_store_t *
store_open_narrow(const char *dir, uint64_t bytes, size_t topics_max)
{
    pt_store_options_t options = {.dir = dir, .bytes = bytes, .topics_max = topics_max};
    pt_store_t *store;
    char error[PT_STORE_ERROR_BYTES_MAX] = "";
    if (pt_store_open(&options, &store, error) != PT_OK)
        fail_msg("%s", error);
    return store;
}

pt_store_t *
store_open_reader(const char *dir)
{
    pt_store_options_t options = {.dir = dir, .read_only = true};
    pt_store_t *store;
    char error[PT_STORE_ERROR_BYTES_MAX] = "";
    if (pt_store_open(&options, &store, error) != PT_OK)
        fail_msg("%s", error);
    return store;
}

static uint8_t *
s_write_array(uint8_t *at, uint32_t count)
{
    if (count < 16) {
        *at++ = (uint8_t) (0x90 | count);
        return at;
    }
    *at++ = 0xdc;
    *at++ = (uint8_t) (count >> 8);
    *at++ = (uint8_t) count;
    return at;
}

//  A bin16 of filler that depends on the number.
static uint8_t *
s_write_filler(uint8_t *at, uint64_t number, size_t filler)
{
    uint64_t state = number * 2654435761u + 1;
    *at++ = 0xc5;
    *at++ = (uint8_t) (filler >> 8);
    *at++ = (uint8_t) filler;
    for (size_t i = 0; i < filler; i++)
        *at++ = (uint8_t) store_random(&state);
    return at;
}

static uint8_t *
s_write_item(uint8_t *at, uint64_t number, size_t filler)
{
    static const uint8_t head[] = {0x82, 0xa1, 'n', 0xcf};
    memcpy(at, head, sizeof(head));
    at += sizeof(head);
    for (int shift = 56; shift >= 0; shift -= 8)
        *at++ = (uint8_t) (number >> shift);
    *at++ = 0xa1;
    *at++ = 'x';
    return s_write_filler(at, number, filler);
}

store_part_t
store_part(uint64_t start, uint32_t count, size_t filler, bool with_responses)
{
    store_part_t made = {.part = {.count = count}};
    made.items = malloc(3 + count * (filler + 32));
    made.responses = malloc(3 + count * (filler + 32));
    assert_non_null(made.items);
    assert_non_null(made.responses);
    uint8_t *at = s_write_array(made.items, count);
    for (uint32_t i = 0; i < count; i++)
        at = s_write_item(at, start + i, filler);
    made.part.items = (pt_bytes_t) {made.items, (size_t) (at - made.items)};
    made.part.crc32 = pt_wire_crc32(made.part.items);
    at = s_write_array(made.responses, count);
    for (uint32_t i = 0; i < count; i++)
        at = s_write_filler(at, ~(start + i), filler);
    if (with_responses)
        made.part.responses = (pt_bytes_t) {made.responses, (size_t) (at - made.responses)};
    return made;
}

void
store_part_clear(store_part_t *part)
{
    free(part->items);
    free(part->responses);
    *part = (store_part_t) {0};
}

uint64_t
store_append(pt_store_t *store, const char *topic, const store_part_t *part)
{
    uint64_t first_seq = 0;
    if (pt_store_append(store, topic, &part->part, 1, 1000, &first_seq) != PT_OK)
        fail_msg("%s", pt_store_error(store));
    return first_seq;
}

uint64_t
store_commit_one(pt_store_t *store, const char *topic, uint64_t start, uint32_t count, size_t filler)
{
    store_part_t part = store_part(start, count, filler, true);
    assert_int_equal(pt_store_begin(store), PT_OK);
    uint64_t first_seq = store_append(store, topic, &part);
    assert_int_equal(pt_store_commit(store), PT_OK);
    store_part_clear(&part);
    return first_seq;
}

static void
s_print_fault(void *context, const char *where, uint64_t seq, const char *what)
{
    (void) context;
    print_error("%s %llu: %s\n", where, (unsigned long long) seq, what);
}

pt_store_verified_t
store_expect_sound(pt_store_t *store)
{
    pt_store_verified_t verified;
    assert_int_equal(pt_store_verify(store, s_print_fault, NULL, &verified), PT_OK);
    assert_int_equal(verified.faults, 0);
    return verified;
}
