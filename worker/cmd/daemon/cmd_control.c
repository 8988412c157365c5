/*  The main thread of a worker has nothing else to do than this: it waits for people. */
#include "cmd_control.h"

#include "cmd_control_status.h"
#include "cmd_service.h"

#include "pt_log.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

//  ---- where

const char *
cmd_control_folder(char out[CMD_CONTROL_PATH_BYTES])
{
    const char *given = getenv("RUNTIME_DIRECTORY");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (given && *given)
        //  systemd gives several with colons between them; the first is ours.
        snprintf(out, CMD_CONTROL_PATH_BYTES, "%.*s", (int) strcspn(given, ":"), given);
    else if (access("/run/paytriage", W_OK | X_OK) == 0)
        snprintf(out, CMD_CONTROL_PATH_BYTES, "/run/paytriage");
    else if (runtime && *runtime)
        snprintf(out, CMD_CONTROL_PATH_BYTES, "%s/paytriage", runtime);
    else
        snprintf(out, CMD_CONTROL_PATH_BYTES, "/tmp/paytriage-%u", (unsigned) getuid());
    return out;
}

bool
cmd_control_is_safe(const char *folder)
{
    struct stat info;
    if (lstat(folder, &info) != 0 || !S_ISDIR(info.st_mode))
        return false;
    return (info.st_uid == getuid() || info.st_uid == 0) && (info.st_mode & S_IWOTH) == 0;
}

bool
cmd_control_is_alive(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool refused = connect(fd, (struct sockaddr *) &address, sizeof address) != 0 && errno == ECONNREFUSED;
    close(fd);
    return !refused;
}

//  A worker that was killed leaves its socket behind, and without a journal the next one has another id.
static void
s_sweep_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry = entries ? readdir(entries) : NULL; entry; entry = readdir(entries)) {
        char path[CMD_CONTROL_PATH_BYTES];
        struct stat info;
        if (strncmp(entry->d_name, "worker-", 7) != 0 ||
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int) sizeof path)
            continue;
        if (lstat(path, &info) == 0 && S_ISSOCK(info.st_mode) && !cmd_control_is_alive(path))
            unlink(path);
    }
    if (entries)
        closedir(entries);
}

//  ---- verbs

static void
s_answer_status(cmd_control_t *self, pt_order_t *order)
{
    char *text = cmd_control_status(self);
    pt_control_answer(self->socket, &order, text ? PT_ORDER_OK : PT_ORDER_REFUSED,
                      text ? text : "{\"reason\": \"no memory\\n\"}");
    free(text);
}

static void
s_take_level(cmd_control_t *self, pt_order_t *order)
{
    int level = pt_log_level_parse(order->argument);
    if (level < 0) {
        pt_control_answer(self->socket, &order, PT_ORDER_REFUSED,
                          "{\"reason\": \"levels are error, warning, info and debug\\n\"}");
        return;
    }
    pt_log_set_level((pt_log_level_t) level);
    pt_log(PT_EVENT_LOG_LEVEL, PT_LOG_S("level", pt_log_level_text((pt_log_level_t) level)));
    pt_control_answer(self->socket, &order, PT_ORDER_OK, "{}");
}

static void
s_take_reload(cmd_control_t *self, pt_order_t *order)
{
    cmd_reload_ask(&self->reload, order);
}

//  It is a drain like that of a SIGTERM, and whoever ordered it hears how it ended.
static void
s_take_drain(cmd_control_t *self, pt_order_t *order)
{
    order->next = self->drain;
    self->drain = order;
}

//  Each function answers its order, now or later.
static const struct {
    const char *verb;
    void (*take)(cmd_control_t *self, pt_order_t *order);
} s_verbs[] = {
    {"STATUS", s_answer_status},
    {"RELOAD", s_take_reload},
    {"LOGLEVEL", s_take_level},
    {"DRAIN", s_take_drain},
};

static void
s_take_order(cmd_control_t *self, pt_order_t *order)
{
    for (size_t i = 0; i < sizeof s_verbs / sizeof s_verbs[0]; i++)
        if (strcmp(s_verbs[i].verb, order->verb) == 0) {
            s_verbs[i].take(self, order);
            return;
        }
    pt_control_answer(self->socket, &order, PT_ORDER_UNKNOWN, "{\"reason\": \"this worker knows no such order\\n\"}");
}

//  ---- start

int
cmd_control_watch(cmd_control_t *self, cmd_service_t *service)
{
    const pt_load_options_t *load = &service->options.load;
    *self = (cmd_control_t) {.service = service};
    if (!service->options.catalog_watch)
        return EX_OK;
    if (!load->path_count)
        return cmd_fail(EX_USAGE, "name them with --catalog", "--catalog-watch: there are no files to watch");
    self->watch = pt_file_watch_new(load->paths, load->path_count);
    return self->watch ? EX_OK : cmd_fail(EX_OSERR, NULL, "cannot watch the catalog's files: %s", strerror(errno));
}

//  The endpoint that was given, or one in the folder of this user. False: there can be none.
static bool
s_choose_endpoint(cmd_control_t *self, const char **out_reason)
{
    const char *given = self->service->options.control;
    char folder[CMD_CONTROL_PATH_BYTES];
    if (given) {
        *out_reason = "longer than a socket's path may be";
        return snprintf(self->endpoint, sizeof self->endpoint, "%s", given) < (int) sizeof self->endpoint;
    }
    cmd_control_folder(folder);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        *out_reason = strerror(errno);
        return false;
    }
    *out_reason = "others may write to its folder";
    if (!cmd_control_is_safe(folder))
        return false;
    s_sweep_folder(folder);
    *out_reason = "longer than a socket's path may be";
    char path[CMD_CONTROL_PATH_BYTES];
    if (snprintf(path, sizeof path, "%s/worker-%016" PRIx64, folder, pt_pool_worker(self->service->pool)) >=
        (int) sizeof path)
        return false;
    snprintf(self->endpoint, sizeof self->endpoint, "ipc://%s", path);
    return true;
}

int
cmd_control_check(const char *given)
{
    if (!given || strcmp(given, "none") == 0 || strncmp(given, "ipc://", 6) == 0)
        return EX_OK;
    return cmd_fail(EX_USAGE, "it looks like ipc:///run/paytriage/control", "--control: '%s' is not an ipc endpoint",
                    given);
}

//  The default may fail: a worker that cannot be asked works all the same. What was asked for may not.
static int
s_bind(cmd_control_t *self)
{
    const char *given = self->service->options.control;
    const char *reason = NULL;
    int code = cmd_control_check(given);
    if (code != EX_OK || (given && strcmp(given, "none") == 0))
        return code;
    if (s_choose_endpoint(self, &reason)) {
        //  libzmq takes the path from whoever has it, be it a file.
        struct stat info;
        bool taken = lstat(self->endpoint + 6, &info) == 0;
        if (taken && !S_ISSOCK(info.st_mode))
            errno = EEXIST;
        else if (taken && cmd_control_is_alive(self->endpoint + 6))
            errno = EADDRINUSE;
        else
            self->socket = pt_control_new(self->endpoint);
        if (self->socket)
            return EX_OK;
        reason = strerror(errno);
    }
    if (given)
        return cmd_fail(errno == EADDRINUSE ? EX_UNAVAILABLE : EX_CANTCREAT, NULL, "cannot listen on %s: %s", given,
                        reason);
    pt_log(PT_EVENT_CONTROL_NONE, PT_LOG_S("reason", reason));
    self->endpoint[0] = 0;
    return EX_OK;
}

int
cmd_control_open(cmd_control_t *self, cmd_service_t *service)
{
    int code = s_bind(self);
    if (code != EX_OK)
        return code;
    if (!cmd_reload_open(&self->reload, &service->options.load, &service->load, self->socket, service->pool))
        return cmd_fail(EX_OSERR, CMD_HINT_SHORT, "cannot start what loads catalogs: %s", strerror(errno));
    return EX_OK;
}

//  ---- the loop

static int64_t
s_next_wake(const cmd_control_t *self)
{
    int64_t now_ms = zclock_mono();
    int64_t due_ms = self->watch ? pt_file_watch_due_ms(self->watch) : INT64_MAX;
    if (due_ms > now_ms + CMD_WATCH_MS)
        return CMD_WATCH_MS;
    return due_ms > now_ms ? due_ms - now_ms : 0;
}

static void
s_look_at_files(cmd_control_t *self)
{
    if (!self->watch)
        return;
    pt_file_watch_read(self->watch, zclock_mono());
    if (pt_file_watch_changed(self->watch, zclock_mono()))
        cmd_reload_ask(&self->reload, NULL);
}

static void
s_read_orders(cmd_control_t *self)
{
    pt_order_t *order;
    while (self->socket && (order = pt_control_take(self->socket)) != NULL)
        s_take_order(self, order);
}

//  What there is to wait for now; returns how many.
#define S_ITEMS_MAX 6

static size_t
s_choose_items(const cmd_control_t *self, zmq_pollitem_t items[S_ITEMS_MAX])
{
    const cmd_service_t *service = self->service;
    const int fds[] = {service->signals.fd, service->pool ? pt_pool_failure_fd(service->pool) : -1,
                       service->gate ? pt_gate_failure_fd(service->gate) : -1,
                       self->watch ? pt_file_watch_fd(self->watch) : -1};
    void *const sockets[] = {self->socket ? pt_control_socket(self->socket) : NULL, cmd_reload_socket(&self->reload)};
    size_t count = 0;
    for (size_t i = 0; i < 4; i++)
        if (fds[i] >= 0)
            items[count++] = (zmq_pollitem_t) {.fd = fds[i], .events = ZMQ_POLLIN};
    for (size_t i = 0; i < 2; i++)
        if (sockets[i])
            items[count++] = (zmq_pollitem_t) {.socket = sockets[i], .events = ZMQ_POLLIN};
    return count;
}

static bool
s_is_readable(const zmq_pollitem_t *items, size_t count, int fd)
{
    for (size_t i = 0; i < count; i++)
        if (!items[i].socket && items[i].fd == fd && items[i].revents)
            return true;
    return false;
}

cmd_control_end_t
cmd_control_serve(cmd_control_t *self, cmd_watch_t *watch)
{
    cmd_service_t *service = self->service;
    pt_signals_t *signals = &service->signals;
    for (;;) {
        zmq_pollitem_t items[S_ITEMS_MAX];
        size_t count = s_choose_items(self, items);
        pt_sockets_poll(items, count, s_next_wake(self));
        cmd_watch_turn(watch);
        if (service->pool && s_is_readable(items, count, pt_pool_failure_fd(service->pool)))
            return CMD_CONTROL_JOURNAL_FAILED;
        if (service->gate && s_is_readable(items, count, pt_gate_failure_fd(service->gate)))
            return CMD_CONTROL_GATE_FAILED;
        if (pt_signals_read(signals))
            return CMD_CONTROL_DRAIN;
        if (signals->hangup)
            cmd_reload_ask(&self->reload, NULL);
        signals->hangup = false;
        s_read_orders(self);
        s_look_at_files(self);
        cmd_reload_turn(&self->reload);
        if (self->drain)
            return CMD_CONTROL_DRAIN;
    }
}

void
cmd_control_stop(cmd_control_t *self)
{
    //  It could only fail for a descriptor that is no signalfd.
    if (self->service)
        (void) !pt_signals_take_hangup(&self->service->signals, false);
    cmd_reload_stop(&self->reload, "the worker drains\n");
}

void
cmd_control_close(cmd_control_t *self, int code)
{
    while (self->drain) {
        pt_order_t *order = self->drain;
        self->drain = order->next;
        if (code == EX_OK)
            pt_control_answer(self->socket, &order, PT_ORDER_OK, "{}");
        else
            pt_control_answer(self->socket, &order, PT_ORDER_REFUSED,
                              "{\"reason\": \"the time ended before all was finished\\n\"}");
    }
    cmd_reload_close(&self->reload);
    pt_control_destroy(&self->socket);
    pt_file_watch_destroy(&self->watch);
}
