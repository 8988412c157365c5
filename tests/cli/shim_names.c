/*  shim_names: a resolver that knows two more names, for LD_PRELOAD: six.test has the address ::1 and no other,
 *  both.test has ::1 and 127.0.0.1. Of nobody.test it is sure that there is none.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <stdbool.h>
#include <string.h>

typedef int(lookup_t)(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out);

static int
s_look_up(const char *address, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    //  The attribute keeps -Wpedantic from the conversion that dlsym is made for.
    lookup_t *next;
    *(void **) &next = dlsym(RTLD_NEXT, "getaddrinfo");
    return next(address, service, hints, out);
}

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    int family = hints ? hints->ai_family : AF_UNSPEC;
    bool six = node && strcmp(node, "six.test") == 0;
    bool both = node && strcmp(node, "both.test") == 0;
    if (node && strcmp(node, "nobody.test") == 0)
        return EAI_NONAME;
    if (!six && !both)
        return s_look_up(node, service, hints, out);
    if (family == AF_INET)
        return six ? EAI_NONAME : s_look_up("127.0.0.1", service, hints, out);
    int result = s_look_up("::1", service, hints, out);
    //  In their order: IPv6 first.
    if (result == 0 && both && family == AF_UNSPEC)
        return s_look_up("127.0.0.1", service, hints, &(*out)->ai_next);
    return result;
}
