/*  paytriage broker, worker and run: their options; cmd_service does the rest. */
#include "cmd_service.h"

static const struct argp_option s_connect_options[] = {
    {0, 0, 0, 0, "Where responses come from:", 1},
    {"connect", 'c', "ENDPOINT", 0, "a broker's back (default tcp://127.0.0.1:5561); repeat it for more brokers", 1},
    {0},
};

//  argp hands children no input unless their parent does so.
static error_t
s_parse_parent(int key, char *arg, struct argp_state *state)
{
    cmd_service_options_t *options = state->input;
    if (key == ARGP_KEY_INIT) {
        for (size_t i = 0; i < options->argp_children; i++)
            state->child_inputs[i] = options;
        return 0;
    }
    if (key != 'c')
        return ARGP_ERR_UNKNOWN;
    if (options->broker_count == PT_POOL_BROKERS_MAX - 1)
        argp_error(state, "--connect: at most %d brokers", PT_POOL_BROKERS_MAX - 1);
    options->brokers[options->broker_count++] = arg;
    return 0;
}

int
cmd_broker(int argc, char **argv)
{
    static const struct argp_child children[] = {
        {&cmd_service_broker_argp, 0, NULL, 0}, {&cmd_service_common_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        NULL,
        s_parse_parent,
        NULL,
        "Hand responses of producers to workers, and workers' acknowledgements back.\v"
        "It keeps nothing: stop and start it at any time; producers send again what was not acknowledged.\n\n"
        "Example:\n"
        "  paytriage broker --front tcp://127.0.0.1:5560 --back tcp://127.0.0.1:5561\n\n"
        "Exit: 0 after a signal, 64 a bad endpoint, 69 a port in use, 77 not permitted.",
        children,
        NULL,
        NULL};
    cmd_service_options_t options = CMD_SERVICE_DEFAULTS;
    options.with_broker = true;
    options.argp_children = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    return cmd_service_run(&options);
}

int
cmd_worker(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cmd_service_worker_argp, 0, NULL, 0},
                                                 {&cmd_journal_argp, 0, NULL, 0},
                                                 {&cmd_service_common_argp, 0, NULL, 0},
                                                 {0}};
    static const struct argp argp = {
        s_connect_options,
        s_parse_parent,
        NULL,
        "Take responses from brokers, decide what each one means, and publish the decisions.\v"
        "SIGTERM stops reading, finishes and acknowledges what was taken, and ends with 0; a second one ends at "
        "once.\n\n"
        "Examples:\n"
        "  paytriage worker\n"
        "  paytriage worker --connect tcp://10.0.0.5:5561 --connect tcp://10.0.0.6:5561\n"
        "  paytriage worker --port-base 5660     # a second worker on this host\n"
        "  paytriage worker --catalog /etc/paytriage/catalog\n\n"
        "Exit: 0 drained, 64 a bad endpoint, 69 a port in use, 75 not all was finished, 77 not permitted, 78 a "
        "faulty catalog.",
        children,
        NULL,
        NULL};
    cmd_service_options_t options = CMD_SERVICE_DEFAULTS;
    options.with_pool = true;
    options.argp_children = 3;
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    if (!options.broker_count)
        options.brokers[options.broker_count++] = "tcp://127.0.0.1:5561";
    return cmd_service_run(&options);
}

int
cmd_run(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cmd_service_broker_argp, 0, NULL, 0},
                                                 {&cmd_service_worker_argp, 0, NULL, 0},
                                                 {&cmd_journal_argp, 0, NULL, 0},
                                                 {&cmd_service_common_argp, 0, NULL, 0},
                                                 {0}};
    static const struct argp argp = {
        NULL,
        s_parse_parent,
        NULL,
        "Broker and workers in one process: all that one machine needs.\v"
        "Examples:\n"
        "  paytriage run\n"
        "  paytriage run --back tcp://127.0.0.1:5561     # other workers may join\n\n"
        "Then: paytriage tail, and paytriage send FILE.\n\n"
        "Exit: 0 drained, 64 a bad endpoint, 69 a port in use, 75 not all was finished, 77 not permitted, 78 a "
        "faulty catalog.",
        children,
        NULL,
        NULL};
    cmd_service_options_t options = CMD_SERVICE_DEFAULTS;
    options.with_broker = options.with_pool = true;
    options.argp_children = 4;
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    return cmd_service_run(&options);
}
