/*  A sorted array: looked up once for each handshake, and compared as a whole when files change. */
#include "pt_grants.h"

#include <assert.h>
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>

#define S_SUFFIX ".key"
#define S_SUFFIX_SECRET ".key_secret"

struct pt_grants {
    pt_grant_t *grants; //  by key
    size_t count;
    pt_grants_fault_fn *fault;
    void *context;
    int unseen; //  why a file or folder could not be looked at; 0: all were
};

static bool
s_ends_with(const char *name, const char *suffix)
{
    size_t len = strlen(name);
    size_t suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static void
s_add(pt_grants_t *self, const char *name, pt_party_t role, const char *public_key)
{
    pt_grant_t *grant = &self->grants[self->count++];
    *grant = (pt_grant_t) {.role = role};
    //  Text that pt_keys has read is always a key.
    uint8_t *key = zmq_z85_decode(grant->key, public_key);
    assert(key);
    (void) key;
    snprintf(grant->name, sizeof(grant->name), "%s", name);
}

//  Our own want, or a disk or a network that does not answer: what stands in the file or folder is not known. All else
//  is something that somebody did to it, and holds.
static bool
s_is_unseen(int reason)
{
    static const int reasons[] = {EMFILE, ENFILE, ENOMEM, EIO, ESTALE, ETIMEDOUT, EINTR, EUCLEAN};
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reason == reasons[i])
            return true;
    return false;
}

static void
s_take_fault(pt_grants_t *self, int reason, const char *text)
{
    if (s_is_unseen(reason))
        self->unseen = reason;
    self->fault(self->context, text);
}

static void
s_read_file(pt_grants_t *self, const char *folder, const char *file, pt_party_t role)
{
    char path[PT_CURVE_PATH_BYTES];
    char name[NAME_MAX + 1];
    char error[PT_KEYS_ERROR_BYTES_MAX];
    pt_keys_t keys;
    errno = 0;
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    snprintf(name, sizeof(name), "%.*s", (int) (strlen(file) - strlen(S_SUFFIX)), file);
    if (strlen(name) > PT_GRANTS_NAME_BYTES_MAX)
        snprintf(error, sizeof(error), "%s: the name is longer than %d bytes", path, PT_GRANTS_NAME_BYTES_MAX);
    else if (self->count >= PT_GRANTS_MAX)
        snprintf(error, sizeof(error), "%s: there are more than %d keys", path, PT_GRANTS_MAX);
    else if (pt_keys_read(path, false, &keys, error)) {
        s_add(self, name, role, keys.public_key);
        return;
    }
    //  Gone since the folder was read: its removal is what we were told of.
    if (errno != ENOENT)
        s_take_fault(self, errno, error);
}

//  Whether the folder is there, and only its owner may change it. A missing one is no fault.
static bool
s_check_folder(pt_grants_t *self, const char *folder)
{
    char error[PT_KEYS_ERROR_BYTES_MAX];
    if (pt_keys_check_folder(folder, error))
        return true;
    if (errno != ENOENT)
        s_take_fault(self, errno, error);
    return false;
}

static void
s_read_entry(pt_grants_t *self, const char *folder, const char *file, pt_party_t role)
{
    char error[PT_KEYS_ERROR_BYTES_MAX];
    //  A name that begins with a dot is a file on its way in.
    if (file[0] == '.')
        return;
    if (s_ends_with(file, S_SUFFIX)) {
        s_read_file(self, folder, file, role);
    } else if (s_ends_with(file, S_SUFFIX_SECRET)) {
        snprintf(error, sizeof(error), "%s/%.255s: a secret does not belong here; move it back to its owner", folder,
                 file);
        self->fault(self->context, error);
    }
}

static void
s_read_role(pt_grants_t *self, const pt_curve_t *curve, pt_party_t role)
{
    char folder[PT_CURVE_FOLDER_BYTES];
    char error[PT_KEYS_ERROR_BYTES_MAX];
    snprintf(folder, sizeof(folder), "%s/clients/%s", pt_curve_dir(curve), pt_party_text(role));
    if (!s_check_folder(self, folder))
        return;
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    //  Only errno tells a folder that cannot be read on from one that has ended.
    while (entries && (errno = 0, entry = readdir(entries)) != NULL)
        s_read_entry(self, folder, entry->d_name, role);
    int reason = errno;
    if (entries)
        closedir(entries);
    if (!reason)
        return;
    snprintf(error, sizeof(error), "%s: %s", folder, strerror(reason));
    s_take_fault(self, reason, error);
    //  Whatever the reason: the names behind it were not seen, which is not to have no file.
    if (entries)
        self->unseen = reason;
}

static int
s_compare(const void *left, const void *right)
{
    const pt_grant_t *a = left;
    const pt_grant_t *b = right;
    int order = memcmp(a->key, b->key, sizeof(a->key));
    return order ? order : (int) a->role - (int) b->role;
}

pt_grants_t *
pt_grants_load(const pt_curve_t *curve, pt_grants_fault_fn *fault, void *context)
{
    assert(curve);
    assert(fault);

    pt_grants_t *self = calloc(1, sizeof(*self));
    pt_grant_t *grants = self ? calloc(PT_GRANTS_MAX + PT_PARTY_COUNT_, sizeof(*grants)) : NULL;
    if (!grants) {
        free(self);
        return NULL;
    }
    *self = (pt_grants_t) {.grants = grants, .fault = fault, .context = context};
    char clients[PT_CURVE_FOLDER_BYTES];
    char own[PT_KEYS_TEXT_BYTES];
    snprintf(clients, sizeof(clients), "%s/clients", pt_curve_dir(curve));
    bool well = s_check_folder(self, clients);
    for (int role = 0; role < PT_PARTY_COUNT_ && well; role++)
        s_read_role(self, curve, (pt_party_t) role);
    pt_curve_copy_public_key(curve, own);
    for (int role = 0; role < PT_PARTY_COUNT_; role++)
        s_add(self, "own", (pt_party_t) role, own);
    int reason = self->unseen;
    if (reason) {
        pt_grants_destroy(&self);
        errno = reason;
        return NULL;
    }
    qsort(self->grants, self->count, sizeof(*self->grants), s_compare);
    return self;
}

void
pt_grants_destroy(pt_grants_t **self_p)
{
    assert(self_p);

    if (!*self_p)
        return;
    free((*self_p)->grants);
    free(*self_p);
    *self_p = NULL;
}

size_t
pt_grants_count(const pt_grants_t *self)
{
    assert(self);

    return self->count - PT_PARTY_COUNT_;
}

//  The first grant of a key, or where it would stand.
static size_t
s_find(const pt_grants_t *self, const uint8_t *key)
{
    size_t low = 0;
    size_t high = self->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (memcmp(self->grants[middle].key, key, sizeof(self->grants[middle].key)) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
s_has_key(const pt_grants_t *self, size_t at, const uint8_t *key)
{
    return at < self->count && memcmp(self->grants[at].key, key, sizeof(self->grants[at].key)) == 0;
}

static bool
s_opens(pt_party_t role, pt_party_t domain)
{
    return role == domain || (role == PT_PARTY_ADMIN && domain != PT_PARTY_WORKER);
}

const pt_grant_t *
pt_grants_admit(const pt_grants_t *self, const uint8_t key[32], pt_party_t domain)
{
    assert(self);
    assert(key);

    for (size_t at = s_find(self, key); s_has_key(self, at, key); at++)
        if (s_opens(self->grants[at].role, domain))
            return &self->grants[at];
    return NULL;
}

const pt_grant_t *
pt_grants_know(const pt_grants_t *self, const uint8_t key[32])
{
    assert(self);
    assert(key);

    size_t at = s_find(self, key);
    return s_has_key(self, at, key) ? &self->grants[at] : NULL;
}

bool
pt_grants_lost(const pt_grants_t *self, const pt_grants_t *next, pt_party_t domain)
{
    assert(self);
    assert(next);

    for (size_t i = 0; i < self->count; i++)
        if (s_opens(self->grants[i].role, domain) && !pt_grants_admit(next, self->grants[i].key, domain))
            return true;
    return false;
}

void
pt_grants_compare(const pt_grants_t *self, const pt_grants_t *next, pt_grants_gone_fn *gone, void *context)
{
    assert(self);
    assert(next);
    assert(gone);

    for (size_t i = 0; i < self->count; i++) {
        bool again = i > 0 && memcmp(self->grants[i].key, self->grants[i - 1].key, sizeof(self->grants[i].key)) == 0;
        if (!again && !pt_grants_know(next, self->grants[i].key))
            gone(context, self->grants[i].key);
    }
}
