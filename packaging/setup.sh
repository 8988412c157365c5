#!/bin/sh
# Installs what building and testing paytriage needs, from Debian 12's packages, when something is missing.
# Usage: packaging/setup.sh build|test|bench|package
set -eu

build="gcc cmake ninja-build pkg-config libc6-dev libzmq3-dev libczmq-dev libmsgpack-dev libjansson-dev
       libyaml-dev libxxhash-dev liblmdb-dev libmicrohttpd-dev libncurses-dev libsmartcols-dev libsystemd-dev scdoc"
# Checksums: Debian 12 has ISA-L for amd64 only. Tests look at both.
if [ "$(dpkg --print-architecture)" = amd64 ]; then build="$build libisal-dev"; else build="$build libdeflate-dev"; fi
test="libdeflate-dev libcmocka-dev python3 python3-zmq python3-msgpack python3-jsonschema python3-yaml clang-format clang-tidy
      clang libclang-rt-14-dev devscripts prometheus tmux mandoc systemd bash-completion zsh fish"

# Node.js of another origin brings an npm of its own, beside which Debian's cannot stand.
command -v npm >/dev/null || test="$test nodejs npm"

bench="libcmph-dev uthash-dev gperf gnuplot-nox valgrind"

packing="dpkg-dev file lintian debootstrap systemd-container"

packages=$build
case "${1:-build}" in
test) packages="$build $test" ;;
package) packages="$build $packing" ;;
bench) packages="$build $test $bench" ;;
esac

missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "setup: run as root, or install sudo; missing:$missing" >&2; exit 77; }
    sudo=sudo
fi
echo "setup: installing$missing"
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
