"""What the tests of ../shared/data/fim-scenarios.tsv have in common: one test an id, for both sources, and what every case
ends with: the picture equals the disk, the history leads to it, and no watch, descriptor or memory has leaked.
"""

import contextlib
import glob
import os
import sys
import unittest

from history import faults_of_history, faults_of_numbers
from disk import read_file
from rig import BUILD, RigTest, wait_until

SOURCES = ("inotify", "fanotify")
IS_SANITIZED = os.path.basename(BUILD) in ("address", "thread")
FAKETIME = next(iter(glob.glob("/usr/lib*/faketime/libfaketimeMT.so.1")
                     + glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
MEMORY_GROWTH_KIB = 12 << 10
MEMORY = "/dev/shm"
ROOM_BYTES = 1 << 30


def both_sources(case):
    """Puts one class for each source into the module, and nothing in place of `case` itself."""
    module = sys.modules[case.__module__]
    for source in SOURCES:
        name = f"{case.__name__}_{source}"
        setattr(module, name, type(name, (case,), {"source": source, "__module__": case.__module__}))


def faked_clock(offset_file):
    """The environment of a program whose calendar is off by what the file says: "+3600". The time that passes goes on, and
    so does what files are stamped with."""
    return {**os.environ, "LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": offset_file, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}


def open_descriptors(pid):
    """What each of them is, sorted: paths, and socket:[number] and the like. The store's file is left out: at rest it is
    closed and opened again."""
    found, folder = [], f"/proc/{pid}/fd"
    for fd in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.append(os.readlink(os.path.join(folder, fd)))
    return sorted(what for what in found if not what.endswith("/data.mdb"))


def anonymous_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as text:
        return next(int(line.split()[1]) for line in text if line.startswith("RssAnon:"))


def bytes_read(pid):
    """By system calls, of files and of everything else."""
    with open(f"/proc/{pid}/io", encoding="ascii") as text:
        return next(int(line.split()[1]) for line in text if line.startswith("rchar:"))


class Scenario(RigTest):
    """The directory m is watched, u is not."""

    # What a case may change when it ends in another way than all others.
    ignored = ()  # paths whose state cannot be compared with the disk
    ends_with_history = True  # the first baseline is in the host's stream
    is_small = True  # memory is looked at

    def setUp(self):
        super().setUp()
        self.outside = self.rig.make_dir("u")
        self.host = None
        self.roots = [self.tree]
        self.began = None

    # --- steps of a case ---

    def watching(self, watch=None, roots=None, config="", port=None, env=None):
        """Starts the agent and waits until it knows what is there."""
        self.roots = roots or [self.tree]
        self.host = self.rig.host("web01", watch or self.roots, config, port)
        if env:
            self.host.process.env = env
        self.host.start().wait_baselined()
        self.started()
        return self.host

    def started(self):
        """After every start: from here on nothing may grow."""
        status = self.quiet()
        if self.source and not str(status.get("source", "")).startswith(self.source):
            self.skipTest(f"the agent chose {status.get('source')}: {status.get('degraded')}")
        pid = self.host.process.child.pid
        self.began = (pid, open_descriptors(pid), anonymous_kib(pid))

    def restart(self, change=None):
        """Stops, lets `change` happen, and starts again."""
        self.host.stop()
        if change:
            change()
        self.host.start()
        self.started()

    def is_quiet(self):
        if not self.host.process.is_running():
            raise AssertionError(f"the agent ended with {self.host.process.child.returncode}")
        status = self.host.status()
        calm = status.get("pending_paths") == 0 and status.get("scan") == "complete" and status.get("spooled") == 0
        is_of_this_run = status.get("pid") == self.host.process.child.pid
        return status if calm and is_of_this_run and status.get("link") == "streaming" else None

    def quiet(self):
        """Nothing is under way, and all is at the collector."""
        try:
            return wait_until(self.is_quiet, "the agent has nothing to do")
        except AssertionError as failure:
            raise AssertionError(f"{failure}; status {self.host.status()}; log:\n"
                                 + self.host.process.read_log()[-2000:]) from None

    def out(self, *names):
        return os.path.join(self.outside, *names)

    def news(self, path=None, below=None):
        """Events about files since the baseline, of one path or of all below one."""
        events = self.host.file_events()
        if path is not None:
            events = [event for event in events if path in (event["path"], event.get("old_path"))]
        if below is not None:
            events = [event for event in events if event["path"].startswith(below)]
        return events

    def actions(self, path):
        return [event["action"] for event in self.host.file_events() if event["path"] == path]

    def mark(self):
        """Writes a file and waits for its event: what was done before has been told by then, as far as it will be at
        once."""
        path = os.path.join(self.roots[0], f"mark{len(os.listdir(self.roots[0]))}")
        with open(path, "w", encoding="ascii") as out:
            out.write("mark\n")
        self.host.wait_event(path=path, action="created")
        self.quiet()
        os.unlink(path)
        self.host.wait_event(path=path, action="deleted")
        self.quiet()

    def news_without_marks(self):
        return [event for event in self.news() if not os.path.basename(event["path"]).startswith("mark")
                and event["action"] != "degraded" and event["path"] not in self.ignored]

    def wait_content(self, path, action="modified"):
        """The event that gives a path the content that is on the disk now."""
        digest = read_file(path)["sha256"]

        def found():
            return next((event for event in self.news(path) if event["action"] == action
                         and event["after"]["sha256"] == digest), None)

        return wait_until(found, f"'{action}' with the content of {path}; there are {self.actions(path)}")

    # --- how every case ends ---

    def tearDown(self):
        # pylint: disable=protected-access
        if self._outcome.success and self.host and self.host.process.is_running():
            self.check_end()

    def is_watched(self, folder):  # pylint: disable=unused-argument
        """A case with filters says here what lies below none."""
        return True

    def watched_directories(self):
        """(those that lead to the roots, the roots and what is covered below them)"""
        above_roots, expected = set(), set()
        for root in self.roots:
            above = root
            while above != "/":
                above = os.path.dirname(above)
                if not os.path.islink(above) and os.path.isdir(above):
                    above_roots.add(above)
            if os.path.islink(root) or not os.path.isdir(root):
                continue
            for folder, folders, _ in os.walk(root):
                folders[:] = [name for name in folders if self.is_watched(os.path.join(folder, name))]
                expected.add(folder)
                expected.update(os.path.join(folder, name) for name in folders
                                if not os.path.islink(os.path.join(folder, name)))
        return above_roots, expected

    def check_end(self):
        self.quiet()
        self.host.wait_picture(*self.roots, ignore=self.ignored)
        self.quiet()
        events = self.host.events()
        faults = faults_of_numbers(events)
        if self.ends_with_history:
            faults += faults_of_history(events, *self.roots, ignore=self.ignored)
        self.assertFalse([text for _, _, text in faults[:10]])
        self.check_watches()
        self.check_process()

    def check_watches(self):
        above_roots, covered = self.watched_directories()
        # fanotify hears of a file system at once; names above the roots are left to inotify.
        most = len(above_roots - covered if self.source == "fanotify" else above_roots | covered)
        least = 0 if self.source == "fanotify" else most
        seen = {}

        def is_right():
            seen["count"] = self.host.status().get("watched_directories", -1)
            return least <= seen["count"] <= most

        try:
            wait_until(is_right, "watches")
        except AssertionError:
            raise AssertionError(f"{seen['count']} watches instead of {least} to {most}") from None

    def check_process(self):
        pid, descriptors, memory = self.began
        if pid != self.host.process.child.pid:
            return
        try:
            wait_until(lambda: len(open_descriptors(pid)) <= len(descriptors), "descriptors")
        except AssertionError:
            raise AssertionError(f"more open than in the beginning: {open_descriptors(pid)}, {descriptors}") from None
        if self.is_small and not IS_SANITIZED:
            wait_until(lambda: anonymous_kib(pid) <= memory + MEMORY_GROWTH_KIB, "memory is given back")


def heavy(weight=2):
    """Marks a test that makes as much work as several."""
    def mark(test):
        test.weight = weight
        return test

    return mark


def in_memory(test):
    """Marks a test that makes more files than a disk takes back in reasonable time: some need milliseconds for each."""
    test.parent = MEMORY if has_room(MEMORY) else None
    return test


def has_room(path):
    if not os.access(path, os.W_OK):
        return False
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize >= ROOM_BYTES


needs_root = unittest.skipUnless(os.geteuid() == 0, "only root may do this")
