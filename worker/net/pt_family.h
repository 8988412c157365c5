/*  pt_family: whether a host is reached over IPv4 or over IPv6, or not at all.
 *
 *  libzmq looks a name up for one family, and with the option for IPv6 that one goes first: localhost would be ::1,
 *  where nobody may listen. So IPv6 is for addresses of it, and for names that have no other.
 */
#ifndef PT_FAMILY_H
#define PT_FAMILY_H

#include <stdbool.h>

/*  Whether the host of tcp://HOST:PORT, or the target of tcp://SOURCE;HOST:PORT, is an IPv6 address. False for
 *  endpoints of another kind.
 */
bool pt_family_is_six_address(const char *endpoint);

/*  The same, or a name that has no other addresses; false for a name that nobody knows now. A name is looked up, which
 *  may take the resolver's time, until it is found; then its family stays for the life of the process. From any thread.
 */
bool pt_family_is_six(const char *endpoint);

/*  False where the host is a name that has no address now; true for addresses and endpoints of another kind. A name is
 *  looked up as above.
 */
bool pt_family_is_known(const char *endpoint);

#endif
