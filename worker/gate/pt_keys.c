/*  A scanner of our own instead of zcert_load: that one reads a secret wherever one lies beside the
 *  file, of any mode and size, and leaves copies of it on the heap.
 */
#include "pt_keys.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

//  A certificate with some metadata has some hundred.
#define S_FILE_BYTES_MAX 4096

#define S_OTHERS_WRITE (S_IWGRP | S_IWOTH)
#define S_OTHERS_ANY (S_IRWXG | S_IRWXO)

static bool
s_fail(char *out_error, int reason, const char *path, const char *text)
{
    snprintf(out_error, PT_KEYS_ERROR_BYTES_MAX, "%s: %s", path, text);
    errno = reason;
    return false;
}

static bool
s_check_mode(const struct stat *found, mode_t refused, const char *path, const char *better, char *out_error)
{
    char text[128];
    if (found->st_uid != geteuid() && found->st_uid != 0)
        return s_fail(out_error, EPERM, path, "belongs to another user; chown it to the one that runs this");
    if (!(found->st_mode & refused))
        return true;
    snprintf(text, sizeof(text), "mode %04o lets others in; run: chmod %s ", (unsigned) (found->st_mode & 07777),
             better);
    snprintf(out_error, PT_KEYS_ERROR_BYTES_MAX, "%s: %s%s", path, text, path);
    errno = EPERM;
    return false;
}

bool
pt_keys_check_folder(const char *path, char *out_error)
{
    assert(path);
    assert(out_error);

    struct stat found;
    if (stat(path, &found) != 0)
        return s_fail(out_error, errno, path, strerror(errno));
    if (!S_ISDIR(found.st_mode))
        return s_fail(out_error, ENOTDIR, path, "is not a folder");
    return s_check_mode(&found, S_OTHERS_WRITE, path, "go-w", out_error);
}

//  All of a small file, with a zero behind it. The length, or -1 after a text.
static ssize_t
s_read_file(const char *path, bool secret, char *out_text, char *out_error)
{
    struct stat found;
    ssize_t len = -1;
    //  A pipe that somebody put there must not hold us up.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &found) != 0)
        s_fail(out_error, errno, path, strerror(errno));
    else if (!S_ISREG(found.st_mode))
        s_fail(out_error, EBADMSG, path, "is no file");
    else if (s_check_mode(&found, secret ? S_OTHERS_ANY : S_OTHERS_WRITE, path, secret ? "go=" : "go-w", out_error)) {
        len = read(fd, out_text, S_FILE_BYTES_MAX);
        if (len < 0)
            s_fail(out_error, errno, path, strerror(errno));
        out_text[len < 0 ? 0 : len] = 0;
    }
    int reason = errno;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return len;
}

//  The value of a line `NAME = "VALUE"`; false when there is none, or it is no key.
static bool
s_find_key(const char *text, const char *name, char *out_key)
{
    uint8_t bytes[PT_KEYS_TEXT_BYTES - 1];
    size_t name_len = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, " \t\r\n");
        if (strncmp(line, name, name_len) != 0)
            continue;
        const char *value = line + name_len + strspn(line + name_len, " \t");
        value += *value == '=';
        value += strspn(value, " \t");
        //  The characters of a key include `=` and `#`, and neither quote.
        value += *value == '"';
        size_t len = strcspn(value, "\" \t\r\n");
        if (len != PT_KEYS_TEXT_BYTES - 1)
            return false;
        memcpy(out_key, value, len);
        out_key[len] = 0;
        return zmq_z85_decode(bytes, out_key) != NULL;
    }
    return false;
}

static bool
s_is_pair(const pt_keys_t *keys)
{
    char public_key[PT_KEYS_TEXT_BYTES];
    return zmq_curve_public(public_key, keys->secret_key) == 0 && strcmp(public_key, keys->public_key) == 0;
}

bool
pt_keys_read(const char *path, bool secret, pt_keys_t *out_keys, char *out_error)
{
    assert(path);
    assert(out_keys);
    assert(out_error);

    char text[S_FILE_BYTES_MAX + 1];
    *out_keys = (pt_keys_t) {0};
    if (s_read_file(path, secret, text, out_error) < 0)
        return false;
    bool well = s_find_key(text, "public-key", out_keys->public_key) &&
                (!secret || s_find_key(text, "secret-key", out_keys->secret_key));
    explicit_bzero(text, sizeof(text));
    if (well && (!secret || s_is_pair(out_keys)))
        return true;
    pt_keys_clear(out_keys);
    if (well)
        return s_fail(out_error, EBADMSG, path, "its public-key is not the one of its secret-key");
    return s_fail(out_error, EBADMSG, path,
                  secret ? "holds no public-key and secret-key of 40 characters"
                         : "holds no public-key of 40 characters");
}

bool
pt_keys_make(pt_keys_t *out_keys)
{
    assert(out_keys);

    return zmq_curve_keypair(out_keys->public_key, out_keys->secret_key) == 0;
}

static bool
s_write_all(int fd, bool secret, const pt_keys_t *keys)
{
    static const char head[] = "#   A CURVE key for paytriage and other programs that speak ZeroMQ.\n"
                               "#   %s\n\n"
                               "metadata\n"
                               "curve\n"
                               "    public-key = \"%s\"\n";
    const char *what = secret ? "Secret: it stays where it is, and nobody else reads it."
                              : "Public: hand it to whoever must know this party.";
    if (dprintf(fd, head, what, keys->public_key) < 0)
        return false;
    if (secret && dprintf(fd, "    secret-key = \"%s\"\n", keys->secret_key) < 0)
        return false;
    return fsync(fd) == 0;
}

bool
pt_keys_write(const char *path, bool secret, const pt_keys_t *keys)
{
    assert(path);
    assert(keys);

    mode_t mode = secret ? 0600 : 0644;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return false;
    //  Whatever the umask is: a public key is for others to read.
    bool well = fchmod(fd, mode) == 0 && s_write_all(fd, secret, keys);
    int reason = errno;
    if (close(fd) != 0 && well) {
        reason = errno;
        well = false;
    }
    if (!well)
        unlink(path);
    errno = reason;
    return well;
}

void
pt_keys_clear(pt_keys_t *self)
{
    assert(self);

    explicit_bzero(self, sizeof(*self));
}
