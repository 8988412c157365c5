/*  Asking is taking and giving back: limits, what is in use already and what the whole system has left all count,
 *  and no file under /proc tells of them together.
 */
#include "pt_means.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

//  Of one question; there are no more than a few sockets and threads at a start.
#define S_COUNT_MAX 64

pt_status_t
pt_means_descriptors(unsigned count)
{
    assert(count <= S_COUNT_MAX);

    int held[S_COUNT_MAX];
    unsigned had = 0;
    while (had < count && (held[had] = eventfd(0, EFD_CLOEXEC)) >= 0)
        had++;
    int reason = errno;
    for (unsigned i = 0; i < had; i++)
        close(held[i]);
    errno = reason;
    return had == count ? PT_OK : PT_E_IO;
}

//  All of them run until the last one was made.
static void *
s_wait(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

pt_status_t
pt_means_threads(unsigned count)
{
    assert(count <= S_COUNT_MAX);

    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[S_COUNT_MAX];
    unsigned had = 0;
    pthread_mutex_lock(&gate);
    while (had < count && pthread_create(&threads[had], NULL, s_wait, &gate) == 0)
        had++;
    pthread_mutex_unlock(&gate);
    for (unsigned i = 0; i < had; i++)
        pthread_join(threads[i], NULL);
    errno = ENOMEM;
    return had == count ? PT_OK : PT_E_IO;
}

pt_status_t
pt_means_memory(size_t bytes)
{
    //  Large pieces are mapped, and what is never written to costs nothing but room. The compiler may take a
    //  pair of malloc and free away.
    void *volatile piece = malloc(bytes);
    free(piece);
    return piece ? PT_OK : PT_E_IO;
}
