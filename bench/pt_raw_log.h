/*  pt_raw_log: bytes put into a file and flushed, and nothing else: what the disk allows a journal.
 *
 *  No checksum, no number, no index, no place for what comes next, nothing is ever trimmed.
 */
#ifndef PT_RAW_LOG_H
#define PT_RAW_LOG_H

#include "pt_text.h"

typedef enum {
    PT_RAW_APPEND,   //  to the end of the file, which grows: one flush
    PT_RAW_IN_PLACE, //  over bytes that the file has already, by turns: one flush that moves no length
    PT_RAW_MARKED,   //  the same, and behind the flush a page that says so, which is flushed too
    PT_RAW_WAYS
} pt_raw_way_t;

const char *pt_raw_way_text(pt_raw_way_t way);

typedef struct {
    pt_raw_way_t way;
    int data_fd;
    int mark_fd;
    uint64_t end; //  where the next bytes go
    uint64_t written;
    char path[256];
} pt_raw_log_t;

/*  Make the file in a folder. False with one line on stderr. */
bool pt_raw_log_open(pt_raw_log_t *self, pt_raw_way_t way, const char *folder);
void pt_raw_log_close(pt_raw_log_t *self);

/*  Write and flush. False with one line on stderr. */
bool pt_raw_log_commit(pt_raw_log_t *self, pt_bytes_t bytes);

#endif
