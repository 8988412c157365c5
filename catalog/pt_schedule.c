//  Times come from peers, so any of them may be anything up to 2^64 - 1: each is cut to 2^53 - 1
//  before it meets another, after which no sum here can wrap.

#include "pt_schedule.h"

#include <xxhash.h>

//  Jitter spreads the retries of one outage over up to a tenth of the delay, in steps of a ten
//  thousandth: enough to part a burst, little enough to keep a documented "5 minutes" true.
#define JITTER_STEPS_MAX 1000u
#define JITTER_STEPS_WHOLE 10000u

//  The back-off that JamesPay's document recommends (seed 001), and a fair one for a gateway
//  whose document is silent.
static const uint32_t s_default_delays_ms[] = {30000, 60000, 120000, 300000};

static uint64_t
s_smaller(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

static uint64_t
s_larger(uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

static uint64_t
s_scheduled_delay_ms(const pt_rule_t *rule, uint32_t attempt)
{
    const uint32_t *delays_ms = rule->delay_count ? rule->delay_ms : s_default_delays_ms;
    size_t count = rule->delay_count ? s_smaller(rule->delay_count, PT_RULE_DELAYS_MAX)
                                     : sizeof s_default_delays_ms / sizeof *s_default_delays_ms;
    return delays_ms[s_smaller(attempt - 1, count - 1)];
}

//  The schedule's delay, or the gateway's Retry-After where that is longer, and jitter upwards:
//  downwards would undercut what the gateway asked for.
static uint64_t
s_delay_ms(const pt_schedule_t *self)
{
    uint64_t delay_ms = s_larger(s_scheduled_delay_ms(self->rule, self->attempt), self->retry_after_ms);
    //  Nothing here is secret: the hash spreads, it does not protect.
    uint64_t hash = XXH3_64bits_withSeed(self->id.data, self->id.len, self->attempt);
    uint64_t steps = hash % (JITTER_STEPS_MAX + 1);
    return pt_schedule_clamp_ms(delay_ms + delay_ms * steps / JITTER_STEPS_WHOLE);
}

bool
pt_schedule_plan(const pt_schedule_t *self, pt_retry_t *out_retry)
{
    const pt_rule_t *rule = self->rule;
    uint32_t max_attempts = rule->max_attempts ? rule->max_attempts : PT_RULE_MAX_ATTEMPTS;
    uint32_t span_ms = rule->deadline_ms ? rule->deadline_ms : PT_RULE_DEADLINE_MS;
    uint64_t deadline_ms = pt_schedule_clamp_ms(self->first_ms + span_ms);
    uint64_t delay_ms = s_delay_ms(self);
    uint64_t next_at_ms = self->now_ms + delay_ms;
    //  An attempt that would come after the deadline is one too many already now.
    if (self->attempt >= max_attempts || self->now_ms >= deadline_ms || next_at_ms > deadline_ms)
        return false;

    *out_retry = (pt_retry_t) {
        .present = true,
        .attempt = self->attempt + 1,
        .max_attempts = max_attempts,
        .delay_ms = delay_ms,
        .next_at_ms = next_at_ms,
        .deadline_ms = deadline_ms,
    };
    return true;
}

bool
pt_schedule_is_persistent(const pt_schedule_t *self)
{
    const pt_rule_t *rule = self->rule;
    uint32_t attempts = rule->alert_count ? rule->alert_count : PT_RULE_PERSIST_ATTEMPTS;
    uint32_t elapsed_ms = rule->alert_span_ms ? rule->alert_span_ms : PT_RULE_PERSIST_MS;
    return self->attempt >= attempts || self->now_ms - self->first_ms >= elapsed_ms;
}
