#!/bin/sh
# Files that call each other in a circle, by the symbols of the objects as last built:
#   script/check-circles.sh [BUILD_DIR]      (build/release)
# Prints each circle and where its calls go; exit status 1 if there is one. A function that is handed over at run time is no arrow.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# "FILE SYMBOL KIND" for every global symbol: T, D, ... where it is defined, U where it is used
symbols() {
	for layer in base ipc peers relay router settings init commands; do
		find "$layer" -name '*.c' | sed "s|.*|$build/CMakeFiles/$layer.dir/&.o|"
	done | xargs nm -A -g | sed -nE 's|^.*/CMakeFiles/[a-z]+\.dir/([^:]+)\.o:[0-9a-f ]* ([A-Z]) (.*)$|\1 \3 \2|p'
}

# "FROM TO SYMBOL": a file and one whose symbol it uses
arrows() {
	awk '$3 != "U" { home[$2] = $1 }
	     { line[NR] = $0 }
	     END {
		for (i = 1; i <= NR; i++) {
			split(line[i], f)
			if (f[3] == "U" && f[2] in home && home[f[2]] != f[1])
				print f[1], home[f[2]], f[2]
		}
	     }'
}

# A line for each set of files that all reach each other, sorted
circles() {
	awk '{ file[$1]; file[$2]; reach[$1, $2] }
	     END {
		for (via in file)
			for (a in file)
				if ((a, via) in reach)
					for (b in file)
						if ((via, b) in reach)
							reach[a, b]
		for (a in file)
			for (b in file)
				if ((a, b) in reach && (b, a) in reach)
					print a, b
	     }' | sort | awk '
	     $1 != of { if (of) print set; of = $1; set = $2; next }
	     { set = set " " $2 }
	     END { if (of) print set }' | sort -u
}

symbols >"$work/symbols"
[ -s "$work/symbols" ] || { echo "circles: nothing is built in $build" >&2; exit 2; }
arrows <"$work/symbols" | sort -u >"$work/arrows"
circles <"$work/arrows" >"$work/circles"

status=0
while read -r circle; do
	echo "circles: $circle"
	awk -v circle=" $circle " 'index(circle, " " $1 " ") && index(circle, " " $2 " ") { print "\t" $1 " -> " $2 " " $3 }' "$work/arrows"
	status=1
done <"$work/circles"
exit $status
