#!/usr/bin/env bash
# testssl.sh against a running appliance: nothing above LOW, but what follows from the appliance's own certificate authority.
#
#   run.sh     with the binary that `cargo test` has built, or the one in $FRONTDESK_BIN
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
case "${CARGO_TARGET_DIR:-target}" in
    /*) target="$CARGO_TARGET_DIR" ;;
    *) target="$root/${CARGO_TARGET_DIR:-target}" ;;
esac
binary="${FRONTDESK_BIN:-$target/debug/frontdesk}"
command -v testssl >/dev/null || { echo "tls: testssl is missing (Debian: apt install testssl.sh)." >&2; exit 1; }

home="$(mktemp -d)"
end() {
    [ -z "${appliance:-}" ] || kill "$appliance" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$home"
}
trap end EXIT
for variable in $(compgen -e | grep -iE '^FRONTDESK_|_proxy$' || true); do unset "$variable"; done
(cd "$home" && exec "$binary" --data-dir "$home/data" --listen 127.0.0.1:0 \
    --set limits.requests_per_minute_per_address=1000000 serve) >"$home/said" 2>"$home/log" &
appliance=$!
for _ in $(seq 300); do
    grep -q 'https://' "$home/said" && break
    kill -0 "$appliance" 2>/dev/null || { cat "$home/log" >&2; exit 1; }
    sleep 0.1
done
address="$(grep -o 'localhost:[0-9]*' "$home/said" | head -1)"

# Without the simulation of forty clients, which finds no faults and takes as long as the rest.
testssl --quiet --color 0 --warnings off --ip one --protocols --std --server-defaults --server-preference --fs --headers \
    --vulnerable --jsonfile "$home/found.json" "https://$address" >"$home/shown" 2>&1 || true
python3 - "$home/found.json" "$home/shown" <<'PYTHON'
import json
import sys

# What follows from an authority that nobody else knows, and is as it should be.
PRIVATE_AUTHORITY = {
    "cert_chain_of_trust": "the authority is the appliance's own; people install it from /ca.pem",
    "cert_revocation": "nobody could ask the appliance's authority about revocation while the appliance is down",
    "cert_trust": "the name is localhost",
    "DNS_CAArecord": "localhost has no DNS records",
    "OCSP_stapling": "the authority has no responder",
    "certificate_transparency": "logs take certificates of public authorities only",
}
RANK = ["DEBUG", "INFO", "OK", "LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL"]

found = json.load(open(sys.argv[1], encoding="utf-8"))
if len(found) < 60:
    sys.exit(f"tls: testssl looked at {len(found)} things only:\n" + open(sys.argv[2], encoding="utf-8").read())
wrong, excepted = [], []
for one in found:
    severity, name = one["severity"], one["id"]
    # WARN is about what testssl itself cannot do here.
    if severity == "WARN" or RANK.index(severity) <= RANK.index("LOW"):
        continue
    line = f"{severity:8} {name}: {one['finding']}"
    key = next((key for key in PRIVATE_AUTHORITY if name.split()[0] == key), None)
    if key:
        excepted.append(f"{line} (excepted: {PRIVATE_AUTHORITY[key]})")
    else:
        wrong.append(line)
print(f"tls: {len(found)} findings, {len(wrong)} above LOW beside the private authority")
print("\n".join(excepted + wrong))
sys.exit(1 if wrong else 0)
PYTHON
