# Sourced by the scripts beside it: one line per step, what it printed only when it failed.
#   step TEXT COMMAND ARGS...
set -eu
cd "$(dirname "$0")/.."
mkdir -p build/log
PATH=$PATH:$PWD/build/npm/bin # what script/bootstrap puts there where there is no npm

step() {
	text=$1
	shift
	log=build/log/$(echo "$text" | tr -cs 'A-Za-z0-9\n' -).log
	printf '%s ... ' "$text"
	begin=$(date +%s)
	if "$@" >"$log" 2>&1 </dev/null; then
		echo "ok, $(($(date +%s) - begin)) s"
		return 0
	fi
	echo "FAILED"
	cat "$log"
	return 1
}
