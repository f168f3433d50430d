"""Prints the Rust packages that are compiled into the program, with their licences and the texts of these, each text once."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

NAMES = re.compile(r"^(licen[cs]e|copying|notice|copyright|unlicense)", re.IGNORECASE)
TEXT_BYTES_MAX = 200_000


def compiled_in(metadata: dict) -> list[dict]:
    """The packages that the program needs at run time, without those that only build or test it."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting, seen = [metadata["resolve"]["root"]], set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        for need in nodes[one]["deps"]:
            if any(kind["kind"] is None for kind in need["dep_kinds"]):
                waiting.append(need["pkg"])
    seen.discard(metadata["resolve"]["root"])
    found = [package for package in metadata["packages"] if package["id"] in seen]
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def main() -> None:
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    host = re.search(r"host: (\S+)", subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout)
    command += ["--filter-platform", host.group(1)]
    said = subprocess.run(command, cwd=sys.argv[1], check=True, capture_output=True, text=True).stdout
    texts: dict[str, tuple[int, str]] = {}
    print("Rust packages compiled into Frontdesk. The numbers name the texts below.\n")
    for package in compiled_in(json.loads(said)):
        numbers = []
        for path in sorted(Path(package["manifest_path"]).parent.iterdir()):
            if not path.is_file() or not NAMES.match(path.name) or path.suffix in {".rs", ".py"}:
                continue
            text = path.read_text(encoding="utf-8", errors="replace")[:TEXT_BYTES_MAX].strip()
            digest = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
            numbers.append(texts.setdefault(digest, (len(texts) + 1, text))[0])
        licence = package["license"] or "see the text"
        listed = ", ".join(f"[{number}]" for number in sorted(set(numbers)))
        print(f"{package['name']} {package['version']}: {licence} {listed}".rstrip())
    for number, text in texts.values():
        print(f"\n\n[{number}] {'-' * 72}\n\n{text}")


if __name__ == "__main__":
    main()
