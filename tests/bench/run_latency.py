"""From close(2) to the operator's feed: by then the event is durable in the agent's spool and the collector's store."""

import os
import random
import subprocess
import sys
import time

from feed import Feed
from measure import SyncProbe, percentile, rig, say, wait_scan, wait_sent
from table import Note, Table

ABOUT = ("A file of 4 KiB is rewritten and closed; how long until its event comes out of the event stream, on "
         "loopback, durable on both sides. The limit: pwrite of 4 KiB and fdatasync, twice, "
         "measured between the samples.")
SAMPLES = 300
SPACING_S = 0.1
LOAD_PER_S = 100

# Runs in a process of its own, so that it takes nothing from the reader but the machine.
LOAD = """
import os, sys, time
folder, per_s, number = sys.argv[1], float(sys.argv[2]), 0
while True:
    with open(f"{folder}/load-{number % 500:03d}", "wb") as out:
        out.write(os.urandom(4096))
    number += 1
    time.sleep(1 / per_s)
"""


def sample(feed, folder, probe, count=SAMPLES):
    """So many rewrites of as many files, and between each two the limit, so that both meet the same machine. Spaced out
    unevenly, so that nothing can fall into step with them."""
    chance = random.Random(1)
    feed.forget()
    taken, limit = [], []
    for number in range(count):
        path = f"{folder}/sample-{number:03d}"
        with open(path, "r+b", buffering=0) as out:
            out.write(os.urandom(4096))
            closing_ns = time.monotonic_ns()
        taken.append((feed.wait(path) - closing_ns) / 1e6)
        time.sleep(SPACING_S / 2 * chance.uniform(0.5, 1.5))
        limit.append(probe.ms(syncs=2))
        time.sleep(SPACING_S / 2 * chance.uniform(0.5, 1.5))
    return taken, limit


def run():
    pair = rig.Rig()
    feed = load = probe = None
    try:
        pair.init_collector().start_collector()
        folder = pair.make_dir("watched")
        for number in range(SAMPLES):
            with open(f"{folder}/sample-{number:03d}", "wb") as out:
                out.write(os.urandom(4096))
        host = pair.host("quick", [folder]).start()
        wait_scan(host, "first scan")
        wait_sent(host)
        feed = Feed(pair, host="quick")
        probe = SyncProbe(pair.dir)
        say(f"{SAMPLES} samples on an idle pair")
        idle, limit = sample(feed, folder, probe)
        say(f"{SAMPLES} samples with {LOAD_PER_S} other files a second")
        load = subprocess.Popen([sys.executable, "-c", LOAD, folder, str(LOAD_PER_S)])
        time.sleep(1)
        loaded, limit_loaded = sample(feed, folder, probe)
        events = feed.events
    finally:
        if load:
            load.kill()
            load.wait()
        if feed:
            feed.close()
        if probe:
            probe.close()
        pair.close()

    table = Table("ms", "p50", "p90", "p99", "most", "p50 against the limit", "p99 against the limit")
    table.add("budget", "5", "", "50", "", "", "")
    for name, values, least in (("idle: close to feed", idle, limit), ("limit: two durable writes", limit, limit),
                                (f"{LOAD_PER_S} files/s beside: close to feed", loaded, limit_loaded),
                                ("limit: two durable writes, same load", limit_loaded, limit_loaded)):
        table.add(name, *(f"{percentile(values, percent):.2f}" for percent in (50, 90, 99)), f"{max(values):.2f}",
                  *(f"{percentile(values, percent) / percentile(least, percent):.1f}" for percent in (50, 99)))
    return [table, Note(f"{SAMPLES} samples each, {SPACING_S * 1000:.0f} ms apart on average; the reader is a Python "
                        f"client of the event stream over TLS, its own cost included; {events} events came.")]
