#include "documented.h"

#include <stdio.h>
#include <stdlib.h>

#define COLUMNS 10

static char *
s_read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = calloc(1, 1 << 20);
    if (text)
        text[fread(text, 1, (1 << 20) - 1, file)] = '\0';
    (void) fclose(file);
    return text;
}

//  Fewer columns than these are a broken table; the note may be missing.
static bool
s_split_row(char *line, documented_row_t *row)
{
    char *columns[COLUMNS] = {0};
    for (size_t index = 0; index < COLUMNS && line; index++)
        columns[index] = strsep(&line, "\t");
    if (line || !columns[COLUMNS - 2])
        return false;
    *row = (documented_row_t) {
        .line = row->line,
        .operation = columns[0],
        .code = columns[1],
        .message = columns[2],
        .http_status = (unsigned) strtoul(columns[3], NULL, 10),
        .category = columns[4],
        .outcome = columns[5],
        .action = columns[6],
        .route = columns[7],
        .source_line = (unsigned) strtoul(columns[8], NULL, 10),
    };
    return row->http_status && row->source_line;
}

documented_t *
documented_read(const char *gateway)
{
    char path[512];
    (void) snprintf(path, sizeof path, "%s/tests/catalog/documented/%s.tsv", PT_SOURCE_DIR, gateway);
    documented_t *self = calloc(1, sizeof *self);
    if (self)
        self->text = s_read_file(path);
    if (!self || !self->text) {
        (void) fprintf(stderr, "%s: cannot be read\n", path);
        documented_destroy(&self);
        return NULL;
    }
    unsigned number = 0;
    for (char *rest = self->text, *line; (line = strsep(&rest, "\n"));) {
        number++;
        if (!*line || *line == '#' || strncmp(line, "operation\t", 10) == 0)
            continue;
        self->rows[self->count].line = number;
        if (self->count == DOCUMENTED_ROWS_MAX - 1 || !s_split_row(line, &self->rows[self->count])) {
            (void) fprintf(stderr, "%s:%u: is no row\n", path, number);
            documented_destroy(&self);
            return NULL;
        }
        self->count++;
    }
    return self;
}

void
documented_destroy(documented_t **self_p)
{
    if (!*self_p)
        return;
    free((*self_p)->text);
    free(*self_p);
    *self_p = NULL;
}
