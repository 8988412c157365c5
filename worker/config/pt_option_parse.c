/*  One value of a setting, whether it stood in the file, the environment or a flag. */
#include "pt_option.h"
#include "pt_units.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

//  The path of a socket, without the zero behind it.
#define S_IPC_BYTES_MAX (sizeof(((struct sockaddr_un *) NULL)->sun_path) - 1)

static bool
s_refuse_number(const pt_option_t *option, const char *text, char reason[PT_OPTION_REASON_BYTES])
{
    snprintf(reason, PT_OPTION_REASON_BYTES, "'%.60s' is not a whole number from %llu to %llu%s%s", text,
             (unsigned long long) option->min, (unsigned long long) option->max, option->word ? ", or " : "",
             option->word ? option->word : "");
    return false;
}

static bool
s_parse_number(const pt_option_t *option, const char *text, uint64_t *out, char reason[PT_OPTION_REASON_BYTES])
{
    if (option->word && strcmp(text, option->word) == 0) {
        *out = 0;
        return true;
    }
    return pt_units_number(text, option->min, option->max, out) || s_refuse_number(option, text, reason);
}

static bool
s_parse_duration(const pt_option_t *option, const char *text, uint64_t *out, char reason[PT_OPTION_REASON_BYTES])
{
    if (pt_units_duration_ms(text, out) && *out >= option->min && *out <= option->max)
        return true;
    snprintf(reason, PT_OPTION_REASON_BYTES, "'%.60s' is not a duration such as 500ms, 30s, 15m or 1h, %llu to %llu ms",
             text, (unsigned long long) option->min, (unsigned long long) option->max);
    return false;
}

static bool
s_parse_bytes(const pt_option_t *option, const char *text, uint64_t *out, char reason[PT_OPTION_REASON_BYTES])
{
    if (pt_units_bytes(text, out) && *out >= option->min && *out <= option->max)
        return true;
    snprintf(reason, PT_OPTION_REASON_BYTES, "'%.60s' is no size from %lluM to %lluM, such as 512M or 8G", text,
             (unsigned long long) option->min >> 20, (unsigned long long) option->max >> 20);
    return false;
}

static bool
s_parse_switch(const char *text, uint64_t *out, char reason[PT_OPTION_REASON_BYTES])
{
    *out = strcmp(text, "true") == 0;
    if (*out || strcmp(text, "false") == 0)
        return true;
    snprintf(reason, PT_OPTION_REASON_BYTES, "'%.60s' is not true or false", text);
    return false;
}

static bool
s_parse_word(const pt_option_t *option, const char *text, uint64_t *out, char reason[PT_OPTION_REASON_BYTES])
{
    char list[100] = "";
    for (size_t i = 0, len = 0; option->words[i]; i++) {
        if (strcmp(text, option->words[i]) == 0) {
            *out = i;
            return true;
        }
        const char *comma = !i ? "" : option->words[i + 1] ? ", " : " or ";
        len += (size_t) snprintf(list + len, sizeof list - len, "%s%s", comma, option->words[i]);
        assert(len < sizeof list);
    }
    snprintf(reason, PT_OPTION_REASON_BYTES, "'%.60s' is not %s", text, list);
    return false;
}

//  A port of * or 0 is any that is free.
static bool
s_has_port(const char *address)
{
    const char *colon = strrchr(address, ':');
    uint64_t port;
    return colon && (strcmp(colon, ":*") == 0 || pt_units_number(colon + 1, 0, UINT16_MAX, &port));
}

static bool
s_check_endpoint(const pt_option_t *option, const char *text, char reason[PT_OPTION_REASON_BYTES])
{
    const char *colon = strstr(text, "://");
    if (!colon || colon == text || !colon[3])
        snprintf(reason, PT_OPTION_REASON_BYTES,
                 "'%.60s' is not an endpoint such as tcp://127.0.0.1:5560 or ipc:///run/paytriage/front", text);
    else if (option->max && strlen(text) > option->max)
        snprintf(reason, PT_OPTION_REASON_BYTES, "longer than %llu bytes", (unsigned long long) option->max);
    else if (strncmp(text, "tcp://", 6) == 0 && !s_has_port(text + 6))
        snprintf(reason, PT_OPTION_REASON_BYTES, "'%.60s' does not end in a port from 1 to %u", text, UINT16_MAX);
    else if (strncmp(text, "ipc://", 6) == 0 && strlen(text + 6) > S_IPC_BYTES_MAX)
        snprintf(reason, PT_OPTION_REASON_BYTES, "a path of %zu bytes; the system takes at most %zu for a socket",
                 strlen(text + 6), S_IPC_BYTES_MAX);
    else
        return true;
    return false;
}

//  An IPv6 address has two colons and more; one alone stands before a port.
static bool
s_check_host(const char *text, char reason[PT_OPTION_REASON_BYTES])
{
    const char *colon = strchr(text, ':');
    bool is_host = *text && !(colon && !strchr(colon + 1, ':'));
    for (const char *at = text; *at; at++)
        is_host = is_host && (unsigned char) *at > ' ' && *at != '/' && *at != 0x7f;
    if (!is_host)
        snprintf(reason, PT_OPTION_REASON_BYTES, "'%.60s' is no address or name of a host, without transport and port",
                 text);
    return is_host;
}

bool
pt_option_parse(const pt_option_t *option, const char *text, pt_option_value_t *out,
                char reason[PT_OPTION_REASON_BYTES])
{
    *out = (pt_option_value_t) {.text = text};
    switch (option->type) {
    case PT_OPTION_NUMBER:
        return s_parse_number(option, text, &out->number, reason);
    case PT_OPTION_DURATION:
        return s_parse_duration(option, text, &out->number, reason);
    case PT_OPTION_BYTES:
        return s_parse_bytes(option, text, &out->number, reason);
    case PT_OPTION_SWITCH:
        return s_parse_switch(text, &out->number, reason);
    case PT_OPTION_WORD:
        return s_parse_word(option, text, &out->number, reason);
    case PT_OPTION_ENDPOINT:
        return s_check_endpoint(option, text, reason);
    case PT_OPTION_HOST:
        return s_check_host(text, reason);
    case PT_OPTION_TEXT:
        break;
    }
    if (*text)
        return true;
    snprintf(reason, PT_OPTION_REASON_BYTES, "nothing is no value");
    return false;
}
