/*  What --curve means to a command, and which addresses need it. */
#include "cmd_curve.h"

#include "pt_family.h"
#include "pt_http_get.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

static int
s_refuse(const char *error, int reason)
{
    if (reason == EPERM)
        return cmd_fail(EX_NOPERM, NULL, "%s", error);
    if (reason == ENOENT)
        return cmd_fail(EX_CONFIG, "'paytriage keygen DIR' makes a folder of keys", "%s", error);
    return cmd_fail(EX_CONFIG, NULL, "%s", error);
}

int
cmd_curve_open(const char *dir, pt_curve_t **out_curve)
{
    char error[PT_KEYS_ERROR_BYTES_MAX];
    *out_curve = NULL;
    if (!dir)
        return EX_OK;
    *out_curve = pt_curve_open(dir, error);
    return *out_curve ? EX_OK : s_refuse(error, errno);
}

int
cmd_curve_tell_refusal(const char *broker, const pt_curve_t *curve)
{
    char key[PT_KEYS_TEXT_BYTES];
    pt_curve_copy_public_key(curve, key);
    return cmd_fail(EX_NOPERM, "ask for it to be put into clients/producer/ there; see docs/security.md",
                    "%s does not let in this key: %s", broker, key);
}

int
cmd_curve_tell_silence(const char *broker, const pt_curve_t *curve, bool silent, uint64_t timeout_ms, const char *hint)
{
    char key[PT_KEYS_TEXT_BYTES];
    if (!silent)
        return cmd_fail(EX_UNAVAILABLE, hint, "no answer from %s for %" PRIu64 " ms", broker, timeout_ms);
    if (!curve)
        return cmd_fail(
            EX_NOPERM,
            "does it let in keys only? then --curve DIR names the folder of this party's keys; or has it no "
            "descriptor left? then its log says service.descriptors",
            "no answer from %s for %" PRIu64 " ms: it completes no handshake without keys", broker, timeout_ms);
    pt_curve_copy_public_key(curve, key);
    return cmd_fail(EX_NOPERM,
                    "was this key taken out of clients/producer/ there, has servers/ here another key than that "
                    "service's own.key, or does it run without --curve, or hang?",
                    "no answer from %s for %" PRIu64 " ms: it completes no handshake with this key: %s", broker,
                    timeout_ms, key);
}

//  Names other than these are not looked up: what they mean is somebody else's to change.
static bool
s_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return streq(host, "localhost") || streq(host, "lo");
}

//  The host of tcp://HOST:PORT into out_host[256], without brackets; "" for what is not like that.
static void
s_find_host(const char *endpoint, char *out_host)
{
    const char *address = strncmp(endpoint, "tcp://", 6) == 0 ? endpoint + 6 : "";
    //  libzmq takes tcp://SOURCE;TARGET as well; what counts is where it goes.
    const char *target = strchr(address, ';');
    address = target ? target + 1 : address;
    const char *colon = strrchr(address, ':');
    size_t len = colon ? (size_t) (colon - address) : 0;
    if (len > 1 && address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }
    snprintf(out_host, 256, "%.*s", (int) (len < 255 ? len : 255), address);
}

bool
cmd_curve_is_public(const char *endpoint)
{
    char host[256];
    s_find_host(endpoint, host);
    //  Where there is none, libzmq refuses the endpoint.
    return *host && !s_is_loopback(host);
}

//  Four queues of one host are one name, and a name server that is out of reach takes its time for each question.
static bool
s_is_first_of_host(const char *const *endpoints, size_t at)
{
    char host[256], before[256];
    s_find_host(endpoints[at], host);
    for (size_t i = 0; i < at; i++) {
        s_find_host(endpoints[i], before);
        if (streq(before, host))
            return false;
    }
    return true;
}

static void
s_warn_of_name(const char *endpoint)
{
    char host[256];
    s_find_host(endpoint, host);
    if (!pt_family_is_known(endpoint))
        fprintf(stderr, "warning: nobody knows an address of %s now; is the name right? It is asked for again\n", host);
}

void
cmd_curve_warn(const char *const *endpoints, size_t count, const pt_curve_t *curve)
{
    for (size_t i = 0; i < count; i++)
        if (s_is_first_of_host(endpoints, i))
            s_warn_of_name(endpoints[i]);
    for (size_t i = 0; i < count; i++)
        if (!curve && cmd_curve_is_public(endpoints[i]))
            fprintf(stderr, "warning: anyone between here and %s can read and change the messages; use --curve\n",
                    endpoints[i]);
}

//  Multicast knows neither handshakes nor keys; what else libzmq may have learned is not for us to guess.
static bool
s_is_guarded_transport(const char *endpoint)
{
    static const char *const known[] = {"tcp://", "ipc://", "inproc://"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strncmp(endpoint, known[i], strlen(known[i])) == 0)
            return true;
    return false;
}

int
cmd_curve_check_bind(const char *endpoint, const pt_curve_t *curve, bool insecure)
{
    if (!s_is_guarded_transport(endpoint))
        return cmd_fail(EX_USAGE, "an endpoint looks like tcp://127.0.0.1:5560 or ipc:///run/paytriage/front",
                        "'%s' is neither tcp:// nor ipc://", endpoint);
    if (curve || insecure || !cmd_curve_is_public(endpoint))
        return EX_OK;
    return cmd_fail(EX_CONFIG, "--curve DIR admits only those you know; --insecure-public-bind admits everybody",
                    "%s is open to other machines, and nothing says who may come in", endpoint);
}

int
cmd_curve_check_http(const char *endpoint, bool insecure)
{
    char host[256];
    const char *port;
    if (insecure || !pt_http_split(endpoint, host, sizeof host, &port) || s_is_loopback(host))
        return EX_OK;
    return cmd_fail(EX_CONFIG,
                    "leave it on 127.0.0.1 for an agent of this machine; --insecure-public-http shows it to everybody",
                    "%s shows metrics to other machines, without keys or encryption", endpoint);
}
