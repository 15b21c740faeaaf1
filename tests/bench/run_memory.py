"""An agent that has nothing to do: how much memory it holds, and how often it wakes."""

import time

import tree
from measure import UNLIMITED, cpu_s, memory, rig, say, switches, wait_scan, wait_sent
from table import Note, Table

ABOUT = "Agent idle and connected, 100 000 small files baselined; its collector beside it."
FILES = 100_000
REST_S = 20  # the packages are looked at behind the first scan
IDLE_S = 20


def mib(value):
    return f"{value / 1024:.1f}"


def run():
    root = tree.make(FILES, median_bytes=512, sigma=0.5)
    pair = rig.Rig()
    try:
        pair.init_collector().start_collector()
        collector = pair.collector.child.pid
        at_start = memory(collector)
        host = pair.host("idle", [root], UNLIMITED + "inventory: {interval: 1h}\n").start()
        agent = host.process.child.pid
        files, took_ms = wait_scan(host, "first scan")
        scanning = memory(agent)
        wait_sent(host)
        say(f"{files} files baselined in {took_ms} ms; resting {REST_S} s, then {IDLE_S} s of nothing")
        time.sleep(REST_S)
        before = [(switches(pid), cpu_s(pid)) for pid in (agent, collector)]
        time.sleep(IDLE_S)
        after = [(switches(pid), cpu_s(pid)) for pid in (agent, collector)]
        idle, server = memory(agent), memory(collector)
        host.stop()
        host.start()
        wait_scan(host, "comparison with the baseline")
        wait_sent(host)
        time.sleep(REST_S)
        restarted = memory(host.process.child.pid)
    finally:
        pair.close()

    table = Table("MiB", "agent", "agent, restarted", "budget", "collector", "collector, no host")
    for name, key, budget in (("resident", "rss", "10"), ("of it private dirty", "dirty", "4"),
                              ("of it anonymous", "anonymous", ""), ("of it files and maps", "file", ""),
                              ("peak of all", "peak", "")):
        table.add(name, mib(idle[key]), mib(restarted[key]), budget, mib(server[key]), mib(at_start[key]))
    table.add("peak until the first scan was complete", mib(scanning["peak"]), "", "24", "", "")
    table.add("threads (count)", idle["threads"], restarted["threads"], "", server["threads"], at_start["threads"])

    sleep = Table(f"{IDLE_S} s of nothing", "agent", "collector")
    sleep.add("woke up", *(new[0][0] - old[0][0] for old, new in zip(before, after)))
    sleep.add("was interrupted", *(new[0][1] - old[0][1] for old, new in zip(before, after)))
    sleep.add("CPU, ms", *(f"{1000 * (new[1] - old[1]):.0f}" for old, new in zip(before, after)))
    return [table, sleep, Note(f"{files} files and directories in the baseline; a heartbeat comes every 30 s.")]
