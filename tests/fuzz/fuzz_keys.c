//  Files of keys: whatever is in them, there is a key that libzmq takes, or a reason.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "fuzz.h"
#include "pt_keys.h"

static char s_folder[] = "/dev/shm/paytriage-fuzz-XXXXXX";
static char s_file[sizeof s_folder + 8];

static void
s_remove(void)
{
    unlink(s_file);
    rmdir(s_folder);
}

static const char *
s_path(void)
{
    if (!s_file[0]) {
        FUZZ_REQUIRE(mkdtemp(s_folder));
        snprintf(s_file, sizeof s_file, "%s/key", s_folder);
        atexit(s_remove);
    }
    return s_file;
}

static void
s_read(const char *path, bool secret)
{
    pt_keys_t keys;
    uint8_t bytes[PT_KEYS_TEXT_BYTES - 1];
    char public_key[PT_KEYS_TEXT_BYTES];
    static char error[PT_KEYS_ERROR_BYTES_MAX];
    error[0] = 0;
    if (!pt_keys_read(path, secret, &keys, error)) {
        FUZZ_REQUIRE(error[0] && !strchr(error, '\n'));
        FUZZ_REQUIRE(!keys.public_key[0] && !keys.secret_key[0]);
        return;
    }
    FUZZ_REQUIRE(strlen(keys.public_key) == PT_KEYS_TEXT_BYTES - 1 && zmq_z85_decode(bytes, keys.public_key));
    FUZZ_REQUIRE(secret == (keys.secret_key[0] != 0));
    if (secret)
        FUZZ_REQUIRE(zmq_curve_public(public_key, keys.secret_key) == 0 && strcmp(public_key, keys.public_key) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = open(s_path(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_REQUIRE(fd >= 0);
    FUZZ_REQUIRE(write(fd, data, size) == (ssize_t) size);
    close(fd);
    s_read(s_path(), true);
    s_read(s_path(), false);
    return 0;
}
