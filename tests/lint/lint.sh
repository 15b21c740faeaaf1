#!/bin/bash
# Holds the house in shape. usage: lint.sh BUILD quick|full; ends with "lint: N passed, N failed, 0 skipped".
#   quick  floors, names, banned calls, self-contained headers, format, shell syntax
#   full   also clang's warnings, clang-tidy and cppcheck
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$1 mode=$2
here=tests/lint
passed=0 failed=0

sources() { git ls-files -co --exclude-standard -- '*.c' '*.h'; }
ours() { sources | grep -v '^tests/'; }

step() { # NAME COMMAND...
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL lint: $name"
		echo "$out" | head -n 60 | sed 's/^/    /'
	fi
}

includes=(-std=c11 -D_GNU_SOURCE -DTSUJIBAN_VERSION='"lint"' -I. "-I$build/gen")

self_contained_headers() {
	local bad=0
	while read -r header; do
		gcc "${includes[@]}" -fsyntax-only -Wall -Wextra -Werror -x c "$header" || bad=1
	done < <(sources | grep '\.h$')
	return $bad
}

# A call that has a safer sister, waits where nothing may wait, or goes through a shell.
banned_calls() {
	! ours | grep '\.[ch]$' | xargs grep -nE \
		'(^|[^a-zA-Z0-9_>.])(gets|strcpy|strcat|sprintf|vsprintf|strtok|strncpy|strncat|atoi|atol|atof|alloca|system|popen|tmpnam|mktemp|sleep|usleep|rand|gmtime|localtime|asctime|ctime|strerror)[[:space:]]*\(' |
		grep -vE '^[^:]+:[0-9]+:[[:space:]]*(\*|/\*|//)'
}

format() { sources | xargs clang-format-14 --dry-run -Werror; }
long_lines() { # characters, with tabs as eight
	sources | xargs python3 -c '
import sys
bad = [f"{path}:{n}: {len(line.rstrip().expandtabs(8))} columns" for path in sys.argv[1:]
       for n, line in enumerate(open(path, encoding="utf-8"), 1) if len(line.rstrip().expandtabs(8)) > 100]
print(*bad, sep="\n")
sys.exit(bool(bad))'
}
shell_syntax() {
	local bad=0
	while read -r script; do bash -n "$script" || bad=1; done < <(git ls-files -co --exclude-standard -- '*.sh' .ci/run)
	return $bad
}
python_syntax() { git ls-files -co --exclude-standard -- '*.py' | xargs python3 -m py_compile; }

with_clang() {
	local out="$build/clang-syntax"
	mkdir -p "$out"
	ours | grep '\.c$' | xargs -P 2 -n 8 clang "${includes[@]}" -fsyntax-only -Wall -Wextra -Wshadow -Wconversion \
		-Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Werror
}
tidy() {
	ours | grep '\.c$' | xargs -P 2 -I{} clang-tidy-14 --quiet --warnings-as-errors='*' {} -- "${includes[@]}" 2>/dev/null
}
check_with_cppcheck() {
	# utlist.h: without its macros every list walk looks like the use of an unset variable.
	ours | grep '\.c$' | xargs cppcheck -j 2 --quiet --error-exitcode=1 --std=c11 --inline-suppr -I. \
		--include=/usr/include/utlist.h \
		--enable=warning,performance,portability --suppressions-list="$here/cppcheck.txt" -D_GNU_SOURCE \
		-DTSUJIBAN_VERSION='"lint"' --template='{file}:{line}: {id}: {message}'
}

step "floors" python3 "$here/floors.py"
step "self-contained headers" self_contained_headers
step "banned calls" banned_calls
step "format" format
step "lines of at most 100 columns" long_lines
step "shell syntax" shell_syntax
step "python syntax" python_syntax
if [ "$mode" = full ]; then
	step "clang warnings" with_clang
	step "clang-tidy" tidy
	step "cppcheck" check_with_cppcheck
fi
echo "lint: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
