/*  Counting by name over changes of the catalog, what is printed of it, and when a process is ready. */
#include "bus.h"

#include <stdlib.h>

#include "pt_image.h"
#include "pt_metrics.h"

static pt_stats_snapshot_t s_snapshot;
static pt_metrics_t s_metrics;

static size_t
s_provider(const char *name)
{
    for (size_t i = 0; i < s_snapshot.provider_count; i++)
        if (strcmp(s_snapshot.providers[i].name, name) == 0)
            return i;
    fail_msg("%s is not counted", name);
    return 0;
}

static pt_triaged_t
s_triaged(size_t provider)
{
    return (pt_triaged_t) {.route = PT_ROUTE_RETRY,
                           .category = PT_CATEGORY_UNKNOWN_CODE,
                           .match = PT_MATCH_UNKNOWN,
                           .alert = true,
                           .provider = provider};
}

static void
two_threads_are_summed_under_the_gateways_name(void **state)
{
    (void) state;
    pt_stats_t *stats = pt_stats_new();
    const pt_catalog_t *catalog = pt_catalog_builtin();
    pt_triaged_t opn = s_triaged(pt_provider_index(pt_catalog_provider(catalog, PT_TEXT("opn"))));
    pt_triaged_t nobody = s_triaged(PT_TRIAGE_NO_PROVIDER);
    for (int thread = 0; thread < 2; thread++) {
        pt_stats_seat_t *seat = pt_stats_seat(stats);
        pt_stats_catalog(seat, catalog);
        pt_stats_count(seat, &opn);
        pt_stats_count(seat, &nobody);
        pt_stats_count(seat, &nobody);
    }
    pt_stats_read(stats, &s_snapshot);
    const pt_stats_decided_t *decided = &s_snapshot.providers[s_provider("opn")].decided;
    assert_int_equal(decided->routes[PT_ROUTE_RETRY], 2);
    assert_int_equal(decided->categories[PT_CATEGORY_UNKNOWN_CODE], 2);
    assert_int_equal(decided->matches[PT_MATCH_UNKNOWN], 2);
    assert_int_equal(decided->alerts, 2);
    assert_int_equal(s_snapshot.providers[s_provider("-")].decided.routes[PT_ROUTE_RETRY], 4);
    assert_int_equal(s_snapshot.catalog_count, 1);
    assert_int_equal(s_snapshot.catalogs[0].threads, 2);
    assert_int_equal(s_snapshot.catalogs[0].hash, pt_catalog_hash(catalog));
    pt_stats_destroy(&stats);
    assert_null(stats);
}

static void
a_thread_that_ends_takes_its_catalog_and_leaves_its_counts(void **state)
{
    (void) state;
    pt_stats_t *stats = pt_stats_new();
    pt_stats_seat_t *seat = pt_stats_seat(stats);
    pt_triaged_t first = s_triaged(0);
    pt_stats_catalog(seat, pt_catalog_builtin());
    pt_stats_count(seat, &first);
    pt_stats_catalog(seat, NULL);
    pt_stats_read(stats, &s_snapshot);
    assert_int_equal(s_snapshot.catalog_count, 0);
    const char *name = pt_provider_id(pt_catalog_provider_at(pt_catalog_builtin(), 0)).data;
    char copy[PT_PROVIDER_BYTES_MAX + 1];
    snprintf(copy, sizeof(copy), "%.*s", (int) pt_provider_id(pt_catalog_provider_at(pt_catalog_builtin(), 0)).len,
             name);
    assert_int_equal(s_snapshot.providers[s_provider(copy)].decided.alerts, 1);
    pt_stats_destroy(&stats);
}

//  The built-in catalog with a first gateway whose id has so many bytes, which no compiler writes.
static pt_catalog_t *
s_catalog_of_id(uint32_t bytes, uint8_t **out_image)
{
    pt_bytes_t builtin = pt_catalog_image(pt_catalog_builtin());
    pt_image_header_t header;
    pt_catalog_t *catalog;
    *out_image = aligned_alloc(64, (builtin.len + 63) / 64 * 64);
    memcpy(*out_image, builtin.data, builtin.len);
    memcpy(&header, *out_image, sizeof(header));
    size_t span = header.sections[PT_SECTION_PROVIDERS].offset + offsetof(pt_gateway_t, id);
    memcpy(*out_image + span + offsetof(pt_span_t, bytes), &bytes, sizeof(bytes));
    uint64_t checksum = pt_image_checksum((pt_bytes_t) {*out_image, builtin.len});
    memcpy(*out_image + offsetof(pt_image_header_t, checksum), &checksum, sizeof(checksum));
    assert_int_equal(pt_catalog_open((pt_bytes_t) {*out_image, builtin.len}, &catalog), PT_OK);
    return catalog;
}

static void
the_longest_name_is_counted_whole_and_a_longer_one_among_the_others(void **state)
{
    (void) state;
    for (uint32_t bytes = PT_PROVIDER_BYTES_MAX; bytes <= PT_PROVIDER_BYTES_MAX + 1; bytes++) {
        uint8_t *image;
        pt_catalog_t *catalog = s_catalog_of_id(bytes, &image);
        pt_stats_t *stats = pt_stats_new();
        pt_stats_seat_t *seat = pt_stats_seat(stats);
        pt_triaged_t first = s_triaged(0);
        pt_stats_catalog(seat, catalog);
        pt_stats_count(seat, &first);
        pt_stats_read(stats, &s_snapshot);
        char name[PT_PROVIDER_BYTES_MAX + 1] = "";
        memcpy(name, pt_provider_id(pt_catalog_provider_at(catalog, 0)).data, PT_PROVIDER_BYTES_MAX);
        const char *counted = bytes > PT_PROVIDER_BYTES_MAX ? "other" : name;
        assert_int_equal(s_snapshot.providers[s_provider(counted)].decided.alerts, 1);
        pt_stats_destroy(&stats);
        pt_catalog_destroy(&catalog);
        free(image);
    }
}

static void
each_kind_of_replayed_things_has_a_count_of_its_own(void **state)
{
    (void) state;
    pt_stats_t *stats = pt_stats_new();
    for (unsigned i = 0; i < PT_STATS_REPLAY_COUNT_; i++) {
        pt_stats_replayed(stats, (pt_stats_replay_t) i, i + 1);
        pt_stats_replayed(stats, (pt_stats_replay_t) i, 10);
    }
    pt_stats_read(stats, &s_snapshot);
    for (unsigned i = 0; i < PT_STATS_REPLAY_COUNT_; i++)
        assert_int_equal(s_snapshot.replayed[i], i + 11);
    pt_stats_destroy(&stats);
}

static void
a_time_belongs_to_the_class_up_to_its_bound(void **state)
{
    (void) state;
    assert_int_equal(pt_histogram_ns_class(0), 0);
    for (size_t i = 0; i < PT_HISTOGRAM_NS_BOUNDS; i++) {
        assert_int_equal(pt_histogram_ns_class(pt_histogram_ns_bounds[i]), i);
        assert_int_equal(pt_histogram_ns_class(pt_histogram_ns_bounds[i] + 1), i + 1);
    }
    assert_int_equal(pt_histogram_ns_class(UINT64_MAX), PT_HISTOGRAM_NS_BOUNDS);
}

static void
only_commits_that_succeed_are_timed(void **state)
{
    (void) state;
    pt_stats_t *stats = pt_stats_new();
    pt_stats_disk_begin(stats);
    pt_stats_read(stats, &s_snapshot);
    assert_true(s_snapshot.disk_since_ns > 0);
    pt_stats_commit_end(stats, PT_OK, 3, 1000);
    pt_stats_disk_begin(stats);
    pt_stats_commit_end(stats, PT_E_SPACE, 5, 1000);
    pt_stats_read(stats, &s_snapshot);
    uint64_t commits = 0;
    for (size_t i = 0; i <= PT_HISTOGRAM_NS_BOUNDS; i++)
        commits += s_snapshot.commits.counts[i];
    assert_int_equal(commits, 1);
    assert_int_equal(s_snapshot.commit_jobs, 3);
    assert_int_equal(s_snapshot.commits_refused, 1);
    assert_int_equal(s_snapshot.disk_since_ns, 0);
    pt_stats_destroy(&stats);
    //  Nobody counts, and nobody minds.
    pt_stats_disk_begin(NULL);
    pt_stats_commit_end(NULL, PT_OK, 1, 1);
    pt_stats_journal_failed(NULL);
    pt_stats_replayed(NULL, PT_STATS_FETCH, 1);
}

static void
a_disk_is_away_once_it_was_asked_long_ago(void **state)
{
    (void) state;
    pt_stats_t *stats = pt_stats_new();
    int64_t now_ms = (int64_t) (pt_clock_ns() / 1000000);
    assert_false(pt_stats_disk_is_away(stats, now_ms + 2 * PT_STATS_DISK_MS_MAX));
    pt_stats_disk_begin(stats);
    assert_false(pt_stats_disk_is_away(stats, now_ms + PT_STATS_DISK_MS_MAX));
    assert_true(pt_stats_disk_is_away(stats, INT64_MAX));
    pt_stats_disk_end(stats);
    assert_false(pt_stats_disk_is_away(stats, INT64_MAX));
    assert_false(pt_stats_disk_is_away(NULL, INT64_MAX));
    pt_stats_destroy(&stats);
}

//  A worker that is well.
static void
s_make_well(void)
{
    memset(&s_metrics, 0, sizeof(s_metrics));
    s_metrics.version = "test";
    s_metrics.has_pool = s_metrics.has_journal = true;
    s_metrics.now_ms = 1000000;
    s_metrics.pool = (pt_pool_counters_t) {.turned_ms = 999000, .brokers = 1, .connected = 1};
    s_metrics.stats.catalog_count = 1;
}

static void
s_expect_refusal(const char *words)
{
    char reason[256] = "";
    assert_false(pt_metrics_is_ready(&s_metrics, reason, sizeof(reason)));
    if (!strstr(reason, words))
        fail_msg("%s: %s", words, reason);
}

static void
a_worker_is_ready_until_something_is_against_it(void **state)
{
    (void) state;
    char reason[256];
    s_make_well();
    assert_true(pt_metrics_is_ready(&s_metrics, reason, sizeof(reason)));
    s_metrics.pool.draining = true;
    s_expect_refusal("draining");
    s_make_well();
    s_metrics.stats.journal_failed = true;
    s_expect_refusal("journal has failed");
    s_make_well();
    s_metrics.stats.disk_since_ns = (s_metrics.now_ms - 11000) * 1000000;
    s_expect_refusal("disk has not come back");
    s_metrics.stats.disk_since_ns = (s_metrics.now_ms - 9000) * 1000000;
    s_metrics.lags_since_ms = s_metrics.now_ms - 9000;
    assert_true(pt_metrics_is_ready(&s_metrics, reason, sizeof(reason)));
    s_make_well();
    s_metrics.stats.catalog_count = 0;
    s_expect_refusal("no catalog");
    s_make_well();
    s_metrics.pool.connected = 0;
    s_expect_refusal("no broker");
    assert_true(pt_metrics_is_live(&s_metrics, reason, sizeof(reason)));
    s_make_well();
    s_metrics.pool.turned_ms = s_metrics.now_ms - 10001;
    assert_false(pt_metrics_is_live(&s_metrics, reason, sizeof(reason)));
    s_expect_refusal("worker's loop has not turned");
    s_metrics.lags_since_ms = s_metrics.now_ms - 10001;
    assert_true(pt_metrics_is_live(&s_metrics, reason, sizeof(reason)));
    s_expect_refusal("disk has not come back");
    s_make_well();
    s_metrics.has_broker = true;
    s_metrics.broker = (pt_broker_counters_t) {.turned_ms = 999000};
    s_expect_refusal("no worker");
    s_metrics.broker.paused = true;
    s_expect_refusal("draining");
}

static void
a_subscribers_name_cannot_break_the_page(void **state)
{
    (void) state;
    char *page = NULL;
    size_t len;
    s_make_well();
    s_metrics.lag_count = 1;
    s_metrics.lags[0] = (pt_lag_t) {.name = "a\"} 1\\\xff\n", .behind = 7};
    FILE *out = open_memstream(&page, &len);
    pt_metrics_print(&s_metrics, out);
    fclose(out);
    assert_non_null(strstr(page, "\npaytriage_subscriber_behind_decisions{subscriber=\"a\\\"} 1\\\\??\"} 7\n"));
    free(page);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_threads_are_summed_under_the_gateways_name),
        cmocka_unit_test(a_thread_that_ends_takes_its_catalog_and_leaves_its_counts),
        cmocka_unit_test(the_longest_name_is_counted_whole_and_a_longer_one_among_the_others),
        cmocka_unit_test(each_kind_of_replayed_things_has_a_count_of_its_own),
        cmocka_unit_test(a_time_belongs_to_the_class_up_to_its_bound),
        cmocka_unit_test(only_commits_that_succeed_are_timed),
        cmocka_unit_test(a_disk_is_away_once_it_was_asked_long_ago),
        cmocka_unit_test(a_worker_is_ready_until_something_is_against_it),
        cmocka_unit_test(a_subscribers_name_cannot_break_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
