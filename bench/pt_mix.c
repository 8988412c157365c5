#include "pt_mix.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "pt_bench.h"
#include "pt_json.h"

//  recorded.S
extern const char pt_recorded_start[];
extern const char pt_recorded_end[];

const char *
pt_form_text(pt_form_t form)
{
    return form == PT_FORM_MAP ? "map" : "json";
}

static pt_bytes_t
s_pack(json_t *envelope)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    char *text = json_dumps(envelope, JSON_COMPACT);
    if (!text || pt_json_to_msgpack(pt_text_of(text), &bytes, &len, NULL) != PT_OK) {
        fprintf(stderr, "%s: out of memory\n", program_invocation_short_name);
        exit(EX_OSERR);
    }
    free(text);
    return (pt_bytes_t) {bytes, len};
}

//  The response with its body as a map; empty where the body is text that is not JSON.
static pt_bytes_t
s_pack_with_map(json_t *envelope)
{
    const char *text = json_string_value(json_object_get(envelope, "body"));
    if (!text)
        return s_pack(envelope);
    json_t *body = json_loads(text, 0, NULL);
    if (!body)
        return (pt_bytes_t) {NULL, 0};
    json_t *copy = json_copy(envelope);
    json_object_set_new(copy, "body", body);
    pt_bytes_t bytes = s_pack(copy);
    json_decref(copy);
    return bytes;
}

//  The same response with its body as text; a body that is no map stays as it is.
static pt_bytes_t
s_pack_with_text(json_t *envelope)
{
    json_t *body = json_object_get(envelope, "body");
    if (!json_is_object(body))
        return s_pack(envelope);
    char *text = json_dumps(body, JSON_COMPACT);
    json_t *copy = json_copy(envelope);
    json_object_set_new(copy, "body", json_string(text));
    pt_bytes_t bytes = s_pack(copy);
    json_decref(copy);
    free(text);
    return bytes;
}

static void
s_add_answer(pt_mix_t *self, json_t *line, bool with_ids)
{
    pt_answer_t *answer = &self->answers[self->count++];
    const char *route = json_string_value(json_object_get(json_object_get(line, "expect"), "route"));
    answer->route = route ? pt_route_parse(pt_text_of(route)) : -1;
    const char *provider = json_string_value(json_object_get(line, "provider"));
    answer->provider = strdup(provider ? provider : "-");
    json_object_del(line, "expect");
    if (!with_ids)
        json_object_del(line, "id");
    answer->forms[PT_FORM_MAP] = s_pack_with_map(line);
    answer->forms[PT_FORM_JSON] = s_pack_with_text(line);
    for (int form = 0; form < PT_FORM_COUNT_; form++) {
        self->counts[form] += answer->forms[form].len != 0;
        self->bytes[form] += answer->forms[form].len;
    }
}

static void
s_grow(pt_mix_t *self)
{
    //  Doubles at each power of two from 64 on.
    if (self->count && (self->count < 64 || (self->count & (self->count - 1))))
        return;
    pt_answer_t *answers = pt_bench_alloc((self->count < 64 ? 64 : 2 * self->count) * sizeof(*answers));
    if (self->count)
        memcpy(answers, self->answers, self->count * sizeof(*answers));
    free(self->answers);
    self->answers = answers;
}

//  `name` is for the fault's words.
static void
s_load_lines(pt_mix_t *self, FILE *file, const char *name, bool with_ids)
{
    char *text = NULL;
    size_t capacity = 0;
    for (unsigned number = 1; getline(&text, &capacity, file) > 0; number++) {
        json_error_t error;
        json_t *line = json_loads(text, 0, &error);
        if (!json_is_object(line)) {
            fprintf(stderr, "%s: %s:%u: no JSON object\n", program_invocation_short_name, name, number);
            exit(EX_DATAERR);
        }
        s_grow(self);
        s_add_answer(self, line, with_ids);
        json_decref(line);
    }
    free(text);
}

static void
s_load_file(pt_mix_t *self, const char *path, bool with_ids)
{
    FILE *file =
        path ? fopen(path, "r")
             : fmemopen((void *) (uintptr_t) pt_recorded_start, (size_t) (pt_recorded_end - pt_recorded_start), "r");
    const char *name = path ? path : "the recorded answers";
    if (!file) {
        fprintf(stderr, "%s: cannot read %s: %s\n", program_invocation_short_name, name, strerror(errno));
        exit(EX_NOINPUT);
    }
    s_load_lines(self, file, name, with_ids);
    fclose(file);
}

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    pt_mix_files_t *files = state->input;
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    if (files->count == PT_MIX_FILES_MAX)
        argp_error(state, "at most %d files", PT_MIX_FILES_MAX);
    files->paths[files->count++] = arg;
    return 0;
}

const struct argp pt_mix_argp = {.parser = s_parse_option};

void
pt_mix_load(pt_mix_t *self, const pt_mix_files_t *files, bool with_ids)
{
    *self = (pt_mix_t) {0};
    for (size_t i = 0; i < files->count; i++)
        s_load_file(self, files->paths[i], with_ids);
    if (!files->count)
        s_load_file(self, NULL, with_ids);
    if (!self->counts[PT_FORM_MAP]) {
        fprintf(stderr, "%s: no response in %s\n", program_invocation_short_name,
                files->count ? files->paths[0] : "the recorded answers");
        exit(EX_DATAERR);
    }
}

void
pt_mix_clear(pt_mix_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        for (int form = 0; form < PT_FORM_COUNT_; form++)
            free((void *) (uintptr_t) self->answers[i].forms[form].data);
        free(self->answers[i].provider);
    }
    free(self->answers);
    *self = (pt_mix_t) {0};
}

uint32_t *
pt_mix_draw(const pt_mix_t *self, pt_form_t form, size_t count)
{
    assert(self->counts[form]);

    uint32_t *draws = pt_bench_alloc(count * sizeof(*draws));
    pt_dice_t dice;
    pt_dice_init(&dice, self->count);
    for (size_t i = 0; i < count; i++) {
        do
            draws[i] = (uint32_t) pt_dice_below(&dice, self->count);
        while (!self->answers[draws[i]].forms[form].len);
    }
    return draws;
}
