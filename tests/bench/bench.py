#!/usr/bin/env python3
"""Runs the benchmarks: bench.py [--write] [NAME...]; without names all of them. Prints tables, asserts no times.

--write puts what was measured into RESULTS.md, the sections of the benchmarks that did not run stay as they are.
"""

import os
import sys
import time
import traceback

import run_actor
import run_fleet
import run_hostile
import run_ingest
import run_install
import run_inventory
import run_latency
import run_memory
import run_packages
import run_sandbox
import run_scan
import run_untar
from measure import BENCH_DIR, bench_program, run as run_program
from table import Raw, machine, write_section


class Index:
    """A program of its own, which prints its own tables."""

    ABOUT = "The collector's index in process: size, searches, rebuild; what the program itself prints."

    @staticmethod
    def run():
        return [Raw(run_program(bench_program("index"))[3])]


BENCHES = {"memory": run_memory, "scan": run_scan, "untar": run_untar, "latency": run_latency, "actor": run_actor,
           "ingest": run_ingest, "hostile": run_hostile, "inventory": run_inventory, "fleet": run_fleet, "install": run_install, "index": Index,
           "sandbox": run_sandbox, "packages": run_packages}


def run_one(name, is_writing):
    bench = BENCHES[name]
    print(f"\n== {name}\n   {bench.ABOUT}\n", flush=True)
    began, load = time.monotonic(), os.getloadavg()[0]
    try:
        parts = bench.run()
    except (RuntimeError, AssertionError, OSError) as failure:
        print(f"  {name} did not come to its end: {failure}", flush=True)
        if os.environ.get("TSUJIBAN_KEEP"):
            traceback.print_exc()
        return False
    for part in parts:
        print(part.text() + "\n", flush=True)
    print(f"  ({time.monotonic() - began:.0f} s, load average before it {load:.1f})", flush=True)
    if is_writing:
        where = f"{machine(BENCH_DIR)}, load average before it {load:.1f}"
        write_section(list(BENCHES), name, bench.ABOUT, parts, where)
    return True


def main():
    words = sys.argv[1:]
    is_writing = "--write" in words
    names = [word for word in words if word != "--write"] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"no benchmark '{unknown[0]}'; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    os.makedirs(BENCH_DIR, exist_ok=True)
    print(machine(BENCH_DIR))
    return 0 if all([run_one(name, is_writing) for name in names]) else 1


if __name__ == "__main__":
    sys.exit(main())
