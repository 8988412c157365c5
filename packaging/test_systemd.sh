#!/bin/sh
# The units under a real systemd: a Debian 12 with the .deb is booted in a container, and what the units promise is tried.
# Takes a minute or two, root, systemd-container, and Debian's archive or what MIRROR names. Usage: packaging/test_systemd.sh
# Exit: 0 all well, 77 not possible here.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "skipped: a container takes root"; exit 77; }
packaging/setup.sh package
cmake --preset package >/dev/null
cmake --build --preset package >/dev/null
(cd build/package && cpack >/dev/null)
deb=$(ls -t build/package/paytriage_*.deb | head -1)

root=$(mktemp -d)
trap 'rm -rf "$root" "$root.log"' EXIT
chmod 755 "$root"
debootstrap --variant=minbase --include=systemd-sysv,dbus bookworm "$root" "${MIRROR:-http://deb.debian.org/debian}" >"$root.log" 2>&1 ||
    { tail -3 "$root.log"; echo "skipped: debootstrap cannot make a root here"; exit 77; }
# Where this machine's archive is, it is the root's too.
[ -z "${APT_CONF:-}" ] || cp "$APT_CONF" "$root/etc/apt/apt.conf.d/99test"
cp "$deb" "$root/srv/paytriage.deb"
cp packaging/test_systemd_inside.sh "$root/srv/inside.sh"
chroot "$root" sh -c 'apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /srv/paytriage.deb' >"$root.log" 2>&1 ||
    { tail -20 "$root.log"; exit 1; }

# The test is a unit like any other. Its end is the end of the container, and its code the container's.
cat >"$root/etc/systemd/system/test.service" <<'END'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sh /srv/inside.sh >/srv/said 2>&1; echo $? >/srv/code; systemctl poweroff --no-block'
[Install]
WantedBy=default.target
END
chroot "$root" systemctl enable test.service >/dev/null 2>&1
# Without a manager of containers around it; no network but its own loopback.
timeout 300 systemd-nspawn --quiet --register=no --keep-unit --private-network --directory="$root" --boot \
    >"$root.log" 2>&1 </dev/null || true
[ -f "$root/srv/code" ] || { tail -20 "$root.log"; echo "skipped: no systemd can be booted here"; exit 77; }
cat "$root/srv/said"
[ "$(cat "$root/srv/code")" = 0 ] || { echo "failed"; exit 1; }
echo "started, watched, reloaded, drained and kept from restarting, under systemd"
