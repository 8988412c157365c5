//  The whole spine with a page that faults before the first byte of a response and behind its last one, in every
//  build: recorded answers as they came, cut at each byte, and bent at random.

#include "../proto/codec_support.h"

#include <jansson.h>

#include "pt_decision.h"
#include "pt_triage.h"

#define NOW_MS UINT64_C(1700000000000)

//  More than any recorded answer takes.
#define ROOM_BYTES (64 * 1024)

//  Of each response.
#define BENDS 30

//  Samples that have shrunk to less have lost something.
#define RESPONSES_MIN 900

static const char *const s_gateways[] = {"jamespay", "opn", "shopline", "smilepayz", "uapay"};

typedef struct {
    uint8_t *room; //  between two pages that fault
    pt_triage_t triage;
    uint8_t out[PT_DECISION_BYTES_MAX];
    uint64_t seed;
    size_t responses, cuts, bent;
    size_t invalid; //  of the bent ones
} s_world_t;

static int
s_set_up(void **state)
{
    size_t page = (size_t) sysconf(_SC_PAGESIZE);
    s_world_t *world = calloc(1, sizeof *world);
    assert_non_null(world);
    uint8_t *pages = mmap(NULL, ROOM_BYTES + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages, page, PROT_NONE), 0);
    assert_int_equal(mprotect(pages + page + ROOM_BYTES, page, PROT_NONE), 0);
    world->room = pages + page;
    world->seed = 20261129;
    pt_triage_init(&world->triage, pt_catalog_builtin());
    *state = world;
    return 0;
}

static int
s_tear_down(void **state)
{
    size_t page = (size_t) sysconf(_SC_PAGESIZE);
    s_world_t *world = *state;
    assert_int_equal(munmap(world->room - page, ROOM_BYTES + 2 * page), 0);
    free(world);
    return 0;
}

//  A walk that leaves the bytes ends the program. Returns whether they were a valid response.
static bool
s_triage(s_world_t *world, const uint8_t *bytes, size_t len)
{
    pt_triaged_t triaged;
    pt_triage_response(&world->triage, (pt_bytes_t) {bytes, len}, NULL, 0, NOW_MS, world->out, &triaged);
    assert_in_range(triaged.bytes, 1, PT_DECISION_BYTES_MAX);
    return triaged.match != PT_MATCH_INVALID;
}

//  The same bytes behind one such page, and before the other.
static bool
s_triage_guarded(s_world_t *world, const uint8_t *bytes, size_t len)
{
    uint8_t *last = world->room + ROOM_BYTES - len;
    memmove(last, bytes, len);
    bool is_valid = s_triage(world, last, len);
    memmove(world->room, bytes, len);
    assert_int_equal(s_triage(world, world->room, len), is_valid);
    return is_valid;
}

//  Heads that announce more than a byte can hold, each kind of length, and what is no value at all.
static const uint8_t s_heads[] = {0xbf, 0xd9, 0xda, 0xdb, 0xc4, 0xc6, 0xc9, 0xcb, 0xcf, 0xd8,
                                  0xdc, 0xdd, 0xde, 0xdf, 0x8f, 0x9f, 0xc1, 0xff, 0x00, 0x80};

static void
s_bend(s_world_t *world, pt_bytes_t frame)
{
    uint8_t *copy = support_copy(frame.data, frame.len);
    for (uint64_t change = support_random(&world->seed) % 3 + 1; change > 0; change--) {
        uint64_t random = support_random(&world->seed);
        uint8_t byte = random & 1 ? (uint8_t) (random >> 8) : s_heads[(random >> 8) % sizeof s_heads];
        copy[support_random(&world->seed) % frame.len] = byte;
    }
    //  Every other one is cut as well.
    size_t len = support_random(&world->seed) & 1 ? frame.len : support_random(&world->seed) % frame.len + 1;
    world->bent++;
    world->invalid += !s_triage_guarded(world, copy, len);
    free(copy);
}

static void
s_check_response(s_world_t *world, pt_bytes_t frame, size_t step)
{
    assert_in_range(frame.len, 1, ROOM_BYTES);
    world->responses++;
    assert_true(s_triage_guarded(world, frame.data, frame.len));
    uint8_t *end = world->room + ROOM_BYTES;
    for (size_t len = 0; len < frame.len; len += step, world->cuts++) {
        memcpy(end - len, frame.data, len);
        assert_false(s_triage(world, end - len, len));
    }
    for (int round = 0; round < BENDS; round++)
        s_bend(world, frame);
}

//  A line as a response with a map, and once more with the body as text. Where that text is cut, nobody looks into it.
static void
s_check_line(s_world_t *world, const char *line)
{
    json_t *envelope = json_loads(line, 0, NULL);
    assert_non_null(envelope);
    (void) json_object_del(envelope, "expect");
    for (int form = 0; form < 2; form++) {
        char *text = json_dumps(envelope, JSON_COMPACT);
        pt_bytes_t frame = support_pack(text);
        s_check_response(world, frame, form ? 7 : 1);
        support_free(frame);
        free(text);
        json_t *body = json_object_get(envelope, "body");
        if (!json_is_object(body))
            break;
        char *body_text = json_dumps(body, 0);
        json_object_set_new(envelope, "body", json_string(body_text));
        free(body_text);
    }
    json_decref(envelope);
}

static void
recorded_answers_are_not_read_beyond_their_bytes(void **state)
{
    s_world_t *world = *state;
    for (size_t i = 0; i < sizeof s_gateways / sizeof s_gateways[0]; i++) {
        char path[512];
        char *line = NULL;
        size_t capacity = 0;
        (void) snprintf(path, sizeof path, "%s/tests/vectors/bodies/%s.jsonl", PT_SOURCE_DIR, s_gateways[i]);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        while (getline(&line, &capacity, file) > 0)
            s_check_line(world, line);
        free(line);
        (void) fclose(file);
    }
    assert_true(world->responses >= RESPONSES_MIN);
    assert_true(world->invalid > world->bent / 4 && world->invalid < world->bent);
    print_message("%zu responses, %zu cut, %zu bent, %zu of these invalid\n", world->responses, world->cuts,
                  world->bent, world->invalid);
}

static void
vectors_are_not_read_beyond_their_bytes(void **state)
{
    s_world_t *world = *state;
    glob_t vectors = support_vectors("response");
    for (size_t index = 0; index < vectors.gl_pathc; index++) {
        pt_bytes_t frame = support_read(vectors.gl_pathv[index]);
        s_check_response(world, frame, 1);
        support_free(frame);
    }
    globfree(&vectors);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(recorded_answers_are_not_read_beyond_their_bytes, s_set_up, s_tear_down),
        cmocka_unit_test_setup_teardown(vectors_are_not_read_beyond_their_bytes, s_set_up, s_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
