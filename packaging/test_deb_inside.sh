#!/bin/sh
# What a new user does on an empty machine, with what must come of it. Run by test_deb.sh in its chroot.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt-get update -qq
apt-get install -y -qq --no-install-recommends /tmp/paytriage.deb >/tmp/install.log 2>&1 || { cat /tmp/install.log; exit 1; }

paytriage version
paytriage config check
paytriage demo --once >/tmp/demo.txt 2>/dev/null
test "$(wc -l </tmp/demo.txt)" -gt 20
id paytriage >/dev/null
test "$(stat -c '%U %a' /var/lib/paytriage)" = "paytriage 750"

# As its service does, from the files that are installed.
mkfifo /tmp/words
setpriv --reuid paytriage --regid paytriage --clear-groups env HOME=/ \
    paytriage run --journal-size 16M 2>/tmp/words & service=$!
exec 3</tmp/words
while read -r line <&3; do
    echo "$line"
    case "$line" in ready*) break ;; esac
done
cat <&3 & words=$!
paytriage tail --count 1 --timeout 60s -o jsonl >/tmp/decision.json 2>/tmp/tail.log & reader=$!
while kill -0 $reader 2>/dev/null; do
    echo '{"id": "r1", "provider": "opn", "http_status": 503}' | paytriage send --quiet
done
wait $reader
grep -q '"provider":"opn"' /tmp/decision.json
test -s /var/lib/paytriage/data.mdb
kill $service
wait $service
wait $words

# What was changed by hand survives a removal, and nothing survives a purge.
echo '# changed' >>/etc/paytriage/paytriage.yml
apt-get remove -y -qq paytriage >/dev/null 2>&1
test -f /etc/paytriage/paytriage.yml && test -d /var/lib/paytriage
test ! -e /usr/bin/paytriage
dpkg --purge paytriage >/dev/null 2>&1
test ! -e /etc/paytriage && test ! -e /var/lib/paytriage
