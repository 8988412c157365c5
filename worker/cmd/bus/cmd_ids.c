#include "cmd_ids.h"

#include "cmd_text.h"

#include "pt_response.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

typedef struct {
    uint64_t id;       //  hash of id and attempt
    uint64_t response; //  hash of all of it
    uint64_t line;     //  0: nothing stands here
} s_seen_t;

struct cmd_ids {
    uint64_t reused;
    s_seen_t seen[CMD_IDS_KEPT];
};

cmd_ids_t *
cmd_ids_new(void)
{
    return calloc(1, sizeof(cmd_ids_t));
}

void
cmd_ids_destroy(cmd_ids_t **self_p)
{
    assert(self_p);

    free(*self_p);
    *self_p = NULL;
}

static void
s_tell(const pt_response_t *response, uint64_t line, uint64_t before)
{
    fprintf(stderr, "line %" PRIu64 ": warning: id '", line);
    cmd_text_print_foreign(stderr, response->id, 64);
    fprintf(stderr,
            "', attempt %" PRIu32 ", was another response in line %" PRIu64
            "; subscribers take this one for a repetition\n",
            response->attempt, before);
}

void
cmd_ids_note(cmd_ids_t *self, pt_bytes_t bytes, uint64_t line)
{
    assert(self);

    pt_response_t response;
    char error[PT_ERROR_BYTES_MAX];
    if (pt_response_decode(bytes, &response, error) != PT_OK || !response.id.data)
        return;
    s_seen_t now = {XXH3_64bits_withSeed(response.id.data, response.id.len, response.attempt),
                    XXH3_64bits(bytes.data, bytes.len), line};
    s_seen_t *seen = &self->seen[now.id % CMD_IDS_KEPT];
    if (seen->line && seen->id == now.id && seen->response != now.response && self->reused++ < CMD_IDS_TOLD)
        s_tell(&response, line, seen->line);
    *seen = now;
}

void
cmd_ids_sum_up(const cmd_ids_t *self)
{
    assert(self);

    if (self->reused > CMD_IDS_TOLD)
        fprintf(stderr, "warning: %" PRIu64 " more responses have the id and attempt of another one\n",
                self->reused - CMD_IDS_TOLD);
    if (self->reused)
        fputs("hint: an id names one response, not an order; put the order into 'reference'\n", stderr);
}
