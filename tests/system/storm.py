#!/usr/bin/env python3
"""A storm: processes that do random things to one watched tree while agent, collector and link fail.

    storm.py --seed N --seconds S

One seed makes the same choices each time; what meets what still depends on the machine, so a seed that failed once is
run again rather than read. After the storm everything is left alone, and then the collector's picture has to equal
the disk, each event has to be there once, and each has to begin where the one before it on its path ended.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import time

import rig as rigs
from history import faults_of_history, faults_of_numbers
from storm_worker import Worker, clock, make_corner

WORKERS = 3


class Storm:
    def __init__(self, seed, seconds, rig):
        self.seed, self.seconds, self.rig = seed, seconds, rig
        self.random = random.Random(f"{seed} faults")
        self.inside, self.outside = rig.make_dir("m"), rig.make_dir("away")
        self.logs = [os.path.join(rig.dir, f"worker{number}.log") for number in range(WORKERS)]
        self.fault_log = []
        self.link = rig.link()
        make_corner(self.inside)
        self.host = rig.host("web01", [self.inside], port=self.link.port)
        self.host.start().wait_baselined()

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

    def nothing(self):
        self.pause(0.5, 2)

    def rage(self):
        faults = [(4, self.kill_agent), (4, self.stop_agent), (1, self.overflow), (2, self.kill_collector),
                  (1, self.stop_collector), (2, self.drop_link), (1, self.cut_link), (3, self.nothing)]
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
        """Raises with everything that is needed to understand it."""
        faults = []
        try:
            self.host.wait_picture(self.inside)
        except AssertionError as failure:
            faults.append((None, None, str(failure)))
        events = self.host.events()
        faults += faults_of_numbers(events) + faults_of_history(events, self.inside)
        log = self.host.process.read_log()
        faults += [(None, None, f"the agent's log has: {line}") for line in log.splitlines()
                   if "cannot tell" in line or "Sanitizer" in line or "runtime error" in line]
        if faults:
            raise AssertionError(self.explain(faults, events, log))

    def explain(self, faults, events, log):
        lines = [f"{len(faults)} faults; the first:"] + [text for _, _, text in faults[:20]]
        shown = set()
        for path, seq, _ in faults:
            if path is None or path in shown or len(shown) == 4:
                continue
            shown.add(path)
            told = self.last_events(path, [event for event in events if seq is None or event["seq"] <= seq])
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

        return [event for event in events if event["kind"] == "file" and concerns(event)][-20:]

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


def run(seed, seconds):
    """Raises AssertionError with what is wrong."""
    rig = rigs.Rig()
    try:
        rig.init_collector().start_collector()
        storm = Storm(seed, seconds, rig)
        storm.blow()
        storm.check()
        return len(storm.host.events())
    finally:
        rig.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    print(f"storm: seed {options.seed}, {options.seconds:.0f} s", flush=True)
    try:
        count = run(options.seed, options.seconds)
    except AssertionError as failure:
        print(f"storm: seed {options.seed} FAILED\n{failure}")
        return 1
    print(f"storm: seed {options.seed} passed, {count} events")
    return 0


if __name__ == "__main__":
    sys.exit(main())
