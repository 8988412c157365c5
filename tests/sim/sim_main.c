/*  Runs many seeds, on as many processes as there are processors, or one seed with its story.
 *
 *      sim [--seeds N] [--first N] [--seed N [--verbose]] [--jobs N]
 *          [--break RULE]  switch a rule off; with --must-break, success is that some seed shows it
 *          [--list]        the rules
 */
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

#define S_JOBS_MAX 64
//  Failing seeds that are told; the first is enough to begin with.
#define S_TOLD_MAX 5

//  What the processes share.
typedef struct {
    atomic_ullong next, failed, first_failed;
    atomic_ullong figures[sizeof(sim_stats_t) / sizeof(uint64_t)];
} s_shared_t;

typedef struct {
    uint64_t first, count;
    bool single, verbose, must_break;
    long jobs;
    sim_break_t broken;
} s_options_t;

static void
s_add_stats(s_shared_t *shared, const sim_stats_t *stats)
{
    uint64_t figures[sizeof(*stats) / sizeof(uint64_t)];
    memcpy(figures, stats, sizeof(figures));
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
        atomic_fetch_add(&shared->figures[i], figures[i]);
}

static void
s_tell_failure(s_shared_t *shared, uint64_t seed, const sim_t *sim, const s_options_t *options)
{
    bool among_first = atomic_fetch_add(&shared->failed, 1) < S_TOLD_MAX;
    unsigned long long lowest = atomic_load(&shared->first_failed);
    while (seed < lowest && !atomic_compare_exchange_weak(&shared->first_failed, &lowest, seed))
        continue;
    if (!among_first)
        return;
    const char *rule = options->broken == SIM_BREAK_NONE ? NULL : sim_break_text(options->broken);
    printf("seed %llu: %s (again: --seed %llu --verbose%s%s)\n", (unsigned long long) seed, sim->failure,
           (unsigned long long) seed, rule ? " --break " : "", rule ? rule : "");
    fflush(stdout);
}

//  Take seeds until there are none, or until a rule that is switched off has shown.
static void
s_work(s_shared_t *shared, const s_options_t *options)
{
    static sim_t sim;
    for (;;) {
        uint64_t number = atomic_fetch_add(&shared->next, 1);
        if (number >= options->count || (options->must_break && atomic_load(&shared->failed)))
            return;
        uint64_t seed = options->first + number;
        if (!sim_run(&sim, seed, options->broken, options->verbose))
            s_tell_failure(shared, seed, &sim, options);
        s_add_stats(shared, &sim.stats);
    }
}

//  False when a process ended otherwise than it should.
static bool
s_work_together(s_shared_t *shared, const s_options_t *options)
{
    bool well = true;
    fflush(stdout);
    for (long i = 0; i < options->jobs; i++) {
        pid_t child = fork();
        if (child < 0)
            return false;
        if (child == 0) {
            s_work(shared, options);
            exit(0);
        }
    }
    int status;
    while (wait(&status) > 0)
        well = well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return well;
}

static void
s_print_stats(const s_shared_t *shared, double seconds)
{
    sim_stats_t stats;
    uint64_t figures[sizeof(stats) / sizeof(uint64_t)];
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
        figures[i] = atomic_load(&shared->figures[i]);
    memcpy(&stats, figures, sizeof(stats));
#define S_SHOW(name) printf("  %-14s %llu\n", #name, (unsigned long long) stats.name)
    printf("  %-14s %.1f\n", "seconds", seconds);
    S_SHOW(events);
    S_SHOW(batches);
    S_SHOW(decisions);
    S_SHOW(acked);
    S_SHOW(repeats);
    S_SHOW(resent);
    S_SHOW(busy);
    S_SHOW(fetched);
    S_SHOW(trimmed);
    S_SHOW(lost_messages);
    S_SHOW(crashes);
    S_SHOW(power_losses);
    S_SHOW(pauses);
    S_SHOW(partitions);
    S_SHOW(resets);
    S_SHOW(clock_jumps);
    S_SHOW(disks);
#undef S_SHOW
}

static int
s_conclude(const s_shared_t *shared, const s_options_t *options, bool well)
{
    unsigned long long failed = atomic_load(&shared->failed), done = atomic_load(&shared->next);
    done = done < options->count ? done : options->count;
    if (!well)
        printf("a process of the simulation died\n");
    if (options->must_break)
        printf(failed ? "%s shows, at seed %llu\n" : "%s does not show in %llu seeds\n",
               sim_break_text(options->broken), failed ? atomic_load(&shared->first_failed) : done);
    else
        printf("%llu seeds from %llu, %llu failed\n", done, (unsigned long long) options->first, failed);
    return well && (failed != 0) == options->must_break ? 0 : 1;
}

static sim_break_t
s_parse_break(const char *text)
{
    for (int i = 0; i < SIM_BREAK_COUNT_; i++)
        if (strcmp(text, sim_break_text((sim_break_t) i)) == 0)
            return (sim_break_t) i;
    fprintf(stderr, "no rule '%s'; --list names them\n", text);
    exit(64);
}

static int
s_list(void)
{
    for (int i = 0; i < SIM_BREAK_COUNT_; i++)
        puts(sim_break_text((sim_break_t) i));
    return 0;
}

//  False for an option that there is not.
static bool
s_parse_option(s_options_t *options, int option)
{
    switch (option) {
    case 'n':
        options->count = strtoull(optarg, NULL, 10);
        return true;
    case 'f':
        options->first = strtoull(optarg, NULL, 10);
        return true;
    case 's':
        options->first = strtoull(optarg, NULL, 10);
        options->count = 1;
        options->single = true;
        return true;
    case 'j':
        options->jobs = strtol(optarg, NULL, 10);
        return true;
    case 'b':
        options->broken = s_parse_break(optarg);
        return true;
    case 'v':
        options->verbose = true;
        return true;
    case 'm':
        options->must_break = true;
        return true;
    default:
        return false;
    }
}

int
main(int argc, char **argv)
{
    static const struct option longs[] = {{"seeds", required_argument, NULL, 'n'},
                                          {"first", required_argument, NULL, 'f'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"jobs", required_argument, NULL, 'j'},
                                          {"break", required_argument, NULL, 'b'},
                                          {"verbose", no_argument, NULL, 'v'},
                                          {"must-break", no_argument, NULL, 'm'},
                                          {"list", no_argument, NULL, 'l'},
                                          {NULL, 0, NULL, 0}};
    s_options_t options = {.first = 1, .count = 1000, .jobs = sysconf(_SC_NPROCESSORS_ONLN), .broken = SIM_BREAK_NONE};
    int option;
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option == 'l')
            return s_list();
        if (!s_parse_option(&options, option))
            return 64;
    }
    if (options.jobs < 1 || options.jobs > S_JOBS_MAX)
        options.jobs = 1;
    s_shared_t *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 71;
    atomic_store(&shared->first_failed, UINT64_MAX);
    struct timespec begun, ended;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    bool well = true;
    if (options.single)
        s_work(shared, &options);
    else
        well = s_work_together(shared, &options);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    s_print_stats(shared, (double) (ended.tv_sec - begun.tv_sec) + (double) (ended.tv_nsec - begun.tv_nsec) / 1e9);
    return s_conclude(shared, &options, well);
}
