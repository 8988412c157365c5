/*  One line for each thing, its name first, as `paytriage ctl status` shows it. */
#include "ctl_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *
ctl_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static uint64_t
s_integer(const json_t *object, const char *key)
{
    return (uint64_t) json_integer_value(json_object_get(object, key));
}

static const char *
s_time(uint64_t ms, char room[32])
{
    time_t seconds = (time_t) (ms / 1000);
    struct tm utc;
    room[0] = 0;
    if (gmtime_r(&seconds, &utc))
        (void) strftime(room, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return room;
}

static void
s_print_list(const char *name, const json_t *list)
{
    printf("%-12s", name);
    for (size_t i = 0; i < json_array_size(list); i++)
        printf(" %s", json_string_value(json_array_get(list, i)));
    putchar('\n');
}

static void
s_print_reload(const json_t *reload)
{
    char room[32];
    printf("%-12s %" PRIu64 " switched, %" PRIu64 " refused%s%s\n", "reloads", s_integer(reload, "switched"),
           s_integer(reload, "refused"), json_is_true(json_object_get(reload, "under_way")) ? ", one under way" : "",
           json_is_true(json_object_get(reload, "watching")) ? "; files are watched" : "");
    if (json_object_get(reload, "last_refused_ms"))
        printf("%-12s %s\n%s", "refused", s_time(s_integer(reload, "last_refused_ms"), room),
               ctl_text(reload, "last_refused_reason"));
}

void
ctl_print_status(const json_t *status)
{
    char room[32];
    const char *key;
    json_t *value;
    const json_t *catalog = json_object_get(status, "catalog");
    const json_t *journal = json_object_get(status, "journal");
    printf("%-12s %s, epoch %" PRIu64 ", pid %" PRIu64 ", paytriage %s\n", "worker", ctl_text(status, "worker"),
           s_integer(status, "epoch"), s_integer(status, "pid"), ctl_text(status, "version"));
    printf("%-12s %s\n", "started", s_time(s_integer(status, "started_ms"), room));
    printf("%-12s %s, %" PRIu64 " entries of %" PRIu64 " gateways, loaded %s\n", "catalog", ctl_text(catalog, "hash"),
           s_integer(catalog, "entries"), s_integer(catalog, "gateways"),
           s_time(s_integer(catalog, "loaded_ms"), room));
    s_print_list("origin", json_object_get(catalog, "origin"));
    s_print_reload(json_object_get(status, "reload"));
    s_print_list("brokers", json_object_get(status, "brokers"));
    if (json_is_object(journal))
        printf("%-12s %s, %" PRIu64 " %% used%s\n", "journal", ctl_text(journal, "dir"),
               s_integer(journal, "used_percent"), json_is_true(json_object_get(journal, "full")) ? ", full" : "");
    else
        printf("%-12s none\n", "journal");
    printf("%-12s", "counters");
    json_object_foreach(json_object_get(status, "counters"), key, value)
        printf(" %s %" PRIu64, key, (uint64_t) json_integer_value(value));
    puts("\n");
}

void
ctl_print_reloaded(const json_t *answer)
{
    if (strcmp(ctl_text(answer, "result"), "unchanged") == 0)
        printf("catalog %s is unchanged\n", ctl_text(answer, "catalog"));
    else
        printf("catalog %s (%" PRIu64 " entries of %" PRIu64 " gateways) serves instead of %s\n",
               ctl_text(answer, "catalog"), s_integer(answer, "entries"), s_integer(answer, "gateways"),
               ctl_text(answer, "was"));
}

void
ctl_print_drained(const json_t *answer)
{
    (void) answer;
    puts("drained; the worker has ended");
}

void
ctl_print_level(const json_t *answer)
{
    (void) answer;
    puts("the log's level is changed");
}
