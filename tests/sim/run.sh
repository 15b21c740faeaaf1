#!/bin/bash
# Runs the simulation: the seeds that once showed something (seeds.txt), and RUNS more from SEED on.
# usage: run.sh BUILD SEED RUNS; ends with "sim: N passed, N failed, N skipped".
set -u
build=$1 seed=$2 runs=$3
known=$(sed 's/#.*//' "$(dirname "$0")/seeds.txt" | awk '{ print $1 }')
# shellcheck disable=SC2086
exec "$build/sim" --seed "$seed" --runs "$runs" $known
