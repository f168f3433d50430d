#!/usr/bin/env bash
# The life of the Debian package in a Debian of its own that systemd has booted: installed, started, set up, asked, upgraded,
# its key handed in, removed, purged. Needs root; installs what it needs with apt; takes about a minute once the Debian is there.
#
#   test.sh [BINARY]     target/debug/frontdesk when not given
#
# The Debian is kept in the user's cache folder, so that it is fetched once.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
case "${CARGO_TARGET_DIR:-target}" in
    /*) target="$CARGO_TARGET_DIR" ;;
    *) target="$root/${CARGO_TARGET_DIR:-target}" ;;
esac
binary="${1:-$target/debug/frontdesk}"
fail() { printf 'deb: %s\n' "$1" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "this test boots a Debian, which needs root."

missing=()
for pair in mmdebstrap:mmdebstrap systemd-nspawn:systemd-container dpkg-shlibdeps:dpkg-dev strip:binutils lintian:lintian; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# The same release as this machine's, because the program needs its C library.
# shellcheck source=/dev/null
suite="$(. /etc/os-release && echo "$VERSION_CODENAME")"
packages=systemd,systemd-sysv,dbus,init-system-helpers,adduser,curl
cache="${XDG_CACHE_HOME:-$HOME/.cache}/frontdesk"
base="$cache/debian-$suite-$(dpkg --print-architecture)-$(printf '%s' "$packages" | sha256sum | cut -c1-8).tar"
if [ ! -f "$base" ]; then
    echo "deb: fetching Debian $suite"
    mkdir -p "$cache"
    mmdebstrap --quiet --variant=minbase --include="$packages" "$suite" "$base.part.tar"
    mv "$base.part.tar" "$base"
fi

work="$(mktemp -d)"
machine="frontdesk-$$"
guest=""
end() {
    # Its init ends it; the machine may be gone already.
    [ -z "${leader:-}" ] || kill -KILL "$leader" 2>/dev/null || true
    [ -z "$guest" ] || wait "$guest" 2>/dev/null || true
    rm -rf "$work" "/run/systemd/nspawn/propagate/$machine"
}
trap end EXIT

echo "deb: building two versions"
mkdir -p "$work/packages" "$work/root"
first="$(DEB_COMPRESSION=gzip bash "$here/build.sh" "$binary" "$work/packages")"
version="$(dpkg-deb -f "$first" Version)"
second="$(DEB_VERSION="$version+next1" DEB_COMPRESSION=gzip bash "$here/build.sh" "$binary" "$work/packages")"
[ "$first" != "$second" ] || fail "the second version is the first."
lintian --allow-root --fail-on error,warning --tag-display-limit 0 --suppress-tags-from-file "$here/lintian-tags" "$first" ||
    fail "lintian found faults."

tar -C "$work/root" -xf "$base"
# Without a network of its own: what the service does must not need one.
systemd-nspawn --quiet --directory "$work/root" --machine "$machine" --boot --register=no --keep-unit --private-network \
    --bind-ro "$work/packages:/packages" --console=passive >"$work/console" 2>&1 &
guest=$!
for _ in $(seq 100); do
    leader="$(pgrep -P "$guest" | head -1 || true)"
    [ -z "$leader" ] || break
    sleep 0.1
done
[ -n "${leader:-}" ] || { cat "$work/console" >&2; fail "the Debian did not boot."; }
inside() {
    nsenter --target "$leader" --all -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "$@"
}
for _ in $(seq 300); do
    state="$(inside systemctl is-system-running 2>/dev/null || true)"
    case "$state" in running | degraded) break ;; esac
    sleep 0.2
done
case "$state" in running | degraded) ;; *) fail "systemd did not come up in the Debian: $state" ;; esac

journal() { inside journalctl --no-pager --unit frontdesk | tail -40 >&2; }
check() {
    local what="$1"
    shift
    if "$@" >"$work/said" 2>&1; then
        echo "deb: $what"
    else
        cat "$work/said" >&2
        journal
        fail "not so: $what"
    fi
}
refused() { ! "$@"; }
active() { inside systemctl is-active --quiet frontdesk && [ "$(property NRestarts)" = 0 ]; }
property() { inside systemctl show frontdesk --property "$1" --value; }
ready() {
    for _ in $(seq 100); do
        if inside frontdesk healthcheck 2>/dev/null; then return 0; fi
        sleep 0.2
    done
    inside frontdesk healthcheck
}
finds() { inside frontdesk knowledge search "When can I come by?" --json | grep -q '"name":"hours.md"'; }
at() { [ "$(inside stat -c '%U:%G %a' "$1")" = "$2" ]; }

check "it installs" inside dpkg -i "/packages/${first##*/}"
check "the service runs as the package leaves it" active
check "it is ready" ready
check "it starts with the machine" inside systemctl is-enabled frontdesk
check "its data is its own" at /var/lib/frontdesk "frontdesk:frontdesk 700"
check "its settings are read by it and written by root" at /etc/frontdesk/appliance.toml "root:frontdesk 640"
check "the link to set it up is for root's eyes" at /var/lib/frontdesk/setup-link "frontdesk:frontdesk 600"
check "it has manual pages" inside test -f /usr/share/man/man1/frontdesk-config-check.1.gz
check "the shell completes its commands" inside bash -c \
    'source /usr/share/bash-completion/completions/frontdesk && complete -p frontdesk'

token="$(inside sed 's/.*token=//' /var/lib/frontdesk/setup-link)"
wish="{\"token\":\"$token\",\"name\":\"Ada\",\"email\":\"ada@example.com\",\"password\":\"a long walk by the quiet river\",\"workspace_name\":\"Acme\"}"
check "it is set up" inside curl -fsS --cacert /var/lib/frontdesk/tls/authority.pem -H 'content-type: application/json' \
    -d "$wish" https://localhost:8443/api/v1/setup
printf '# Opening hours\n\nThe shop is open from nine to five on weekdays.\n' >"$work/packages/hours.md"
check "a document is taken apart under the service's restrictions" inside frontdesk knowledge add /packages/hours.md
check "and found by its meaning" finds

before="$(property MainPID)"
check "it reads its settings again" inside systemctl reload frontdesk
check "and goes on" active
check "as the same process" test "$(property MainPID)" = "$before"
check "it is ready" ready

check "it stops" inside systemctl stop frontdesk
check "root does not write into its data" refused inside frontdesk knowledge search hours
check "its own user may" inside runuser -u frontdesk -- frontdesk knowledge search hours
check "it starts again" inside systemctl start frontdesk

inside bash -c 'echo "# ours" >>/etc/frontdesk/appliance.toml'
before="$(property MainPID)"
check "it is upgraded" inside dpkg -i "/packages/${second##*/}"
check "the service runs" active
check "as another process" test "$(property MainPID)" != "$before"
check "it is ready" ready
check "with the data of before" finds
check "and the settings of before" inside grep -q '^# ours' /etc/frontdesk/appliance.toml

backup=/srv/desk.frontdesk-backup
check "a backup of it is made" inside frontdesk backup "$backup"
check "which nothing replaces while it runs" refused inside frontdesk restore --force "$backup"
check "it stops" inside systemctl stop frontdesk
check "nor without a word" refused inside frontdesk restore "$backup"
check "root restores it in place of the data" inside frontdesk restore --force "$backup"
check "which belongs to the service again" at /var/lib/frontdesk "frontdesk:frontdesk 700"
check "to the last file" refused inside bash -c 'find /var/lib/frontdesk ! -user frontdesk | grep .'
check "it starts" inside systemctl start frontdesk
check "it is ready" ready
check "with the data of the backup" finds

check "it stops" inside systemctl stop frontdesk
inside bash -c 'mkdir -p -m 0700 /etc/credstore && mv /var/lib/frontdesk/appliance.key /etc/credstore/frontdesk.appliance.key'
inside bash -c 'echo FRONTDESK_SERVER__HTTPS_LISTEN=0.0.0.0:443 >/etc/frontdesk/frontdesk.env'
check "it starts with its key handed in, on a port below 1024" inside systemctl start frontdesk
check "it is ready there" inside curl -fsS --retry 30 --retry-connrefused --retry-delay 1 \
    --cacert /var/lib/frontdesk/tls/authority.pem https://localhost/healthz/ready
check "with the data of before" finds
check "and no key in its data" refused inside test -e /var/lib/frontdesk/appliance.key
check "it stops" inside systemctl stop frontdesk
check "without the key nothing is opened, and no other is made" refused inside runuser -u frontdesk -- frontdesk setup
check "no key was made" refused inside test -e /var/lib/frontdesk/appliance.key
inside rm /etc/frontdesk/frontdesk.env
check "it starts again" inside systemctl start frontdesk

check "it is removed" inside dpkg -r frontdesk
check "nothing runs" refused inside pgrep -x frontdesk
check "the data stays" inside test -f /var/lib/frontdesk/system.redb
check "the settings stay" inside test -f /etc/frontdesk/appliance.toml
check "it is purged" inside dpkg -P frontdesk
check "the data is gone" refused inside test -e /var/lib/frontdesk
check "the settings are gone" refused inside test -e /etc/frontdesk
check "no trace of the service is left" refused inside bash -c 'find /etc/systemd /var/lib/systemd -name "frontdesk*" | grep .'
echo "deb: the package is fine"
