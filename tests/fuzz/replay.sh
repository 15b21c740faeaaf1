#!/bin/sh
# Replays every corpus file through its target. usage: replay.sh BUILD NAME... ; ends with "corpus: N passed, …".
set -u
build=$1
shift
passed=0 failed=0
for name in "$@"; do
	for file in tests/fuzz/corpus/"$name"/*; do
		if "$build/fuzz/replay_$name" "$file"; then
			passed=$((passed + 1))
		else
			echo "FAIL $name on $file"
			failed=$((failed + 1))
		fi
	done
done
echo "corpus: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
