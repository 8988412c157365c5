/*  Which keys hold: read when the gate opens and whenever a file changes, so that a key counts at once and one that
 *  was taken away is cut off at once.
 */
#include "pt_gate_parts.h"

#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

//  Faults of one look at the files, a line each; what has no room is not told.
static void
s_take_fault(void *context, const char *text)
{
    pt_gate_t *self = context;
    size_t len = strlen(self->faults);
    snprintf(self->faults + len, sizeof(self->faults) - len, "%s\n", text);
}

//  They are told when they are other ones than at the last look.
static void
s_tell_faults(pt_gate_t *self)
{
    if (streq(self->faults, self->told_faults))
        return;
    memcpy(self->told_faults, self->faults, sizeof(self->faults));
    char *rest = self->faults;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line;)
        self->say(self->context, line);
}

static void
s_watch_folders(const pt_gate_t *self)
{
    char path[PT_CURVE_PATH_BYTES];
    //  A file counts when its writer closes it, a folder when it is made.
    const uint32_t events = IN_CLOSE_WRITE | IN_MOVE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;
    //  The own key, and a folder clients/ that is made or comes back.
    (void) inotify_add_watch(self->notify_fd, pt_curve_dir(self->curve), events | IN_CREATE);
    snprintf(path, sizeof(path), "%s/clients", pt_curve_dir(self->curve));
    //  What cannot be watched is still looked at now and then.
    (void) inotify_add_watch(self->notify_fd, path, events | IN_CREATE);
    for (int role = 0; role < PT_PARTY_COUNT_; role++) {
        snprintf(path, sizeof(path), "%s/clients/%s", pt_curve_dir(self->curve), pt_party_text((pt_party_t) role));
        (void) inotify_add_watch(self->notify_fd, path, events);
    }
}

static void
s_tell_cut(pt_gate_t *self, bool own)
{
    char line[PT_KEYS_ERROR_BYTES_MAX];
    snprintf(line, sizeof(line), "the service's own key is %s from now on: connections begin anew with it", self->own);
    self->say(self->context, own ? line
                                 : "a client's key was taken away: connections are cut, and those who may come back "
                                   "do so");
}

//  Wake those whose sockets admit somebody no longer.
static void
s_cut(pt_gate_t *self, unsigned domains, bool own)
{
    pthread_mutex_lock(&self->lock);
    self->counters.cuts++;
    for (size_t i = 0; i < self->watcher_count; i++)
        if (domains & (1u << self->watchers[i].domain))
            eventfd_write(self->watchers[i].fd, 1);
    pthread_mutex_unlock(&self->lock);
    s_tell_cut(self, own);
}

static void
s_remember(void *context, const uint8_t key[32])
{
    pt_gate_t *self = context;
    memcpy(self->former[self->former_count++ % PT_GATE_FORMER], key, 32);
}

bool
pt_gate_is_former(const pt_gate_t *self, const uint8_t *key)
{
    for (size_t i = 0; i < self->former_count && i < PT_GATE_FORMER; i++)
        if (memcmp(self->former[i], key, 32) == 0)
            return true;
    return false;
}

static void
s_take_grants(pt_gate_t *self, pt_grants_t *next)
{
    if (self->grants)
        pt_grants_compare(self->grants, next, s_remember, self);
    pt_grants_destroy(&self->grants);
    self->grants = next;
    pthread_mutex_lock(&self->lock);
    self->counters.reloads++;
    self->counters.keys = pt_grants_count(next);
    pthread_mutex_unlock(&self->lock);
}

//  True when it is another one than the sockets have. One that cannot be used leaves the one of before.
static bool
s_read_own(pt_gate_t *self)
{
    char error[PT_KEYS_ERROR_BYTES_MAX];
    char own[PT_KEYS_TEXT_BYTES];
    if (!pt_curve_refresh(self->curve, error))
        s_take_fault(self, error);
    pt_curve_copy_public_key(self->curve, own);
    bool other = *self->own && !streq(own, self->own);
    memcpy(self->own, own, sizeof(own));
    return other;
}

//  What could not be looked at holds as it was, and the next look tries again.
void
pt_gate_load(pt_gate_t *self)
{
    //  Watched before it is read: a change in between is seen.
    s_watch_folders(self);
    self->faults[0] = 0;
    bool other = s_read_own(self);
    pt_grants_t *next = pt_grants_load(self->curve, self->grants, s_take_fault, self);
    int reason = errno;
    self->loaded_ms = zclock_mono();
    s_tell_faults(self);
    unsigned domains = other ? (1u << PT_PARTY_COUNT_) - 1 : 0;
    for (int role = 0; next && self->grants && role < PT_PARTY_COUNT_; role++)
        if (pt_grants_lost(self->grants, next, (pt_party_t) role))
            domains |= 1u << role;
    if (next)
        s_take_grants(self, next);
    if (domains)
        s_cut(self, domains, other);
    errno = reason;
}

//  Whether anything was told. What it was does not matter: all is read anew.
static bool
s_read_notes(const pt_gate_t *self)
{
    char notes[4096] __attribute__((aligned(8)));
    bool any = false;
    while (read(self->notify_fd, notes, sizeof(notes)) > 0)
        any = true;
    return any;
}

void
pt_gate_look_at_files(pt_gate_t *self)
{
    if (s_read_notes(self) || zclock_mono() - self->loaded_ms >= PT_GATE_RELOAD_MS)
        pt_gate_load(self);
}
