/*  pt_status: the words of every status. */
#include "pt_status.h"

const char *
pt_status_text(pt_status_t status)
{
    switch (status) {
    case PT_OK:
        return "ok";
    case PT_E_TRUNCATED:
        return "truncated";
    case PT_E_TRAILING:
        return "trailing bytes";
    case PT_E_MALFORMED:
        return "malformed";
    case PT_E_TYPE:
        return "wrong type";
    case PT_E_MISSING:
        return "missing";
    case PT_E_RANGE:
        return "out of range";
    case PT_E_DUPLICATE:
        return "duplicate key";
    case PT_E_UTF8:
        return "not UTF-8";
    case PT_E_DEPTH:
        return "nested too deep";
    case PT_E_SIZE:
        return "too large";
    case PT_E_COUNT:
        return "wrong count";
    case PT_E_VERSION:
        return "unknown version";
    case PT_E_KIND:
        return "unexpected kind";
    case PT_E_CHECKSUM:
        return "checksum mismatch";
    case PT_E_SPACE:
        return "no room";
    case PT_E_SYNTAX:
        return "syntax error";
    case PT_E_NOT_FOUND:
        return "not found";
    case PT_E_NOMEM:
        return "out of memory";
    case PT_E_IO:
        return "input/output error";
    }
    return "unknown status";
}
