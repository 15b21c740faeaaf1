#!/usr/bin/env python3
"""Runs the system tests, several at a time: run.py [NAME-PART...]. Ends with "system: N passed, N failed, N skipped".

A name part with a minus in front leaves those tests out. JOBS is how many run at once (default: three a core, for
they mostly wait). Each test is a process of its own with a directory and ports of its own. `weight` of a test or its
class is how many others it stands for: what makes much work for all cores is not to be run beside four of its kind.
"""

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
JOBS = int(os.environ.get("JOBS", str(max(4, 3 * len(os.sched_getaffinity(0))))))
HANGS_S = 1800  # every wait in a test is bounded; this is for what nobody thought of


def is_wanted(name, words):
    parts = [word for word in words if not word.startswith("-")]
    without = [word[1:] for word in words if word.startswith("-")]
    return (not parts or any(part in name for part in parts)) and not any(part in name for part in without)


def pick(suite, words):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from pick(item, words)
        elif is_wanted(item.id(), words):
            yield item


def weight_of(test):
    method = getattr(test, getattr(test, "_testMethodName", ""), None)
    return min(JOBS, getattr(method, "weight", getattr(test, "weight", 1)))


def run_test(test, pipe):
    """In a process of its own: sends (outcome, text)."""
    os.setsid()
    result = unittest.TestResult()
    test.run(result)
    faults = [text for _, text in result.failures + result.errors]
    faults += [f"{case.id()} passed, and was expected to fail" for case in result.unexpectedSuccesses]
    if faults:
        pipe.send(("failed", "\n".join(faults)))
    elif result.skipped:
        pipe.send(("skipped", result.skipped[0][1]))
    else:
        pipe.send(("passed", ""))


class Running:
    """A test under way."""

    def __init__(self, test):
        self.test, self.weight, self.began = test, weight_of(test), time.monotonic()
        self.pipe, far = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.get_context("fork").Process(target=run_test, args=(test, far))
        self.process.start()
        far.close()

    def age(self):
        return time.monotonic() - self.began

    def outcome(self):
        try:
            outcome = self.pipe.recv()
        except EOFError:
            outcome = None
        self.process.join()
        return outcome or ("failed", f"the test's process ended with {self.process.exitcode}")

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Run:
    """All tests: the heavy ones first, so that none of them is left alone at the end."""

    def __init__(self, tests):
        self.waiting = sorted(tests, key=weight_of, reverse=True)
        self.running = []
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.faults = []

    def start_what_fits(self):
        room = JOBS - sum(one.weight for one in self.running)
        at = 0
        while at < len(self.waiting) and room > 0:
            if weight_of(self.waiting[at]) > room:
                at += 1
                continue
            self.running.append(Running(self.waiting.pop(at)))
            room -= self.running[-1].weight

    def take(self, one):
        self.running.remove(one)
        outcome, text = one.outcome()
        self.counts[outcome] += 1
        note = {"passed": "", "failed": "  FAILED", "skipped": f"  skipped: {text}"}[outcome]
        print(f"  {one.age():6.1f} s  {one.test.id()}{note}", flush=True)
        if outcome == "failed":
            self.faults.append(f"FAILED {one.test.id()}\n{text}")

    def go(self):
        try:
            while self.waiting or self.running:
                self.start_what_fits()
                ready = multiprocessing.connection.wait([one.pipe for one in self.running], timeout=10)
                for one in [one for one in self.running if one.pipe in ready]:
                    self.take(one)
                for one in self.running:
                    if one.age() > HANGS_S:
                        one.kill()
        finally:
            for one in self.running:
                one.kill()


def main(folder=HERE, part="system"):
    """All tests of a folder, or those that the command line picks; `part` is what the closing line calls them."""
    sys.path.insert(0, folder)
    began = time.monotonic()
    found = unittest.TestLoader().discover(folder, pattern="test_*.py", top_level_dir=folder)
    run = Run(list(pick(found, sys.argv[1:])))
    run.go()
    for text in run.faults:
        print("=" * 70, text, sep="\n")
    print(f"{time.monotonic() - began:.0f} s, {JOBS} at a time")
    print(part + ": {passed} passed, {failed} failed, {skipped} skipped".format(**run.counts))
    return 1 if run.counts["failed"] or not sum(run.counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
