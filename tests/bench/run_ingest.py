"""How many events a second the collector stores and acknowledges, the load generator on the same cores."""

import os

from measure import cpu_s, median, memory, rig, run_bench, say, sync_ms
from table import Note, Table

ABOUT = ("50 connections, 8 batches in flight on each, load generator on the same cores; durable and acknowledged. "
         "Events: files created once, then modified, with owners and both SHA-256.")
HOSTS = 50
WINDOW = 8
SECONDS = 10
BATCHES = ((1, 25_000), (10, 200_000), (100, 1_000_000))


def thousands(number):
    return f"{number:,.0f}".replace(",", " ")


def run():
    pair = rig.Rig()
    table = Table("events a batch", "events/s", "budget", "of budget", "ack p50 ms", "ack p99 ms",
                  "collector µs/event", "generator µs/event", "collector cores", "B/event on the wire")
    try:
        pair.init_collector().start_collector()
        say(f"enrolling {HOSTS} hosts")
        states = [pair.host(f"load{number:03d}", [pair.dir]).state for number in range(HOSTS)]
        collector = pair.collector.child.pid
        for batch, budget in BATCHES:
            say(f"{SECONDS} s of batches of {batch}")
            before = cpu_s(collector), pair.json("status")[0]["events"]
            got = run_bench("ingest", "--collector", f"127.0.0.1:{pair.port}", "--batch", batch, "--window", WINDOW,
                            "--seconds", SECONDS, "--warmup", 1, *states)
            status = pair.json("status")[0]
            stored, spent_s = status["events"] - before[1], cpu_s(collector) - before[0]
            table.add(batch, thousands(got["events_per_s"]), thousands(budget), f"{got['events_per_s'] / budget:.2f}",
                      f"{got['ack_p50_us'] / 1000:.2f}", f"{got['ack_p99_us'] / 1000:.2f}",
                      f"{1e6 * spent_s / stored:.2f}", f"{1e6 * got['cpu_s'] / got['events']:.2f}",
                      f"{spent_s / (SECONDS + 1):.2f}", f"{got['wire_bytes_per_event']:.0f}")
        held = memory(collector)
        store = sum(os.stat(os.path.join(at, name)).st_blocks * 512
                    for at, _, names in os.walk(pair.collector_dir) for name in names)
        limit_ms = median(sync_ms(pair.dir, 300))
    finally:
        pair.close()
    return [table, Note(f"One pwrite of 4 KiB with fdatasync takes {limit_ms:.2f} ms here (p50), so "
                        f"{1000 / limit_ms:,.0f} durable commits a second are the most that one after the other gives. "
                        f"At the end the collector held {held['anonymous'] / 1024:.0f} MiB of its own memory, "
                        f"{store / status['events']:.0f} bytes of store an event.")]
