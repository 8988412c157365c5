/*  A route is a PUB socket, and a gateway of it a prefix of its topics. */
#include "tail_subscription.h"

#include "pt_catalog.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned port;
} s_queues[TAIL_QUEUES] = {{"settled", PT_PORT_SETTLED},
                           {"retry", PT_PORT_RETRY},
                           {"dead_letter", PT_PORT_DEAD_LETTER},
                           {"operator_alert", PT_PORT_OPERATOR_ALERT}};

static int
s_choose_queue(tail_subscription_t *self, const char *name)
{
    for (size_t i = 0; i < TAIL_QUEUES; i++)
        if (strcmp(s_queues[i].name, name) == 0) {
            self->queues[i] = true;
            return EX_OK;
        }
    return cmd_fail(EX_USAGE, "routes are settled, retry, dead_letter and operator_alert", "there is no route '%s'",
                    name);
}

static void
s_add_endpoint(tail_subscription_t *self, const tail_options_t *options, size_t queue)
{
    uint64_t port = options->port_base + s_queues[queue].port - PT_PORT_FRONT;
    char *endpoint = self->endpoints[queue];
    cmd_options_endpoint(options->host, port, endpoint);
    self->options.endpoints[self->options.endpoint_count++] = endpoint;
}

static int
s_add_prefix(tail_subscription_t *self, size_t queue, const char *provider)
{
    if (self->options.prefix_count == PT_SUBSCRIBER_PREFIXES_MAX)
        return cmd_fail(EX_USAGE, NULL, "at most %d routes times gateways; without --provider, all gateways come",
                        PT_SUBSCRIBER_PREFIXES_MAX);
    //  Topics have the gateway's id, never an alias.
    const pt_provider_t *known = pt_catalog_provider(pt_catalog_builtin(), pt_text_of(provider));
    pt_text_t name = known ? pt_provider_id(known) : pt_text_of(provider);
    if (name.len > PT_TOPIC_PROVIDER_BYTES_MAX)
        return cmd_fail(EX_USAGE, NULL, "no gateway has a name as long as '%s'", provider);
    char *prefix = self->prefixes[self->options.prefix_count];
    snprintf(prefix, TAIL_PREFIX_BYTES, name.len ? "%s.%.*s." : "%s.", s_queues[queue].name, (int) name.len, name.data);
    self->options.prefixes[self->options.prefix_count++] = prefix;
    return EX_OK;
}

static int
s_add_queues(tail_subscription_t *self, const char *list)
{
    char *words = strdup(list), *rest = words;
    int code = words ? EX_OK : cmd_fail(EX_OSERR, NULL, "no memory");
    for (char *word; code == EX_OK && (word = strsep(&rest, ","));)
        code = s_choose_queue(self, word);
    free(words);
    return code;
}

static int
s_add_providers(tail_subscription_t *self, size_t queue, const char *list)
{
    char *words = strdup(list), *rest = words;
    int code = words ? EX_OK : cmd_fail(EX_OSERR, NULL, "no memory");
    for (char *word; code == EX_OK && (word = strsep(&rest, ","));)
        code = s_add_prefix(self, queue, word);
    free(words);
    return code;
}

int
tail_subscribe_to(tail_subscription_t *self, const tail_options_t *options)
{
    memcpy(self->options.endpoints, options->endpoints, sizeof self->options.endpoints);
    self->options.endpoint_count = options->endpoint_count;
    self->options.name = options->durable;
    self->options.since_start = options->since_start;
    if (options->durable)
        self->options.mode = PT_POSITIONS_DURABLE;
    else if (options->replay || options->since_start)
        self->options.mode = PT_POSITIONS_REPAIR;
    int code = s_add_queues(self, options->routes);
    const char *providers = options->providers ? options->providers : "";
    for (size_t i = 0; i < TAIL_QUEUES && code == EX_OK; i++) {
        if (!self->queues[i])
            continue;
        if (!options->endpoint_count)
            s_add_endpoint(self, options, i);
        code = s_add_providers(self, i, providers);
    }
    return code;
}
