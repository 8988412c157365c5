/*  The file is read by the same machine that wrote it, so it is a plain structure. */
#include "pt_poison.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pt_fault_point.h"

//  Changes with the layout; a file with another one begins anew.
#define S_MAGIC UINT64_C(0x3230736b63757370)

typedef struct {
    _Atomic uint64_t count; //  in a slot: 1 while it is filled; of a suspect: deaths, 0: free
    uint64_t producer, epoch, seq;
} s_entry_t;

//  A cache line for each actor, which writes it twice for each batch.
typedef struct {
    s_entry_t entry;
    uint64_t unused[4];
} s_slot_t;
_Static_assert(sizeof(s_slot_t) == 64, "a slot is one cache line");

typedef struct {
    uint64_t magic;
    uint64_t oldest; //  of the suspects: the next to be replaced
    uint64_t unused[6];
    s_slot_t slots[PT_POISON_SLOTS];
    s_entry_t suspects[PT_POISON_SUSPECTS];
} s_file_t;

struct pt_poison {
    s_file_t *file;
    atomic_size_t suspect_count;
    pthread_rwlock_t alone; //  held for writing while a suspect is read
    bool locked[PT_POISON_SLOTS];
};

static bool
s_is_same(const s_entry_t *entry, uint64_t producer, uint64_t epoch, uint64_t seq)
{
    return entry->producer == producer && entry->epoch == epoch && entry->seq == seq;
}

static s_entry_t *
s_find_suspect(const pt_poison_t *self, uint64_t producer, uint64_t epoch, uint64_t seq)
{
    for (size_t i = 0; i < PT_POISON_SUSPECTS; i++) {
        s_entry_t *suspect = &self->file->suspects[i];
        if (atomic_load(&suspect->count) && s_is_same(suspect, producer, epoch, seq))
            return suspect;
    }
    return NULL;
}

static s_entry_t *
s_add_suspect(pt_poison_t *self, const s_entry_t *slot)
{
    s_entry_t *suspect = &self->file->suspects[self->file->oldest++ % PT_POISON_SUSPECTS];
    atomic_store(&suspect->count, 0);
    suspect->producer = slot->producer;
    suspect->epoch = slot->epoch;
    suspect->seq = slot->seq;
    return suspect;
}

static void
s_count_deaths(pt_poison_t *self)
{
    for (size_t i = 0; i < PT_POISON_SLOTS; i++) {
        s_entry_t *slot = &self->file->slots[i].entry;
        if (!atomic_load(&slot->count))
            continue;
        s_entry_t *suspect = s_find_suspect(self, slot->producer, slot->epoch, slot->seq);
        if (!suspect)
            suspect = s_add_suspect(self, slot);
        atomic_fetch_add(&suspect->count, 1);
        atomic_store(&slot->count, 0);
    }
    for (size_t i = 0; i < PT_POISON_SUSPECTS; i++)
        self->suspect_count += atomic_load(&self->file->suspects[i].count) != 0;
}

static s_file_t *
s_map_file(const char *dir)
{
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/suspects", dir) >= (int) sizeof(path)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return NULL;
    void *file = MAP_FAILED;
    //  A hole in a mapped file becomes SIGBUS on a full disk.
    errno = posix_fallocate(fd, 0, sizeof(s_file_t));
    if (errno == 0)
        file = mmap(NULL, sizeof(s_file_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int reason = errno;
    close(fd);
    errno = reason;
    return file == MAP_FAILED ? NULL : file;
}

pt_poison_t *
pt_poison_open(const char *dir, size_t *out_suspects)
{
    assert(dir);
    assert(out_suspects);

    pt_poison_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->file = s_map_file(dir);
    if (!self->file) {
        free(self);
        return NULL;
    }
    if (self->file->magic != S_MAGIC) {
        memset(self->file, 0, sizeof(*self->file));
        self->file->magic = S_MAGIC;
    }
    pthread_rwlock_init(&self->alone, NULL);
    s_count_deaths(self);
    PT_FAULT_POINT("poison.counted");
    *out_suspects = self->suspect_count;
    return self;
}

void
pt_poison_close(pt_poison_t **self_p)
{
    assert(self_p);

    if (!*self_p)
        return;
    pthread_rwlock_destroy(&(*self_p)->alone);
    munmap((*self_p)->file, sizeof(s_file_t));
    free(*self_p);
    *self_p = NULL;
}

//  The number of suspects only falls while we run: who saw none never meets one that is read.
static void
s_lock(pt_poison_t *self, const pt_batch_t *batch)
{
    if (s_find_suspect(self, batch->producer, batch->epoch, batch->seq))
        pthread_rwlock_wrlock(&self->alone);
    else
        pthread_rwlock_rdlock(&self->alone);
}

static void
s_forget_harmless(pt_poison_t *self, const pt_batch_t *batch)
{
    s_entry_t *suspect = s_find_suspect(self, batch->producer, batch->epoch, batch->seq);
    //  Poison stays known until it is replaced: its batch may come again, if it could not be kept.
    if (suspect && atomic_load(&suspect->count) < PT_POISON_LIMIT) {
        atomic_store(&suspect->count, 0);
        atomic_fetch_sub(&self->suspect_count, 1);
    }
}

void
pt_poison_enter(pt_poison_t *self, size_t slot, const pt_batch_t *batch)
{
    assert(self);
    assert(slot < PT_POISON_SLOTS);
    assert(batch);

    bool locks = atomic_load_explicit(&self->suspect_count, memory_order_relaxed) != 0;
    //  Actors share a cache line here, so it is written only when there is something new.
    if (self->locked[slot] != locks)
        self->locked[slot] = locks;
    if (locks)
        s_lock(self, batch);
    s_entry_t *entry = &self->file->slots[slot].entry;
    entry->producer = batch->producer;
    entry->epoch = batch->epoch;
    entry->seq = batch->seq;
    atomic_store_explicit(&entry->count, 1, memory_order_release);
}

void
pt_poison_leave(pt_poison_t *self, size_t slot, const pt_batch_t *batch)
{
    assert(self);
    assert(slot < PT_POISON_SLOTS);
    assert(batch);

    atomic_store_explicit(&self->file->slots[slot].entry.count, 0, memory_order_release);
    if (!self->locked[slot])
        return;
    s_forget_harmless(self, batch);
    pthread_rwlock_unlock(&self->alone);
}

bool
pt_poison_is(const pt_poison_t *self, const pt_batch_t *batch)
{
    assert(self);
    assert(batch);

    if (!atomic_load_explicit(&self->suspect_count, memory_order_relaxed))
        return false;
    const s_entry_t *suspect = s_find_suspect(self, batch->producer, batch->epoch, batch->seq);
    return PT_RULE("poison_limit") && suspect && atomic_load(&suspect->count) >= PT_POISON_LIMIT;
}
