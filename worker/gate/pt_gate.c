/*  A REP socket, so that every question gets exactly one answer before the next one is read. */
#include "pt_gate_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "pt_actor.h"
#include "pt_fault_point.h"
#include "pt_sockets.h"
#include "pt_zap.h"

#define S_ENDPOINT "inproc://zeromq.zap.01"

//  Refusals are told one a second, with the number of the others.
#define S_SAY_MS 1000

//  Questions answered between two looks at the files.
#define S_BURST 64

//  ---- questions

static void
s_say_refusal(pt_gate_t *self, const char *text)
{
    char line[PT_KEYS_ERROR_BYTES_MAX];
    int64_t now_ms = zclock_mono();
    pthread_mutex_lock(&self->lock);
    bool quiet = self->said_ms && now_ms - self->said_ms < S_SAY_MS;
    uint64_t unsaid = self->unsaid;
    self->unsaid = quiet ? unsaid + 1 : 0;
    if (!quiet)
        self->said_ms = now_ms;
    pthread_mutex_unlock(&self->lock);
    if (quiet)
        return;
    if (unsaid)
        snprintf(line, sizeof(line), "%s; %llu more since the last line", text, (unsigned long long) unsaid);
    self->say(self->context, unsaid ? line : text);
}

static void
s_refuse(pt_gate_t *self, pt_zap_t *question, pt_party_t domain)
{
    char key[PT_KEYS_TEXT_BYTES];
    char line[PT_KEYS_ERROR_BYTES_MAX];
    pt_text_t address = pt_zap_address(question);
    const uint8_t *bytes = pt_zap_key(question);
    const pt_grant_t *known = pt_grants_know(self->grants, bytes);
    pthread_mutex_lock(&self->lock);
    if (known)
        self->counters.wrong_role++;
    else
        self->counters.unknown_key++;
    pthread_mutex_unlock(&self->lock);
    //  After 400 libzmq's clients never try again. One that was let in before may have lost its file by
    //  mistake: 300 ends the connection as well, and it comes back by itself when the file does.
    bool former = !known && pt_gate_is_former(self, bytes);
    pt_zap_answer(question, zsock_resolve(self->zap), former ? "300" : "400", "");
    int len = snprintf(line, sizeof(line), "refused at the %ss' socket: ", pt_party_text(domain));
    len += snprintf(line + len, sizeof(line) - (size_t) len, "%.*s, ", (int) (address.len > 64 ? 64 : address.len),
                    address.data);
    if (known)
        snprintf(line + len, sizeof(line) - (size_t) len, "whose key is that of %s/%s", pt_party_text(known->role),
                 known->name);
    else
        snprintf(line + len, sizeof(line) - (size_t) len, "with a key that %s: %s",
                 former ? "was taken away" : "nobody here knows", zmq_z85_encode(key, bytes, 32));
    s_say_refusal(self, line);
}

static void
s_count(pt_gate_t *self, uint64_t *counter)
{
    pthread_mutex_lock(&self->lock);
    (*counter)++;
    pthread_mutex_unlock(&self->lock);
}

static void
s_judge(pt_gate_t *self, pt_zap_t *question)
{
    char user[PT_GRANTS_NAME_BYTES_MAX + 1];
    pt_party_t domain = pt_zap_domain(question);
    if (domain == PT_PARTY_COUNT_) {
        s_count(self, &self->counters.bad_request);
        pt_zap_answer(question, zsock_resolve(self->zap), "400", "");
        return;
    }
    const uint8_t *key = pt_zap_key(question);
    const pt_grant_t *grant = pt_grants_admit(self->grants, key, domain);
    if (!grant) {
        s_refuse(self, question, domain);
        return;
    }
    s_count(self, &self->counters.admitted);
    //  Up to the first dot, so that a party keeps its name while it has two keys.
    snprintf(user, sizeof(user), "%.*s", (int) strcspn(grant->name, "."), grant->name);
    pt_zap_answer(question, zsock_resolve(self->zap), "200", user);
}

static void
s_read_questions(pt_gate_t *self)
{
    pt_zap_t question;
    for (int i = 0; i < S_BURST && pt_zap_receive(zsock_resolve(self->zap), &question); i++) {
        //  The files first, for each one: what changed before it was asked counts, whatever is asked at the same time.
        pt_gate_look_at_files(self);
        s_judge(self, &question);
        pt_zap_clear(&question);
    }
}

//  ---- the actor

static void
s_run(zsock_t *pipe, void *argument)
{
    pt_gate_t *self = argument;
    zmq_pollitem_t items[] = {
        {.socket = zsock_resolve(pipe), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve(self->zap), .events = ZMQ_POLLIN},
        {.fd = self->notify_fd, .events = ZMQ_POLLIN},
    };
    zsock_signal(pipe, 0);
    bool told = false;
    while (!told) {
        pt_sockets_poll(items, 3, PT_GATE_RELOAD_MS);
        //  The only command is the end.
        told = items[0].revents != 0;
        pt_gate_look_at_files(self);
        if (items[1].revents && !PT_RULE("gate"))
            break;
        s_read_questions(self);
    }
    zsock_destroy(&self->zap);
    if (!told)
        pt_gate_fail(self, "the authenticator has ended: nobody is let in any more");
}

static bool
s_open(pt_gate_t *self, const pt_curve_t *curve)
{
    char bound[PT_ENDPOINT_BYTES_MAX + 1];
    self->curve = curve;
    self->failure_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (self->failure_fd < 0 || self->notify_fd < 0)
        return false;
    pt_gate_load(self);
    self->zap = self->grants ? pt_sockets_new(ZMQ_REP, 0, 0) : NULL;
    if (!self->zap || pt_sockets_bind(self->zap, S_ENDPOINT, bound) != PT_OK)
        return false;
    self->actor = pt_actor_new(s_run, self);
    return self->actor != NULL;
}

pt_gate_t *
pt_gate_new(const pt_curve_t *curve, pt_gate_say_fn *say, void *context, char *out_error)
{
    assert(curve);
    assert(say);
    assert(out_error);

    pt_gate_t *self = calloc(1, sizeof(*self));
    if (self) {
        pthread_mutex_init(&self->lock, NULL);
        self->say = say;
        self->context = context;
        self->failure_fd = self->notify_fd = -1;
    }
    if (!self || !s_open(self, curve)) {
        int reason = self ? errno : ENOMEM;
        snprintf(out_error, PT_KEYS_ERROR_BYTES_MAX, "cannot start the authenticator: %s", zmq_strerror(reason));
        pt_gate_destroy(&self);
        errno = reason;
    }
    return self;
}

void
pt_gate_destroy(pt_gate_t **self_p)
{
    assert(self_p);

    pt_gate_t *self = *self_p;
    if (!self)
        return;
    zactor_destroy(&self->actor);
    zsock_destroy(&self->zap);
    pt_grants_destroy(&self->grants);
    for (size_t i = 0; i < self->watcher_count; i++)
        close(self->watchers[i].fd);
    if (self->notify_fd >= 0)
        close(self->notify_fd);
    if (self->failure_fd >= 0)
        close(self->failure_fd);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

const pt_curve_t *
pt_gate_curve(const pt_gate_t *self)
{
    assert(self);

    return self->curve;
}

int
pt_gate_watch(pt_gate_t *self, pt_party_t domain)
{
    assert(self);

    pthread_mutex_lock(&self->lock);
    int fd = -1;
    errno = EMFILE;
    if (self->watcher_count < PT_GATE_WATCHERS)
        fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd >= 0)
        self->watchers[self->watcher_count++] = (pt_gate_watcher_t) {fd, domain};
    pthread_mutex_unlock(&self->lock);
    return fd;
}

void
pt_gate_note_failure(pt_gate_t *self, pt_party_t domain)
{
    assert(self);

    char line[160];
    s_count(self, &self->counters.no_handshake);
    snprintf(line, sizeof(line),
             "refused at the %ss' socket: a peer without CURVE, with another server's key, or that said nothing",
             pt_party_text(domain));
    s_say_refusal(self, line);
}

void
pt_gate_fail(pt_gate_t *self, const char *reason)
{
    assert(self);
    assert(reason);

    pthread_mutex_lock(&self->lock);
    if (!*self->failure)
        snprintf(self->failure, sizeof(self->failure), "%s", reason);
    pthread_mutex_unlock(&self->lock);
    eventfd_write(self->failure_fd, 1);
}

int
pt_gate_failure_fd(const pt_gate_t *self)
{
    assert(self);

    return self->failure_fd;
}

const char *
pt_gate_failure(const pt_gate_t *self)
{
    assert(self);

    return self->failure;
}

pt_gate_counters_t
pt_gate_counters(const pt_gate_t *self)
{
    assert(self);

    //  The lock is the one part of a gate that looking at it changes.
    //  NOLINTNEXTLINE(performance-no-int-to-ptr)
    pthread_mutex_t *lock = (pthread_mutex_t *) (uintptr_t) &self->lock;
    pthread_mutex_lock(lock);
    pt_gate_counters_t counters = self->counters;
    pthread_mutex_unlock(lock);
    return counters;
}
