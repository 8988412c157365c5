/*  Keys are read when they are needed: whoever connects anew after a key was replaced finds the new one. */
#include "pt_curve.h"

#include <assert.h>
#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <xxhash.h>

#include "pt_sockets.h"

//  ZMQ_ZAP_ENFORCE_DOMAIN: declared for drafts only, accepted by number in every build of 4.3. Without
//  it libzmq lets everybody in when the authenticator is gone.
#define S_ZAP_ENFORCE_DOMAIN 93

//  Replaced while threads use it.
typedef struct {
    pthread_mutex_t lock;
    pt_keys_t keys;
} s_own_t;

struct pt_curve {
    char dir[PT_CURVE_DIR_BYTES_MAX + 1];
    s_own_t *own;
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1]; //  where this party itself answers; "": nowhere
};

const char *
pt_party_text(pt_party_t role)
{
    static const char *const texts[PT_PARTY_COUNT_] = {"producer", "worker", "subscriber", "admin"};
    assert((unsigned) role < PT_PARTY_COUNT_);

    return texts[role];
}

//  A key of a server that cannot be used shows at the start, not when it is needed.
static bool
s_check_servers(const pt_curve_t *self, char *out_error)
{
    char folder[PT_CURVE_FOLDER_BYTES];
    char path[PT_CURVE_PATH_BYTES];
    pt_keys_t keys;
    snprintf(folder, sizeof(folder), "%s/servers", self->dir);
    if (!pt_keys_check_folder(folder, out_error))
        return errno == ENOENT;
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    bool well = true;
    //  Only errno tells a folder that cannot be read on from one that has ended.
    while (well && entries && (errno = 0, entry = readdir(entries)) != NULL) {
        size_t len = strlen(entry->d_name);
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && len > 4 && streq(entry->d_name + len - 4, ".key"))
            well = pt_keys_read(path, false, &keys, out_error);
    }
    int reason = errno;
    if (well && reason) {
        snprintf(out_error, PT_KEYS_ERROR_BYTES_MAX, "%s: %s", folder, strerror(reason));
        well = false;
    }
    if (entries)
        closedir(entries);
    errno = reason;
    return well;
}

static void
s_copy_own(const pt_curve_t *self, pt_keys_t *out_keys)
{
    pthread_mutex_lock(&self->own->lock);
    *out_keys = self->own->keys;
    pthread_mutex_unlock(&self->own->lock);
}

bool
pt_curve_refresh(const pt_curve_t *self, char *out_error)
{
    assert(self);
    assert(out_error);

    char path[PT_CURVE_PATH_BYTES];
    pt_keys_t keys;
    snprintf(path, sizeof(path), "%s/own.key_secret", self->dir);
    if (!pt_keys_read(path, true, &keys, out_error))
        return false;
    pthread_mutex_lock(&self->own->lock);
    self->own->keys = keys;
    pthread_mutex_unlock(&self->own->lock);
    pt_keys_clear(&keys);
    return true;
}

static bool
s_read(pt_curve_t *self, const char *dir, char *out_error)
{
    snprintf(out_error, PT_KEYS_ERROR_BYTES_MAX, "%s: the path is too long", dir);
    errno = ENAMETOOLONG;
    if (strlen(dir) > PT_CURVE_DIR_BYTES_MAX)
        return false;
    snprintf(out_error, PT_KEYS_ERROR_BYTES_MAX, "%s: this libzmq is built without CURVE", dir);
    errno = ENOTSUP;
    if (!zmq_has("curve"))
        return false;
    snprintf(self->dir, sizeof(self->dir), "%s", dir);
    return pt_keys_check_folder(dir, out_error) && pt_curve_refresh(self, out_error) &&
           s_check_servers(self, out_error);
}

pt_curve_t *
pt_curve_open(const char *dir, char *out_error)
{
    assert(dir);
    assert(out_error);

    snprintf(out_error, PT_KEYS_ERROR_BYTES_MAX, "no memory for keys");
    pt_curve_t *self = calloc(1, sizeof(*self));
    if (self)
        self->own = calloc(1, sizeof(*self->own));
    if (self && self->own)
        pthread_mutex_init(&self->own->lock, NULL);
    if (self && (!self->own || !s_read(self, dir, out_error))) {
        int reason = self->own ? errno : ENOMEM;
        pt_curve_close(&self);
        errno = reason;
    }
    return self;
}

void
pt_curve_close(pt_curve_t **self_p)
{
    assert(self_p);

    if (!*self_p)
        return;
    s_own_t *own = (*self_p)->own;
    if (own) {
        pthread_mutex_destroy(&own->lock);
        pt_keys_clear(&own->keys);
        free(own);
    }
    free(*self_p);
    *self_p = NULL;
}

const char *
pt_curve_dir(const pt_curve_t *self)
{
    assert(self);

    return self->dir;
}

void
pt_curve_copy_public_key(const pt_curve_t *self, char *out_key)
{
    assert(self);
    assert(out_key);

    pthread_mutex_lock(&self->own->lock);
    memcpy(out_key, self->own->keys.public_key, PT_KEYS_TEXT_BYTES);
    pthread_mutex_unlock(&self->own->lock);
}

void
pt_curve_set_own(pt_curve_t *self, const char *endpoint)
{
    assert(self);
    assert(endpoint);

    snprintf(self->endpoint, sizeof(self->endpoint), "%s", endpoint);
}

static bool
s_set_text(zsock_t *socket, int option, const char *text)
{
    return zmq_setsockopt(zsock_resolve(socket), option, text, strlen(text)) == 0;
}

static bool
s_set_flag(zsock_t *socket, int option)
{
    int yes = 1;
    return zmq_setsockopt(zsock_resolve(socket), option, &yes, sizeof(yes)) == 0;
}

bool
pt_curve_serve(const pt_curve_t *self, zsock_t *socket, pt_party_t role)
{
    assert(self);
    assert(socket);

    pt_keys_t own;
    s_copy_own(self, &own);
    bool well = s_set_flag(socket, ZMQ_CURVE_SERVER) && s_set_text(socket, ZMQ_CURVE_SECRETKEY, own.secret_key) &&
                s_set_text(socket, ZMQ_ZAP_DOMAIN, pt_party_text(role)) && s_set_flag(socket, S_ZAP_ENFORCE_DOMAIN);
    pt_keys_clear(&own);
    return well;
}

//  A key of servers/. ENOENT: there is no such file.
static bool
s_read_server(const pt_curve_t *self, const char *name, size_t len, char *out_key)
{
    char path[PT_CURVE_PATH_BYTES];
    char error[PT_KEYS_ERROR_BYTES_MAX];
    pt_keys_t keys;
    int written = snprintf(path, sizeof(path), "%s/servers/%.*s.key", self->dir, (int) len, name);
    if (memchr(name, '/', len) || written >= (int) sizeof(path))
        errno = ENOENT;
    else if (pt_keys_read(path, false, &keys, error)) {
        memcpy(out_key, keys.public_key, sizeof(keys.public_key));
        return true;
    }
    return false;
}

//  The most precise name decides. A file that is there and cannot be used is a fault, not a reason to
//  try the next one.
static bool
s_find_server(const pt_curve_t *self, const char *endpoint, char *out_key)
{
    const char *address = strncmp(endpoint, "tcp://", 6) == 0 ? endpoint + 6 : "";
    const char *colon = strrchr(address, ':');
    size_t host_len = colon ? (size_t) (colon - address) : 0;
    const char *names[] = {address, address, "default"};
    const size_t lens[] = {strlen(address), host_len, strlen("default")};
    for (size_t i = 0; !streq(endpoint, self->endpoint) && i < sizeof(names) / sizeof(names[0]); i++) {
        if (!lens[i])
            continue;
        if (s_read_server(self, names[i], lens[i], out_key))
            return true;
        if (errno != ENOENT)
            return false;
    }
    pt_curve_copy_public_key(self, out_key);
    return true;
}

uint64_t
pt_curve_mark(const pt_curve_t *self, const char *endpoint)
{
    assert(self);
    assert(endpoint);

    char error[PT_KEYS_ERROR_BYTES_MAX];
    char keys[2 * PT_KEYS_TEXT_BYTES] = {0};
    (void) pt_curve_refresh(self, error);
    pt_curve_copy_public_key(self, keys);
    //  A key that cannot be read is as good as another one.
    (void) s_find_server(self, endpoint, keys + PT_KEYS_TEXT_BYTES);
    return XXH3_64bits(keys, sizeof(keys)) | 1;
}

static bool
s_set_keys(const pt_curve_t *self, zsock_t *socket, const char *endpoint)
{
    char error[PT_KEYS_ERROR_BYTES_MAX];
    char server[PT_KEYS_TEXT_BYTES];
    pt_keys_t own;
    (void) pt_curve_refresh(self, error);
    if (!s_find_server(self, endpoint, server))
        return false;
    s_copy_own(self, &own);
    bool well = s_set_text(socket, ZMQ_CURVE_SERVERKEY, server) &&
                s_set_text(socket, ZMQ_CURVE_PUBLICKEY, own.public_key) &&
                s_set_text(socket, ZMQ_CURVE_SECRETKEY, own.secret_key);
    pt_keys_clear(&own);
    return well;
}

pt_status_t
pt_curve_connect(const pt_curve_t *self, zsock_t *socket, const char *endpoint)
{
    assert(socket);
    assert(endpoint);

    if (self && strncmp(endpoint, "inproc://", 9) != 0 && !s_set_keys(self, socket, endpoint))
        return PT_E_IO;
    return pt_sockets_connect(socket, endpoint);
}
