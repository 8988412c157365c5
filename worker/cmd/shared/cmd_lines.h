/*  cmd_lines: JSON Lines in, the bytes of responses out.
 *
 *  `classify` and `send` share it, so the same lines lead to the same decisions with and without a
 *  bus. A line that holds no JSON object goes on as it is, byte for byte: it becomes an invalid
 *  decision rather than nothing.
 */
#ifndef PT_CMD_LINES_H
#define PT_CMD_LINES_H

#include "pt_status.h"
#include "pt_text.h"

//  A longer line is cut here: what is left of it is no response either way.
#define CMD_LINE_BYTES_MAX (4 * 1024 * 1024)

typedef struct {
    int fd;
    char *buffer;
    size_t start, end, capacity; //  what was read and not yet handed out
    uint64_t number;             //  of the line last handed out, from 1
    bool ended;
    int error; //  errno of a failed read
} cmd_lines_t;

typedef enum {
    CMD_LINES_LINE,  //  *out_line is the next line
    CMD_LINES_AGAIN, //  nothing to read at the moment, or nothing but blank lines for long; wait for fd
    CMD_LINES_END,   //  no more lines; self->error says whether by a fault
} cmd_lines_state_t;

/*  Open a file, or stdin for "-". Returns false with errno set. */
bool cmd_lines_open(cmd_lines_t *self, const char *path);

/*  The next line, without its newline; one that is empty or holds blanks only is counted and stepped over. It lives
 *  until the next call. With `wait` the call waits for input and never answers CMD_LINES_AGAIN.
 */
cmd_lines_state_t cmd_lines_next(cmd_lines_t *self, bool wait, pt_text_t *out_line);

void cmd_lines_close(cmd_lines_t *self);

//  A response made of a line. `bytes` are owned by it; release with cmd_item_clear.
typedef struct {
    uint8_t *bytes;
    size_t len;
    bool is_json;    //  not a copy of the line
    char error[160]; //  what is wrong with the line as JSON, or which key of a response it has twice; empty: nothing
} cmd_item_t;

/*  Make a response of a line. A JSON object becomes a msgpack map, with `id` "line:NUMBER" where it
 *  has none; a key that stands twice does so in the map. Anything else is copied. Returns PT_OK or PT_E_NOMEM.
 */
PT_MUST_CHECK pt_status_t cmd_item_of_line(pt_text_t line, uint64_t number, cmd_item_t *out_item);

/*  Where the first line opens an array, or a document over several lines, say on stderr how lines are made of it. */
void cmd_lines_hint(pt_text_t line, uint64_t number);

void cmd_item_clear(cmd_item_t *item);

#endif
