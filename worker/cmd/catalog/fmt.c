/*  paytriage catalog fmt: one layout for catalog YAML, line by line, so that every comment stays.
 *
 *  libyaml forgets comments, so nothing is written out of a tree. The tree is what guards the lines: a
 *  file is only written when it says the same before and after.
 */
#include "cmd_catalog.h"

#include "pt_file.h"
#include "pt_yaml.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    pt_load_options_t paths; //  only the list of them is used
    bool check;
} fmt_options_t;

//  A text on its way out, and what the last line was.
typedef struct {
    char *out;
    size_t bytes;
    bool was_blank, was_comment, is_any;
    bool in_entries; //  below `entries:`, whose items stand apart
    size_t verbatim; //  indent that a block scalar's lines are deeper than, plus one; 0: none
} fmt_t;

enum { KEY_CHECK = 0x100 };

static const struct argp_option s_options[] = {
    {"check", KEY_CHECK, NULL, 0, "write nothing; name the files that would change, and end with 1", 0},
    {0},
};

static error_t
s_parse(int key, char *arg, struct argp_state *state)
{
    fmt_options_t *options = state->input;
    switch (key) {
    case KEY_CHECK:
        options->check = true;
        break;
    case ARGP_KEY_ARG:
        cmd_catalog_add(state, &options->paths, arg);
        break;
    case ARGP_KEY_END:
        if (options->paths.path_count == 0)
            argp_error(state, "which files?");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse,
    .args_doc = "FILE...",
    .doc = "Give catalog YAML its usual layout, in place; comments stay where they are.\v"
           "Lines end without blanks, a blank line stands before each part and between entries and never twice, "
           "and a comment begins with '# '. What a file says is compared before and after; if it were to "
           "change, the file is left alone.\n\n"
           "Examples:\n"
           "  paytriage catalog fmt acme.yaml\n"
           "  paytriage catalog fmt --check catalog/providers/opn.yaml\n\n"
           "Exit: 0 done, 1 with --check, something would change, 65 no YAML, 66 no such file, 73 cannot be "
           "written."};

static bool
s_is_same(const pt_node_t *left, const pt_node_t *right)
{
    if (!left || !right)
        return left == right;
    if (left->kind != right->kind || left->count != right->count || left->quoted != right->quoted)
        return false;
    if (left->kind == PT_NODE_SCALAR)
        return pt_text_equal(left->text, right->text);
    const pt_link_t *other = right->first;
    for (const pt_link_t *link = left->first; link; link = link->next, other = other->next)
        if (!other || !s_is_same(link->key, other->key) || !s_is_same(link->value, other->value))
            return false;
    return true;
}

static size_t
s_indent(pt_text_t line)
{
    size_t indent = 0;
    while (indent < line.len && line.data[indent] == ' ')
        indent++;
    return indent;
}

static void
s_put(fmt_t *fmt, const char *data, size_t len)
{
    if (len)
        memcpy(fmt->out + fmt->bytes, data, len);
    fmt->bytes += len;
}

static void
s_put_blank(fmt_t *fmt)
{
    if (fmt->is_any && !fmt->was_blank)
        s_put(fmt, "\n", 1);
    fmt->was_blank = true;
}

//  "key: |", "- >-": what follows deeper is text, byte for byte.
static bool
s_opens_block(pt_text_t line)
{
    size_t at = line.len;
    while (at && (isdigit((unsigned char) line.data[at - 1]) || line.data[at - 1] == '-' || line.data[at - 1] == '+'))
        at--;
    return at >= 2 && (line.data[at - 1] == '|' || line.data[at - 1] == '>') && line.data[at - 2] == ' ';
}

static bool
s_begins(pt_text_t line, const char *word)
{
    size_t len = strlen(word);
    return line.len >= len && memcmp(line.data, word, len) == 0;
}

//  What needs a blank line before it: a part of the file, and an entry. A comment above it counts as it.
static bool
s_stands_apart(const fmt_t *fmt, pt_text_t line, size_t indent)
{
    bool is_item = fmt->in_entries && indent == 2 && s_begins((pt_text_t) {line.data + 2, line.len - 2}, "- ");
    bool is_part = indent == 0 && line.data[0] != '#' && line.data[0] != '-' && line.data[0] != ' ';
    return is_item || is_part;
}

static void
s_put_comment(fmt_t *fmt, pt_text_t line, size_t indent)
{
    size_t text = indent + 1;
    bool is_plain = text < line.len && line.data[text] != ' ' && line.data[text] != '#' && line.data[text] != '!';
    s_put(fmt, line.data, text);
    if (is_plain)
        s_put(fmt, " ", 1);
    s_put(fmt, line.data + text, line.len - text);
}

static void
s_put_line(fmt_t *fmt, pt_text_t line, bool follows_head)
{
    size_t indent = s_indent(line);
    bool is_comment = line.data[indent] == '#';
    if (s_stands_apart(fmt, line, indent) && !fmt->was_comment && !follows_head)
        s_put_blank(fmt);
    if (is_comment)
        s_put_comment(fmt, line, indent);
    else
        s_put(fmt, line.data, line.len);
    s_put(fmt, "\n", 1);
    fmt->was_blank = false;
    fmt->was_comment = is_comment;
    fmt->is_any = true;
    if (indent == 0 && !is_comment)
        fmt->in_entries = s_begins(line, "entries:");
    if (!is_comment && s_opens_block(line))
        fmt->verbatim = indent + 1;
}

static pt_text_t
s_trim(pt_text_t line)
{
    while (line.len &&
           (line.data[line.len - 1] == ' ' || line.data[line.len - 1] == '\t' || line.data[line.len - 1] == '\r'))
        line.len--;
    return line;
}

//  The whole text. `out` has room for three times its bytes and two more: each line gains at most a blank
//  line and a blank.
static void
s_format(pt_bytes_t text, fmt_t *fmt)
{
    const char *at = (const char *) text.data, *end = at + text.len;
    bool follows_head = true; //  the first line, or the one below "entries:"
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t) (end - at));
        pt_text_t whole = {at, (size_t) ((stop ? stop : end) - at)};
        pt_text_t line = s_trim(whole);
        at = stop ? stop + 1 : end;
        if (fmt->verbatim && (line.len == 0 || s_indent(line) >= fmt->verbatim)) {
            s_put(fmt, whole.data, whole.len);
            s_put(fmt, "\n", 1);
            continue;
        }
        fmt->verbatim = 0;
        if (line.len == 0) {
            //  None between "entries:" and the first one.
            if (!follows_head)
                s_put_blank(fmt);
            fmt->was_comment = false;
            continue;
        }
        bool is_short = fmt->bytes == 0 || s_begins(line, "gateway: {");
        s_put_line(fmt, line, follows_head || is_short);
        follows_head = s_begins(line, "entries:");
    }
    while (!fmt->verbatim && fmt->bytes > 1 && fmt->out[fmt->bytes - 1] == '\n' && fmt->out[fmt->bytes - 2] == '\n')
        fmt->bytes--;
}

//  Whether both texts say the same. EX_OK, or the exit code after one line.
static int
s_compare(const char *path, pt_bytes_t before, pt_bytes_t after)
{
    pt_tree_t trees[2] = {{0}, {0}};
    pt_yaml_error_t error;
    pt_status_t status = pt_yaml_parse(path, before, &trees[0], &error);
    if (status == PT_E_SYNTAX)
        return cmd_fail(EX_DATAERR, NULL, "%s:%u:%u: %s [%s]", path, error.line, error.column, error.text, error.id);
    if (status == PT_OK)
        status = pt_yaml_parse(path, after, &trees[1], &error);
    bool same = status == PT_OK && s_is_same(trees[0].root, trees[1].root);
    pt_tree_clear(&trees[0]);
    pt_tree_clear(&trees[1]);
    if (status == PT_E_NOMEM)
        return cmd_fail(EX_OSERR, NULL, "no memory for %s", path);
    return same ? EX_OK
                : cmd_fail(EX_DATAERR, "texts that go on over several lines are best written in one",
                           "%s: another layout would change what it says, so it was left alone", path);
}

static int
s_format_file(const fmt_options_t *options, const char *path, uint8_t *data, size_t bytes)
{
    bool created;
    fmt_t fmt = {.out = malloc(bytes * 3 + 2)};
    if (!fmt.out)
        return cmd_fail(EX_OSERR, NULL, "no memory for %s", path);
    s_format((pt_bytes_t) {data, bytes}, &fmt);
    pt_bytes_t after = {(const uint8_t *) fmt.out, fmt.bytes};
    int code = s_compare(path, (pt_bytes_t) {data, bytes}, after);
    bool differs = fmt.bytes != bytes || memcmp(fmt.out, data, bytes) != 0;
    if (code == EX_OK && differs) {
        puts(path);
        if (options->check)
            code = CMD_EXIT_NO;
        else if (!pt_file_write(path, after, &created))
            code = cmd_fail(EX_CANTCREAT, NULL, "cannot write %s: %s", path, strerror(errno));
    }
    free(fmt.out);
    return code;
}

int
cmd_catalog_fmt(int argc, char **argv)
{
    fmt_options_t options = {0};
    int worst = EX_OK;
    argp_parse(&s_argp, argc, argv, 0, NULL, &options);
    for (size_t i = 0; i < options.paths.path_count; i++) {
        const char *path = options.paths.paths[i];
        uint8_t *data;
        size_t bytes;
        int code = EX_OK;
        if (!pt_file_read(path, PT_YAML_BYTES_MAX, &data, &bytes))
            code = cmd_fail(EX_NOINPUT, NULL, "cannot read %s: %s", path, strerror(errno));
        else {
            code = s_format_file(&options, path, data, bytes);
            free(data);
        }
        worst = code > worst ? code : worst;
    }
    int flushed = cmd_flush();
    return worst ? worst : flushed;
}
