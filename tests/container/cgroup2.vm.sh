# Runs in the machine that cgroup2.test.sh boots, as root under busybox; $CG is the cgroup2 mount. Says what is wrong.
failed=0
fail() {
	echo "FAILED: $*"
	failed=1
}

# workers EXPECTED [--ns] CGROUP KEY=VALUE...: what sioinit decides in that cgroup; --ns: and cgroup namespace.
workers() {
	expected=$1
	shift
	incg "$@" -- sioinit --admin off -- sleep 1000 >/tmp/log 2>&1 &
	pid=$!
	for i in $(seq 600); do
		grep -q 'workers (' /tmp/log && break
		usleep 50000
	done
	said=$(sed -n 's/.*msg="init: \([0-9]*\) workers (\(.*\))".*/\1 \2/p' /tmp/log)
	[ "${said%% *}" = "$expected" ] || fail "$*: $expected workers expected, log: $(cat /tmp/log)"
	echo "$*: $said"
	kill -TERM $pid
	wait $pid
}

cpus=$(nproc)
workers 1 half cpu.max="50000 100000"
workers 2 onehalf cpu.max="150000 100000"
workers 3 otherperiod cpu.max="25000 10000"
workers "$cpus" none
workers 1 cpuset cpuset.cpus=1
workers 2 --ns namespace cpu.max="150000 100000"

# the narrowest of all levels counts, whichever it is
mkdir -p $CG/outer
echo +cpu >$CG/cgroup.subtree_control
echo "200000 100000" >$CG/outer/cpu.max
workers 2 outer/inner cpu.max="300000 100000"
workers 1 outer/narrow cpu.max="100000 100000"
workers 2 outer/unlimited

# a quota that changes is followed
incg follow cpu.max="100000 100000" -- sioinit --admin off -- sleep 1000 >/tmp/log 2>&1 &
pid=$!
usleep 500000
echo "300000 100000" >$CG/follow/cpu.max
for i in $(seq 200); do
	grep -q '1 -> 3 workers' /tmp/log && break
	usleep 100000
done
grep -q '1 -> 3 workers' /tmp/log || fail "the new quota is not followed: $(cat /tmp/log)"
kill -TERM $pid
wait $pid

# the kernel kills a worker: sioinit lives on, replaces it, and knows why
incg memory memory.max=64M -- sioinit --admin off --workers 1 --memory-pressure 0 -- sh -c 'a=0123456789; while :; do a=$a$a; done' >/tmp/log 2>&1 &
pid=$!
for i in $(seq 200); do
	[ "$(grep -c 'signal=KILL' /tmp/log)" -ge 2 ] && break
	usleep 100000
done
grep 'signal=KILL' /tmp/log | head -1
[ "$(grep -c 'signal=KILL.*oom=yes' /tmp/log)" -ge 2 ] || fail "no worker was killed and replaced twice: $(cat /tmp/log)"
kill -0 $pid || fail "sioinit has ended"
kill -QUIT $pid
wait $pid
exit $failed
