#!/usr/bin/env bash
# Makes the Debian package of this machine's architecture from a binary: program, service, settings, completions, manual pages.
#
#   build.sh [BINARY [FOLDER]]     BINARY: target/release/frontdesk when not given; FOLDER: where the package goes, target/debian
#
# $DEB_VERSION: another version than the changelog's first; $DEB_COMPRESSION: xz when not set. Prints the package's path.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
case "${CARGO_TARGET_DIR:-target}" in
    /*) target="$CARGO_TARGET_DIR" ;;
    *) target="$root/${CARGO_TARGET_DIR:-target}" ;;
esac
binary="${1:-$target/release/frontdesk}"
folder="${2:-$target/debian}"
stop() { printf 'deb: %s\n' "$1" >&2; exit 1; }

[ -x "$binary" ] || stop "$binary is not there; cargo build --release makes it."
for tool in dpkg-deb dpkg-shlibdeps strip; do
    command -v "$tool" >/dev/null || stop "$tool is missing (Debian: apt install dpkg-dev binutils)."
done
architecture="$(dpkg --print-architecture)"
version="${DEB_VERSION:-$(sed -n '1s/^frontdesk (\(.*\)) .*/\1/p' "$here/changelog")}"
said="$("$binary" --version)"
[ "$said" = "frontdesk ${version%%-*}" ] || stop "the changelog says $version, the program $said."

# Everything in the package has the time of its last change, so that the same sources make the same package.
epoch="${SOURCE_DATE_EPOCH:-$(date -d "$(sed -n 's/^ -- .*>  //p' "$here/changelog" | head -1)" +%s)}"
export SOURCE_DATE_EPOCH="$epoch"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
tree="$work/tree"
put() { install -D -m "$1" "$2" "$tree$3"; }
umask 022

put 0755 "$binary" /usr/bin/frontdesk
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$tree/usr/bin/frontdesk"
put 0644 "$root/packaging/systemd/frontdesk.service" /lib/systemd/system/frontdesk.service
put 0644 "$here/appliance.toml" /etc/frontdesk/appliance.toml

doc=/usr/share/doc/frontdesk
put 0644 "$here/copyright" $doc/copyright
put 0644 "$root/appliance.toml" $doc/appliance.toml
put 0644 "$root/packaging/models/NOTICE" $doc/NOTICE.model
put 0644 "$root/CHANGELOG.md" $doc/changelog
if [ -n "${DEB_VERSION:-}" ]; then
    { sed "1s/(.*)/($version)/; /^ -- /q" "$here/changelog"; echo; cat "$here/changelog"; } >"$work/changelog"
else
    cp "$here/changelog" "$work/changelog"
fi
put 0644 "$work/changelog" $doc/changelog.Debian
python3 "$here/third_party.py" "$root" >"$work/third-party.txt"
put 0644 "$work/third-party.txt" $doc/third-party.txt

# Made from the commands by the program itself.
for shell in bash zsh fish; do
    "$binary" completions "$shell" >"$work/$shell"
done
put 0644 "$work/bash" /usr/share/bash-completion/completions/frontdesk
put 0644 "$work/zsh" /usr/share/zsh/vendor-completions/_frontdesk
put 0644 "$work/fish" /usr/share/fish/vendor_completions.d/frontdesk.fish
"$binary" man "$tree/usr/share/man/man1" >/dev/null
gzip -9n "$tree$doc/changelog" "$tree$doc/changelog.Debian" "$tree$doc/third-party.txt" "$tree"/usr/share/man/man1/*.1

# What it needs, as the linker says.
mkdir -p "$work/debian"
printf 'Source: frontdesk\n\nPackage: frontdesk\nArchitecture: any\n' >"$work/debian/control"
needs="$(cd "$work" && dpkg-shlibdeps -O "$tree/usr/bin/frontdesk" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')"
[ -n "$needs" ] || stop "dpkg-shlibdeps did not say which libraries the program needs."
mkdir -p "$tree/DEBIAN"
install -m 0755 "$here/postinst" "$here/prerm" "$here/postrm" "$tree/DEBIAN/"
echo /etc/frontdesk/appliance.toml >"$tree/DEBIAN/conffiles"
size="$(du -sk --apparent-size --exclude=DEBIAN "$tree" | cut -f1)"
cat >"$tree/DEBIAN/control" <<CONTROL
Package: frontdesk
Version: $version
Architecture: $architecture
Maintainer: $(sed -n 's/^ -- \(.*>\)  .*/\1/p' "$here/changelog" | head -1)
Installed-Size: $size
Depends: adduser, $needs
Recommends: ca-certificates
Section: net
Priority: optional
Description: AI support desk in one binary
 Frontdesk answers the questions of a site's customers from the site's own
 documents, with citations, and hands over to a person when it cannot.
 .
 It runs on one server, needs no network and nothing else installed: the
 database, the search indexes, the embedding model, the web pages and the
 realtime hub all live inside one process.
CONTROL
(cd "$tree" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
chmod 0644 "$tree"/DEBIAN/control "$tree"/DEBIAN/conffiles "$tree"/DEBIAN/md5sums
find "$tree" -newermt "@$epoch" -exec touch -h -d "@$epoch" {} +

mkdir -p "$folder"
package="$folder/frontdesk_${version}_$architecture.deb"
dpkg-deb --root-owner-group --build "-Z${DEB_COMPRESSION:-xz}" "$tree" "$package" >/dev/null
echo "$package"
