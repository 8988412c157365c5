/*  A real worker, ended at every point of its work and at random, and started again: nothing that was
 *  acknowledged may be missing, nothing may come twice.
 *
 *      crash --program PAYTRIAGE_FAULTS --sources DIR [--plan NAME] [--long] [--jobs N] [--seed N]
 *            [--rule NAME] [--expect-violation] [--shim FILE] [--point NAME --hit N]
 *
 *  Plans: points (each point of the sources at hit 1, 2, 3, 10, 100), kills (SIGKILL at random), away
 *  (a subscriber is away until the journal is full), poison (a response that ends whoever reads it),
 *  disk (every n-th call on the journal's file fails), memory (every n-th allocation fails). With a rule
 *  switched off a plan has to find a violation: --expect-violation.
 */
#include "bed.h"
#include "preload.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define S_POINTS_MAX 256
#define S_JOBS_MAX 16
#define S_NAME_BYTES 64

static const unsigned s_hits[] = {1, 2, 3, 10, 100};
#define S_HITS (sizeof(s_hits) / sizeof(s_hits[0]))

typedef struct {
    const char *program, *sources, *plan, *rule, *shim, *point;
    unsigned hit, jobs, slice;
    uint64_t seed;
    bool is_long, expect_violation;
} s_plan_t;

typedef struct {
    char name[S_NAME_BYTES];
    unsigned long passed; //  in a turn in which nothing happens
} s_point_t;

typedef struct {
    s_point_t points[S_POINTS_MAX];
    size_t count;
} s_points_t;

typedef struct {
    bed_counts_t counts;
    uint64_t points_reached, pairs_reached, pairs;
} s_result_t;

static bed_options_t
s_make_options(const s_plan_t *plan)
{
    return (bed_options_t) {.program = plan->program,
                            .journal_bytes = "4M",
                            .rule = plan->rule,
                            .batch = 4,
                            .window = 8,
                            .patience_ms = plan->rule ? 8000 : 60000,
                            .quiet = plan->expect_violation};
}

//  ---- points

//  The points that the sources name.
static void
s_list_points(const s_plan_t *plan, s_points_t *points)
{
    char command[512];
    snprintf(command, sizeof(command),
             "grep -rhoE 'PT_FAULT_POINT\\(\"[a-z_.]+' '%s/worker' | cut -d'\"' -f2 | sort -u", plan->sources);
    FILE *list = popen(command, "r");
    points->count = 0;
    while (list && points->count < S_POINTS_MAX && fscanf(list, "%63s", points->points[points->count].name) == 1)
        points->points[points->count++].passed = 0;
    if (!list || pclose(list) != 0 || points->count < 40) {
        fprintf(stderr, "%zu points in %s/worker\n", points->count, plan->sources);
        exit(2);
    }
}

//  How often each point is passed when nothing happens, with a new journal and then with that one.
static void
s_count_passes(bed_t *bed, s_points_t *points)
{
    char file[BED_PATH_BYTES];
    char variable[BED_PATH_BYTES + 32];
    char name[S_NAME_BYTES];
    unsigned long passed;
    snprintf(file, sizeof(file), "%s/counts", bed->dir);
    snprintf(variable, sizeof(variable), "PAYTRIAGE_FAULT_COUNTS=%s", file);
    bed_fault_t fault = {.variable = {variable}, .lives = 1};
    for (unsigned turn = 0; turn < 2; turn++) {
        bed_turn(bed, &fault, 480, (pt_bytes_t) {NULL, 0});
        FILE *counts = fopen(file, "r");
        while (counts && fscanf(counts, "%63s %lu", name, &passed) == 2)
            for (size_t i = 0; i < points->count; i++)
                if (strcmp(points->points[i].name, name) == 0 && passed > points->points[i].passed)
                    points->points[i].passed = passed;
        if (counts)
            fclose(counts);
    }
}

static bool
s_begins_with(const char *name, const char *const *beginnings)
{
    for (; *beginnings; beginnings++)
        if (strncmp(name, *beginnings, strlen(*beginnings)) == 0)
            return true;
    return false;
}

//  One point and one hit. What is passed in a start is passed again by the second life, and ends it as
//  well; elsewhere that would make poison of the batches at hand.
static bool
s_crash_at(bed_t *bed, const char *name, unsigned hit, bool kill_first)
{
    static const char *const fresh[] = {"store.new", "store.topic.made", "replay.open", "commit.req", NULL};
    static const char *const starting[] = {"store.env",    "store.locked",  "store.start", "store.topic.l",
                                           "poison.",      "engine.restor", "engine.crew", "publish.restore",
                                           "publish.head", "link.",         NULL};
    char variable[128];
    uint64_t before = bed->counts.deaths;
    snprintf(variable, sizeof(variable), "PAYTRIAGE_FAULT=%s:%u", name, hit);
    bed_fault_t fault = {.variable = {variable},
                         .lives = s_begins_with(name, starting) || kill_first ? 2 : 1,
                         .kill_at = kill_first ? 20 : 0};
    if (s_begins_with(name, fresh))
        bed_renew_journal(bed);
    uint64_t responses = strstr(name, "trim") ? 4000 : hit >= 100 ? 480 : 96;
    bed_turn(bed, &fault, responses, (pt_bytes_t) {NULL, 0});
    return bed->counts.deaths > before + kill_first;
}

static void
s_run_points(const s_plan_t *plan, bed_t *bed, s_result_t *result)
{
    static s_points_t s_points;
    s_list_points(plan, &s_points);
    s_count_passes(bed, &s_points);
    for (size_t i = 0; i < s_points.count; i++) {
        const s_point_t *point = &s_points.points[i];
        bool reached = false;
        if (i % plan->jobs != plan->slice || (plan->point && strcmp(plan->point, point->name) != 0))
            continue;
        for (size_t j = 0; j < S_HITS; j++) {
            result->pairs++;
            if (plan->hit && plan->hit != s_hits[j])
                continue;
            //  What happens rarely in a quiet turn may happen more often in a start after a death.
            if (s_hits[j] > 3 && point->passed < s_hits[j])
                continue;
            bool here = s_crash_at(bed, point->name, s_hits[j], false);
            if (!here && j == 0)
                here = s_crash_at(bed, point->name, s_hits[j], true);
            result->pairs_reached += here;
            reached |= here;
            if (!here && j > 0)
                break;
            if (plan->expect_violation && bed->counts.violations)
                return;
        }
        result->points_reached += reached;
        if (!reached && !plan->rule)
            fprintf(stderr, "not reached: %s (passed %lu times)\n", point->name, point->passed);
    }
}

//  ---- other plans

static void
s_run_kills(const s_plan_t *plan, bed_t *bed, s_result_t *result)
{
    (void) result;
    uint64_t seed = plan->seed * 2654435761u + plan->slice + 1;
    unsigned turns = (plan->is_long ? 1000 : 100) / plan->jobs + 1;
    for (unsigned i = 0; i < turns && !(plan->expect_violation && bed->counts.violations); i++) {
        bed_fault_t fault = {.kill_at = 1 + bed_random(&seed) % 150, .spin = (unsigned) (bed_random(&seed) % 3000000)};
        bed_turn(bed, &fault, 200, (pt_bytes_t) {NULL, 0});
        //  A subscriber that goes with a word gets nothing twice when it comes back.
        if (i % 10 == 9) {
            bed_start_worker(bed, &fault, 0);
            bed_drop_subscriber(bed);
            bed_add_subscriber(bed);
            bed_stop_worker(bed);
        }
    }
}

//  A named subscriber is away until nothing more is taken, and then gets all of it.
static void
s_run_away(const s_plan_t *plan, bed_t *bed, s_result_t *result)
{
    (void) plan, (void) result;
    bed_fault_t none = {.lives = 0};
    bed_turn(bed, &none, 40, (pt_bytes_t) {NULL, 0});
    bed_start_worker(bed, &none, 0);
    bed_drop_subscriber(bed);
    uint64_t goal = bed->put + 12000;
    int64_t end_ms = bed_now_ms() + bed->options.patience_ms;
    while (bed->put < goal && pt_producer_counts(bed->producer).busy < 20 && bed_now_ms() < end_ms) {
        while (bed->put < goal && bed_put(bed, (pt_bytes_t) {NULL, 0}))
            continue;
        bed_poll(bed, 2);
    }
    bool full = pt_producer_counts(bed->producer).busy >= 20;
    if (!full)
        bed_violate(bed, "a full journal refuses nothing, with %" PRIu64 " responses put", bed->put);
    bed_stop_worker(bed);
    bed_compare_journal(bed);
    bed_add_subscriber(bed);
    bed_turn(bed, &none, 40, (pt_bytes_t) {NULL, 0});
}

static void
s_run_poison(const s_plan_t *plan, bed_t *bed, s_result_t *result)
{
    (void) plan, (void) result;
    static const char raw[] = "\x81\xa2id\xaapoisonword";
    bed_fault_t fault = {.variable = {"PAYTRIAGE_FAULT_BYTES=poisonword"}, .lives = BED_LIVES_MAX};
    for (unsigned i = 0; i < 5; i++) {
        uint64_t before = bed->counts.deaths;
        bed->poison = bed->put + 1;
        bed_turn(bed, &fault, 40, (pt_bytes_t) {(const uint8_t *) raw, sizeof(raw) - 1});
        if (bed->counts.deaths - before != 2)
            bed_violate(bed, "poison ended a worker %" PRIu64 " times", bed->counts.deaths - before);
        bed->poison = 0;
    }
}

//  The n-th call fails, for every n; `step` leaves some out.
static void
s_run_failures(const s_plan_t *plan, bed_t *bed, const char *const *kinds, unsigned limit, unsigned step)
{
    preload_t preload = preload_of(plan->shim);
    char variable[96];
    for (unsigned n = 1; n <= limit; n += n < 12 ? 1 : step)
        for (size_t i = 0; kinds[i]; i++) {
            if ((n * 7 + i) % plan->jobs != plan->slice)
                continue;
            snprintf(variable, sizeof(variable), "PT_SHIM_FAIL=%s:%u", kinds[i], n);
            bed_fault_t fault = {.variable = {preload.folder, preload.name, variable},
                                 .lives = 1,
                                 .fails = true,
                                 .aborts = strcmp(kinds[i], "malloc") == 0};
            uint64_t before = bed->counts.violations;
            if (n < 40 && n % 5 == 4)
                bed_renew_journal(bed);
            bed_turn(bed, &fault, 240, (pt_bytes_t) {NULL, 0});
            if (bed->counts.violations > before && !plan->expect_violation)
                fprintf(stderr, "  with %s\n", variable);
            if (plan->expect_violation && bed->counts.violations)
                return;
        }
}

static void
s_run_disk(const s_plan_t *plan, bed_t *bed, s_result_t *result)
{
    (void) result;
    static const char *const kinds[] = {"EIO", "ENOSPC", "EINTR", "short", "sync", NULL};
    s_run_failures(plan, bed, kinds, 200, plan->is_long ? 1 : 7);
}

static void
s_run_memory(const s_plan_t *plan, bed_t *bed, s_result_t *result)
{
    (void) result;
    static const char *const kinds[] = {"malloc", NULL};
    s_run_failures(plan, bed, kinds, 200, plan->is_long ? 1 : 7);
}

//  ---- slices of a plan, each a process with a bed of its own

static const struct {
    const char *name;
    void (*run)(const s_plan_t *plan, bed_t *bed, s_result_t *result);
    bool sliced;
    uint32_t batch;
    size_t filler;
} s_plans[] = {
    {"points", s_run_points, true, 4, 300}, {"kills", s_run_kills, true, 4, 0}, {"away", s_run_away, false, 20, 600},
    {"poison", s_run_poison, false, 1, 0},  {"disk", s_run_disk, true, 4, 0},   {"memory", s_run_memory, true, 4, 0},
};
#define S_PLANS (sizeof(s_plans) / sizeof(s_plans[0]))

static size_t
s_find_plan(const char *name)
{
    for (size_t i = 0; i < S_PLANS; i++)
        if (strcmp(s_plans[i].name, name) == 0)
            return i;
    fprintf(stderr, "there is no plan '%s'\n", name);
    exit(2);
}

static void
s_run_slice(const s_plan_t *plan, size_t index, int tell)
{
    bed_t bed;
    s_result_t result = {.pairs = 0};
    bed_options_t options = s_make_options(plan);
    options.batch = s_plans[index].batch;
    options.filler = s_plans[index].filler;
    bed_open(&bed, &options);
    s_plans[index].run(plan, &bed, &result);
    bed_close(&bed);
    result.counts = bed.counts;
    if (write(tell, &result, sizeof(result)) != (ssize_t) sizeof(result))
        exit(2);
    exit(0);
}

static void
s_add_result(s_result_t *sum, const s_result_t *more)
{
    uint64_t *to = (uint64_t *) sum;
    const uint64_t *from = (const uint64_t *) more;
    for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
        to[i] += from[i];
}

static void
s_print(const s_plan_t *plan, const s_result_t *sum, int64_t elapsed_ms)
{
    const bed_counts_t *counts = &sum->counts;
    printf("%s%s%s: seed %" PRIu64 ", %" PRIu64 " turns in %.1f s, %" PRIu64 " deaths, %" PRIu64 " failures, ",
           plan->plan, plan->rule ? " without " : "", plan->rule ? plan->rule : "", plan->seed, counts->turns,
           (double) elapsed_ms / 1000, counts->deaths, counts->failures);
    printf("%" PRIu64 " responses accepted, %" PRIu64 " decisions delivered (%" PRIu64 " fetched), %" PRIu64
           " batches resent, %" PRIu64 " busy, %" PRIu64 " numbered twice, %" PRIu64 " seen when published, %" PRIu64
           " violations\n",
           counts->accepted, counts->delivered, counts->fetched, counts->resent, counts->busy, counts->repeats,
           counts->published, counts->violations);
    if (sum->pairs)
        printf("%" PRIu64 " points reached, %" PRIu64 " of %" PRIu64 " pairs of point and hit\n", sum->points_reached,
               sum->pairs_reached, sum->pairs);
}

static int
s_run_plan(s_plan_t *plan)
{
    size_t index = s_find_plan(plan->plan);
    pid_t children[S_JOBS_MAX];
    s_result_t sum = {.pairs = 0};
    int ends[2];
    bool well = pipe(ends) == 0;
    int64_t start_ms = bed_now_ms();
    if (!s_plans[index].sliced)
        plan->jobs = 1;
    for (plan->slice = 0; well && plan->slice < plan->jobs; plan->slice++) {
        children[plan->slice] = fork();
        if (children[plan->slice] == 0)
            s_run_slice(plan, index, ends[1]);
    }
    close(ends[1]);
    for (unsigned i = 0; i < plan->jobs; i++) {
        s_result_t result;
        well &= read(ends[0], &result, sizeof(result)) == (ssize_t) sizeof(result);
        if (well)
            s_add_result(&sum, &result);
    }
    for (unsigned i = 0; i < plan->jobs; i++) {
        int how;
        well &= waitpid(children[i], &how, 0) == children[i] && WIFEXITED(how) && WEXITSTATUS(how) == 0;
    }
    if (!well)
        fprintf(stderr, "a slice ended by itself\n");
    s_print(plan, &sum, bed_now_ms() - start_ms);
    bool enough = strcmp(plan->plan, "points") != 0 || plan->point || plan->rule || sum.points_reached >= 40;
    if (!enough)
        fprintf(stderr, "too few points were reached\n");
    if (plan->shim && !plan->rule && sum.counts.failures == 0) {
        fprintf(stderr, "nothing failed: %s is not loaded, or in vain\n", plan->shim);
        enough = false;
    }
    return well && enough && (sum.counts.violations > 0) == plan->expect_violation ? 0 : 1;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {{"program", 1, NULL, 'p'}, {"sources", 1, NULL, 's'},
                                            {"plan", 1, NULL, 'n'},    {"long", 0, NULL, 'l'},
                                            {"jobs", 1, NULL, 'j'},    {"seed", 1, NULL, 'e'},
                                            {"rule", 1, NULL, 'r'},    {"expect-violation", 0, NULL, 'x'},
                                            {"shim", 1, NULL, 'm'},    {"point", 1, NULL, 'o'},
                                            {"hit", 1, NULL, 'i'},     {0}};
    s_plan_t plan = {.plan = "points", .jobs = 6, .seed = 1};
    int key;
    while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (key == 'l')
            plan.is_long = true;
        else if (key == 'x')
            plan.expect_violation = true;
        else if (key == 'j' || key == 'i')
            *(key == 'j' ? &plan.jobs : &plan.hit) = (unsigned) strtoul(optarg, NULL, 10);
        else if (key == 'e')
            plan.seed = strtoull(optarg, NULL, 10);
        else if (strchr("psnrmo", key))
            *(key == 'p'   ? &plan.program
              : key == 's' ? &plan.sources
              : key == 'n' ? &plan.plan
              : key == 'r' ? &plan.rule
              : key == 'm' ? &plan.shim
                           : &plan.point) = optarg;
        else
            return 2;
    }
    if (!plan.program || !plan.sources || plan.jobs == 0 || plan.jobs > S_JOBS_MAX) {
        fprintf(stderr, "usage: crash --program FILE --sources DIR [--plan NAME] …\n");
        return 2;
    }
    return s_run_plan(&plan);
}
