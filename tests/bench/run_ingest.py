"""How many events a second the collector stores and acknowledges, the load generator on the same cores."""

import os
import time

from measure import busy_s, cpu_s, median, memory, rig, run_bench, say, spread
from table import Note, Table

ABOUT = ("50 connections, 8 batches in flight on each, load generator on the same cores; durable and acknowledged. "
         "Events: files created once, then modified, with owners and both SHA-256.")
HOSTS = 50
WINDOW = 8
SECONDS = 8
ROUNDS = 3
BATCHES = ((1, 25_000), (10, 200_000), (100, 1_000_000))


def thousands(number):
    return f"{number:,.0f}".replace(",", " ")


def one_load(pair, states, batch):
    """One run of the generator; CPU of the collector, and what the machine had left, over its whole length."""
    collector = pair.collector.child.pid
    events, spent_s, all_s, began = pair.json("status")[0]["events"], cpu_s(collector), busy_s(), time.monotonic()
    got = run_bench("ingest", "--collector", f"127.0.0.1:{pair.port}", "--batch", batch, "--window", WINDOW,
                    "--seconds", SECONDS, "--warmup", 1, *states)
    wall_s, spent_s, all_s = time.monotonic() - began, cpu_s(collector) - spent_s, busy_s() - all_s
    got["collector_us"] = 1e6 * spent_s / (pair.json("status")[0]["events"] - events)
    got["generator_us"] = 1e6 * got["counted_cpu_s"] / got["events"]
    got["idle"] = os.cpu_count() - all_s / wall_s
    got["others"] = (all_s - spent_s - got["cpu_s"]) / wall_s
    return got


def run():
    pair = rig.Rig()
    table = Table("events a batch", "events/s", "budget", "of budget", "ack p50 ms", "ack p99 ms", "collector µs/event",
                  "generator µs/event", "B/event on the wire", "cores idle", "cores of others")
    try:
        pair.init_collector().start_collector()
        say(f"enrolling {HOSTS} hosts")
        states = [pair.host(f"load{number:03d}", [pair.dir]).state for number in range(HOSTS)]
        runs = {batch: [] for batch, _ in BATCHES}
        for number in range(ROUNDS):
            for batch, _ in BATCHES:
                say(f"round {number + 1} of {ROUNDS}: {SECONDS} s of batches of {batch}")
                runs[batch].append(one_load(pair, states, batch))
        held = memory(pair.collector.child.pid)
    finally:
        pair.close()
    for batch, budget in BATCHES:
        def of(key, runs=runs[batch]):
            return [run[key] for run in runs]

        rates = of("events_per_s")
        table.add(batch, f"{thousands(median(rates))} ({thousands(min(rates))}–{thousands(max(rates))})",
                  thousands(budget), f"{median(rates) / budget:.2f}", f"{median(of('ack_p50_us')) / 1000:.1f}",
                  f"{median(of('ack_p99_us')) / 1000:.1f}", spread(of("collector_us")), spread(of("generator_us")),
                  f"{median(of('wire_bytes_per_event')):.0f}", spread(of("idle")), spread(of("others")))
    return [table, Note(f"Medians of {ROUNDS} rounds, least and most in brackets. Others: processes that are no "
                        f"part of this, and the kernel's own threads that write back. At the end the collector held "
                        f"{held['anonymous'] / 1024:.0f} MiB of its own memory.")]
