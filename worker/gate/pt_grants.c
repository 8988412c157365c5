/*  A sorted array: looked up once for each handshake, and compared as a whole when files change. */
#include "pt_grants.h"

#include <assert.h>
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define S_SUFFIX ".key"
#define S_SUFFIX_SECRET ".key_secret"

//  How long one look goes on to ask for files of a folder that cannot be listed: each may take a disk's or a server's
//  whole patience, and handshakes wait meanwhile. The rest hold.
#define S_PATIENCE_MS 2000

struct pt_grants {
    pt_grant_t *grants; //  by key
    size_t count;
    pt_grants_fault_fn *fault;
    void *context;
    const pt_grants_t *before; //  what was not seen is as here; only while this is loaded
    int64_t end_ms;
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

//  The grant that a file was before; NULL: it was none.
static const pt_grant_t *
s_find_file(const pt_grants_t *self, const char *name, pt_party_t role)
{
    for (size_t i = 0; self && i < self->count; i++)
        if (!self->grants[i].is_own && self->grants[i].role == role && strcmp(self->grants[i].name, name) == 0)
            return &self->grants[i];
    return NULL;
}

static void
s_keep(pt_grants_t *self, const pt_grant_t *grant)
{
    if (self->count < PT_GRANTS_MAX)
        self->grants[self->count++] = *grant;
}

//  A file that could not be looked at is what it was, unless it is known to be gone.
static void
s_take_file_fault(pt_grants_t *self, int reason, const char *error, const char *path, const char *name, pt_party_t role)
{
    char text[PT_KEYS_ERROR_BYTES_MAX + 128];
    const pt_grant_t *grant = s_is_unseen(reason) ? s_find_file(self->before, name, role) : NULL;
    //  This needs no descriptor, and may be known where the contents are not.
    if (grant && access(path, F_OK) != 0 && errno == ENOENT)
        return;
    if (grant)
        s_keep(self, grant);
    snprintf(text, sizeof(text), "%s%s", error,
             grant ? "; its key goes on to hold until this can be read; remove the file to take it away" : "");
    s_take_fault(self, reason, text);
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
        s_take_file_fault(self, errno, error, path, name, role);
}

//  What could not be seen of a folder is as it was.
static void
s_take_folder_fault(pt_grants_t *self, int reason, const char *error)
{
    char text[PT_KEYS_ERROR_BYTES_MAX + 160];
    snprintf(text, sizeof(text), "%s%s", error,
             self->before
                 ? "; the keys in it go on to hold until it can be read, new ones do not count; remove a key's "
                   "file to take it away, or stop the service if that cannot be done"
                 : "");
    s_take_fault(self, reason, text);
    self->unseen = reason;
}

//  0: the folder is there, and only its owner may change it. Else why not; a missing one is no fault.
static int
s_check_folder(pt_grants_t *self, const char *folder)
{
    char error[PT_KEYS_ERROR_BYTES_MAX];
    if (pt_keys_check_folder(folder, error))
        return 0;
    int reason = errno;
    if (s_is_unseen(reason))
        s_take_folder_fault(self, reason, error);
    else if (reason != ENOENT)
        s_take_fault(self, reason, error);
    return reason;
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

//  Of a folder that could not be listed to its end: those who came in before are asked for by name.
static void
s_read_former(pt_grants_t *self, const char *folder, pt_party_t role)
{
    char file[NAME_MAX + 1];
    for (size_t i = 0; self->before && i < self->before->count; i++) {
        const pt_grant_t *grant = &self->before->grants[i];
        if (grant->is_own || grant->role != role || s_find_file(self, grant->name, role))
            continue;
        snprintf(file, sizeof(file), "%s" S_SUFFIX, grant->name);
        if (zclock_mono() < self->end_ms)
            s_read_file(self, folder, file, role);
        else
            s_keep(self, grant);
    }
}

//  Whether nothing is left to be seen all the same. One that was opened was not read to its end, whatever the reason:
//  the names behind that place were not seen, which is not to have no file.
static bool
s_take_list_fault(pt_grants_t *self, const char *folder, int reason, bool opened)
{
    char error[PT_KEYS_ERROR_BYTES_MAX];
    snprintf(error, sizeof(error), "%s: %s", folder, strerror(reason));
    bool unseen = opened || s_is_unseen(reason);
    if (unseen)
        s_take_folder_fault(self, reason, error);
    else
        s_take_fault(self, reason, error);
    return !unseen;
}

//  False when there may be files whose names were not seen.
static bool
s_list_role(pt_grants_t *self, const char *folder, pt_party_t role)
{
    int reason = s_check_folder(self, folder);
    if (reason)
        return !s_is_unseen(reason);
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    //  Only errno tells a folder that cannot be read on from one that has ended.
    while (entries && (errno = 0, entry = readdir(entries)) != NULL)
        s_read_entry(self, folder, entry->d_name, role);
    reason = errno;
    bool opened = entries != NULL;
    if (opened)
        closedir(entries);
    return !reason || s_take_list_fault(self, folder, reason, opened);
}

//  Where clients/ itself was not seen, whoever is new in it is not let in.
static void
s_read_roles(pt_grants_t *self, const pt_curve_t *curve)
{
    char folder[PT_CURVE_FOLDER_BYTES];
    snprintf(folder, sizeof(folder), "%s/clients", pt_curve_dir(curve));
    int reason = s_check_folder(self, folder);
    if (reason && !s_is_unseen(reason))
        return;
    for (int role = 0; role < PT_PARTY_COUNT_; role++) {
        snprintf(folder, sizeof(folder), "%s/clients/%s", pt_curve_dir(curve), pt_party_text((pt_party_t) role));
        if (reason || !s_list_role(self, folder, (pt_party_t) role))
            s_read_former(self, folder, (pt_party_t) role);
    }
}

//  The party itself, whatever its key is now.
static void
s_add_own(pt_grants_t *self, const pt_curve_t *curve)
{
    char own[PT_KEYS_TEXT_BYTES];
    pt_curve_copy_public_key(curve, own);
    for (int role = 0; role < PT_PARTY_COUNT_; role++) {
        s_add(self, "own", (pt_party_t) role, own);
        self->grants[self->count - 1].is_own = true;
    }
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
pt_grants_load(const pt_curve_t *curve, const pt_grants_t *before, pt_grants_fault_fn *fault, void *context)
{
    assert(curve);
    assert(fault);

    pt_grants_t *self = calloc(1, sizeof(*self));
    pt_grant_t *grants = self ? calloc(PT_GRANTS_MAX + PT_PARTY_COUNT_, sizeof(*grants)) : NULL;
    if (!grants) {
        free(self);
        return NULL;
    }
    *self = (pt_grants_t) {.grants = grants, .fault = fault, .context = context, .before = before};
    self->end_ms = zclock_mono() + S_PATIENCE_MS;
    s_read_roles(self, curve);
    s_add_own(self, curve);
    self->before = NULL;
    int reason = before ? 0 : self->unseen;
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
