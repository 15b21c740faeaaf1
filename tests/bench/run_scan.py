"""The first scan of a large tree and the comparison at a later start, beside the least that C can do, and AIDE."""

import os
import re
import shutil
import time

import tree
from measure import cpu_s, median, memory, rig, run as run_program, run_bench, say, wait_scan, wait_sent
from table import Note, Table

ABOUT = ("200 000 files, median 4 KiB, lognormal (2 GB), warm cache. Plain C: two threads, openat, fstat, read, "
         "SHA-256, nothing kept. Medians of three pairs; a ratio is the median of the pairs' ratios.")
FILES = 200_000
PAIRS = 3


def scan_alone(root):
    """The collector is away: what the reading half needs for itself; then how long it takes to send everything."""
    pair = rig.Rig()
    try:
        pair.init_collector().start_collector()
        host = pair.host("alone", [root])
        pair.collector.stop()
        host.start()
        _, took_ms = wait_scan(host, "first scan")
        pid = host.process.child.pid
        found = {"took_s": took_ms / 1000, "cpu_s": cpu_s(pid), "peak": memory(pid)["peak"]}
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


def scan_together(root):
    """Agent and collector on the same cores from the first moment; then three starts with nothing changed."""
    pair = rig.Rig()
    try:
        pair.init_collector().start_collector()
        host = pair.host("together", [root])
        collector = pair.collector.child.pid
        before_s = cpu_s(collector)
        began = time.monotonic()
        host.start()
        files, took_ms = wait_scan(host, "first scan")
        wait_sent(host)
        arrived_s = time.monotonic() - began
        pid = host.process.child.pid
        found = {"files": files, "took_s": took_ms / 1000, "arrived_s": arrived_s, "cpu_s": cpu_s(pid),
                 "peak": memory(pid)["peak"], "collector_cpu_s": cpu_s(collector) - before_s,
                 "state_bytes": size_of(host.state), "store_bytes": size_of(pair.collector_dir)}
        host.stop()
        found.update(restart(host))
    finally:
        pair.close()
    return found


def restart(host):
    with open(host.process.log, "w", encoding="utf-8"):
        pass
    host.start()
    _, took_ms = wait_scan(host, "comparison with the baseline")
    pid = host.process.child.pid
    return {"restart_s": took_ms / 1000, "restart_cpu_s": cpu_s(pid), "restart_peak": memory(pid)["peak"]}


def size_of(folder):
    """Bytes on disk: an LMDB file is as long as its map."""
    return sum(os.stat(os.path.join(at, name)).st_blocks * 512 for at, _, names in os.walk(folder) for name in names)


def aide(root):
    """One init and one check with two workers; empty where AIDE is not installed."""
    program = shutil.which("aide")
    if not program:
        return {}
    folder = rig.tempfile.mkdtemp(prefix="tsujiban-bench-aide-")
    config, new, old = (os.path.join(folder, name) for name in ("aide.conf", "new.db", "old.db"))
    try:
        with open(config, "w", encoding="utf-8") as text:
            text.write(f"database_in=file:{old}\ndatabase_out=file:{new}\ngzip_dbout=no\nnum_workers=2\n"
                       f"report_url=file:{folder}/report\n{re.escape(root)} p+u+g+s+m+c+i+n+sha256\n")
        say("aide --init, then aide --check")
        init_s, _, init_kib, _ = run_program(program, "--config", config, "--init")
        os.rename(new, old)
        check_s, _, check_kib, _ = run_program(program, "--config", config, "--check")
    finally:
        shutil.rmtree(folder)
    return {"init_s": init_s, "check_s": check_s, "init_kib": init_kib, "check_kib": check_kib}


def column(runs, key):
    return [each[key] for each in runs]


def ratio(tops, bottoms):
    return median([top / bottom for top, bottom in zip(tops, bottoms)])


def first_scan_table(plain, alone, together, peer):
    limit = column(plain, "seconds")
    table = Table("first scan", "wall s", "against plain C", "budget", "CPU s", "peak MiB")
    table.add("plain C, 2 threads", f"{median(limit):.2f}", "1.00", "", f"{median(column(plain, 'cpu_s')):.2f}",
              f"{median(column(plain, 'peak_kib')) / 1024:.1f}")
    for name, runs in (("agent, collector away", alone), ("agent, collector on the same cores", together)):
        table.add(name, f"{median(column(runs, 'took_s')):.2f}", f"{ratio(column(runs, 'took_s'), limit):.2f}", "1.5",
                  f"{median(column(runs, 'cpu_s')):.2f}", f"{median(column(runs, 'peak')) / 1024:.1f}")
    table.add("… and everything at the collector", f"{median(column(together, 'arrived_s')):.2f}",
              f"{ratio(column(together, 'arrived_s'), limit):.2f}", "",
              f"{median(column(together, 'collector_cpu_s')):.2f} (collector)", "")
    if peer:
        table.add("aide --init, 2 workers", f"{peer['init_s']:.2f}", f"{peer['init_s'] / median(limit):.2f}", "",
                  "", f"{peer['init_kib'] / 1024:.0f}")
    return table


def restart_table(stats, together, peer):
    limit = column(stats, "seconds")
    table = Table("start with nothing changed", "wall s", "against stat-only", "budget", "CPU s", "peak MiB")
    table.add("plain C, stat only, 2 threads", f"{median(limit):.2f}", "1.00", "",
              f"{median(column(stats, 'cpu_s')):.2f}", f"{median(column(stats, 'peak_kib')) / 1024:.1f}")
    table.add("agent", f"{median(column(together, 'restart_s')):.2f}",
              f"{ratio(column(together, 'restart_s'), limit):.2f}", "2",
              f"{median(column(together, 'restart_cpu_s')):.2f}",
              f"{median(column(together, 'restart_peak')) / 1024:.1f}")
    if peer:
        table.add("aide --check, 2 workers", f"{peer['check_s']:.2f}", f"{peer['check_s'] / median(limit):.2f}", "",
                  "", f"{peer['check_kib'] / 1024:.0f}")
    return table


def run():
    root = tree.make(FILES)
    plain, stats, alone, together = [], [], [], []
    run_bench("plain_scan", root)  # warms the cache
    for number in range(PAIRS):
        say(f"pair {number + 1} of {PAIRS}")
        plain.append(run_bench("plain_scan", root))
        alone.append(scan_alone(root))
        stats.append(run_bench("plain_scan", "--stat-only", root))
        together.append(scan_together(root))
    peer = aide(root)

    parts = [first_scan_table(plain, alone, together, peer), restart_table(stats, together, peer)]
    notes = [f"{together[0]['files']} files and directories; on disk: agent's state "
             f"{median(column(together, 'state_bytes')) / 1e6:.0f} MB, collector "
             f"{median(column(together, 'store_bytes')) / 1e6:.0f} MB. After a scan with the collector away a "
             f"restarted agent had compared and sent everything in {median(column(alone, 'sent_s')):.2f} s."]
    if peer:
        notes.append(f"aide --init takes {peer['init_s'] / median(column(together, 'took_s')):.1f} times as long as "
                     f"the agent (budget: at least 8), aide --check "
                     f"{peer['check_s'] / median(column(together, 'restart_s')):.0f} times (at least 60).")
    return parts + [Note(note) for note in notes]
