/*  cmd_curve: the option --curve and those that begin with --insecure, and what they mean for addresses. */
#ifndef PT_CMD_CURVE_H
#define PT_CMD_CURVE_H

#include "cmd.h"

#include "pt_curve.h"

/*  Open the folder that --curve named; NULL stays NULL. EX_OK, or the exit code after one line and a
 *  hint: 77 for a file that others may read or change, 78 for any other fault.
 */
int cmd_curve_open(const char *dir, pt_curve_t **out_curve);

/*  Say that a broker does not let this party's key in, and give back 77. */
int cmd_curve_tell_refusal(const char *broker, const pt_curve_t *curve);

/*  Say why a broker has not answered for so long, after EX_UNAVAILABLE's `hint` or, when its handshakes end
 *  without a word, what may be wrong with keys; 69, or 77 when it is the key.
 */
int cmd_curve_tell_silence(const char *broker, const pt_curve_t *curve, bool silent, uint64_t timeout_ms,
                           const char *hint);

/*  Whether an endpoint is TCP on another address than loopback. Host names count as such. */
bool cmd_curve_is_public(const char *endpoint);

/*  Say on stderr, before connecting, which hosts have names that nobody knows now, and of each endpoint that is
 *  public that what goes there can be read on its way, when there are no keys.
 */
void cmd_curve_warn(const char *const *endpoints, size_t count, const pt_curve_t *curve);

/*  Whether to bind there: at a public address only with keys, or when told so. EX_OK, or the exit code
 *  after one line and a hint.
 */
int cmd_curve_check_bind(const char *endpoint, const pt_curve_t *curve, bool insecure);

/*  Whether to show HTTP there, which has no keys: at a public address only when told so. EX_OK, also for
 *  what is no endpoint, or the exit code after one line and a hint.
 */
int cmd_curve_check_http(const char *endpoint, bool insecure);

#endif
