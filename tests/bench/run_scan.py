"""The first scan of a large tree and the comparison at a later start, beside the least that C can do, and AIDE."""

import os
import re
import shutil
import time

import tree
from measure import (UNLIMITED, agent_figures, cpu_s, median, rig, run as run_program, run_bench, say, spread, wait_scan,
                     wait_sent)
from table import Note, Table

ABOUT = ("200 000 files, median 4 KiB, lognormal (2 GB), warm cache. Plain C: two threads, openat, fstat, read, "
         "SHA-256, nothing kept; the agent, all its processes, without its limits of processor and reading. Each run has "
         "a plain C run right before it; medians of three such pairs, in brackets the least and the most; a ratio is of the two "
         "runs of a pair. Most MiB of the agent: the sum of each process's most, shared pages counted in each.")
FILES = 200_000
PAIRS = 3


def scan_alone(root):
    """The collector is away: what the reading half needs for itself; then how long it takes to send everything."""
    pair = rig.Rig()
    try:
        pair.init_collector().start_collector()
        host = pair.host("alone", [root], UNLIMITED)
        pair.collector.stop()
        host.start()
        _, took_ms = wait_scan(host, "first scan")
        found = {"took_s": took_ms / 1000, **agent_figures(host)}
        # The agent tries again after a wait that has grown: a new start does so at once.
        host.stop()
        pair.start_collector()
        began = time.monotonic()
        host.start()
        wait_sent(host)
        found["sent_s"] = time.monotonic() - began
    finally:
        pair.close()
    return found


def scan_together(root, restarts):
    """Agent and collector on the same cores from the first moment; then a start with nothing changed."""
    pair = rig.Rig()
    try:
        pair.init_collector().start_collector()
        host = pair.host("together", [root], UNLIMITED)
        collector = pair.collector.child.pid
        before_s = cpu_s(collector)
        began = time.monotonic()
        host.start()
        files, took_ms = wait_scan(host, "first scan")
        wait_sent(host)
        arrived_s = time.monotonic() - began
        found = {"files": files, "took_s": took_ms / 1000, "arrived_s": arrived_s, **agent_figures(host),
                 "collector_cpu_s": cpu_s(collector) - before_s, "state_bytes": size_of(host.state),
                 "store_bytes": size_of(pair.collector_dir)}
        host.stop()
        restarts.add(lambda: restart(host))
    finally:
        pair.close()
    return found


def restart(host):
    with open(host.process.log, "w", encoding="utf-8"):
        pass
    host.start()
    _, took_ms = wait_scan(host, "comparison with the baseline")
    return {"took_s": took_ms / 1000, **agent_figures(host)}


def size_of(folder):
    """Bytes on disk: an LMDB file is as long as its map."""
    return sum(os.stat(os.path.join(at, name)).st_blocks * 512 for at, _, names in os.walk(folder) for name in names)


class Aide:
    """The peer, with two workers; or with as many as it has unless it is told: one."""

    def __init__(self, root, more="num_workers=2\n"):
        self.program = shutil.which("aide")
        self.folder = rig.tempfile.mkdtemp(prefix="tsujiban-bench-aide-")
        self.config, self.new, self.old = (os.path.join(self.folder, name) for name in ("conf", "new", "old"))
        with open(self.config, "w", encoding="utf-8") as text:
            text.write(f"database_in=file:{self.old}\ndatabase_out=file:{self.new}\ngzip_dbout=no\n{more}"
                       f"report_url=file:{self.folder}/report\n{re.escape(root)} p+u+g+s+m+c+i+n+sha256\n")

    def init(self):
        wall, cpu, peak, _ = run_program(self.program, "--config", self.config, "--init")
        os.replace(self.new, self.old)
        return {"took_s": wall, "cpu_s": cpu, "peak": peak}

    def check(self):
        wall, cpu, peak, _ = run_program(self.program, "--config", self.config, "--check")
        return {"took_s": wall, "cpu_s": cpu, "peak": peak}

    def close(self):
        shutil.rmtree(self.folder)


class Pairs:
    """Runs of one thing, each with the limit right before it."""

    def __init__(self, *limit):
        self.limit = limit
        self.limits, self.runs = [], []

    def add(self, run):
        self.limits.append(run_bench(*self.limit))
        self.runs.append(run())
        return self.runs[-1]

    def values(self, key):
        return [run[key] for run in self.runs]

    def ratios(self, key, limit_key):
        return [run[key] / limit[limit_key] for run, limit in zip(self.runs, self.limits)]

    def row(self, table, name, wall, cpu, peak, budget=""):
        table.add(name, spread(self.values(wall)), spread(self.ratios(wall, "seconds")), budget,
                  spread(self.values(cpu)), spread(self.ratios(cpu, "cpu_s")),
                  f"{max(self.values(peak)) / 1024:.1f}")


def limit_row(table, name, limits):
    table.add(name, spread([limit["seconds"] for limit in limits]), "1", "",
              spread([limit["cpu_s"] for limit in limits]), "1",
              f"{max(limit['peak_kib'] for limit in limits) / 1024:.1f}")


def run():
    root = tree.make(FILES)
    full, stat_only = ("plain_scan", root), ("plain_scan", "--stat-only", root)
    alone, together, init, init_default = Pairs(*full), Pairs(*full), Pairs(*full), Pairs(*full)
    restarts, check = Pairs(*stat_only), Pairs(*stat_only)
    peer, default_peer = Aide(root), Aide(root, more="")
    try:
        run_bench(*full)  # warms the cache
        for number in range(PAIRS):
            say(f"round {number + 1} of {PAIRS}")
            alone.add(lambda: scan_alone(root))
            found = together.add(lambda: scan_together(root, restarts))
            if peer.program:
                init.add(peer.init)
                init_default.add(default_peer.init)
        if peer.program:
            say("aide --check")
            check.add(peer.check)
    finally:
        peer.close()
        default_peer.close()

    first = Table("first scan", "wall s", "wall / plain C", "budget", "CPU s", "CPU / plain C", "most MiB")
    limit_row(first, "plain C, 2 threads", alone.limits + together.limits)
    alone.row(first, "agent, collector away", "took_s", "cpu_s", "peak", "1.5")
    together.row(first, "agent, collector on the same cores", "took_s", "cpu_s", "peak", "1.5")
    first.add("… until everything is at the collector", spread(together.values("arrived_s")),
              spread(together.ratios("arrived_s", "seconds")), "",
              spread(together.values("collector_cpu_s")) + " (collector)", "", "")
    later = Table("start with nothing changed", "wall s", "wall / stat only", "budget", "CPU s", "CPU / stat only",
                  "most MiB")
    limit_row(later, "plain C, stat only, 2 threads", restarts.limits)
    restarts.row(later, "agent", "took_s", "cpu_s", "peak", "2")
    notes = [f"{found['files']} files and directories; on disk: agent's state {found['state_bytes'] / 1e6:.0f} MB, "
             f"collector {found['store_bytes'] / 1e6:.0f} MB. After a scan with the collector away a restarted agent "
             f"had compared and sent everything in {spread(alone.values('sent_s'))} s."]
    if peer.program:
        init.row(first, "aide --init, 2 workers", "took_s", "cpu_s", "peak")
        init_default.row(first, "aide --init, default (1 worker)", "took_s", "cpu_s", "peak")
        check.row(later, "aide --check, 2 workers, once", "took_s", "cpu_s", "peak")
        times, default_times, alone_times = (
            spread([peer_s / own_s for peer_s, own_s in zip(peers.values("took_s"), own.values("took_s"))], 1)
            for peers, own in ((init, together), (init_default, together), (init_default, alone)))
        check_times = check.values("took_s")[0] / median(restarts.values("took_s"))
        notes.append(f"aide --init takes {default_times} times as long as the agent beside its collector, with two "
                     f"workers {times} times (budget: at least 8); {alone_times} times as long as the agent whose "
                     f"collector is away. aide --check takes {check_times:.0f} times as long (at least 60).")
    return [first, later] + [Note(note) for note in notes]
