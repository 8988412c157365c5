/*  The half of pt_fault_point.h that only paytriage-faults has. */
#include "pt_fault_point.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

//  As a process that was killed ends.
#define S_EXIT 137
#define S_POINTS_MAX 256

typedef struct {
    const char *name;
    unsigned long passed;
} s_point_t;

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static s_point_t s_points[S_POINTS_MAX];
static size_t s_point_count;
static char s_name[64]; //  of the point to die at
static unsigned long s_hit;
static const char *s_bytes, *s_rule, *s_counts;

static void __attribute__((constructor)) s_read_environment(void)
{
    const char *fault = getenv("PAYTRIAGE_FAULT");
    s_bytes = getenv("PAYTRIAGE_FAULT_BYTES");
    s_rule = getenv("PAYTRIAGE_RULE_OFF");
    s_counts = getenv("PAYTRIAGE_FAULT_COUNTS");
    if (fault && sscanf(fault, "%63[^:]:%lu", s_name, &s_hit) != 2)
        abort();
}

static void __attribute__((destructor)) s_write_counts(void)
{
    FILE *file = s_counts ? fopen(s_counts, "w") : NULL;
    for (size_t i = 0; file && i < s_point_count; i++)
        fprintf(file, "%s %lu\n", s_points[i].name, s_points[i].passed);
    if (file)
        fclose(file);
}

static s_point_t *
s_find_point(const char *name)
{
    for (size_t i = 0; i < s_point_count; i++)
        if (strcmp(s_points[i].name, name) == 0)
            return &s_points[i];
    if (s_point_count == S_POINTS_MAX)
        abort();
    s_points[s_point_count] = (s_point_t) {.name = name};
    return &s_points[s_point_count++];
}

void
pt_fault_point_pass(const char *name)
{
    if (s_counts) {
        pthread_mutex_lock(&s_lock);
        s_find_point(name)->passed++;
        pthread_mutex_unlock(&s_lock);
    }
    if (s_hit && strcmp(name, s_name) == 0) {
        static _Atomic unsigned long s_passed;
        if (++s_passed == s_hit)
            _exit(S_EXIT);
    }
}

void
pt_fault_point_bytes(const void *data, size_t len)
{
    if (s_bytes && memmem(data, len, s_bytes, strlen(s_bytes)))
        _exit(S_EXIT);
}

bool
pt_fault_point_rule(const char *name)
{
    return !s_rule || strcmp(name, s_rule) != 0;
}
