/*  paytriage keygen: a party's folder of keys, and its introduction to a service on the same machine. */
#include "cmd_curve.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    const char *dir;
    const char *service; //  NULL: a folder of its own
    const char *name;    //  under which the service knows it
    bool roles[PT_PARTY_COUNT_];
    bool any_role;
} keygen_t;

static const struct argp_option s_options[] = {
    {"service", 's', "FOLDER", 0, "a client of the service whose keys are in FOLDER: each gets the other's public key",
     0},
    {"role", 'r', "LIST", 0, "what the service lets this client be: producer, subscriber, worker, admin", 0},
    {"name", 'n', "NAME", 0, "what the service calls this client (default: the last part of DIR)", 0},
    {0},
};

static void
s_add_roles(keygen_t *self, struct argp_state *state, const char *list)
{
    char *words = strdup(list);
    char *rest = words;
    for (char *word; (word = strsep(&rest, ","));) {
        int party = 0;
        while (party < PT_PARTY_COUNT_ && !streq(word, pt_party_text((pt_party_t) party)))
            party++;
        if (party == PT_PARTY_COUNT_)
            argp_error(state, "--role: '%s' is not producer, worker, subscriber or admin", word);
        self->roles[party] = self->any_role = true;
    }
    free(words);
}

static void
s_check_line(struct argp_state *state, const keygen_t *self)
{
    if (!self->dir || !*self->dir)
        argp_error(state, "which folder?");
    if (!self->service != !self->any_role)
        argp_error(state, "--service and --role go together");
    if (self->name && (!self->service || strchr(self->name, '/') || self->name[0] == '.' || !self->name[0]))
        argp_error(state, "--name: '%s' cannot name a file of --service", self->name);
}

static error_t
s_parse_option(int key, char *arg, struct argp_state *state)
{
    keygen_t *self = state->input;
    switch (key) {
    case 's':
        self->service = arg;
        break;
    case 'r':
        s_add_roles(self, state, arg);
        break;
    case 'n':
        self->name = arg;
        break;
    case ARGP_KEY_ARG:
        if (state->arg_num)
            argp_error(state, "one folder at a time");
        self->dir = arg;
        break;
    case ARGP_KEY_END:
        s_check_line(state, self);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp s_argp = {
    .options = s_options,
    .parser = s_parse_option,
    .args_doc = "DIR",
    .doc = "Make a folder of CURVE keys for --curve, for a service or for a client.\v"
           "DIR/own.key_secret  stays here, mode 0600\n"
           "DIR/own.key         the public half, for others\n"
           "DIR/clients/ROLE/   of a service: the public keys of clients that may come in\n"
           "DIR/servers/        of a client: its servers' public keys, as HOST:PORT.key,\n"
           "                    HOST.key or default.key\n\n"
           "Keys are exchanged as files: put each party's own.key into the other's folder. DIR must be new or empty, "
           "and nothing is overwritten. A key that is put into clients/ is admitted at once; one that is removed is "
           "cut off at once.\n\n"
           "Examples:\n"
           "  paytriage keygen /etc/paytriage/curve\n"
           "  paytriage keygen shop --service /etc/paytriage/curve --role producer\n"
           "  paytriage keygen desk --service /etc/paytriage/curve --role subscriber,admin\n\n"
           "Exit: 0 done, 73 something cannot be written or exists, 64 a wrong command line, 77, 78 the service's "
           "folder cannot be used."};

static int
s_cannot(const char *path)
{
    return cmd_fail(EX_CANTCREAT, errno == EEXIST ? "nothing is overwritten; choose another, or remove it first" : NULL,
                    "cannot make %s: %s", path, strerror(errno));
}

static int
s_make_folder(const char *dir, const char *name)
{
    char path[PT_CURVE_PATH_BYTES];
    snprintf(path, sizeof path, "%.1024s%s", dir, name);
    return mkdir(path, 0700) == 0 ? EX_OK : s_cannot(path);
}

static bool
s_is_empty_folder(const char *path)
{
    DIR *entries = opendir(path);
    size_t count = 0;
    while (entries && readdir(entries))
        count++;
    if (entries)
        closedir(entries);
    //  `.` and `..`
    return entries && count <= 2;
}

//  An empty folder that somebody has made for this is as good as one of ours, when it is as closed.
static int
s_make_dir(const char *dir)
{
    char error[PT_KEYS_ERROR_BYTES_MAX];
    if (!s_is_empty_folder(dir))
        return s_make_folder(dir, "");
    return pt_keys_check_folder(dir, error) ? EX_OK : cmd_fail(EX_NOPERM, NULL, "%s", error);
}

//  What is above DIR and not there yet, for everybody to pass through, as mkdir -p does.
static int
s_make_parents(const char *dir)
{
    char path[PT_CURVE_PATH_BYTES];
    snprintf(path, sizeof path, "%.1024s", dir);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            return s_cannot(path);
        *slash = '/';
    }
    return EX_OK;
}

static int
s_make_folders(const keygen_t *self)
{
    char name[64];
    int code = s_make_parents(self->dir);
    if (code == EX_OK)
        code = s_make_dir(self->dir);
    if (code == EX_OK)
        code = s_make_folder(self->dir, "/servers");
    if (code == EX_OK && !self->service)
        code = s_make_folder(self->dir, "/clients");
    for (int party = 0; party < PT_PARTY_COUNT_ && code == EX_OK && !self->service; party++) {
        snprintf(name, sizeof name, "/clients/%s", pt_party_text((pt_party_t) party));
        code = s_make_folder(self->dir, name);
    }
    return code;
}

static int
s_write(const char *dir, const char *name, bool secret, const pt_keys_t *keys)
{
    char path[PT_CURVE_PATH_BYTES];
    if (snprintf(path, sizeof path, "%.1024s/%s", dir, name) >= (int) sizeof path)
        return cmd_fail(EX_USAGE, NULL, "%.100s: too long a path", dir);
    if (!pt_keys_write(path, secret, keys))
        return s_cannot(path);
    printf("%s\n", path);
    return EX_OK;
}

//  The last part of a path, without slashes behind it.
static const char *
s_base_name(const char *dir, char *room)
{
    snprintf(room, 64, "%s", "client");
    size_t end = strlen(dir);
    while (end && dir[end - 1] == '/')
        end--;
    size_t start = end;
    while (start && dir[start - 1] != '/')
        start--;
    if (end - start > 0 && dir[start] != '.')
        snprintf(room, 64, "%.*s", (int) (end - start), dir + start);
    return room;
}

static int
s_introduce(const keygen_t *self, const pt_curve_t *service, const pt_keys_t *own)
{
    char room[64];
    char file[256];
    pt_keys_t server = {0};
    const char *name = self->name ? self->name : s_base_name(self->dir, room);
    pt_curve_copy_public_key(service, server.public_key);
    int code = s_write(self->dir, "servers/default.key", false, &server);
    for (int party = 0; party < PT_PARTY_COUNT_ && code == EX_OK; party++) {
        snprintf(file, sizeof file, "clients/%s/%.200s.key", pt_party_text((pt_party_t) party), name);
        if (self->roles[party])
            code = s_write(self->service, file, false, own);
    }
    return code;
}

static int
s_generate(const keygen_t *self, const pt_curve_t *service)
{
    pt_keys_t keys;
    if (!pt_keys_make(&keys))
        return cmd_fail(EX_UNAVAILABLE, NULL, "this libzmq is built without CURVE");
    int code = s_make_folders(self);
    //  The secret first: what exists already stops us before anything is handed out.
    if (code == EX_OK)
        code = s_write(self->dir, "own.key_secret", true, &keys);
    if (code == EX_OK)
        code = s_write(self->dir, "own.key", false, &keys);
    if (code == EX_OK && service)
        code = s_introduce(self, service, &keys);
    pt_keys_clear(&keys);
    return code;
}

int
cmd_keygen(int argc, char **argv)
{
    keygen_t self = {0};
    pt_curve_t *service;
    argp_parse(&s_argp, argc, argv, 0, NULL, &self);
    if (strlen(self.dir) > PT_CURVE_DIR_BYTES_MAX)
        return cmd_fail(EX_USAGE, NULL, "the path is longer than %d bytes", PT_CURVE_DIR_BYTES_MAX);
    int code = cmd_curve_open(self.service, &service);
    if (code == EX_OK)
        code = s_generate(&self, service);
    pt_curve_close(&service);
    int flushed = cmd_flush();
    return code == EX_OK ? flushed : code;
}
