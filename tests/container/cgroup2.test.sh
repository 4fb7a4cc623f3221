#!/bin/bash
# What cgroup v2 gives, with a real kernel's cpu.max, cpuset and memory.max: a machine under emulation, since this one may
# have version 1. The tool that boots it lies in $SHARED.
set -euo pipefail
cd "$(dirname "$0")/../.."
vm=${SHARED:-../shared}/tools/containers/cgroup2-vm

[ -x "$vm" ] || { echo "skipped: no $vm"; exit 77; }
"$vm" --qemu --cpus 4 --timeout 150 --add "$BIN_UNDER_TEST:usr/bin/sioinit" tests/container/cgroup2.vm.sh
