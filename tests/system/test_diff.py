"""Text diffs: what is shown, what is never kept, and what becomes of copies."""

import os
import unittest

from rig import Rig, wait_until

MARK = b"tsujibanmark"


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def replace(path, content):
    write(path + ".new", content)
    os.rename(path + ".new", path)


def holders(*folders):
    """Files below the folders that have the mark in them."""
    found = []
    for top in folders:
        for folder, _, names in os.walk(top):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    if MARK in file.read():
                        found.append(os.path.join(folder, name))
    return found


class Diff(unittest.TestCase):
    def setUp(self):
        self.rig = Rig()
        self.addCleanup(self.rig.close)
        self.rig.init_collector().start_collector()
        self.root = self.rig.make_dir("m")
        self.host = None

    def path(self, name):
        return os.path.join(self.root, name)

    def entry(self, *nodiff, diff=True):
        patterns = ", ".join(f'"{pattern}"' for pattern in nodiff)
        return [f"  - path: {self.root}\n    diff: {str(diff).lower()}\n    nodiff: [{patterns}]"]

    def begin(self, *nodiff, diff=True, config=""):
        self.host = self.rig.host("web01", self.entry(*nodiff, diff=diff), config)
        self.host.start().wait_baselined()

    def modified(self, name, count=1):
        """The last of `count` events that say that the file's content changed."""
        def found():
            events = [e for e in self.host.file_events(self.path(name)) if e["action"] == "modified"]
            return events[-1] if len(events) >= count else None
        return wait_until(found, f"{count} changes of {name}; there are {self.host.file_events()}")

    def test_R01_first_change_after_the_baseline_is_shown(self):
        write(self.path("conf"), b"one\ntwo\nthree\n")
        self.begin()
        write(self.path("conf"), b"one\n2\nthree\n")
        event = self.modified("conf")
        self.assertEqual(event["diff"], "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n")
        self.assertNotIn("diff_omitted", event)
        replace(self.path("conf"), b"one\n2\nthree\nfour")
        event = self.modified("conf", 2)
        self.assertEqual(event["diff"], "@@ -1,3 +1,4 @@\n one\n 2\n three\n+four\n\\ No newline at end of file\n")

    def test_a_file_made_while_it_runs_is_shown_from_its_first_change(self):
        self.begin()
        write(self.path("new"), b"a\r\nb\r\n")
        self.host.wait_event(action="created", path=self.path("new"))
        write(self.path("new"), b"a\r\nc\r\n")
        self.assertEqual(self.modified("new")["diff"], "@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n")

    def test_R02_secret_binary_and_large_files_are_kept_nowhere(self):
        names = {"my.key": ("nodiff", MARK + b"\n"), "data.bin": ("binary", MARK + b"\0\1\2\n"),
                 "large": ("too large", (MARK + b"\n") * 200), "sub/deep": ("nodiff", MARK + b"\n")}
        os.mkdir(self.path("sub"))
        for name, (_, content) in names.items():
            write(self.path(name), content)
        self.begin("*.key", "sub/", config="limits: {diff_kb: 1}\n")
        for name, (_, content) in names.items():
            write(self.path(name), content + MARK + b" more\n")
        for name, (reason, _) in names.items():
            event = self.modified(name)
            self.assertIsNone(event["diff"], name)
            self.assertEqual(event["diff_omitted"], reason, name)
        self.host.stop()
        self.assertEqual(holders(self.host.state, self.rig.collector_dir), [])

    def test_without_diff_nothing_is_kept_and_nothing_said(self):
        write(self.path("conf"), MARK + b"\n")
        self.begin(diff=False)
        write(self.path("conf"), MARK + b" more\n")
        event = self.modified("conf")
        self.assertIsNone(event["diff"])
        self.assertNotIn("diff_omitted", event)
        self.host.stop()
        self.assertEqual(holders(self.host.state, self.rig.collector_dir), [])

    def test_a_change_while_the_agent_is_down_is_shown(self):
        write(self.path("conf"), b"old\n")
        self.begin()
        self.host.stop()
        write(self.path("conf"), b"new\n")
        self.host.start()
        event = self.modified("conf")
        self.assertEqual(event["cause"], "offline")
        self.assertEqual(event["diff"], "@@ -1 +1 @@\n-old\n+new\n")

    def test_a_moved_file_and_a_moved_tree_keep_their_copies(self):
        os.mkdir(self.path("tree"))
        write(self.path("tree/leaf"), b"leaf\n")
        write(self.path("file"), b"file\n")
        self.begin()
        os.rename(self.path("file"), self.path("other"))
        self.host.wait_event(action="moved", path=self.path("other"))
        os.rename(self.path("tree"), self.path("wood"))
        self.host.wait_event(action="moved", path=self.path("wood"))
        write(self.path("other"), b"other\n")
        self.assertEqual(self.modified("other")["diff"], "@@ -1 +1 @@\n-file\n+other\n")
        write(self.path("wood/leaf"), b"branch\n")
        self.assertEqual(self.modified("wood/leaf")["diff"], "@@ -1 +1 @@\n-leaf\n+branch\n")

    def test_diffs_switched_on_later_begin_with_the_next_start(self):
        write(self.path("conf"), b"old\n")
        self.begin(diff=False)
        self.host.stop()
        self.host.write_config(self.entry())
        self.host.start()
        wait_until(lambda: "comparison with the baseline complete" in self.host.process.read_log(),
                   "the comparison at the start")
        write(self.path("conf"), b"new\n")
        self.assertEqual(self.modified("conf")["diff"], "@@ -1 +1 @@\n-old\n+new\n")

    def test_a_nodiff_pattern_added_later_takes_the_copy_away(self):
        write(self.path("conf"), MARK + b"\n")
        self.begin()
        self.host.stop()
        self.assertNotEqual(holders(self.host.state), [], "the test would find a copy")
        self.host.write_config(self.entry("conf"))
        self.host.start()
        wait_until(lambda: "comparison with the baseline complete" in self.host.process.read_log(),
                   "the comparison at the start")
        self.assertEqual(holders(self.host.state), [])
        write(self.path("conf"), b"new\n")
        event = self.modified("conf")
        self.assertIsNone(event["diff"])
        self.assertEqual(event["diff_omitted"], "nodiff")
        self.host.stop()
        self.host.write_config(self.entry())
        write(self.path("conf"), b"newer\n")
        self.host.start()
        event = self.modified("conf", 2)
        self.assertIsNone(event["diff"])
        self.assertEqual(event["diff_omitted"], "no copy")

    def test_a_lower_limit_takes_the_copies_of_larger_files_away(self):
        write(self.path("conf"), (MARK + b"\n") * 100)
        self.begin()
        self.host.stop()
        self.host.write_config(self.entry(), "limits: {diff_kb: 1}\n")
        self.host.start()
        wait_until(lambda: "comparison with the baseline complete" in self.host.process.read_log(),
                   "the comparison at the start")
        self.assertEqual(holders(self.host.state), [])
        write(self.path("conf"), b"small\n")
        self.assertEqual(self.modified("conf")["diff_omitted"], "too large")


if __name__ == "__main__":
    unittest.main()
