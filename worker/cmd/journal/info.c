/*  paytriage journal info and subscribers: tables for people, JSON Lines for programs. Nothing is printed
 *  while the journal is read: whoever reads our output slowly must not keep the worker from its pages.
 */
#include "journal.h"

#include <inttypes.h>
#include <jansson.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct argp_child s_children[] = {{&journal_output_argp, 0, NULL, 0}, {0}};

//  A table of columns with these titles; the first `text_count` are text, the others numbers.
static struct libscols_table *
s_new_table(const char *const *titles, size_t count, size_t text_count)
{
    struct libscols_table *table = scols_new_table();
    for (size_t i = 0; table && i < count; i++)
        scols_table_new_column(table, titles[i], 0, i < text_count ? 0 : SCOLS_FL_RIGHT);
    return table;
}

static void
s_set_number(struct libscols_line *line, size_t column, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    scols_line_set_data(line, column, text);
}

static void
s_set_time(struct libscols_line *line, size_t column, uint64_t unix_ms)
{
    char text[32] = "-";
    time_t seconds = (time_t) (unix_ms / 1000);
    struct tm local;
    if (unix_ms && localtime_r(&seconds, &local))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    scols_line_set_data(line, column, text);
}

//  What was read: a table, or lines of JSON.
typedef struct {
    struct libscols_table *table; //  NULL: lines
    json_t *lines;
    const char *nothing; //  what it means when there is nothing
} sheet_t;

static void
s_print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(json);
}

static void
s_print_sheet(sheet_t *sheet)
{
    size_t index;
    json_t *line;
    json_array_foreach(sheet->lines, index, line) s_print_json(json_incref(line));
    if (sheet->table && !scols_table_is_empty(sheet->table))
        scols_print_table(sheet->table);
    else if (sheet->table)
        fprintf(stderr, "%s\n", sheet->nothing);
    scols_unref_table(sheet->table);
    json_decref(sheet->lines);
}

//  ---- info

static void
s_print_identity(const pt_store_t *store, const char *dir, cmd_output_t output)
{
    pt_store_identity_t identity = pt_store_identity(store);
    pt_store_usage_t usage = pt_store_usage(store);
    char worker[17];
    snprintf(worker, sizeof worker, "%016" PRIx64, identity.worker);
    if (output == CMD_OUTPUT_JSONL) {
        s_print_json(json_pack("{s:s, s:s, s:I, s:I, s:I, s:i, s:b}", "journal", dir, "worker", worker, "epoch",
                               (json_int_t) identity.epoch, "starts", (json_int_t) identity.incarnation, "pages",
                               (json_int_t) usage.pages_max, "used_percent", (int) usage.used_percent, "full",
                               (int) pt_store_is_full(store)));
        return;
    }
    printf("journal  %s\nworker   %s\nepoch    %" PRIu64 "\nstarts   %" PRIu64 "\nused     %u %%%s\n\n", dir, worker,
           identity.epoch, identity.incarnation, usage.used_percent,
           pt_store_is_full(store) ? ", full: nothing more is taken until something was read" : "");
}

static void
s_add_topic(sheet_t *sheet, const pt_store_head_t *head)
{
    if (!sheet->table) {
        json_array_append_new(sheet->lines,
                              json_pack("{s:s, s:I, s:I, s:I, s:I}", "topic", head->topic, "first_retained",
                                        (json_int_t) head->first_retained, "head_seq", (json_int_t) head->next_seq,
                                        "records", (json_int_t) head->records, "bytes", (json_int_t) head->bytes));
        return;
    }
    struct libscols_line *line = scols_table_new_line(sheet->table, NULL);
    scols_line_set_data(line, 0, head->topic);
    s_set_number(line, 1, head->first_retained);
    s_set_number(line, 2, head->next_seq);
    s_set_number(line, 3, head->next_seq - head->first_retained);
    s_set_number(line, 4, head->bytes);
}

static int
s_read_topics(pt_store_view_t *view, cmd_output_t output, sheet_t *sheet)
{
    static const char *const titles[] = {"TOPIC", "FIRST", "NEXT", "DECISIONS", "BYTES"};
    sheet->table = output == CMD_OUTPUT_TEXT ? s_new_table(titles, 5, 1) : NULL;
    sheet->nothing = "nothing was decided yet: there is no topic";
    pt_store_head_t head = {.topic = ""};
    char after[PT_TOPIC_BYTES_MAX + 1] = "";
    pt_status_t status;
    while ((status = pt_store_view_topic(view, after, &head)) == PT_OK) {
        s_add_topic(sheet, &head);
        memcpy(after, head.topic, sizeof after);
    }
    return status == PT_E_NOT_FOUND ? EX_OK : cmd_fail(EX_DATAERR, NULL, "%s", pt_store_view_error(view));
}

//  ---- subscribers

//  What a subscriber has still to read, over all topics that it wants.
static pt_status_t
s_count_unread(pt_store_view_t *view, const pt_store_subscriber_t *who, uint64_t *out_unread)
{
    pt_store_head_t head;
    char after[PT_TOPIC_BYTES_MAX + 1] = "";
    pt_status_t status;
    *out_unread = 0;
    while ((status = pt_store_view_topic(view, after, &head)) == PT_OK) {
        uint64_t position;
        memcpy(after, head.topic, sizeof after);
        if (!pt_store_covers(who, head.topic))
            continue;
        status = pt_store_view_position(view, who->name, head.topic, &position);
        if (status != PT_OK)
            return status;
        *out_unread += head.next_seq - (position > head.first_retained ? position : head.first_retained);
    }
    return status == PT_E_NOT_FOUND ? PT_OK : status;
}

static void
s_join_prefixes(const pt_store_subscriber_t *who, char *out, size_t size)
{
    size_t len = 0;
    out[0] = 0;
    for (size_t i = 0; i < who->prefix_count && len < size; i++)
        len += (size_t) snprintf(out + len, size - len, "%s%s", i ? " " : "", who->prefixes[i]);
}

static void
s_add_subscriber(sheet_t *sheet, const pt_store_subscriber_t *who, uint64_t unread)
{
    char prefixes[PT_STORE_PREFIXES_MAX * (PT_TOPIC_BYTES_MAX + 1) + 1];
    s_join_prefixes(who, prefixes, sizeof prefixes);
    if (!sheet->table) {
        json_array_append_new(sheet->lines, json_pack("{s:s, s:b, s:I, s:I, s:I, s:s}", "name", who->name, "durable",
                                                      (int) who->durable, "created_ms", (json_int_t) who->created_ms,
                                                      "seen_ms", (json_int_t) who->seen_ms, "unread",
                                                      (json_int_t) unread, "prefixes", prefixes));
        return;
    }
    struct libscols_line *line = scols_table_new_line(sheet->table, NULL);
    scols_line_set_data(line, 0, who->name);
    scols_line_set_data(line, 1, *prefixes ? prefixes : "(all)");
    s_set_time(line, 2, who->created_ms);
    s_set_time(line, 3, who->seen_ms);
    s_set_number(line, 4, unread);
}

static int
s_read_subscribers(pt_store_view_t *view, cmd_output_t output, sheet_t *sheet)
{
    static const char *const titles[] = {"NAME", "TOPICS", "SINCE", "SEEN", "UNREAD"};
    sheet->table = output == CMD_OUTPUT_TEXT ? s_new_table(titles, 5, 4) : NULL;
    sheet->nothing = "no subscriber is registered: only 'tail --durable NAME' and its like are";
    static pt_store_subscriber_t who;
    char after[PT_STORE_NAME_BYTES_MAX + 1] = "";
    pt_status_t status;
    while ((status = pt_store_view_subscriber(view, after, &who)) == PT_OK) {
        uint64_t unread;
        memcpy(after, who.name, sizeof after);
        status = s_count_unread(view, &who, &unread);
        if (status != PT_OK)
            break;
        s_add_subscriber(sheet, &who, unread);
    }
    return status == PT_E_NOT_FOUND ? EX_OK : cmd_fail(EX_DATAERR, NULL, "%s", pt_store_view_error(view));
}

//  ---- both

static int
s_look(const journal_options_t *options, bool with_identity, int (*read)(pt_store_view_t *, cmd_output_t, sheet_t *))
{
    char room[CMD_JOURNAL_PATH_BYTES];
    pt_store_t *store;
    pt_store_view_t *view;
    int code = journal_open(options, &store);
    if (code != EX_OK)
        return code;
    if (with_identity)
        s_print_identity(store, journal_dir(options, room), options->output);
    if (pt_store_view_open(store, &view) == PT_OK) {
        sheet_t sheet = {.lines = json_array()};
        code = read(view, options->output, &sheet);
        pt_store_view_close(&view);
        s_print_sheet(&sheet);
    } else {
        code = cmd_fail(EX_IOERR, NULL, "cannot read the journal");
    }
    pt_store_close(&store);
    int flushed = cmd_flush();
    return code == EX_OK ? flushed : code;
}

int
cmd_journal_info(int argc, char **argv)
{
    static const struct argp argp = {.parser = journal_parse,
                                     .doc =
                                         "Show whose journal it is, how full it is, and how far each topic has come.\v"
                                         "Exit: 0 done, 65 the journal is damaged, 66 there is none, 77 not permitted.",
                                     .children = s_children};
    journal_options_t options = {.argp_children = 1, .category = -1};
    int parsed = journal_parse_line(0, &argp, argc, argv, &options, &options);
    if (parsed != EX_OK)
        return parsed;
    return s_look(&options, true, s_read_topics);
}

int
cmd_journal_subscribers(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = journal_parse,
        .doc = "List the registered subscribers, and what each still has to read.\v"
               "What one of them has not read is kept until the journal is full; then nothing more is taken. To drop "
               "one that will not come back: 'paytriage journal forget NAME'.\n\n"
               "Exit: 0 done, 65 the journal is damaged, 66 there is none, 77 not permitted.",
        .children = s_children};
    journal_options_t options = {.argp_children = 1, .category = -1};
    int parsed = journal_parse_line(0, &argp, argc, argv, &options, &options);
    if (parsed != EX_OK)
        return parsed;
    return s_look(&options, false, s_read_subscribers);
}
