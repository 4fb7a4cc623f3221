#!/bin/bash
# The rpm, made on this machine and installed by rpm into an empty folder:.
set -eu
cd "$(dirname "$0")/../.."
out=$PWD/build/packages/rpm
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
rm -rf "$out"
mkdir -p "$out"
./packaging/rpm/build "$out" >"$root/log" 2>&1 || {
	status=$?
	[ $status != 77 ] || grep '^skipped: ' "$root/log" || :
	[ $status = 77 ] || cat "$root/log"
	exit $status
}
package=$(ls "$out"/sioinit-*."$(uname -m)".rpm)
in_root() { rpm --root "$root/new" --nodeps --noscripts "$@"; }

echo "the program runs, its manual, completions and units are there"
in_root -i "$package"
"$root/new/usr/bin/sioinit" version
zcat "$root/new/usr/share/man/man8/sioinit.8.gz" | grep -q '^\.Nm sioinit'
for file in bash-completion/completions/sioinit fish/vendor_completions.d/sioinit.fish zsh/site-functions/_sioinit; do
	[ -s "$root/new/usr/share/$file" ]
done
for unit in systemd/*.service systemd/*.socket; do
	cmp "$unit" "$root/new/usr/lib/$(dirname "$unit")/system/$(basename "$unit")"
done

echo "it is what the package says; changed settings are settings; it needs nothing, and leaves nothing"
in_root -V sioinit
echo PORT=8080 >"$root/new/etc/default/sioinit"
in_root -V sioinit | grep -q ' c /etc/default/sioinit$'
rpm -qp --requires "$package" | grep -vE '^(rpmlib\(|/bin/sh$)' && exit 1
in_root -e sioinit 2>/dev/null
find "$root/new" -name '*sioinit*' ! -name '*.rpmsave' | grep . && exit 1

echo "the source package has all that the spec wants"
rpm -qpl "$out"/sioinit-*.src.rpm | grep -qx sioinit.spec
