/*  A journal is changed by the worker that has it, which is asked to; or by us, when none has. */
#include "journal.h"

#include "pt_replay.h"
#include "pt_sockets.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

//  A commit and a half on a disk that is very slow.
#define S_ORDER_MS 10000

//  The file keeps its size: a store is opened with at least what it has.
static uint64_t
s_file_bytes(const char *dir)
{
    char path[CMD_JOURNAL_PATH_BYTES + 16];
    struct stat about;
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    if (stat(path, &about) != 0 || (uint64_t) about.st_size < PT_STORE_BYTES_MIN)
        return 0;
    return (uint64_t) about.st_size;
}

int
journal_open_to_write(const journal_options_t *options, pt_store_t **out_store)
{
    char room[CMD_JOURNAL_PATH_BYTES];
    char error[PT_STORE_ERROR_BYTES_MAX];
    const char *dir = journal_dir(options, room);
    pt_store_options_t open = {.dir = dir, .bytes = s_file_bytes(dir)};
    *out_store = NULL;
    //  Opening for writing would make a journal where there is none.
    if (!open.bytes)
        return cmd_fail(EX_NOINPUT, "name the folder that --journal of the worker names", "%s: no journal", dir);
    pt_status_t status = pt_store_open(&open, out_store, error);
    if (status == PT_OK || (status == PT_E_IO && errno == EWOULDBLOCK))
        return EX_OK;
    return cmd_journal_refuse(status, error);
}

int
journal_order(const journal_options_t *options, const char *verb, const char *what, char out_word[JOURNAL_WORD_BYTES])
{
    char room[CMD_JOURNAL_PATH_BYTES];
    char endpoint[CMD_JOURNAL_PATH_BYTES + 32];
    const char *dir = journal_dir(options, room);
    cmd_journal_control(dir, endpoint);
    if (!*endpoint)
        return cmd_fail(EX_TEMPFAIL, "name the folder by a shorter path; or stop the worker, do it, and start it again",
                        "the path %s is too long for a socket to the worker that has this journal", dir);
    if (pt_sockets_init() != PT_OK)
        return cmd_tell_short(errno);
    zsock_t *socket = pt_sockets_new(ZMQ_REQ, 1, 1);
    char *word = NULL;
    if (socket && pt_sockets_connect(socket, endpoint) == PT_OK) {
        zsock_set_rcvtimeo(socket, S_ORDER_MS);
        zsock_set_linger(socket, 0);
        zstr_sendx(socket, verb, what, NULL);
        word = zstr_recv(socket);
    }
    zsock_destroy(&socket);
    snprintf(out_word, JOURNAL_WORD_BYTES, "%s", word ? word : "");
    zstr_free(&word);
    if (strcmp(out_word, PT_CONTROL_OK) == 0 || strcmp(out_word, PT_CONTROL_UNKNOWN) == 0)
        return EX_OK;
    return cmd_fail(EX_TEMPFAIL, "try again; or stop the worker, do it, and start it again",
                    "the worker that has the journal in %s %s", dir, *out_word ? "is busy" : "does not answer");
}
