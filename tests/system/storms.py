#!/usr/bin/env python3
"""Many storms, several at a time: storms.py --seeds 1..100 --seconds 60 --jobs 4 --source both [--results FILE]

Each is a process of its own (storm.py). What has passed stands in the file of results and is not run again, so a run that
was ended goes on where it was; what failed is run again, and its output is in build/storms/, with the events and what was done. Ends with a table of what failed and
"storms: N passed, N failed"."""

import argparse
import concurrent.futures
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LOGS = os.path.join("build", "storms")


def seeds_of(text):
    """1..100 or 1,5,9"""
    seeds = []
    for part in text.split(","):
        first, _, last = part.partition("..")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def read_results(path):
    """(seed, source, seconds) -> line"""
    results = {}
    if os.path.exists(path):
        with open(path, encoding="ascii") as lines:
            for line in lines:
                seed, source, seconds, outcome, *_ = line.split("\t")
                results[(int(seed), source, seconds)] = outcome
    return results


def blow(seed, source, seconds):
    began = time.monotonic()
    evidence = os.path.join(LOGS, f"{source}-{seed}")
    done = subprocess.run([sys.executable, os.path.join(HERE, "storm.py"), "--seed", str(seed), "--seconds", seconds,
                           "--source", source], capture_output=True, text=True, check=False,
                          env={**os.environ, "TSUJIBAN_EVIDENCE": evidence})
    last = (done.stdout.splitlines() or [""])[-1]
    events = last.split(", ")[-1].split()[0] if done.returncode == 0 else "-"
    if done.returncode != 0:
        with open(os.path.join(LOGS, f"{source}-{seed}.log"), "w", encoding="utf-8") as out:
            out.write(done.stdout + done.stderr)
    return "passed" if done.returncode == 0 else "failed", events, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="1..20")
    parser.add_argument("--seconds", default="60")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--source", choices=["inotify", "fanotify", "both"], default="both")
    parser.add_argument("--results", default=os.path.join(LOGS, "results.tsv"))
    options = parser.parse_args()
    os.makedirs(LOGS, exist_ok=True)
    sources = ["inotify", "fanotify"] if options.source == "both" else [options.source]
    wanted = [(seed, source, options.seconds) for seed in seeds_of(options.seeds) for source in sources]
    results = read_results(options.results)
    todo = [one for one in wanted if results.get(one) != "passed"]
    print(f"{len(wanted)} storms, {len(wanted) - len(todo)} of them have passed before", flush=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(blow, *one): one for one in todo}
        for future in concurrent.futures.as_completed(running):
            one = running[future]
            outcome, events, took = future.result()
            results[one] = outcome
            line = "\t".join([str(one[0]), one[1], one[2], outcome, events, f"{took:.0f}"])
            print(line, flush=True)
            with open(options.results, "a", encoding="ascii") as out:
                out.write(line + "\n")
    failed = [one for one in wanted if results.get(one) != "passed"]
    for seed, source, _ in failed:
        print(f"FAILED seed {seed} {source}: {os.path.join(LOGS, f'{source}-{seed}.log')}")
    print(f"storms: {len(wanted) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
