/*  paytriage top: the state of a daemon on one screen. A page of text is made of two scrapes and of what was
 *  published between them; it is printed, or given to ncurses line by line.
 */
#include "cmd_curve.h"
#include "cmd_options.h"
#include "cmd_top.h"

#include "pt_http_get.h"
#include "pt_signals.h"
#include "pt_subscriber.h"

#include <errno.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    bool once;
    uint64_t interval_ms;
    const char *endpoint;
    const char *host;
    uint64_t port_base;
    const char *curve;
    const char *connect[PT_SUBSCRIBER_ENDPOINTS_MAX];
    size_t connect_count;
} top_options_t;

typedef struct {
    const top_options_t *options;
    pt_subscriber_t *subscriber;
    pt_signals_t signals;
    cmd_top_t screen;
} top_t;

static const struct argp_option s_options[] = {
    {"once", '1', NULL, 0, "print the page once, as plain text, after one interval", 0},
    {"interval", 'i', "TIME", 0, "between two pages (default 2s)", 0},
    {"connect", 'c', "ENDPOINT", 0,
     "a PUB socket to listen to for codes and alerts (default: retry, dead_letter and "
     "operator_alert at --host); repeatable",
     0},
    {0},
};

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    top_options_t *options = state->input;
    switch (key) {
    case '1':
        options->once = true;
        break;
    case 'i':
        options->interval_ms = cmd_duration_ms(state, "--interval", arg);
        if (options->interval_ms < 50 || options->interval_ms > 3600000)
            argp_error(state, "--interval: '%s' is not 50ms to 1h", arg);
        break;
    case 'c':
        if (options->connect_count == PT_SUBSCRIBER_ENDPOINTS_MAX)
            argp_error(state, "--connect: at most %d endpoints", PT_SUBSCRIBER_ENDPOINTS_MAX);
        options->connect[options->connect_count++] = arg;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse_option,
    .doc = "Watch a daemon: routes, gateways, codes, alerts, subscribers behind, brokers and workers.\v"
           "Examples:\n"
           "  paytriage top\n"
           "  paytriage top --once --interval 10s\n\n"
           "Keys: q ends it. Exit: 0, 69 nothing answers, 64 a wrong command line, 71 the system gives no "
           "sockets."};

static void
s_take_decision(void *context, pt_text_t topic, const pt_decision_t *decision, pt_bytes_t bytes)
{
    (void) bytes;
    top_t *self = context;
    bool alert = topic.len > 15 && memcmp(topic.data, "operator_alert.", 15) == 0;
    cmd_top_note(&self->screen, decision, alert);
}

//  False with *out_error.
static bool
s_subscribe(top_t *self, const pt_curve_t *curve, const char **out_error)
{
    static const unsigned ports[] = {PT_PORT_RETRY, PT_PORT_DEAD_LETTER, PT_PORT_OPERATOR_ALERT};
    const pt_subscriber_handlers_t handlers = {.context = self, .decision = s_take_decision};
    static char rooms[3][CMD_OPTIONS_ENDPOINT_BYTES];
    pt_subscriber_options_t options = {.curve = curve, .endpoint_count = self->options->connect_count};
    memcpy(options.endpoints, self->options->connect, sizeof options.endpoints);
    for (size_t i = 0; i < 3 && !self->options->connect_count; i++) {
        cmd_options_endpoint(self->options->host, self->options->port_base + ports[i] - PT_PORT_FRONT, rooms[i]);
        options.endpoints[options.endpoint_count++] = rooms[i];
    }
    self->subscriber = pt_subscriber_new(&options, &handlers, out_error);
    return self->subscriber != NULL;
}

//  Scrape; a page that does not come is said on the screen, and tried again.
static bool
s_scrape(top_t *self)
{
    unsigned status = 0;
    char *body = NULL;
    char error[PT_HTTP_GET_ERROR_BYTES_MAX];
    bool well = pt_http_get(self->options->endpoint, "/metrics", 2000, &status, &body, error);
    if (well && (status != 200 || !strstr(body, "paytriage_build_info"))) {
        snprintf(error, sizeof error, "%s: what answers there is not paytriage", self->options->endpoint);
        well = false;
    }
    cmd_top_scraped(&self->screen, well ? body : NULL, error, cmd_mono_ms());
    if (!well)
        free(body);
    return well;
}

//  Listen for one interval. False at a signal, at q, or when the terminal is gone.
static bool
s_listen(top_t *self)
{
    uint64_t end_ms = cmd_mono_ms() + self->options->interval_ms;
    for (uint64_t now_ms = cmd_mono_ms(); now_ms < end_ms; now_ms = cmd_mono_ms()) {
        //  Keys are looked for ten times a second.
        uint32_t wait_ms = end_ms - now_ms < 100 ? (uint32_t) (end_ms - now_ms) : 100;
        bool heard;
        if (pt_subscriber_poll(self->subscriber, wait_ms, self->signals.fd, &heard) != PT_OK ||
            pt_signals_read(&self->signals))
            return false;
        if (!self->options->once && getch() == 'q')
            return false;
    }
    return true;
}

//  Give the page to ncurses; what does not fit stays out.
static bool
s_show(const top_t *self)
{
    char *page = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&page, &len);
    if (!out)
        return false;
    cmd_top_print(&self->screen, out);
    if (fclose(out) != 0) {
        free(page);
        return false;
    }
    erase();
    char *rest = page;
    for (int row = 0; row < LINES && rest; row++) {
        const char *line = strsep(&rest, "\n");
        mvaddnstr(row, 0, line, COLS);
    }
    refresh();
    free(page);
    return true;
}

static int
s_watch_screen(top_t *self)
{
    //  Not initscr(), which ends the program by itself.
    SCREEN *screen = newterm(NULL, stdout, stdin);
    if (!screen) {
        const char *kind = getenv("TERM");
        return cmd_fail(EX_OSERR, "--once needs no terminal; else set TERM, such as TERM=xterm",
                        "cannot draw on a terminal of kind '%s'", kind ? kind : "");
    }
    cbreak();
    noecho();
    nodelay(stdscr, TRUE);
    curs_set(0);
    do
        s_scrape(self);
    while (s_show(self) && s_listen(self));
    endwin();
    delscreen(screen);
    return EX_OK;
}

static int
s_print_once(top_t *self)
{
    bool well = s_scrape(self) && s_listen(self) && s_scrape(self);
    if (!well)
        return self->signals.received ? EX_OK
                                      : cmd_fail(EX_UNAVAILABLE, "is a daemon running there? see --http", "%s",
                                                 cmd_top_error(&self->screen));
    cmd_top_print(&self->screen, stdout);
    return cmd_flush();
}

static int
s_top(const top_options_t *options)
{
    top_t self = {.options = options};
    if (!options->once && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
        return cmd_fail(EX_USAGE, "--once prints a page as text", "top needs a terminal, and this is not one");
    if (pt_signals_open(&self.signals) != PT_OK)
        return cmd_fail(EX_OSERR, NULL, "cannot watch for signals: %s", strerror(errno));
    pt_curve_t *curve;
    const char *error = NULL;
    int code = cmd_curve_open(options->curve, &curve);
    if (code == EX_OK && !s_subscribe(&self, curve, &error))
        code = cmd_is_short(errno)
                   ? cmd_tell_short(errno)
                   : cmd_fail(EX_USAGE, "endpoints look like tcp://127.0.0.1:5570", "cannot subscribe: %s", error);
    if (code == EX_OK)
        code = options->once ? s_print_once(&self) : s_watch_screen(&self);
    pt_subscriber_destroy(&self.subscriber);
    pt_curve_close(&curve);
    pt_signals_close(&self.signals);
    cmd_top_clear(&self.screen);
    return code;
}

int
cmd_top(int argc, char **argv)
{
    top_options_t options = {.interval_ms = 2000};
    char room[CMD_OPTIONS_ENDPOINT_BYTES];
    pt_config_t config;
    int code = cmd_parse(PT_FOR_TOP, &s_argp, argc, argv, &options, &config);
    if (code != EX_OK)
        return code;
    options.endpoint = cmd_options_http(&config, room);
    options.host = pt_config_text(&config, PT_OPTION_CLIENT_HOST);
    options.port_base = pt_config_number(&config, PT_OPTION_PORT_BASE);
    options.curve = pt_config_text(&config, PT_OPTION_CURVE);
    code = options.endpoint ? cmd_options_check_http(options.endpoint)
                            : cmd_fail(EX_UNAVAILABLE, CMD_OPTIONS_HTTP_HINT, "%s", room);
    if (code == EX_OK)
        code = s_top(&options);
    pt_config_clear(&config);
    return code;
}
