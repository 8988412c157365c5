/*  Counters are read, not reported by whoever counts: the threads of the data path never log. */
#include "cmd_watch.h"

#include "pt_accept.h"
#include "pt_log.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

static uint64_t
s_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

static void
s_notify(const char *state)
{
    int result = sd_notify(0, state);
    if (result < 0)
        pt_log(PT_EVENT_SERVICE_NOT_NOTIFIED, PT_LOG_S("state", state), PT_LOG_S("reason", strerror(-result)));
}

//  The other half may be started later; whoever has waited for so long most likely waits at a wrong address.
#define S_ALONE_TURNS 5

//  Whether to tell that nobody is at the other end: as soon as the last one has gone, or once after a while where
//  nobody came.
static bool
s_is_alone(cmd_watch_t *self, uint64_t now, uint64_t told)
{
    if (now || told)
        self->alone = S_ALONE_TURNS;
    return told ? !now : self->alone < S_ALONE_TURNS && ++self->alone == S_ALONE_TURNS;
}

static void
s_look_at_descriptors(cmd_watch_t *self)
{
    uint64_t now = pt_accept_turned_away();
    if (now != self->turned_away_told)
        pt_log(PT_EVENT_SERVICE_DESCRIPTORS, PT_LOG_N("turned_away", now - self->turned_away_told),
               PT_LOG_S("see", "ulimit -n"));
    self->turned_away_told = now;
}

static void
s_look_at_broker(cmd_watch_t *self)
{
    pt_broker_counters_t now = pt_broker_counters(self->broker), *told = &self->broker_told;
    if (s_is_alone(self, now.workers, told->workers))
        pt_log(PT_EVENT_BROKER_NO_WORKER, PT_LOG_N("were", told->workers));
    else if (now.workers != told->workers)
        pt_log(PT_EVENT_BROKER_WORKERS, PT_LOG_N("workers", now.workers));
    if (now.garbage + now.refused + now.answers_dropped != told->garbage + told->refused + told->answers_dropped)
        pt_log(PT_EVENT_BROKER_DROPPED, PT_LOG_N("garbage", now.garbage - told->garbage),
               PT_LOG_N("refused", now.refused - told->refused),
               PT_LOG_N("answers", now.answers_dropped - told->answers_dropped));
    *told = now;
}

//  With a broker in the same process there is nothing to tell.
static void
s_look_at_brokers(cmd_watch_t *self, const pt_pool_counters_t *now)
{
    const pt_pool_counters_t *told = &self->pool_told;
    if (s_is_alone(self, now->connected, told->connected))
        pt_log(PT_EVENT_WORKER_NO_BROKER, PT_LOG_N("were", told->connected), PT_LOG_S("see", "--connect"));
    else if (now->connected != told->connected)
        pt_log(PT_EVENT_WORKER_BROKERS, PT_LOG_N("connected", now->connected), PT_LOG_N("of", now->brokers));
}

static void
s_look_at_pool(cmd_watch_t *self)
{
    pt_pool_counters_t now = pt_pool_counters(self->pool);
    if (!self->broker)
        s_look_at_brokers(self, &now);
    if (now.invalid != self->pool_told.invalid)
        pt_log(PT_EVENT_WORKER_INVALID, PT_LOG_N("count", now.invalid - self->pool_told.invalid));
    if (now.garbage != self->pool_told.garbage)
        pt_log(PT_EVENT_WORKER_GARBAGE, PT_LOG_N("count", now.garbage - self->pool_told.garbage));
    pt_log(PT_EVENT_WORKER_RATES, PT_LOG_N("received", now.received - self->pool_told.received),
           PT_LOG_N("acked", now.acked - self->pool_told.acked),
           PT_LOG_N("nacked", now.nacked - self->pool_told.nacked),
           PT_LOG_N("published", now.published - self->pool_told.published), PT_LOG_N("in_work", now.in_work));
    self->pool_told = now;
}

static void
s_look_at_journal(cmd_watch_t *self)
{
    bool full = pt_store_is_full(self->journal);
    if (full && !self->full)
        pt_log(PT_EVENT_JOURNAL_FULL, PT_LOG_S("see", "paytriage journal subscribers"));
    else if (!full && self->full)
        pt_log(PT_EVENT_JOURNAL_ROOM, PT_LOG_N("full", 0));
    self->full = full;
    pt_store_troubles_t now = pt_store_troubles(self->journal), *told = &self->troubles_told;
    if (now.without_room != told->without_room)
        pt_log(PT_EVENT_JOURNAL_NO_ROOM, PT_LOG_N("commits", now.without_room - told->without_room),
               PT_LOG_N("used_percent", pt_store_used_percent(self->journal)));
    if (now.folded != told->folded)
        pt_log(PT_EVENT_JOURNAL_TOPICS, PT_LOG_N("decisions", now.folded - told->folded),
               PT_LOG_N("topics_max", PT_STORE_TOPICS_MAX), PT_LOG_S("topic", "retry.-. and its like"));
    if (now.dead_views != told->dead_views)
        pt_log(PT_EVENT_JOURNAL_DEAD_READER, PT_LOG_N("readers", now.dead_views - told->dead_views));
    if (now.damaged != told->damaged)
        pt_log(PT_EVENT_JOURNAL_DAMAGED, PT_LOG_N("requests", now.damaged - told->damaged),
               PT_LOG_S("see", "paytriage journal verify"));
    *told = now;
}

static void
s_fill_signals(sigset_t *out)
{
    sigemptyset(out);
    sigaddset(out, SIGUSR1);
    sigaddset(out, SIGUSR2);
}

void
cmd_watch_take_signals(void)
{
    sigset_t signals;
    s_fill_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

//  Signals that wait, without waiting for one: blocked in every thread, they wait for whoever asks.
static void
s_change_level(void)
{
    static const struct timespec at_once = {0};
    sigset_t signals;
    s_fill_signals(&signals);
    for (int signal; (signal = sigtimedwait(&signals, NULL, &at_once)) > 0;) {
        pt_log_level_t level = pt_log_level();
        if (signal == SIGUSR1 && level + 1 < PT_LOG_LEVEL_COUNT_)
            level++;
        else if (signal == SIGUSR2 && level > PT_LOG_ERROR)
            level--;
        //  Told while the more talkative of both levels holds.
        if (level > pt_log_level())
            pt_log_set_level(level);
        pt_log(PT_EVENT_LOG_LEVEL, PT_LOG_S("level", pt_log_level_text(level)));
        pt_log_set_level(level);
    }
}

void
cmd_watch_ready(cmd_watch_t *self)
{
    self->told_ms = s_now_ms();
    s_notify("READY=1\nSTATUS=responses are taken");
}

void
cmd_watch_turn(cmd_watch_t *self)
{
    uint64_t now_ms = s_now_ms();
    if (now_ms - self->told_ms < CMD_WATCH_MS)
        return;
    self->told_ms = now_ms;
    s_look_at_descriptors(self);
    if (self->broker)
        s_look_at_broker(self);
    if (self->pool)
        s_look_at_pool(self);
    if (self->journal)
        s_look_at_journal(self);
    s_change_level();
    pt_log_tick();
    s_notify("WATCHDOG=1");
}

//  A drain may take longer than the watchdog's time, and is no hang: it has a time of its own.
void
cmd_watch_stopping(uint64_t drain_ms)
{
    char state[160];
    uint64_t extended_us = (drain_ms + 5000) * 1000;
    snprintf(state, sizeof state,
             "STOPPING=1\nSTATUS=finishing what was taken\nWATCHDOG_USEC=%" PRIu64 "\nEXTEND_TIMEOUT_USEC=%" PRIu64,
             extended_us, extended_us);
    s_notify(state);
}
