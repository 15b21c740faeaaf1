"""What each process may still do once it works, and what systemd-analyze says of the units."""

import os
import re
import shutil
import subprocess
import tempfile

from measure import bench_program, memory, read_fields, rig, run as run_program, wait, wait_scan, wait_sent
from table import Note, Table

ABOUT = ("Capabilities that are left, system calls that the filter names, memory of each process when idle; the exposure of "
         "the units by systemd-analyze security --offline (0 to 10, less is better).")
UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging", "systemd")
CAPABILITIES = {2: "dac_read_search", 12: "net_admin", 19: "sys_ptrace", 21: "sys_admin"}


def exposure(drop_in):
    """Of both units; the agent's with the drop-in for inotify, or without."""
    with tempfile.TemporaryDirectory() as folder:
        for name in os.listdir(UNITS):
            if name.endswith(".service"):
                shutil.copy(os.path.join(UNITS, name), folder)
        if drop_in:
            shutil.copytree(os.path.join(UNITS, "tsujiban-agent.service.d"),
                            os.path.join(folder, "tsujiban-agent.service.d"))
        found = []
        for name in ("tsujiban-agent", "tsujiban-collector"):
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                                   os.path.join(folder, name + ".service")], capture_output=True, text=True, check=False)
            found.append(re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)[1])
        return found


def capabilities(pid):
    held = int(read_fields(f"/proc/{pid}/status")["CapEff"], 16)
    return " ".join(word for number, word in CAPABILITIES.items() if held & 1 << number) or "none"


def child_of(pid):
    def children():
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as text:
            return text.read().split()
    wait(children, f"process {pid} has a child")
    return int(children()[0])


def add_row(table, name, calls, pid):
    used = memory(pid)
    table.add(name, capabilities(pid), calls, *(f"{used[key] / 1024:.1f}" for key in ("rss", "pss", "dirty")))


def measure_agent(table, calls, source):
    pair = rig.Rig()
    try:
        pair.init_collector().start_collector()
        host = pair.host("bench", [pair.make_dir("watched")], f"source: {source}\n").start()
        wait_scan(host, "first scan")
        wait_sent(host)
        reader = host.process.child.pid
        launcher = child_of(reader)
        add_row(table, f"agent, reads ({source})", calls["reads"], reader)
        if source == "fanotify":
            add_row(table, "agent, starts", calls["starts"], launcher)
            add_row(table, "agent, sends", calls["sends"], child_of(launcher))
            add_row(table, "collector", calls["collector"], pair.collector.child.pid)
    finally:
        pair.close()


def run():
    calls = dict(line.split() for line in run_program(bench_program("sandbox"))[3].splitlines())
    table = Table("process", "capabilities", "system calls", "resident MiB", "proportional MiB", "dirty MiB")
    for source in ("inotify", "fanotify"):
        measure_agent(table, calls, source)
    parts = [table]
    if shutil.which("systemd-analyze"):
        units = Table("unit", "exposure", "budget")
        agent, collector = exposure(False)
        units.add("tsujiban-agent.service", agent, "2.0")
        units.add("the same with inotify.conf", exposure(True)[0], "2.0")
        units.add("tsujiban-collector.service", collector, "1.5")
        parts += [units, Note("What the rest of the agent's exposure stands for: agent/DESIGN.md, \"The unit\".")]
    return parts
