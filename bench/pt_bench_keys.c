/*  pt_bench_keys: the real keys as gperf's input; runs while the bench is built.
 *
 *  Usage: pt_bench_keys codes|composites. `codes` are those of pt_keys_load_builtin, `composites` the
 *  joined strings of pt_joined.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "pt_joined.h"

static void
s_print_text(pt_text_t text)
{
    putchar('"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char) text.data[i];
        if (byte == '"' || byte == '\\')
            printf("\\%c", byte);
        else if (byte < 0x20 || byte > 0x7e)
            printf("\\%03o", byte);
        else
            putchar(byte);
    }
    putchar('"');
}

//  The function is static, so that it is inlined where the compiler would do so with any other.
static void
s_print_head(const char *name)
{
    printf("%%language=ANSI-C\n%%struct-type\n%%omit-struct-type\n%%readonly-tables\n%%compare-lengths\n"
           "%%global-table\n");
    printf("%%define hash-function-name pt_gperf_%s_hash\n", name);
    printf("%%define lookup-function-name pt_gperf_%s_find\n", name);
    printf("%%define word-array-name pt_gperf_%s_rows\n", name);
    printf("%%define length-table-name pt_gperf_%s_lengths\n", name);
    printf("%%{\n#include <string.h>\nstruct pt_gperf_%s_row { const char *name; int answer; };\n", name);
    printf("static const struct pt_gperf_%s_row *pt_gperf_%s_find(const char *, size_t);\n%%}\n", name, name);
    printf("struct pt_gperf_%s_row;\n%%%%\n", name);
}

static void
s_print_tail(const char *name, size_t string_bytes)
{
    printf("%%%%\nstatic inline size_t\npt_gperf_%s_bytes(void)\n{\n", name);
    printf("    return sizeof(pt_gperf_%s_rows) + sizeof(pt_gperf_%s_lengths) + %zu;\n}\n", name, name, string_bytes);
}

int
main(int argc, char **argv)
{
    pt_keys_t keys;
    if (argc == 2 && strcmp(argv[1], "codes") == 0) {
        pt_keys_load_builtin(&keys);
    } else if (argc == 2 && strcmp(argv[1], "composites") == 0) {
        pt_joined_load(&keys);
    } else {
        fprintf(stderr, "usage: pt_bench_keys codes|composites\n");
        return EX_USAGE;
    }
    s_print_head(argv[1]);
    for (size_t i = 0; i < keys.count; i++) {
        s_print_text(keys.texts[i]);
        printf(", %zu\n", i);
    }
    s_print_tail(argv[1], keys.bytes + keys.count);
    pt_keys_clear(&keys);
    return fflush(stdout) == 0 ? 0 : EX_IOERR;
}
