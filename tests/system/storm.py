#!/usr/bin/env python3
"""A storm: processes that do random things to one watched tree while agent, collector and link fail.

    storm.py --seed N --seconds S [--source inotify|fanotify]

One seed makes the same choices each time; what meets what still depends on the machine, so a seed that failed once is
run again rather than read. The seed also says what the agent has little of: spool, disk, watches; and whether its calendar
jumps. After the storm everything is left alone, and then the collector's picture has to equal
the disk, each event has to be there once, and each has to begin where the one before it on its path ended.
"""

import argparse
import collections
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import rig as rigs
import scenario
from history import faults_of_history, faults_of_numbers
from storm_worker import MAPPED, MOUNT, Worker, clock, make_corner, make_mapped

WORKERS = 3
WATCHES = 40  # where there are few
UNWATCHED_S = 120  # rounds over unwatched directories begin up to a minute apart: one under way, and one after it
HERE = os.path.dirname(os.path.abspath(__file__))


class Told:
    """All events of a host, in a file: an hour of storm has more than the memory holds."""

    def __init__(self, rig, host):
        self.path = os.path.join(rig.dir, "told")
        with open(self.path, "w", encoding="utf-8") as out:
            subprocess.run([rigs.program("tsujiban"), "events", "--host", host.name, "--format", "json"], env=rig.env,
                           stdout=out, check=True)

    def __iter__(self):
        with open(self.path, encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


class Storm:
    def __init__(self, seed, seconds, rig):
        self.seed, self.seconds, self.rig = seed, seconds, rig
        self.random = random.Random(f"{seed} faults")
        self.inside, self.outside = rig.make_dir("m"), rig.make_dir("away")
        self.logs = [os.path.join(rig.dir, f"worker{number}.log") for number in range(WORKERS)]
        self.fault_log = []
        self.link = rig.link()
        make_corner(self.inside)
        make_mapped(self.inside, WORKERS)
        self.mount = rig.make_dir(os.path.join("m", MOUNT))
        self.choose_wants()
        state = os.path.join(rig.mount_tmpfs("disk", "48m"), "state") if self.has_small_disk else None
        self.config = "limits: {spool_mb: 1}\n" if self.has_small_spool else ""
        if self.has_bad_clock:
            self.config += "confine: off\n"  # libfaketime keeps its clock where the half that sends may not look
        self.host = rig.host("web01", [self.inside], self.config, port=self.link.port, state=state)
        self.make_wants_felt()
        self.host.start().wait_baselined()

    def choose_wants(self):
        """What the agent has little of, by the seed."""
        choice = random.Random(f"{self.seed} wants").random
        is_root, is_plain = os.geteuid() == 0, not scenario.IS_SANITIZED
        self.has_small_spool = choice() < 0.3
        self.has_small_disk = choice() < 0.25 and is_root
        self.has_few_watches = choice() < 0.25 and is_root and self.rig.source == "inotify"
        self.has_bad_clock = choice() < 0.3 and bool(scenario.FAKETIME) and is_plain
        self.has_mounts = choice() < 0.5 and is_root
        self.wants = [name for name in ("small_spool", "small_disk", "few_watches", "bad_clock",
                                       "mounts")
                      if getattr(self, f"has_{name}")]

    def make_wants_felt(self):
        process = self.host.process
        if self.has_few_watches:
            process.command = (sys.executable, os.path.join(HERE, "own_limits.py"), str(WATCHES), *process.command)
        if self.has_bad_clock:
            self.clock = os.path.join(self.rig.dir, "clock")
            self.set_clock("+0")
            process.env = scenario.faked_clock(self.clock)

    def set_clock(self, offset):
        with open(self.clock + ".new", "w", encoding="ascii") as out:
            out.write(offset)
        os.rename(self.clock + ".new", self.clock)

    # --- faults ---

    def pause(self, shortest, longest):
        time.sleep(self.random.uniform(shortest, longest))

    def kill_agent(self):
        self.host.kill()
        self.pause(0, 0.5)
        self.host.start()

    def stop_agent(self):
        self.host.process.signal(signal.SIGSTOP)
        self.pause(0.05, 1)
        self.host.process.signal(signal.SIGCONT)

    def signal_sender(self, number):
        pid = self.host.sender_pid()
        try:
            if pid:
                os.kill(pid, number)
        except ProcessLookupError:
            pass  # killed a moment ago

    def kill_sender(self):
        self.signal_sender(signal.SIGKILL)

    def stop_sender(self):
        self.signal_sender(signal.SIGSTOP)
        self.pause(0.05, 1)
        self.signal_sender(signal.SIGCONT)

    def overflow(self):
        """Fills the kernel's queue while the agent stands still."""
        with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as text:
            most = int(text.read())
        if most > 100000:
            return
        self.host.process.signal(signal.SIGSTOP)
        names = [os.path.join(self.inside, f"flood{number}") for number in range(2)]
        for name in names:
            with open(name, "a", encoding="ascii"):
                pass
        for number in range(most // 2 + 1000):
            for name in names:
                os.chmod(name, 0o600 + number % 2)
        self.pause(0.05, 0.5)
        self.host.process.signal(signal.SIGCONT)

    def kill_collector(self):
        self.rig.collector.kill()
        self.pause(0, 0.3)
        self.rig.start_collector()

    def stop_collector(self):
        self.rig.collector.signal(signal.SIGSTOP)
        self.pause(0.05, 1)
        self.rig.collector.signal(signal.SIGCONT)

    def drop_link(self):
        self.link.drop()

    def cut_link(self):
        self.link.cut()
        self.pause(0.1, 1)
        self.link.join()

    def long_cut(self):
        """Long enough for a small spool to be full."""
        self.link.cut()
        self.pause(2, 6)
        self.link.join()

    def fill_disk(self):
        """The agent's, for a while."""
        path = os.path.join(os.path.dirname(self.host.state), "ballast")
        with open(path, "wb", buffering=0) as out:
            for size in (1 << 16, 1):
                try:
                    while out.write(bytes(size)):
                        pass
                except OSError:
                    pass
            self.pause(0.5, 3)
        os.unlink(path)

    def jump(self):
        self.set_clock(self.random.choice(["+3600", "-3600", "+0", "+60", "-1"]))

    def mount_or_unmount(self):
        if self.mount in self.rig.mounts:
            rigs.wait_until(self.unmount, "nobody uses what is mounted")
            self.rig.mounts.remove(self.mount)
        else:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=0755", "tmpfs", self.mount], check=True)
            self.rig.mounts.append(self.mount)

    def unmount(self):
        return subprocess.run(["umount", self.mount], capture_output=True, check=False).returncode == 0

    def nothing(self):
        self.pause(0.5, 2)

    def rage(self):
        faults = [(4, self.kill_agent), (4, self.stop_agent), (2, self.kill_sender), (1, self.stop_sender),
                  (1, self.overflow), (2, self.kill_collector),
                  (1, self.stop_collector), (2, self.drop_link), (1, self.cut_link), (3, self.nothing)]
        faults += [(3, self.long_cut)] * self.has_small_spool + [(3, self.fill_disk)] * self.has_small_disk
        faults += [(3, self.jump)] * self.has_bad_clock + [(3, self.mount_or_unmount)] * self.has_mounts
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            self.pause(0, 1.2)
            fault = self.random.choices([one for _, one in faults], [weight for weight, _ in faults])[0]
            self.fault_log.append(f"{clock()} - {fault.__name__}")
            fault()
            if not self.host.process.is_running():
                raise AssertionError("the agent ended by itself: " + self.host.process.read_log()[-3000:])
            if not self.rig.collector.is_running():
                raise AssertionError("the collector ended by itself: " + self.rig.collector.read_log()[-3000:])

    def work(self, number):
        lock = os.path.join(self.rig.dir, "links.lock")
        Worker(number, self.seed, self.inside, self.outside, self.logs[number], lock).run(self.seconds)

    def blow(self):
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=self.work, args=(number,)) for number in range(WORKERS)]
        for worker in workers:
            worker.start()
        try:
            self.rage()
        finally:
            for worker in workers:
                worker.join()
        if any(worker.exitcode for worker in workers):
            raise AssertionError("a process of the storm failed: that is a fault of the test")

    # --- the calm ---

    def check(self):
        """How many events there are; raises with everything that is needed to understand it."""
        faults = self.faults_of_picture(self.mapped())
        # What was written through memory nobody has told, and it may bear a time of before it: the audit reads it again.
        if not faults:
            if self.has_bad_clock:
                self.set_clock("+0")
            rigs.wait_until(lambda: self.host.status().get("pid") == self.host.process.child.pid,
                            "the agent that was started last runs, and can be told to stop")
            self.host.stop()
            self.host.write_config([self.inside], self.config + "audit: {round: 5s}\n")
            self.host.start()
            faults = self.faults_of_picture([])
        events = Told(self.rig, self.host)
        faults += faults_of_numbers(events) + faults_of_history(events, self.inside)
        log = self.host.process.read_log()
        faults += [(None, None, f"the agent's log has: {line}") for line in log.splitlines()
                   if "cannot tell" in line or "Sanitizer" in line or "runtime error" in line]
        if faults:
            self.keep(events)
            raise AssertionError(self.explain(faults, events, log))
        return sum(1 for _ in events)

    def keep(self, events):
        """All that there is to look at, where TSUJIBAN_EVIDENCE says."""
        folder = os.environ.get("TSUJIBAN_EVIDENCE")
        if not folder:
            return
        os.makedirs(folder, exist_ok=True)
        for path in self.logs + [self.host.process.log]:
            shutil.copy(path, folder)
        shutil.copy(events.path, os.path.join(folder, "events"))
        with open(os.path.join(folder, "faults"), "w", encoding="utf-8") as out:
            out.writelines(line + "\n" for line in self.fault_log)

    def mapped(self):
        return [os.path.join(self.inside, MAPPED, f"m{number}") for number in range(WORKERS)]

    def faults_of_picture(self, ignored):
        try:
            patience_s = rigs.PATIENCE_S + (UNWATCHED_S if self.has_few_watches else 0)
            self.host.wait_picture(self.inside, ignore=ignored, patience_s=patience_s)
        except AssertionError as failure:
            return [(None, None, str(failure))]
        return []

    def explain(self, faults, events, log):
        lines = [f"{len(faults)} faults of a storm with {self.wants}; the first:"] + [text for _, _, text in faults[:20]]
        shown = set()
        for path, seq, _ in faults:
            if path is None or path in shown or len(shown) == 4:
                continue
            shown.add(path)
            told = self.last_events(path, (event for event in events if seq is None or event["seq"] <= seq))
            lines += [f"--- last events of {path}"] + [self.shown(event) for event in told]
            until = told[-1]["time"][11:] if told and seq else "~"
            lines += [f"--- last done to {path}"] + self.last_steps(path, until)
        lines += ["--- the agent's log", log[-2500:]]
        return "\n".join(lines).replace(self.rig.dir + "/", "")

    @staticmethod
    def last_events(path, events):
        """Of the path and of the directories above it, which may have moved it."""
        def concerns(event):
            named = [event.get("path"), event.get("old_path")]
            return any(name and (name == path or path.startswith(name + "/") and event["action"] != "attributes")
                       for name in named)

        told = (event for event in events if event["kind"] == "file" and concerns(event))
        return list(collections.deque(told, maxlen=20))

    @staticmethod
    def shown(event):
        line = {key: event.get(key) for key in ("seq", "time", "action", "cause", "path", "old_path", "changed")
                if event.get(key)}
        line["time"] = line["time"][11:]
        for side in ("before", "after"):
            if event.get(side):
                keys = ("type", "mode", "size", "inode", "sha256")
                line[side] = " ".join(str(event[side].get(key) or "")[:8] for key in keys)
        return json.dumps(line)

    def last_steps(self, path, until):
        """What the workers did to the path and to the directories above it."""
        above = [path]
        while os.path.dirname(above[-1]) != self.inside and len(above[-1]) > 1:
            above.append(os.path.dirname(above[-1]))
        steps = list(self.fault_log)
        for name in self.logs:
            with open(name, encoding="utf-8") as text:
                lines = [line.rstrip().split(" ", 2) for line in text]
            for at, (when, number, what) in enumerate(lines):
                if not any(word in above for word in what.split()):
                    continue
                after = lines[at + 1][2] if at + 1 < len(lines) else ""
                failed = after if after.startswith(" ") and "/" not in after else ""
                steps.append(f"{when} {number} {lines[at - 1][2]} {what.strip()}{failed and ' FAILED' + failed}")
        return [step for step in sorted(steps) if step < until][-25:]


def run(seed, seconds, source=rigs.SOURCE):
    """Raises AssertionError with what is wrong; otherwise (what the agent had little of, events)."""
    rig = rigs.Rig(source)
    try:
        rig.init_collector().start_collector()
        storm = Storm(seed, seconds, rig)
        storm.blow()
        return storm.wants, storm.check()
    finally:
        rig.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--source", choices=scenario.SOURCES, default=rigs.SOURCE or "inotify")
    options = parser.parse_args()
    print(f"storm: seed {options.seed}, {options.seconds:.0f} s, {options.source}", flush=True)
    try:
        wants, count = run(options.seed, options.seconds, options.source)
    except AssertionError as failure:
        print(f"storm: seed {options.seed} FAILED\n{failure}")
        return 1
    print(f"storm: seed {options.seed} passed with {', '.join(wants) or 'no want'}, {count} events")
    return 0


if __name__ == "__main__":
    sys.exit(main())
