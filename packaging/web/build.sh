#!/bin/sh
# Builds the pages into assets/web/dist, unless they are there already for these sources.
set -eu
cd "$(dirname "$0")/../../assets/web"
command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or newer (apt-get install nodejs npm)" >&2; exit 1; }
state=$(find . ../locales -path ./node_modules -prune -o -path ./dist -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-64)
if [ -f dist/.sources ] && [ "$(cat dist/.sources)" = "$state" ] && [ -d node_modules ]; then
    exit 0
fi
npm ci --no-audit --no-fund --silent
npm run --silent build
printf '%s' "$state" >dist/.sources
