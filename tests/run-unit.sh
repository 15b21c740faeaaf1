#!/bin/sh
# Runs the built unit tests (cmocka, TAP output) and ends with "unit: N passed, N failed, N skipped".
# usage: run-unit.sh BUILD [PATTERN]
set -u
build=$1
pattern=${2:-}
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for test in "$build"/unit/*/test_*; do
	[ -x "$test" ] && [ "${test%.d}" = "$test" ] || continue
	case $test in *"$pattern"*) ;; *) continue ;; esac
	CMOCKA_MESSAGE_OUTPUT=TAP "$test" >"$log" 2>&1
	code=$?
	# cmocka says "not ok N # SKIP name" of a test that was skipped.
	skip=$(grep -cE '^(not )?ok .*# SKIP' "$log")
	ok=$(grep -v '# SKIP' "$log" | grep -c '^ok ')
	bad=$(grep -v '# SKIP' "$log" | grep -c '^not ok ')
	[ "$code" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
	if [ "$bad" -gt 0 ]; then
		echo "FAIL $test (exit $code)"
		sed 's/^/    /' "$log"
	elif [ $((ok + skip)) -eq 0 ]; then
		echo "FAIL $test ran no test"
		bad=1
	fi
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
done
echo "unit: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
