#!/bin/sh
# What the units promise, tried on a machine that systemd has booted. Run by test_systemd.sh in its container.
set -eu
export LC_ALL=C.UTF-8

say() { echo "== $*"; }
show() { systemctl show --value -p "$1" "${2:-paytriage.service}"; }
# Until a condition holds; a minute is more than any of them takes.
until_holds() {
    left=600
    until eval "$1"; do
        left=$((left - 1))
        [ $left -gt 0 ] || { echo "never: $1"; systemctl status --no-pager --full paytriage.service; exit 1; }
        sleep 0.1
    done
}
# The journal is written beside what it tells of.
until_said() { until_holds "journalctl -q -u $1 PAYTRIAGE_EVENT=$2 -o json --no-pager | grep -q ."; }
trap 'code=$?; [ $code = 0 ] || journalctl --no-pager -n 40 -u "paytriage*"; exit $code' EXIT

settings=/etc/paytriage/paytriage.yml
printf 'journal:\n  size: 64M\n' >>$settings
mkdir -p /etc/systemd/system/paytriage.service.d
# Thirty seconds would be long to wait for.
printf '[Service]\nWatchdogSec=2\n' >/etc/systemd/system/paytriage.service.d/test.conf
systemctl daemon-reload

say "Type=notify: started means that responses are taken"
systemctl start paytriage.service
test "$(show ActiveState) $(show StatusText)" = "active responses are taken"
paytriage check
echo '{"id": "r1", "provider": "opn", "http_status": 503}' | paytriage send --quiet --timeout 10s
test "$(stat -c '%U %a' /var/lib/paytriage/data.mdb)" = "paytriage 600"

say "journald: each line has its fields"
until_said paytriage service.ready
journalctl -q -u paytriage PAYTRIAGE_EVENT=journal.opened -o json --no-pager | grep -q '"PAYTRIAGE_DIR":"/var/lib/paytriage"'
systemctl kill --kill-who=main -s USR1 paytriage.service
until_said paytriage log.level

say "watchdog: fed while it works"
fed=$(show WatchdogTimestampMonotonic)
for _ in 1 2 3; do
    until_holds '[ "$(show WatchdogTimestampMonotonic)" != "$fed" ]'
    fed=$(show WatchdogTimestampMonotonic)
done
test "$(show NRestarts)" = 0

say "watchdog: what hangs is ended and started again"
kill -STOP "$(show MainPID)"
until_holds '[ "$(show NRestarts)" = 1 ] && [ "$(show ActiveState)" = active ]'
journalctl -q -u paytriage --no-pager | grep -q "Watchdog timeout"

say "reload: a good catalog is switched to, and a bad one leaves the old one serving"
mkdir /etc/paytriage/catalog
cat >/etc/paytriage/catalog/acme.yaml <<'END'
gateway: {id: acme, name: Acme, cite: acme.pdf}
body: {codes: [{code: code, message: message}]}
operations: [{name: charge, kind: money}]
entries:
  - {code: "05", category: decline_hard, outcome: declined, action: change_instrument, summary: "Refused.", cite: 1}
END
echo "catalog: [/etc/paytriage/catalog]" >>$settings
systemctl restart paytriage.service
paytriage ctl status | grep "6 gateways"
cp /etc/paytriage/catalog/acme.yaml /srv
sed -i 's/Refused/Refused by the issuer/' /etc/paytriage/catalog/acme.yaml
systemctl reload paytriage.service
until_said paytriage catalog.switched
sed -i 's/hard/hrad/' /etc/paytriage/catalog/acme.yaml
if systemctl reload paytriage.service 2>/dev/null; then exit 1; fi
test "$(show ActiveState)" = active
paytriage check >/dev/null
until_said paytriage catalog.refused
cp /srv/acme.yaml /etc/paytriage/catalog
systemctl reload paytriage.service

say "stop: what was taken is finished, and producers lose nothing"
i=0
while [ $i -lt 20000 ]; do
    i=$((i + 1))
    echo "{\"id\": \"s$i\", \"provider\": \"opn\", \"http_status\": 503}"
done >/srv/many.jsonl
paytriage send --batch 16 /srv/many.jsonl 2>/srv/sent & sender=$!
until_holds 'paytriage ctl status | grep -q "received [1-9]"'
before=$(date +%s)
systemctl stop paytriage.service
test $(($(date +%s) - before)) -lt 45
test "$(show Result) $(show ExecMainStatus)" = "success 0"
until_said paytriage service.drained
systemctl start paytriage.service
wait $sender || { cat /srv/sent; exit 1; }
tail -1 /srv/sent
grep -q "accepted 20000, refused 0, unacknowledged 0" /srv/sent

say "RestartPreventExitStatus: a wrong setting is said once, and not tried again"
systemctl stop paytriage.service
cp $settings /srv/good.yml
echo "prot_base: 1" >>$settings
if systemctl start paytriage.service 2>/dev/null; then exit 1; fi
test "$(show ActiveState) $(show ExecMainStatus) $(show NRestarts)" = "failed 78 0"
until_holds 'journalctl -q -u paytriage --no-pager | grep -q "did you mean .port_base"'
cp /srv/good.yml $settings

say "another failure is tried again, for as long as it lasts"
setpriv --reuid paytriage --regid paytriage --clear-groups env HOME=/ STATE_DIRECTORY=/var/lib/paytriage \
    paytriage run --port-base 6000 --control none 2>/srv/other & other=$!
until_holds 'grep -q "^ready" /srv/other'
if systemctl start paytriage.service 2>/dev/null; then exit 1; fi
until_holds '[ "$(show NRestarts)" -ge 6 ]'
journalctl -q -u paytriage --no-pager | grep -q "status=75/TEMPFAIL"
kill $other
until_holds '[ "$(show ActiveState)" = active ]'
systemctl stop paytriage.service

say "broker and two workers, each with a journal of its own"
echo PAYTRIAGE_PORT_BASE=5660 >/etc/paytriage/worker-b.env
systemctl start paytriage-broker.service paytriage-worker@a.service paytriage-worker@b.service
paytriage send --batch 16 --quiet /srv/many.jsonl
test -s /var/lib/paytriage/worker-a/data.mdb && test -s /var/lib/paytriage/worker-b/data.mdb
test "$(paytriage ctl status | grep -c "^worker ")" = 2
systemctl reload paytriage-worker@b.service
systemctl stop paytriage-worker@a.service paytriage-worker@b.service paytriage-broker.service
for unit in paytriage-broker paytriage-worker@a paytriage-worker@b; do
    test "$(show Result $unit.service)" = success
done

say "what the sandbox leaves open"
systemd-analyze security --no-pager paytriage.service | tail -1

say "an upgrade starts again what runs, and a removal stops it"
systemctl enable --now --quiet paytriage.service
pid=$(show MainPID)
dpkg -i /srv/paytriage.deb >/srv/upgrade 2>&1
until_holds '[ "$(show ActiveState)" = active ] && [ "$(show MainPID)" != "$pid" ]'
dpkg --purge paytriage >/srv/purge 2>&1
until_holds '[ "$(show ActiveState)" = inactive ]'
test ! -e /var/lib/paytriage
test ! -L /etc/systemd/system/multi-user.target.wants/paytriage.service
