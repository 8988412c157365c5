/*  One question at a time: who asks and gets no answer in time leaves, and the answer that comes later is thrown away.
 */
#include "pt_lag_reader.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pt_histogram_ns.h"

struct pt_lag_reader {
    pt_store_t *store;
    pthread_t thread;
    pthread_mutex_t lock; //  of what follows, but of `lags` only while nobody reads
    pthread_cond_t changed;
    bool reading, ending;
    uint64_t since_ms; //  when the reading began, while there is one
    size_t count;
    pt_lag_t lags[PT_STORE_SUBSCRIBERS_MAX];
};

static void *
s_run(void *argument)
{
    pt_lag_reader_t *self = argument;
    pthread_mutex_lock(&self->lock);
    while (!self->ending) {
        if (!self->reading) {
            pthread_cond_wait(&self->changed, &self->lock);
            continue;
        }
        pthread_mutex_unlock(&self->lock);
        size_t count = pt_lag_read(self->store, self->lags, PT_STORE_SUBSCRIBERS_MAX);
        pthread_mutex_lock(&self->lock);
        self->count = count;
        self->reading = false;
        self->since_ms = 0;
        pthread_cond_broadcast(&self->changed);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

pt_lag_reader_t *
pt_lag_reader_new(pt_store_t *store)
{
    assert(store);

    pthread_condattr_t clock;
    pt_lag_reader_t *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->store = store;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&clock);
    //  Whoever sets the wall clock changes nobody's patience.
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &clock);
    pthread_condattr_destroy(&clock);
    int refused = pthread_create(&self->thread, NULL, s_run, self);
    if (!refused)
        return self;
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self);
    errno = refused;
    return NULL;
}

void
pt_lag_reader_destroy(pt_lag_reader_t **self_p)
{
    assert(self_p);

    pt_lag_reader_t *self = *self_p;
    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    self->ending = true;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

//  Until the reading is over, or `end_ms`. The lock is held.
static bool
s_wait(pt_lag_reader_t *self, uint64_t end_ms)
{
    const struct timespec end = {.tv_sec = (time_t) (end_ms / 1000), .tv_nsec = (long) (end_ms % 1000) * 1000000};
    while (self->reading && pthread_cond_timedwait(&self->changed, &self->lock, &end) == 0)
        ;
    return !self->reading;
}

size_t
pt_lag_reader_read(pt_lag_reader_t *self, uint32_t patience_ms, pt_lag_t *out_lags)
{
    assert(self);
    assert(out_lags);

    size_t count = 0;
    pthread_mutex_lock(&self->lock);
    //  One that somebody left behind is over first; what it found is old.
    if (s_wait(self, self->since_ms + patience_ms)) {
        self->reading = true;
        self->since_ms = pt_clock_ns() / 1000000;
        pthread_cond_broadcast(&self->changed);
        if (s_wait(self, self->since_ms + patience_ms))
            count = self->count;
        memcpy(out_lags, self->lags, count * sizeof(*out_lags));
    }
    pthread_mutex_unlock(&self->lock);
    return count;
}

uint64_t
pt_lag_reader_since_ms(pt_lag_reader_t *self)
{
    assert(self);

    pthread_mutex_lock(&self->lock);
    uint64_t since_ms = self->since_ms;
    pthread_mutex_unlock(&self->lock);
    return since_ms;
}
