/*  tail_subscription: which sockets and topics `paytriage tail` takes, by the routes and gateways that it was given. */
#ifndef PT_TAIL_SUBSCRIPTION_H
#define PT_TAIL_SUBSCRIPTION_H

#include "cmd_options.h"

#include "pt_subscriber.h"

//  A queue and a gateway with their dots, and room.
#define TAIL_PREFIX_BYTES 64

//  The routes, and alerts.
#define TAIL_QUEUES 4

typedef struct {
    const char *routes, *providers, *host;
    const char *endpoints[PT_SUBSCRIBER_ENDPOINTS_MAX];
    size_t endpoint_count;
    uint64_t port_base;
    uint64_t count, timeout_ms; //  0: without end
    cmd_output_t output;
    cmd_color_t color;
    pt_masking_t masking;
    const char *durable; //  the subscriber's name
    bool replay, since_start;
    const char *curve; //  folder of keys; NULL: none
} tail_options_t;

//  What to subscribe to, and the texts of it.
typedef struct {
    bool queues[TAIL_QUEUES];
    char prefixes[PT_SUBSCRIBER_PREFIXES_MAX][TAIL_PREFIX_BYTES];
    char endpoints[TAIL_QUEUES][CMD_OPTIONS_ENDPOINT_BYTES];
    pt_subscriber_options_t options;
} tail_subscription_t;

/*  Choose. EX_OK, or EX_USAGE or EX_OSERR after one line. Its texts are in *self and in `options`. */
int tail_subscribe_to(tail_subscription_t *self, const tail_options_t *options);

#endif
