"""An agent that has nothing to do: how much memory its processes hold, and how often they wake."""

import time

import tree
from measure import (PROCESSES, UNLIMITED, Sampler, agent_memory, agent_pids, cpu_s, memory, rig, say, switches, wait_scan,
                     wait_sent)
from table import Note, Table

ABOUT = "Agent idle and connected, 100 000 small files baselined: all its processes; its collector beside it."
FILES = 100_000
REST_S = 20  # the packages are looked at behind the first scan, and both halves wait 10 s
IDLE_S = 20


def mib(value):
    return f"{value / 1024:.1f}"


def add_processes(table, found, name, key, budget=""):
    cells = (found[process].get(key) for process in (*PROCESSES, "together"))
    table.add(name, *("" if cell is None else mib(cell) for cell in cells), budget)


def table_of(when, found):
    table = Table(f"MiB, {when}", *PROCESSES, "together", "budget")
    add_processes(table, found, "resident, proportional (Pss)", "pss", "10")
    add_processes(table, found, "resident, each page once", "once")
    add_processes(table, found, "private dirty", "dirty", "4")
    add_processes(table, found, "resident, whatever others share", "rss")
    add_processes(table, found, "most that was resident", "peak")
    table.add("threads (count)", *(found[process]["threads"] for process in (*PROCESSES, "together")), "")
    return table


def table_of_sleep(pids, before, after):
    table = Table(f"{IDLE_S} s of nothing", *pids)
    changes = [(new[0][0] - old[0][0], new[0][1] - old[0][1], new[1] - old[1]) for old, new in zip(before, after)]
    table.add("woke up", *(change[0] for change in changes))
    table.add("was interrupted", *(change[1] for change in changes))
    table.add("CPU, ms", *(f"{1000 * change[2]:.0f}" for change in changes))
    return table


def run():
    root = tree.make(FILES, median_bytes=512, sigma=0.5)
    pair = rig.Rig()
    try:
        pair.init_collector().start_collector()
        collector = pair.collector.child.pid
        at_start = memory(collector)
        host = pair.host("idle", [root], UNLIMITED + "inventory: {interval: 1h}\n").start()
        sampler = Sampler(host)
        try:
            files, took_ms = wait_scan(host, "first scan")
        finally:
            most = sampler.end()
        scanning = agent_memory(host)
        wait_sent(host)
        say(f"{files} files baselined in {took_ms} ms; resting {REST_S} s, then {IDLE_S} s of nothing")
        time.sleep(REST_S)
        pids = {**agent_pids(host), "collector": collector}
        before = [(switches(pid), cpu_s(pid)) for pid in pids.values()]
        time.sleep(IDLE_S)
        after = [(switches(pid), cpu_s(pid)) for pid in pids.values()]
        first, server = agent_memory(host), memory(collector)
        host.stop()
        host.start()
        wait_scan(host, "comparison with the baseline")
        wait_sent(host)
        time.sleep(REST_S)
        restarted = agent_memory(host)
    finally:
        pair.close()

    first_run = table_of("after the first scan and the first inventory", first)
    scanning["together"]["peak"] = most
    add_processes(first_run, scanning, "most until the first scan was complete", "peak", "24")
    office = Table("MiB, collector", "with this host", "no host")
    for name, key in (("resident", "rss"), ("of it private dirty", "dirty"), ("of it files and maps", "file"),
                      ("most that was resident", "peak")):
        office.add(name, mib(server[key]), mib(at_start[key]))
    return [first_run, table_of("restarted", restarted), table_of_sleep(pids, before, after), office,
            Note(f"{files} files and directories in the baseline; a heartbeat comes every 30 s. Proportional: a page that "
                 f"several processes have, the agent's or others, is shared out among them; each page once: counted "
                 f"whole for the agent, whoever else has it. The most of all three together is counted so too while they "
                 f"scan ({sampler.samples} times), and else with shared pages in each.")]
