#!/usr/bin/env bash
# Asks every route of the API's own description everything that it allows and much that it does not, as nobody, as the owner,
# as an API key and as a visitor, of a fresh appliance: schemathesis with every check on. Whatever answers with 5xx, or with
# something that the description does not say, fails it.
#
#   run.sh [CALLER ...]     with the binary that `cargo test` has built, or the one in $FRONTDESK_BIN
#
# The examples are bounded and their seed is fixed, so a run repeats. $API_EXAMPLES: examples for each route, 12 when not set.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
case "${CARGO_TARGET_DIR:-target}" in
    /*) target="$CARGO_TARGET_DIR" ;;
    *) target="$root/${CARGO_TARGET_DIR:-target}" ;;
esac
binary="${FRONTDESK_BIN:-$target/debug/frontdesk}"
callers=("$@")
[ ${#callers[@]} -gt 0 ] || callers=(nobody owner key visitor)

# The tool, in an environment of its own outside the clone: complete or not there.
cache="${XDG_CACHE_HOME:-$HOME/.cache}/frontdesk"
tool="$cache/schemathesis-$(sha256sum "$here/requirements.txt" | cut -c1-16)"
if [ ! -f "$tool/complete" ]; then
    echo "api: installing schemathesis in $tool"
    rm -rf "$tool"
    python3 -m venv "$tool"
    "$tool/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: --requirement "$here/requirements.txt"
    touch "$tool/complete"
fi

home="$(mktemp -d)"
end() {
    [ -z "${appliance:-}" ] || kill "$appliance" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$home"
}
trap end EXIT
# Nothing of the surroundings: neither settings, nor proxies, nor other authorities than the appliance's own.
for variable in $(compgen -e | grep -iE '^FRONTDESK_|_proxy$|_CA_BUNDLE$|^SSL_CERT_' || true); do unset "$variable"; done

# An owner who is asked to end his sessions, or to erase the workspace, is another one for the next caller: so each has his own
# appliance.
start() {
    rm -rf "$home/data"
    local settings=(--set log.level=warn)
    for limit in minute_per_address minute_per_caller minute_per_workspace; do
        settings+=(--set "limits.requests_per_$limit=10000000")
    done
    settings+=(--set limits.sign_ins_per_minute_per_address=10000000)
    settings+=(--set limits.visitors_per_hour_per_address=10000000 --set limits.images_per_hour_per_address=10000000)
    cat >"$home/appliance.toml" <<'SETTINGS'
[[ai.provider]]
name = "spare"
base_url = "http://127.0.0.1:9/v1"
model = "m"
SETTINGS
    (cd "$home" && exec "$binary" --config "$home/appliance.toml" --data-dir "$home/data" --listen 127.0.0.1:0 "${settings[@]}" serve) \
        >"$home/said" 2>>"$home/log" &
    appliance=$!
    for _ in $(seq 300); do
        grep -q 'token=' "$home/said" && break
        kill -0 "$appliance" 2>/dev/null || { cat "$home/log" >&2; exit 1; }
        sleep 0.1
    done
    address="$(grep -o 'https://localhost:[0-9]*' "$home/said" | head -1)"
    "$tool/bin/python" "$here/seed.py" "$home" "$address" "$(sed -n 's/.*token=//p' "$home/said")"
}

stop() {
    kill "$appliance"
    wait "$appliance" || true
    appliance=""
}

# What ends the session that asks, or closes or erases the workspace that it asks in, is asked last, by a new session.
ends='^((DELETE|PATCH) /api/v1/workspace$|DELETE /api/v1/(sessions(/|$)|me/mfa)|PUT /api/v1/me/password|POST /api/v1/me/mfa)'
ask() {
    local caller="$1"
    shift
    "$tool/bin/schemathesis" --config-file "$home/$caller.toml" run "$address/api/openapi.json" \
        --tls-verify "$home/data/tls/authority.pem" --seed 4 --no-shrink --continue-on-failure \
        --phases examples,coverage,fuzzing --max-examples "${API_EXAMPLES:-12}" \
        --suppress-health-check all --checks all --workers 1 --request-timeout 30 \
        --warnings off --output-truncate true "$@"
}

# An event stream does not end, so only who is refused is answered.
streams='^GET .*/events$'

failed=()
for caller in "${callers[@]}"; do
    start
    echo "api: as $caller"
    apart="$ends"
    [ "$caller" = nobody ] || apart="($ends|$streams)"
    ask "$caller" --exclude-name-regex "$apart" || failed+=("$caller")
    if [ "$caller" = owner ]; then
        "$tool/bin/python" "$here/seed.py" "$home" "$address" --sign-in
        echo "api: as owner, what ends a session"
        ask session --include-name-regex "$ends" || failed+=("owner, of what ends a session")
    fi
    stop
done
if [ ${#failed[@]} -gt 0 ]; then
    printf 'api: faults were found as %s\n' "${failed[@]}" >&2
    exit 1
fi
