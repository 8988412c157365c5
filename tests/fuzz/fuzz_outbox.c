//  A producer's outbox file: any bytes are refused, cut at the end, or give back batches that can be sent.
//  The first byte chooses whether checksums are put right, which random bytes never are.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"
#include "pt_outbox_file.h"
#include "pt_outbox_record.h"

static char s_folder[] = "/dev/shm/paytriage-fuzz-XXXXXX";
static char s_file[sizeof s_folder + 8];

static void
s_remove(void)
{
    unlink(s_file);
    rmdir(s_folder);
}

//  In memory: the file is synced often.
static const char *
s_path(void)
{
    if (!s_file[0]) {
        FUZZ_REQUIRE(mkdtemp(s_folder));
        snprintf(s_file, sizeof s_file, "%s/outbox", s_folder);
        atexit(s_remove);
    }
    return s_file;
}

//  The room for one payload. AddressSanitizer maps, poisons and unmaps a megabyte each time that it is asked
//  for one, which takes ten times as long as the rest; a static one has guards around it as well.
static uint8_t s_room[PT_BATCH_BYTES_MAX];

void *__real_malloc(size_t bytes);
void __real_free(void *block);
void *__wrap_malloc(size_t bytes);
void __wrap_free(void *block);

void *
__wrap_malloc(size_t bytes)
{
    return bytes == sizeof s_room ? s_room : __real_malloc(bytes);
}

void
__wrap_free(void *block)
{
    if (block && block != s_room)
        __real_free(block);
}

static void
s_mend(uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + PT_OUTBOX_RECORD_BYTES <= size;) {
        pt_outbox_record_t record;
        if (!pt_outbox_record_decode(bytes + at, &record) || record.payload_len > size - at - PT_OUTBOX_RECORD_BYTES)
            return;
        pt_bytes_t payload = {bytes + at + PT_OUTBOX_RECORD_BYTES, record.payload_len};
        pt_outbox_record_encode(&record, payload, bytes + at);
        at += PT_OUTBOX_RECORD_BYTES + record.payload_len;
    }
}

static void
s_open(const char *path)
{
    pt_outbox_file_state_t state;
    pt_outbox_file_t *file = pt_outbox_file_open(path, &state);
    if (!file)
        return;
    if (!state.fresh) {
        pt_outbox_options_t options = {.producer = state.producer, .epoch = state.epoch, .next = state.next};
        pt_outbox_t *outbox = pt_outbox_new(&options);
        FUZZ_REQUIRE(outbox);
        pt_status_t status = pt_outbox_file_restore(file, outbox);
        FUZZ_REQUIRE(status != PT_E_NOMEM);
        pt_outbox_destroy(&outbox);
    }
    pt_outbox_file_close(&file);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint8_t *bytes = malloc(size);
    memcpy(bytes, data + 1, size - 1);
    if (data[0] & 1)
        s_mend(bytes, size - 1);
    int fd = open(s_path(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_REQUIRE(fd >= 0);
    FUZZ_REQUIRE(write(fd, bytes, size - 1) == (ssize_t) (size - 1));
    close(fd);
    s_open(s_path());
    free(bytes);
    return 0;
}
