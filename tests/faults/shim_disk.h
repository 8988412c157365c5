/*  shim_disk: the format of PT_SHIM_LOG. Records follow each other, each with its bytes behind it. */
#ifndef SHIM_DISK_H
#define SHIM_DISK_H

#include <stdint.h>

typedef enum {
    SHIM_WRITE,        //  bytes at an offset, in memory of the system only
    SHIM_WRITE_SYNCED, //  the same, durable when the call returns
    SHIM_SYNC,         //  all writes before it are durable
    SHIM_SIZE,         //  the file has `offset` bytes now
    SHIM_RENAME,       //  data.new became data.mdb
    SHIM_SYNC_FOLDER,  //  and that is durable
    SHIM_MARK,         //  the process says `offset`
} shim_kind_t;

typedef struct {
    uint64_t kind, offset, bytes;
} shim_record_t;

/*  Write a mark; does nothing without PT_SHIM_LOG. */
void pt_shim_mark(uint64_t value);

#endif
