#!/bin/sh
# The .deb on an empty Debian 12: made, looked at by lintian, installed in a chroot, used, removed and purged.
# Takes minutes, root, and Debian's archive or what MIRROR names. Usage: packaging/test_deb.sh
# Exit: 0 all well, 77 not possible here.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "skipped: a chroot takes root"; exit 77; }
packaging/setup.sh package
cmake --preset package >/dev/null
cmake --build --preset package >/dev/null
(cd build/package && cpack >/dev/null)
deb=$(ls -t build/package/paytriage_*.deb | head -1)

echo "== lintian"
lintian --allow-root --fail-on error,warning "$deb"

echo "== chroot"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
# The service's user has to pass its own root.
chmod 755 "$root"
debootstrap --variant=minbase bookworm "$root" "${MIRROR:-http://deb.debian.org/debian}" >"$root.log" 2>&1 ||
    { tail -3 "$root.log"; rm -f "$root.log"; echo "skipped: debootstrap cannot make a chroot here"; exit 77; }
rm -f "$root.log"
cp "$deb" "$root/tmp/paytriage.deb"
cp packaging/test_deb_inside.sh "$root/tmp/inside.sh"
# Where this machine's archive is, it is the chroot's too.
[ -z "${APT_CONF:-}" ] || cp "$APT_CONF" "$root/etc/apt/apt.conf.d/99test"
chroot "$root" sh /tmp/inside.sh
echo "installed, used, removed and purged"
