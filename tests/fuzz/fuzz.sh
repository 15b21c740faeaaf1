#!/bin/sh
# Fuzzes each target for a time, two side by side. usage: fuzz.sh BUILD SECONDS NAME...
# What is found lands in BUILD/findings/; new inputs stay in BUILD/corpus/ and are not committed.
set -u
build=$1 seconds=$2
shift 2
mkdir -p "$build/findings" "$build/logs"

fuzz() {
	mkdir -p "$build/corpus/$1"
	"$build/fuzz/fuzz_$1" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix="$build/findings/$1-" "$build/corpus/$1" "tests/fuzz/corpus/$1" >"$build/logs/$1.log" 2>&1
	code=$?
	runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$build/logs/$1.log")
	echo "$1: exit $code, ${runs:-no} runs in $seconds s (log: $build/logs/$1.log)"
	return $code
}

failed=0
while [ $# -gt 0 ]; do
	fuzz "$1" &
	first=$!
	second=
	if [ $# -gt 1 ]; then
		fuzz "$2" &
		second=$!
		shift
	fi
	shift
	wait "$first" || failed=1
	[ -z "$second" ] || wait "$second" || failed=1
done
exit $failed
