/*  Two kinds of looks: at the descriptors, all in one system call; and into one socket, which costs two. */
#include "pt_wait.h"

#include <assert.h>
#include <poll.h>

pt_wait_item_t
pt_wait_socket(void *socket)
{
    assert(socket);

    int fd = -1;
    size_t size = sizeof(fd);
    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) != 0)
        abort();
    return (pt_wait_item_t) {.socket = socket, .fd = fd};
}

pt_wait_item_t
pt_wait_for(const zmq_pollitem_t *item)
{
    assert(item);

    return item->socket ? pt_wait_socket(item->socket) : (pt_wait_item_t) {.fd = item->fd};
}

//  Look into a socket. It takes the news from its descriptor.
static void
s_look_into(pt_wait_item_t *item)
{
    int events = 0;
    size_t size = sizeof(events);
    //  Signals are blocked in all of our threads; a debugger may still interrupt the call.
    while (zmq_getsockopt(item->socket, ZMQ_EVENTS, &events, &size) != 0)
        if (errno != EINTR)
            abort();
    item->ready = events & ZMQ_POLLIN;
    item->empty = !item->ready;
}

//  Look into the sockets of which nobody knows that they are empty. True when one is ready.
static bool
s_look_into_unknown(pt_wait_item_t *items, size_t count)
{
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        items[i].ready = false;
        if (items[i].socket && !items[i].empty)
            s_look_into(&items[i]);
        found |= items[i].ready;
    }
    return found;
}

//  Look at all descriptors, and into the sockets behind those that are readable. True when one is ready.
static bool
s_look_at_descriptors(pt_wait_item_t *items, size_t count, int timeout_ms)
{
    struct pollfd fds[PT_WAIT_ITEMS_MAX];
    for (size_t i = 0; i < count; i++)
        fds[i] = (struct pollfd) {.fd = items[i].fd, .events = POLLIN};
    if (poll(fds, count, timeout_ms) < 0)
        return false;
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (fds[i].revents && !items[i].socket)
            items[i].ready = true;
        else if (fds[i].revents && !items[i].ready)
            s_look_into(&items[i]);
        found |= items[i].ready;
    }
    return found;
}

void
pt_wait(pt_wait_item_t *items, size_t count, int64_t timeout_ms)
{
    assert(items);
    assert(count <= PT_WAIT_ITEMS_MAX);

    bool found = s_look_into_unknown(items, count);
    int64_t end_ms = timeout_ms > 0 ? zclock_mono() + timeout_ms : 0;
    while (!s_look_at_descriptors(items, count, found ? 0 : (int) timeout_ms) && !found) {
        //  The news of a socket need not be a message.
        if (timeout_ms < 0)
            continue;
        timeout_ms = timeout_ms ? end_ms - zclock_mono() : 0;
        if (timeout_ms <= 0)
            break;
    }
}
