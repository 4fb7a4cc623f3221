#!/bin/sh
# Includes point down only: base <- ipc <- relay <- router, init (which never see each other) <- main.c, and ipc <- settings <-
# init, commands; base <- peers <- main.c; in router/: net, http, session <- backend <- client <- admin <- the files beside them; in init/: system <-
# logs, listen <- worker <- pool <- sidecars; system <- routers; all <- supervisor <- the files beside them.
# Prints each line that breaks this; exit status 1 if there is one.
cd "$(dirname "$0")/.." || exit 2

includes_only() {
	layer=$1
	shift
	[ -d "$layer" ] || return 0
	# "x/y.h" where x is neither the layer nor below it; and any include by a relative name
	allowed=$(echo "$layer $*" | sed 's/ *$//; s/ /|/g')
	! grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$layer" |
		grep -vE "include[[:space:]]*\"($allowed)/"
}

# Of the headers beside the rooms, router/conf.h is for all; the others are above.
room_includes_only() {
	layer=$1 room=$2
	shift
	shift
	allowed=$(echo "$layer/$room/$(printf " $layer/%s/" "$@") router/conf.h" | sed 's/ *$//; s/ \{1,\}/|/g')
	! grep -rnE --include='*.[ch]' "^[[:space:]]*#[[:space:]]*include[[:space:]]*\"$layer/" "$layer/$room" |
		grep -vE "include[[:space:]]*\"($allowed)"
}

status=0
includes_only base || status=1
includes_only ipc base || status=1
includes_only peers base || status=1
includes_only relay ipc base || status=1
includes_only router relay ipc base || status=1
includes_only settings ipc base || status=1
includes_only init relay settings ipc base || status=1
includes_only commands settings ipc base || status=1
room_includes_only router net net || status=1
room_includes_only router http http || status=1
room_includes_only router session session || status=1
room_includes_only router backend net http session || status=1
room_includes_only router client backend net http session || status=1
room_includes_only router admin client backend net http session || status=1
room_includes_only init system system || status=1
room_includes_only init logs system || status=1
room_includes_only init listen system || status=1
room_includes_only init worker system logs listen || status=1
room_includes_only init pool system logs listen worker || status=1
room_includes_only init sidecars system logs listen worker pool || status=1
room_includes_only init routers system || status=1
room_includes_only init supervisor system logs listen worker pool sidecars routers || status=1
exit $status
