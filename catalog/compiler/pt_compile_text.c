/*  The small grammars inside of texts: holes of a message and of what merchants are told, and citations. */
#include "pt_compile_parts.h"

#include <assert.h>
#include <stdio.h>

#define S_HOLE_NAME_BYTES_MAX 32 //  arbitrary

//  One hole of a message, found at its first brace.
typedef struct {
    const char *name;
    size_t name_bytes;
    const char *end; //  behind the last brace; NULL: malformed
} s_hole_t;

static bool
s_is_hole_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_';
}

static s_hole_t
s_scan_hole(const char *at)
{
    size_t braces = at[1] == '{' ? 2 : 1;
    s_hole_t hole = {.name = at + braces};
    while (s_is_hole_byte(hole.name[hole.name_bytes]))
        hole.name_bytes++;
    const char *end = hole.name + hole.name_bytes;
    bool closes = end[0] == '}' && (braces == 1 || end[1] == '}');
    if (closes && hole.name_bytes > 0 && hole.name_bytes <= S_HOLE_NAME_BYTES_MAX)
        hole.end = end + braces;
    return hole;
}

static bool
s_is_name_used(const s_hole_t *holes, size_t count, const s_hole_t *hole)
{
    for (size_t i = 0; i < count; i++)
        if (holes[i].name_bytes == hole->name_bytes && memcmp(holes[i].name, hole->name, hole->name_bytes) == 0)
            return true;
    return false;
}

const char *
pt_compile_check_message(const char *message, size_t *out_hole_count)
{
    s_hole_t holes[PT_PARAMS_MAX];
    *out_hole_count = 0;
    for (const char *at = message; *at;) {
        if (*at == '}')
            return "a closing brace without a hole";
        if (*at != '{') {
            at++;
            continue;
        }
        s_hole_t hole = s_scan_hole(at);
        if (!hole.end)
            return "a hole is {name} or {{name}}, of letters, digits and _, at most 32";
        if (hole.end[0] == '{')
            return "two holes with nothing between them";
        if (s_is_name_used(holes, *out_hole_count, &hole))
            return "two holes of the same name";
        if (*out_hole_count == PT_PARAMS_MAX)
            return "more than 8 holes";
        holes[(*out_hole_count)++] = hole;
        at = hole.end;
    }
    return NULL;
}

static bool
s_has_hole(const char *message, const s_hole_t *wanted)
{
    for (const char *at = message ? strchr(message, '{') : NULL; at; at = strchr(at, '{')) {
        s_hole_t hole = s_scan_hole(at);
        if (!hole.end)
            return true; //  told at the message
        if (s_is_name_used(&hole, 1, wanted))
            return true;
        at = hole.end;
    }
    return false;
}

char *
pt_compile_read_merchant(pt_reader_t *reader, const pt_node_t *node, const char *message)
{
    char *text = NULL;
    size_t hole_count;
    if (!pt_read_text(reader, node, &text) || !text)
        return NULL;
    const char *problem = pt_compile_check_message(text, &hole_count);
    if (problem) {
        pt_read_fault(reader, node, PT_FAULT_TEMPLATE, "%s", problem);
        return text;
    }
    for (const char *at = strchr(text, '{'); at; at = strchr(at, '{')) {
        s_hole_t hole = s_scan_hole(at);
        assert(hole.end); //  checked above
        if (!s_has_hole(message, &hole))
            pt_read_fault(reader, node, PT_FAULT_TEMPLATE, "the entry's message has no hole {%.*s}",
                          (int) hole.name_bytes, hole.name);
        at = hole.end;
    }
    return text;
}

//  Citations while they are joined; each item ends with "; ", which is cut in the end.
typedef struct {
    const char *file; //  prefix of bare lines
    size_t bytes;
    char text[PT_READ_TEXT_BYTES_MAX];
} s_cite_t;

static bool
s_is_line(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 9 && text[0] != '0' && text[digits] == '\0';
}

static bool
s_is_url(const char *text)
{
    bool has_scheme = strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
    return has_scheme && !strpbrk(text, " ;");
}

static bool
s_is_file_line(const char *text)
{
    const char *colon = strrchr(text, ':');
    return colon && colon > text && s_is_line(colon + 1) && strcspn(text, " ;:") == (size_t) (colon - text);
}

static void
s_append(pt_reader_t *reader, const pt_node_t *item, s_cite_t *cite, const char *file, const char *rest)
{
    size_t room = sizeof cite->text - cite->bytes;
    int bytes = snprintf(cite->text + cite->bytes, room, "%s%s%s; ", file ? file : "", file ? ":" : "", rest);
    if (bytes < 0 || (size_t) bytes >= room)
        pt_read_fault(reader, item, PT_FAULT_TEXT, "citations longer than 2048 bytes together");
    else
        cite->bytes += (size_t) bytes;
}

static void
s_read_citation(pt_reader_t *reader, const pt_node_t *item, void *target)
{
    s_cite_t *cite = target;
    char *text;
    if (!pt_read_text(reader, item, &text))
        return;
    bool is_line = s_is_line(text);
    if (is_line && !cite->file)
        pt_read_fault(reader, item, PT_FAULT_CITE, "line %s of which file? Set gateway.cite or write FILE:%s", text,
                      text);
    else if (is_line)
        s_append(reader, item, cite, cite->file, text);
    else if (s_is_url(text) || s_is_file_line(text))
        s_append(reader, item, cite, NULL, text);
    else
        pt_read_fault(reader, item, PT_FAULT_CITE, "'%.64s' is no line, FILE:LINE or URL", text);
}

char *
pt_compile_read_cite(pt_reader_t *reader, const pt_node_t *node, const char *cite_file)
{
    s_cite_t cite = {.file = cite_file};
    (void) pt_read_list(reader, node, PT_COMPILE_NAMES_MAX, s_read_citation, &cite);
    if (cite.bytes < 2)
        return NULL;
    char *text = pt_read_array(reader, cite.bytes - 1, 1);
    if (text)
        memcpy(text, cite.text, cite.bytes - 2);
    return text;
}
