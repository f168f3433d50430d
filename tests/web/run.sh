#!/bin/sh
# The browser tests, with the binary that `cargo test` has built.
set -eu
cd "$(dirname "$0")/../.."
case "${CARGO_TARGET_DIR:-target}" in
    /*) target="$CARGO_TARGET_DIR" ;;
    *) target="$PWD/${CARGO_TARGET_DIR:-target}" ;;
esac
export FRONTDESK_BIN="${FRONTDESK_BIN:-$target/debug/frontdesk}"
chromium="${CHROMIUM:-$(command -v chromium || true)}"
[ -n "$chromium" ] || { echo "chromium is missing: apt-get install chromium" >&2; exit 1; }
export CHROMIUM="$chromium"
cd tests/web
npm ci --no-audit --no-fund --silent
npm run --silent test
