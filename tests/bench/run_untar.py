"""50 000 files come out of a tar archive: what watching them costs, and when the collector's picture is right again."""

import os
import shutil
import subprocess
import tarfile
import tempfile
import time

import tree
from measure import (BENCH_DIR, agent_cpu_s, agent_figures, cpu_s, median, memory, rig, run_bench, say, spread, wait,
                     wait_scan, wait_sent)
from table import Note, Table

ABOUT = ("tar x of 50 000 files (median 4 KiB) into a watched directory. The agent, all its processes, with each of its sources, its collector on "
         "the same two cores; beside it inotifywait -mr and fatrace, which only print names, and the least that C needs "
         "to read and hash the same files once (two threads). Medians of three rounds, in brackets the least and the most.")
FILES = 50_000
ROUNDS = 3
SOURCES = ("inotify", "fanotify")


def make_archive():
    root = tree.make(FILES)
    archive = root + ".tar"
    if not os.path.exists(archive):
        say(f"making {archive} (once)")
        with tarfile.open(archive + ".part", "w") as out:
            out.add(root, arcname="tree")
        os.rename(archive + ".part", archive)
    return archive


def unpack(archive, folder):
    began = time.monotonic()
    subprocess.run(["tar", "xf", archive, "-C", folder], check=True)
    return time.monotonic() - began


class Printer:
    """A program that prints what the kernel tells it, into a file."""

    def __init__(self, folder, *command):
        self.out = os.path.join(folder, "printed")
        with open(self.out, "wb") as out:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        time.sleep(1)

    def lines(self):
        with open(self.out, "rb") as text:
            return sum(1 for _ in text)

    def wait_quiet(self):
        """Until nothing has been printed for a while."""
        last, since = -1, time.monotonic()
        while time.monotonic() - since < 0.5:
            size = os.path.getsize(self.out)
            if size != last:
                last, since = size, time.monotonic()
            time.sleep(0.05)
        return since

    def close(self):
        self.child.terminate()
        self.child.wait()


def round_of_printer(archive, name):
    folder = tempfile.mkdtemp(prefix="untar-", dir=BENCH_DIR)
    target = os.path.join(folder, "m")
    os.mkdir(target)
    command = {"inotifywait -mr": ["inotifywait", "-mrq", "-e", "create,close_write,attrib,move,delete", target],
               "fatrace": ["fatrace", "-c", "-f", "CWD+"]}[name]
    if not shutil.which(command[0]):
        shutil.rmtree(folder)
        return None
    here = os.getcwd()
    os.chdir(target)  # fatrace -c: the file system that it stands on
    printer = Printer(folder, *command)
    os.chdir(here)
    try:
        wall = unpack(archive, target)
        done = time.monotonic()
        quiet = printer.wait_quiet()
        pid = printer.child.pid
        return {"tar_s": wall, "cpu_s": cpu_s(pid), "peak": memory(pid)["peak"],
                "right_s": max(0.0, quiet - done), "seen": named_files(printer.out)}
    finally:
        printer.close()
        shutil.rmtree(folder)


def named_files(printed):
    """How many of the files the printer named at all."""
    names = set()
    with open(printed, encoding="utf-8", errors="replace") as text:
        for line in text:
            for word in line.split():
                name = word.rpartition("/")[2]
                if name.startswith("file-") and name.endswith(".dat"):
                    names.add(name)
    return len(names)


def round_of_nobody(archive):
    folder = tempfile.mkdtemp(prefix="untar-", dir=BENCH_DIR)
    try:
        return {"tar_s": unpack(archive, folder)}
    finally:
        shutil.rmtree(folder)


def round_of_agent(archive, source):
    pair = rig.Rig()
    target = tempfile.mkdtemp(prefix="untar-", dir=BENCH_DIR)
    try:
        pair.init_collector().start_collector()
        host = pair.host("tar", [target], config=f"source: {source}\n").start()
        wait_scan(host, "first scan")
        wait_sent(host)
        if host.status().get("source") != source:
            return None
        before = agent_cpu_s(host)
        wall = unpack(archive, target)
        done = time.monotonic()
        expected = sum(1 + len(files) for _, _, files in os.walk(target))
        wait(lambda: is_right(host, expected, target), "the collector's picture has every file", every_s=0.1)
        right = time.monotonic() - done
        figures = agent_figures(host)
        host.wait_picture(target)
        gaps = sum(1 for event in host.events("action:gap"))
        return {"tar_s": wall, "cpu_s": figures["cpu_s"] - before, "right_s": right, "gaps": gaps, "seen": FILES,
                "peak": figures["peak"]}
    finally:
        pair.close()
        shutil.rmtree(target)


def is_right(host, expected, target):
    """Asked cheaply first: nothing waits in the spool; then whether the picture has as many entries."""
    return host.status().get("spooled") == 0 and len(host.picture(target)) == expected


def collect(rounds, key):
    values = [one[key] for one in rounds if one and key in one]
    return spread(values) if values else "-"


def run():
    archive = make_archive()
    limit, found = [], {}
    for number in range(ROUNDS):
        limit.append(run_bench("plain_scan", tree.make(FILES)))
        found.setdefault("nobody", []).append(round_of_nobody(archive))
        for source in SOURCES:
            say(f"round {number + 1}: agent with {source}")
            found.setdefault(f"agent, {source}", []).append(round_of_agent(archive, source))
        for name in ("inotifywait -mr", "fatrace"):
            say(f"round {number + 1}: {name}")
            found.setdefault(name, []).append(round_of_printer(archive, name))

    hashing = median([one["cpu_s"] for one in limit])
    table = Table("who watches", "tar wall s", "CPU s", "CPU / hashing once", "budget", "right after s", "budget", "files seen",
                  "gaps", "most MiB")
    table.add("nobody", collect(found["nobody"], "tar_s"), "", "", "", "", "", "", "", "")
    table.add("plain C, hashes once", "", f"{hashing:.2f}", "1", "", "", "", "", "", "")
    for name, rounds in found.items():
        rounds = [one for one in rounds if one]
        if name == "nobody" or not rounds:
            continue
        is_agent = name.startswith("agent")
        table.add(name, collect(rounds, "tar_s"), collect(rounds, "cpu_s"),
                  f"{median([one['cpu_s'] for one in rounds]) / hashing:.2f}", "2" if is_agent else "",
                  collect(rounds, "right_s"), "10" if is_agent else "",
                  median([one["seen"] for one in rounds]),
                  median([one["gaps"] for one in rounds]) if is_agent else "",
                  f"{median([one['peak'] for one in rounds]) / 1024:.1f}")
    missing = [name for name, rounds in found.items() if not any(rounds)]
    return [table, Note("Right after: from the end of tar until the collector's picture equals the disk; for the printers until they "
                        "have nothing more to print. Files seen: for the agent the picture was compared with the disk."
                        + (f" Not to be had here: {', '.join(missing)}." if missing else ""))]
