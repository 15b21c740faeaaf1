"""What is measured with: a process's figures from /proc, percentiles, runs with their peak memory, the disk's pace."""

import array
import os
import re
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))

import rig  # noqa: E402  (the system tests' collector, agents and operator)

# A directory of its own: the agent also watches the names in the directory above a watched one.
BENCH_DIR = os.environ.get("TSUJIBAN_BENCH_DIR", "/var/tmp/tsujiban-bench")
PATIENCE_S = 900
# What an agent may use is limited by default: here it is to be seen what it needs.
UNLIMITED = "limits: {cpu_percent: 0, hash_mb_per_s: 0}\n"
TICKS = os.sysconf("SC_CLK_TCK")


def bench_program(name):
    return os.path.join(rig.BUILD, "bench", "bench_" + name)


def say(text):
    """What is under way, apart from the tables."""
    print(f"  … {text}", file=sys.stderr, flush=True)


# --- one process -----------------------------------------------------------------------------------


def read_fields(path):
    with open(path, encoding="utf-8") as text:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in text)}


def kib(fields, name):
    return int(fields[name].split()[0])


def memory(pid):
    """In KiB; `dirty` is what is this process's alone and could not be dropped."""
    status = read_fields(f"/proc/{pid}/status")
    rollup = read_fields(f"/proc/{pid}/smaps_rollup")
    return {"rss": kib(status, "VmRSS"), "peak": kib(status, "VmHWM"), "anonymous": kib(status, "RssAnon"),
            "file": kib(status, "RssFile"), "dirty": kib(rollup, "Private_Dirty"), "pss": kib(rollup, "Pss"),
            "threads": int(status["Threads"])}


def mapped(line, page):
    """First page and end of the mapping that a head line of smaps names; of a file's no more than the file has."""
    start, end, offset, path = re.match(r"(\w+)-(\w+) \S+ (\w+) \S+ \d+ *(.*)", line).groups()
    start, end = int(start, 16) // page, int(end, 16) // page
    try:
        pages = -((int(offset, 16) - os.stat(path).st_size) // page)
    except OSError:  # no file
        return start, end
    return start, min(end, start + max(pages, 0))


def frames(pid):
    """The numbers of the frames of memory that a process has something in; root alone is told them."""
    page = os.sysconf("SC_PAGE_SIZE")
    found = set()
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as text, open(f"/proc/{pid}/pagemap", "rb", 0) as pagemap:
        for line in text:
            if line[0].islower() or line[0].isdigit():
                head = line
            elif line.startswith("Rss:") and line.split()[1] != "0":
                start, end = mapped(head, page)
                entries = array.array("Q", os.pread(pagemap.fileno(), 8 * (end - start), 8 * start))
                # proc_pid_pagemap(5): bit 63, the page is there; bits 0 to 54, its frame.
                found.update(entry & (1 << 55) - 1 for entry in entries if entry >> 63)
    return found


def switches(pid):
    """How often all of its threads went to sleep, and were put to sleep, since it began."""
    total = [0, 0]
    for task in os.listdir(f"/proc/{pid}/task"):
        fields = read_fields(f"/proc/{pid}/task/{task}/status")
        total[0] += int(fields["voluntary_ctxt_switches"])
        total[1] += int(fields["nonvoluntary_ctxt_switches"])
    return total


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as text:
        fields = text.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


# --- an agent: three processes -----------------------------------------------------------------------

PROCESSES = ("reader", "sender", "launcher")


def child_of(pid):
    """The one child of a process that waits for it; it may only just be starting."""

    def children():
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as text:
            return text.read().split()

    return int(wait(children, f"process {pid} has a child")[0])


def agent_pids(host):
    """By what each is for. The reader starts the launcher, which starts the sender."""
    reader = host.process.child.pid
    launcher = child_of(reader)
    return dict(zip(PROCESSES, (reader, child_of(launcher), launcher)))


def agent_memory(host):
    """By process, in KiB, and `together` their sum. Of what is resident only the proportional share may be added; `once`
    counts each page once, whoever else has it too. A peak of all is at most what stands there."""
    pids = agent_pids(host)
    found = {name: memory(pid) for name, pid in pids.items()}
    found["together"] = {key: sum(one[key] for one in found.values()) for key in found["reader"]}
    found["together"]["once"] = once_kib(pids.values())
    return found


def once_kib(pids):
    """What these processes hold together, each page counted once."""
    return len(set().union(*(frames(pid) for pid in pids))) * os.sysconf("SC_PAGE_SIZE") // 1024


class Sampler(threading.Thread):
    """Looks every 20 ms at what the agent's processes hold together at one moment, until it is asked for the most."""

    def __init__(self, host):
        super().__init__()
        self.pids, self.most, self.samples, self.is_over = tuple(agent_pids(host).values()), 0, 0, threading.Event()
        self.start()

    def run(self):
        while not self.is_over.wait(0.02):
            self.most = max(self.most, once_kib(self.pids))
            self.samples += 1

    def end(self):
        self.is_over.set()
        self.join()
        return self.most


def agent_cpu_s(host):
    return sum(cpu_s(pid) for pid in agent_pids(host).values())


def agent_figures(host):
    """What tables of whole runs want to know."""
    return {"cpu_s": agent_cpu_s(host), "peak": sum(memory(pid)["peak"] for pid in agent_pids(host).values())}


# --- a program that ends ---------------------------------------------------------------------------


def run(*command, allowed=(0,)):
    """Runs a program to its end: (wall seconds, CPU seconds, peak KiB, standard output)."""
    began = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as child:
        output = child.stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if child.returncode not in allowed:
        raise RuntimeError(f"{' '.join(command[:6])} … ended with {child.returncode}: {output[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, output


def run_bench(name, *words):
    """Runs bench_NAME: the last line's key=value pairs, and cpu_s, as numbers where they are such."""
    _, cpu, _, output = run(bench_program(name), *map(str, words))
    found = dict(word.split("=", 1) for word in output.splitlines()[-1].split())
    pairs = {key: float(value) if re.fullmatch(r"-?[\d.]+", value) else value for key, value in found.items()}
    return {"cpu_s": cpu, **pairs}


# --- agents ----------------------------------------------------------------------------------------


def wait(is_true, what, every_s=0.02):
    end = time.monotonic() + PATIENCE_S
    while not (answer := is_true()):
        if time.monotonic() > end:
            raise RuntimeError(f"not within {PATIENCE_S} s: {what}")
        time.sleep(every_s)
    return answer


def wait_log(process, pattern):
    """The match of `pattern` in what the process has logged since its last start."""

    def found():
        if not process.is_running():
            raise RuntimeError(f"'{process.command[0]}' ended; its log:\n{process.read_log()[-3000:]}")
        return re.search(pattern, process.read_log())

    return wait(found, f"'{pattern}' in {process.log}")


def wait_scan(host, what):
    """Waits until a scan is committed; its files and milliseconds as the agent says them."""
    match = wait_log(host.process, what + r" complete files=(\d+) took_ms=(\d+)")
    return int(match[1]), int(match[2])


def wait_sent(host):
    """Waits until the collector has confirmed everything."""
    wait(lambda: host.status().get("spooled") == 0, f"'{host.name}' has sent everything", every_s=0.05)


# --- figures ---------------------------------------------------------------------------------------


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def median(values):
    return percentile(values, 50)


class SyncProbe:
    """What durable commits cost here and now: pwrite of 4 KiB and fdatasync, in place."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "sync.probe")
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        self.block = os.urandom(4096)
        self.count = 0
        os.pwrite(self.fd, self.block * 64, 0)
        os.fsync(self.fd)

    def ms(self, syncs=1):
        """So many of them in a row."""
        began = time.monotonic_ns()
        for _ in range(syncs):
            self.count += 1
            os.pwrite(self.fd, self.block, 4096 * (self.count % 64))
            os.fdatasync(self.fd)
        return (time.monotonic_ns() - began) / 1e6

    def close(self):
        os.close(self.fd)
        os.unlink(self.path)


def spread(values, digits=2):
    """The median, and between which it lay: other work on the machine shows there."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def busy_s():
    """CPU seconds that all processes of the machine have had, and what the hypervisor took."""
    with open("/proc/stat", encoding="utf-8") as text:
        user, nice, system, _, _, irq, softirq, steal = map(int, text.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS
