#include "pt_report.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sysexits.h>
#include <unistd.h>

#define S_TABLES_MAX 32
#define S_CELL_BYTES 128

struct pt_table {
    const char *key;
    char *title;
    const pt_column_t *columns;
    json_t *rows;
};

struct pt_report {
    json_t *head; //  tool, machine, build, run
    json_t *notes;
    pt_table_t tables[S_TABLES_MAX];
    size_t table_count;
};

//  The value of the first line of a /proc file that starts with `key`, after its colon.
static void
s_read_proc(const char *path, const char *key, char *out, size_t capacity)
{
    snprintf(out, capacity, "unknown");
    FILE *file = fopen(path, "r");
    char line[256];
    while (file && fgets(line, sizeof(line), file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(out, capacity, "%s", colon + 1 + strspn(colon + 1, " \t"));
        break;
    }
    if (file)
        fclose(file);
}

static json_t *
s_describe_machine(void)
{
    char cpu[128];
    char memory[64];
    struct utsname name;
    s_read_proc("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
    s_read_proc("/proc/meminfo", "MemTotal", memory, sizeof(memory));
    bool is_known = uname(&name) == 0;
    return json_pack("{s:s, s:I, s:s, s:s, s:s}", "cpu", cpu, "cores", (json_int_t) sysconf(_SC_NPROCESSORS_ONLN),
                     "memory", memory, "kernel", is_known ? name.release : "unknown", "architecture",
                     is_known ? name.machine : "unknown");
}

static json_t *
s_describe_build(void)
{
    return json_pack("{s:s, s:s, s:s}", "version", PT_BENCH_VERSION, "compiler", PT_BENCH_COMPILER, "flags",
                     PT_BENCH_FLAGS);
}

pt_report_t *
pt_report_new(const char *tool)
{
    pt_report_t *self = pt_bench_alloc(sizeof(*self));
    self->head = json_pack("{s:s, s:o, s:o, s:{}}", "tool", tool, "machine", s_describe_machine(), "build",
                           s_describe_build(), "run");
    self->notes = json_array();
    assert(self->head);
    return self;
}

void
pt_report_destroy(pt_report_t **self_p)
{
    pt_report_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->table_count; i++) {
        free(self->tables[i].title);
        json_decref(self->tables[i].rows);
    }
    json_decref(self->notes);
    json_decref(self->head);
    free(self);
    *self_p = NULL;
}

void
pt_report_run(pt_report_t *self, const char *key, json_t *value)
{
    json_object_set_new(json_object_get(self->head, "run"), key, value);
}

void
pt_report_count(pt_report_t *self, const char *key, uint64_t count)
{
    pt_report_run(self, key, json_integer((json_int_t) count));
}

void
pt_report_note(pt_report_t *self, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    json_array_append_new(self->notes, json_string(text));
}

pt_table_t *
pt_report_table(pt_report_t *self, const char *key, const char *title, const pt_column_t *columns)
{
    assert(self->table_count < S_TABLES_MAX);

    pt_table_t *table = &self->tables[self->table_count++];
    *table = (pt_table_t) {.key = key, .title = strdup(title), .columns = columns, .rows = json_array()};
    return table;
}

json_t *
pt_table_row(pt_table_t *self)
{
    json_t *row = json_object();
    for (const pt_column_t *column = self->columns; column->key; column++)
        json_object_set_new(row, column->key, json_null());
    json_array_append_new(self->rows, row);
    return row;
}

void
pt_row_text(json_t *row, const char *key, const char *text)
{
    json_object_set_new(row, key, json_string(text));
}

void
pt_row_number(json_t *row, const char *key, double number)
{
    if (!isfinite(number))
        return;
    //  Four digits after the point are more than any of these figures means.
    bool is_whole = fabs(number) < 1e15 && number == (double) (json_int_t) number;
    json_object_set_new(row, key, is_whole ? json_integer((json_int_t) number) : json_real(round(number * 1e4) / 1e4));
}

static void
s_format_cell(const json_t *value, int decimals, char out[S_CELL_BYTES])
{
    if (json_is_string(value))
        snprintf(out, S_CELL_BYTES, "%s", json_string_value(value));
    else if (json_is_number(value))
        snprintf(out, S_CELL_BYTES, "%.*f", decimals < 0 ? 0 : decimals, json_number_value(value));
    else
        snprintf(out, S_CELL_BYTES, "-");
}

static int
s_measure_column(const pt_table_t *table, const pt_column_t *column)
{
    size_t width = strlen(column->heading);
    size_t index;
    json_t *row;
    json_array_foreach(table->rows, index, row)
    {
        char cell[S_CELL_BYTES];
        s_format_cell(json_object_get(row, column->key), column->decimals, cell);
        if (strlen(cell) > width)
            width = strlen(cell);
    }
    return (int) width;
}

static void
s_print_line(const pt_table_t *table, const json_t *row)
{
    for (const pt_column_t *column = table->columns; column->key; column++) {
        char cell[S_CELL_BYTES];
        int width = s_measure_column(table, column);
        if (row)
            s_format_cell(json_object_get(row, column->key), column->decimals, cell);
        else
            snprintf(cell, sizeof(cell), "%s", column->heading);
        bool is_text = column->decimals == PT_COLUMN_TEXT;
        printf(is_text ? "%s%-*s" : "%s%*s", column == table->columns ? "" : "  ", width, cell);
    }
    putchar('\n');
}

static void
s_print_table(const pt_table_t *table)
{
    size_t index;
    json_t *row;
    printf("\n%s\n", table->title);
    s_print_line(table, NULL);
    json_array_foreach(table->rows, index, row) s_print_line(table, row);
}

static void
s_print_object(const char *name, const json_t *object)
{
    const char *key;
    json_t *value;
    const char *separator = "";
    printf("%s: ", name);
    json_object_foreach((json_t *) (uintptr_t) object, key, value)
    {
        char *text = json_is_string(value) ? strdup(json_string_value(value))
                                           : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        printf("%s%s %s", separator, key, text ? text : "?");
        free(text);
        separator = ", ";
    }
    putchar('\n');
}

static void
s_print_text(const pt_report_t *self)
{
    printf("%s\n", json_string_value(json_object_get(self->head, "tool")));
    s_print_object("machine", json_object_get(self->head, "machine"));
    s_print_object("build", json_object_get(self->head, "build"));
    s_print_object("run", json_object_get(self->head, "run"));
    for (size_t i = 0; i < self->table_count; i++)
        s_print_table(&self->tables[i]);
    size_t index;
    json_t *note;
    if (json_array_size(self->notes))
        putchar('\n');
    json_array_foreach(self->notes, index, note) printf("note: %s\n", json_string_value(note));
}

static void
s_print_json(const pt_report_t *self)
{
    json_t *whole = json_copy(self->head);
    json_t *tables = json_object();
    for (size_t i = 0; i < self->table_count; i++)
        json_object_set(tables, self->tables[i].key, self->tables[i].rows);
    json_object_set_new(whole, "tables", tables);
    json_object_set(whole, "notes", self->notes);
    json_dumpf(whole, stdout, JSON_REAL_PRECISION(12) | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(whole);
}

bool
pt_report_print(const pt_report_t *self, bool as_json)
{
    if (as_json)
        s_print_json(self);
    else
        s_print_text(self);
    return fflush(stdout) == 0 && !ferror(stdout);
}

int
pt_report_finish(pt_report_t **self_p, const pt_bench_options_t *options)
{
    pt_bench_progress_end(options);
    bool is_printed = pt_report_print(*self_p, options->json);
    pt_report_destroy(self_p);
    return is_printed ? 0 : EX_IOERR;
}
