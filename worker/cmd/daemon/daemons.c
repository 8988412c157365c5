/*  paytriage broker, worker and run: their options; cmd_service does the rest. */
#include "cmd_service.h"

#include "cmd_watch.h"
#include "pt_log.h"

#include <string.h>

//  A file or the environment may be for others as well; what was typed beside "none" was meant to do something.
static void
s_warn_of_void_flags(const pt_config_t *config)
{
    static const pt_option_id_t ids[] = {PT_OPTION_JOURNAL_SIZE,        PT_OPTION_JOURNAL_COMMIT_MAX,
                                         PT_OPTION_JOURNAL_COMMIT_WAIT, PT_OPTION_JOURNAL_SETTLED,
                                         PT_OPTION_JOURNAL_REPLAY,      PT_OPTION_JOURNAL_ADVERTISE};
    const char *dir = pt_config_text(config, PT_OPTION_JOURNAL_DIR);
    char text[128];
    for (size_t i = 0; dir && strcmp(dir, "none") == 0 && i < sizeof ids / sizeof ids[0]; i++) {
        if (config->settings[ids[i]].origin != PT_ORIGIN_FLAG)
            continue;
        snprintf(text, sizeof text, "--%s has no effect without a journal", pt_option(ids[i])->flag);
        pt_log(PT_EVENT_CONFIG_WARNING, PT_LOG_S("text", text));
    }
}

//  Without one, the back of a broker on this machine, made in `room`.
static void
s_choose_brokers(const pt_config_t *config, cmd_service_options_t *options, char room[CMD_OPTIONS_ENDPOINT_BYTES])
{
    options->broker_count =
        cmd_options_list(config, PT_OPTION_WORKER_CONNECT, options->brokers, PT_POOL_BROKERS_MAX - 1);
    if (options->broker_count)
        return;
    snprintf(room, CMD_OPTIONS_ENDPOINT_BYTES, "tcp://127.0.0.1:%d", PT_PORT_BACK);
    options->brokers[options->broker_count++] = room;
}

//  The whole life of a daemon, from its command line on.
static int
s_live(unsigned command, const struct argp *argp, int argc, char **argv)
{
    static pt_config_t config;
    int code = cmd_parse(command, argp, argc, argv, NULL, &config);
    if (code != EX_OK)
        return code;
    pt_log_open(stderr, (pt_log_format_t) pt_config_number(&config, PT_OPTION_LOG_FORMAT),
                (pt_log_level_t) pt_config_number(&config, PT_OPTION_LOG_LEVEL),
                pt_config_number(&config, PT_OPTION_LOG_LIMIT));
    for (size_t i = 0; i < config.faults.count; i++)
        pt_log(PT_EVENT_CONFIG_WARNING, PT_LOG_S("text", config.faults.faults[i].text));
    s_warn_of_void_flags(&config);
    cmd_watch_take_signals();
    cmd_service_options_t options = CMD_SERVICE_DEFAULTS;
    options.with_broker = command != PT_FOR_WORKER;
    options.with_pool = options.with_control = command != PT_FOR_BROKER;
    cmd_service_configure(&options, &config);
    char back[CMD_OPTIONS_ENDPOINT_BYTES];
    if (command == PT_FOR_WORKER)
        s_choose_brokers(&config, &options, back);
    code = cmd_service_run(&options);
    pt_config_clear(&config);
    return code;
}

int
cmd_broker(int argc, char **argv)
{
    static const struct argp argp = {
        .doc = "Hand producers' responses to workers, and workers' acknowledgements back.\v"
               "It keeps nothing: stop and start it at any time; producers resend what was not acknowledged.\n\n"
               "Example:\n"
               "  paytriage broker --front tcp://127.0.0.1:5560 --back tcp://127.0.0.1:5561\n\n"
               "Exit: 0 after a signal, 64 a bad endpoint, 69 an address in use, 70 the authenticator ended, 71 no "
               "memory or too few descriptors, 73 a file cannot be made, 77 not permitted, 78 faulty settings or keys, "
               "or a public address without --curve."};
    return s_live(PT_FOR_BROKER, &argp, argc, argv);
}

int
cmd_worker(int argc, char **argv)
{
    static const struct argp argp = {
        .doc = "Take responses from brokers, decide what each one means, and publish the decisions.\v"
               "SIGTERM stops reading, finishes and acknowledges what was taken, and exits with 0; a second one exits "
               "at once. SIGUSR1 makes the log more detailed by one level, SIGUSR2 less.\n\n"
               "Examples:\n"
               "  paytriage worker\n"
               "  paytriage worker --connect tcp://10.0.0.5:5561 --connect tcp://10.0.0.6:5561\n"
               "  paytriage worker --port-base 5660     # a second worker on this host\n"
               "  paytriage worker --catalog /etc/paytriage/catalog\n\n"
               "Exit: 0 drained, 64 a bad endpoint, 65 the journal is damaged, 66 no such catalog, 69 an address in "
               "use, 70 the authenticator ended, 71 no memory or too few descriptors, 73 a journal finds no room, or a "
               "file cannot be made, 74 the disk failed, 75 another worker has the journal, or not everything was "
               "finished, 77 not permitted, 78 faulty settings, catalog or keys, or a public address without --curve."};
    return s_live(PT_FOR_WORKER, &argp, argc, argv);
}

int
cmd_run(int argc, char **argv)
{
    static const struct argp argp = {
        .doc = "Broker and worker in one process: all that one machine needs.\v"
               "Examples:\n"
               "  paytriage run\n"
               "  paytriage run --back tcp://127.0.0.1:5561     # other workers may join\n\n"
               "Then: paytriage tail, and paytriage send FILE.\n\n"
               "Exit: 0 drained, 64 a bad endpoint, 65 the journal is damaged, 66 no such catalog, 69 an address in "
               "use, 70 the authenticator ended, 71 no memory or too few descriptors, 73 a journal finds no room, or a "
               "file cannot be made, 74 the disk failed, 75 another worker has the journal, or not everything was "
               "finished, 77 not permitted, 78 faulty settings, catalog or keys, or a public address without --curve."};
    return s_live(PT_FOR_RUN, &argp, argc, argv);
}
