/*  Small arrays, looked through from the start: there are as many entries as workers. */
#include "pt_dealers.h"

#include "pt_sockets.h"

#include <assert.h>

//  Requests are small and few; answers are as many as one FETCH brings, for each topic.
#define SEND_HWM 256
#define RECEIVE_HWM 256

#define ROUTES_MAX 256 //  as many as pt_positions keeps sources

typedef struct {
    char endpoint[PT_ENDPOINT_BYTES_MAX + 1];
    zsock_t *socket;
    int64_t asked_ms; //  the first request since the last answer; 0: none
    uint64_t touched;
} dealer_t;

typedef struct {
    uint64_t worker, epoch;
    size_t dealer;
    uint64_t touched;
} route_t;

struct pt_dealers {
    const pt_curve_t *curve;
    dealer_t dealers[PT_DEALERS_MAX];
    size_t count;
    route_t routes[ROUTES_MAX];
    size_t route_count;
    uint64_t clock;
};

pt_dealers_t *
pt_dealers_new(const pt_curve_t *curve)
{
    pt_dealers_t *self = calloc(1, sizeof(*self));
    if (self)
        self->curve = curve;
    return self;
}

void
pt_dealers_destroy(pt_dealers_t **self_p)
{
    pt_dealers_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        zsock_destroy(&self->dealers[i].socket);
    free(self);
    *self_p = NULL;
}

static zsock_t *
s_connect(const pt_dealers_t *self, const char *endpoint)
{
    zsock_t *socket = pt_sockets_new(ZMQ_DEALER, SEND_HWM, RECEIVE_HWM);
    if (!socket)
        return NULL;
    zsock_set_linger(socket, 0);
    if (pt_curve_connect(self->curve, socket, endpoint) != PT_OK)
        zsock_destroy(&socket);
    return socket;
}

//  Its place is another endpoint's: whoever answered there is asked nowhere until a HEAD says where.
static void
s_close_dealer(pt_dealers_t *self, size_t dealer)
{
    zsock_destroy(&self->dealers[dealer].socket);
    for (size_t i = self->route_count; i > 0; i--)
        if (self->routes[i - 1].dealer == dealer)
            self->routes[i - 1] = self->routes[--self->route_count];
}

//  The connection to an endpoint, made when there is none yet; PT_DEALERS_MAX when it cannot be. The
//  one that was not named for longest makes room.
static size_t
s_find_dealer(pt_dealers_t *self, pt_text_t endpoint)
{
    size_t oldest = 0;
    for (size_t i = 0; i < self->count; i++) {
        if (pt_text_equal(pt_text_of(self->dealers[i].endpoint), endpoint))
            return i;
        if (self->dealers[i].touched < self->dealers[oldest].touched)
            oldest = i;
    }
    dealer_t dealer = {0};
    memcpy(dealer.endpoint, endpoint.data, endpoint.len);
    dealer.socket = s_connect(self, dealer.endpoint);
    if (!dealer.socket)
        return PT_DEALERS_MAX;
    if (self->count < PT_DEALERS_MAX)
        oldest = self->count++;
    else
        s_close_dealer(self, oldest);
    self->dealers[oldest] = dealer;
    return oldest;
}

//  Its place among the routes; ROUTES_MAX: it has none.
static size_t
s_find_route(const pt_dealers_t *self, uint64_t worker, uint64_t epoch)
{
    for (size_t i = 0; i < self->route_count; i++)
        if (self->routes[i].worker == worker && self->routes[i].epoch == epoch)
            return i;
    return ROUTES_MAX;
}

static route_t *
s_add_route(pt_dealers_t *self, uint64_t worker, uint64_t epoch)
{
    route_t *route = &self->routes[0];
    for (size_t i = 1; i < self->route_count; i++)
        if (self->routes[i].touched < route->touched)
            route = &self->routes[i];
    if (self->route_count < ROUTES_MAX)
        route = &self->routes[self->route_count++];
    *route = (route_t) {.worker = worker, .epoch = epoch};
    return route;
}

void
pt_dealers_name(pt_dealers_t *self, uint64_t worker, uint64_t epoch, pt_text_t endpoint)
{
    assert(self);
    assert(endpoint.len <= PT_ENDPOINT_BYTES_MAX);

    if (!endpoint.len)
        return;
    size_t dealer = s_find_dealer(self, endpoint);
    if (dealer == PT_DEALERS_MAX)
        return;
    size_t known = s_find_route(self, worker, epoch);
    route_t *route = known < ROUTES_MAX ? &self->routes[known] : s_add_route(self, worker, epoch);
    route->dealer = dealer;
    route->touched = self->dealers[dealer].touched = ++self->clock;
}

const char *
pt_dealers_endpoint(const pt_dealers_t *self, uint64_t worker, uint64_t epoch)
{
    assert(self);

    size_t route = s_find_route(self, worker, epoch);
    return route < ROUTES_MAX ? self->dealers[self->routes[route].dealer].endpoint : NULL;
}

bool
pt_dealers_send(pt_dealers_t *self, uint64_t worker, uint64_t epoch, pt_bytes_t request, int64_t now_ms)
{
    assert(self);

    size_t route = s_find_route(self, worker, epoch);
    if (route == ROUTES_MAX)
        return false;
    dealer_t *dealer = &self->dealers[self->routes[route].dealer];
    if (!dealer->asked_ms)
        dealer->asked_ms = now_ms;
    return zmq_send(zsock_resolve(dealer->socket), request.data, request.len, ZMQ_DONTWAIT) >= 0;
}

size_t
pt_dealers_items(const pt_dealers_t *self, zmq_pollitem_t *items)
{
    for (size_t i = 0; i < self->count; i++)
        items[i] = (zmq_pollitem_t) {.socket = zsock_resolve(self->dealers[i].socket), .events = ZMQ_POLLIN};
    return self->count;
}

bool
pt_dealers_receive(pt_dealers_t *self, size_t index, pt_frames_t *out_frames)
{
    assert(index < self->count);

    if (!pt_frames_receive(zsock_resolve(self->dealers[index].socket), out_frames))
        return false;
    self->dealers[index].asked_ms = 0;
    return true;
}

void
pt_dealers_mend(pt_dealers_t *self, int64_t now_ms)
{
    for (size_t i = 0; i < self->count; i++) {
        dealer_t *dealer = &self->dealers[i];
        if (!dealer->asked_ms || now_ms - dealer->asked_ms < PT_DEALERS_SILENT_MS)
            continue;
        zsock_t *socket = s_connect(self, dealer->endpoint);
        if (!socket)
            continue;
        zsock_destroy(&dealer->socket);
        dealer->socket = socket;
        dealer->asked_ms = 0;
    }
}
