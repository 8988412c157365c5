/*  The linker gives a program's own function to the libraries that it loads, before the C library's. The descriptor
 *  that was put by is closed, what waits is accepted in its place and closed at once, and it is put by again. To
 *  whoever asked, that is a connection that has gone before it could be accepted, which every caller has to expect.
 */
#include "pt_accept.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static int s_spare = -1;
static atomic_uint_fast64_t s_turned_away;

static void
s_put_by(void)
{
    if (s_spare < 0)
        s_spare = eventfd(0, EFD_CLOEXEC);
}

void
pt_accept_prepare(void)
{
    pthread_mutex_lock(&s_lock);
    s_put_by();
    pthread_mutex_unlock(&s_lock);
}

uint64_t
pt_accept_turned_away(void)
{
    return atomic_load(&s_turned_away);
}

static int
s_accept(int listener, struct sockaddr *address, socklen_t *len, int flags)
{
    return (int) syscall(SYS_accept4, listener, address, len, flags);
}

//  Another thread may be given the descriptor meanwhile; then the peer waits for the next look.
static void
s_turn_away(int listener)
{
    pthread_mutex_lock(&s_lock);
    if (s_spare >= 0)
        close(s_spare);
    s_spare = -1;
    int peer = s_accept(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (peer >= 0) {
        close(peer);
        atomic_fetch_add(&s_turned_away, 1);
    }
    s_put_by();
    pthread_mutex_unlock(&s_lock);
}

//  GNU's headers declare the address as any of several pointers.
int
accept4(int listener, __SOCKADDR_ARG address, socklen_t *restrict len, int flags)
{
    int peer = s_accept(listener, address.__sockaddr__, len, flags);
    if (peer >= 0 || (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS))
        return peer;
    s_turn_away(listener);
    errno = ECONNABORTED;
    return -1;
}
