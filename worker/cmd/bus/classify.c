/*  paytriage classify: decide JSON Lines without any bus. One line in, one decision out, in order,
 *  also for a line that is no response.
 */
#include "cmd.h"
#include "cmd_catalog.h"
#include "cmd_lines.h"
#include "cmd_options.h"
#include "cmd_text.h"

#include "pt_triage.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *path;
    cmd_output_t output;
    cmd_color_t color;
    pt_masking_t masking;
    pt_load_options_t load;
} classify_options_t;

typedef struct {
    const classify_options_t *options;
    cmd_lines_t lines;
    bool color;
    pt_triage_t triage;
    uint8_t bytes[PT_DECISION_BYTES_MAX];
} classify_t;

enum { KEY_REVEAL = 0x100 };

static const struct argp_option s_options[] = {
    {"output", 'o', "FORMAT", 0, "jsonl (default) or text", 0},
    {"reveal", KEY_REVEAL, NULL, 0, "print card numbers and secrets in JSON as they came", 0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    classify_options_t *options = state->input;
    switch (key) {
    case 'o':
        options->output = cmd_output(state, arg);
        break;
    case KEY_REVEAL:
        options->masking = PT_MASKING_NONE;
        break;
    case ARGP_KEY_ARG:
        if (state->arg_num)
            argp_error(state, "one file at a time, or - for standard input");
        options->path = arg;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse_option,
    .args_doc = "[FILE]",
    .doc = "Classify gateway responses, one JSON object per line, and print one decision per line; no bus needed.\v"
           "FILE is read to its end; without FILE, or with -, standard input is read. Every line that is not blank "
           "gets a decision, in order; one that holds no response, or has a key of it twice, gets match \"invalid\", "
           "with the reason in `error`.\n\n"
           "Examples:\n"
           "  paytriage classify responses.jsonl\n"
           "  echo '{\"provider\": \"opn\", \"http_status\": 503}' | paytriage classify -o text\n\n"
           "Exit: 0 done, 66 no such file, 74 the input or the output failed, 78 a faulty catalog."};

static int
s_print(classify_t *self, size_t len)
{
    pt_pair_t fields[PT_FIELDS_MAX];
    pt_decision_t decision;
    pt_status_t status = pt_decision_decode((pt_bytes_t) {self->bytes, len}, fields, &decision);
    assert(status == PT_OK); //  these bytes are our own
    (void) status;
    //  The line's number came in by way of a place, which is something of the bus.
    decision.on_bus = false;
    decision.masking = self->options->masking;
    if (self->options->output == CMD_OUTPUT_TEXT) {
        cmd_text_print(stdout, &decision, self->color);
        return EX_OK;
    }
    char *json = pt_decision_json(&decision);
    if (!json)
        return cmd_fail(EX_OSERR, NULL, "no memory for line %" PRIu64, self->lines.number);
    puts(json);
    free(json);
    return EX_OK;
}

static int
s_decide(classify_t *self, pt_text_t line)
{
    //  A line that is no JSON object has no id of its own; its number names it.
    static const pt_place_t place = {.prefix = "line:", .prefix_len = 5, .plain = true};
    cmd_item_t item;
    if (cmd_item_of_line(line, self->lines.number, &item) != PT_OK)
        return cmd_fail(EX_OSERR, NULL, "no memory for line %" PRIu64, self->lines.number);
    if (item.error[0])
        fprintf(stderr, "line %" PRIu64 ": %s\n", self->lines.number, item.error);
    cmd_lines_hint(line, self->lines.number);
    pt_triaged_t triaged;
    pt_triage_response(&self->triage, (pt_bytes_t) {item.bytes, item.len}, &place, (uint32_t) self->lines.number,
                       cmd_now_ms(), self->bytes, &triaged);
    cmd_item_clear(&item);
    return s_print(self, triaged.bytes);
}

static int
s_decide_all(classify_t *self)
{
    pt_text_t line;
    int code = EX_OK;
    while (code == EX_OK && !ferror(stdout)) {
        cmd_lines_state_t state = cmd_lines_next(&self->lines, false, &line);
        if (state == CMD_LINES_END)
            break;
        if (state == CMD_LINES_LINE) {
            code = s_decide(self, line);
            continue;
        }
        //  Whoever feeds us line by line sees each decision before we wait for the next line.
        fflush(stdout);
        if (cmd_lines_next(&self->lines, true, &line) == CMD_LINES_LINE)
            code = s_decide(self, line);
    }
    if (code == EX_OK && self->lines.error)
        code = cmd_fail(EX_IOERR, NULL, "cannot read %s after line %" PRIu64 ": %s", self->options->path,
                        self->lines.number, strerror(self->lines.error));
    int flushed = cmd_flush();
    return code == EX_OK ? flushed : code;
}

static int
s_classify(classify_t *self)
{
    int code = EX_OK;
    if (cmd_lines_open(&self->lines, self->options->path))
        code = s_decide_all(self);
    else
        code = cmd_fail(EX_NOINPUT, NULL, "cannot open %s: %s", self->options->path, strerror(errno));
    cmd_lines_close(&self->lines);
    return code;
}

static int
s_run(const classify_options_t *options)
{
    classify_t *self = calloc(1, sizeof *self);
    if (!self)
        return cmd_fail(EX_OSERR, NULL, "no memory");
    self->options = options;
    self->color = cmd_use_color(options->color, stdout);
    pt_load_t load;
    const pt_catalog_t *catalog;
    int code = cmd_catalog_open(&options->load, &load, &catalog);
    if (code == EX_OK) {
        pt_triage_init(&self->triage, catalog);
        self->triage.masking = options->masking;
        code = s_classify(self);
    }
    pt_load_clear(&load);
    free(self);
    return code;
}

int
cmd_classify(int argc, char **argv)
{
    classify_options_t options = {.path = "-", .output = CMD_OUTPUT_JSONL};
    pt_config_t config;
    int code = cmd_parse(PT_FOR_CLASSIFY, &s_argp, argc, argv, &options, &config);
    if (code != EX_OK)
        return code;
    options.color = (cmd_color_t) pt_config_number(&config, PT_OPTION_COLOR);
    cmd_options_catalog(&config, &options.load);
    code = s_run(&options);
    pt_config_clear(&config);
    return code;
}
