#!/bin/sh
# Line coverage by folder, from gcov's own summary. usage: cover.sh BUILD
set -eu
build=$1
for folder in common/base common/model common/codec common/store common/io agent/state agent/fim agent/inventory \
	agent/ship collector/store collector/ingest collector/index collector/query collector/http collector/cli; do
	find "$build/obj/$folder" -name '*.gcda' | sort | xargs -r gcov -n -r -s . 2>/dev/null |
		awk -v folder="$folder" '
			/^File/ { mine = index($0, folder "/") > 0 && /\.c/ }
			mine && /^Lines executed/ { split($0, a, "[:% ]+"); of = $NF; hit += a[3] * of / 100; all += of; mine = 0 }
			END { if (all) printf "%-22s %5.1f %% of %d lines\n", folder, 100 * hit / all, all }'
done
