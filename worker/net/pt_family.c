/*  What was found is remembered, because connections are made anew in threads that must not wait for a name server.
 *  Their names are few: those of the command line, and those at which workers say that they can be asked.
 */
#include "pt_family.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

//  Further ones are looked up each time.
#define S_NAMES_MAX 64

typedef struct {
    char name[NI_MAXHOST];
    bool six;
} s_name_t;

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static s_name_t s_names[S_NAMES_MAX];
static size_t s_count;

static bool
s_remember(const char *host, bool *out_six)
{
    bool found = false;
    pthread_mutex_lock(&s_lock);
    for (size_t i = 0; i < s_count && !found; i++) {
        found = strcmp(s_names[i].name, host) == 0;
        *out_six = s_names[i].six;
    }
    pthread_mutex_unlock(&s_lock);
    return found;
}

static void
s_note(const char *host, bool six)
{
    pthread_mutex_lock(&s_lock);
    if (s_count < S_NAMES_MAX) {
        s_name_t *name = &s_names[s_count++];
        snprintf(name->name, sizeof(name->name), "%s", host);
        name->six = six;
    }
    pthread_mutex_unlock(&s_lock);
}

//  False, and out_six too, for a name that nobody knows now.
static bool
s_look_up(const char *host, bool *out_six)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    *out_six = false;
    //  Nothing is noted then: a name server may be out of reach.
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    *out_six = true;
    for (const struct addrinfo *one = found; one; one = one->ai_next)
        *out_six = *out_six && one->ai_family == AF_INET6;
    freeaddrinfo(found);
    s_note(host, *out_six);
    return true;
}

//  False where there is none.
static bool
s_copy_host(const char *endpoint, char host[NI_MAXHOST])
{
    if (strncmp(endpoint, "tcp://", 6) != 0)
        return false;
    const char *target = strchr(endpoint, ';');
    const char *start = target ? target + 1 : endpoint + strlen("tcp://");
    const char *port = strrchr(start, ':');
    if (!port || port == start || port - start >= NI_MAXHOST)
        return false;
    snprintf(host, NI_MAXHOST, "%.*s", (int) (port - start), start);
    return true;
}

//  The name of a host that has to be looked up. False where there is none.
static bool
s_copy_name(const char *endpoint, char host[NI_MAXHOST])
{
    struct in_addr four;
    return s_copy_host(endpoint, host) && !strchr(host, ':') && inet_pton(AF_INET, host, &four) != 1;
}

bool
pt_family_is_six_address(const char *endpoint)
{
    assert(endpoint);

    //  In brackets, or without.
    char host[NI_MAXHOST];
    return s_copy_host(endpoint, host) && strchr(host, ':');
}

bool
pt_family_is_six(const char *endpoint)
{
    assert(endpoint);

    char host[NI_MAXHOST];
    bool six = false;
    if (pt_family_is_six_address(endpoint))
        return true;
    if (s_copy_name(endpoint, host) && !s_remember(host, &six))
        (void) s_look_up(host, &six);
    return six;
}

bool
pt_family_is_known(const char *endpoint)
{
    assert(endpoint);

    char host[NI_MAXHOST];
    bool six;
    return !s_copy_name(endpoint, host) || s_remember(host, &six) || s_look_up(host, &six);
}
