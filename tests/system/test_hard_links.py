"""A file with several names is read once for all of them."""

import os
import time

from rig import wait_until
from scenario import Scenario, both_sources, bytes_read

SIZE = 64 << 20  # more than everything else that the agent reads at its start
NAMES = 6


@both_sources
class HardLinks(Scenario):
    is_small = False

    def names(self):
        """In directories of their own, which several workers meet at the same moment."""
        return [self.path(f"tree{number}", "large") for number in range(NAMES)]

    def make_names(self):
        """Of a file that was left alone for two seconds: what is read sooner could be written to in the same tick."""
        for name in self.names():
            os.mkdir(os.path.dirname(name))
        first = self.write("tree0", "large", content="a")
        os.truncate(first, SIZE)
        for name in self.names()[1:]:
            os.link(first, name)
        linked = os.stat(first).st_ctime
        wait_until(lambda: time.time() > linked + 2.1, "the file is old")

    def all_are(self, action, digest):
        return all(any(e["action"] == action and e["after"]["sha256"] == digest for e in self.host.events()
                       if e.get("path") == name and e.get("after")) for name in self.names())

    def test_each_content_is_read_once_at_the_first_scan_and_once_when_it_changes(self):
        self.make_names()
        self.watching()
        pid = self.host.process.child.pid
        before = bytes_read(pid)
        self.assertTrue(SIZE <= before < 2 * SIZE, before)
        digests = {e["after"]["sha256"] for e in self.host.events() if e.get("path") in self.names()}
        self.assertEqual(len(digests), 1)
        with open(self.names()[3], "r+b") as out:
            out.write(b"b")
        digest = self.wait_content(self.names()[3])["after"]["sha256"]
        wait_until(lambda: self.all_are("modified", digest), "the change under each name")
        self.quiet()
        again = bytes_read(pid) - before
        self.assertTrue(SIZE <= again < 2 * SIZE, again)
        self.assertEqual([self.actions(name) for name in self.names()], [["modified"]] * NAMES)

    def test_a_name_that_was_replaced_has_its_own_content_and_the_others_keep_theirs(self):
        self.make_names()
        self.watching()
        new = self.write("new", content="b")
        os.truncate(new, SIZE)
        os.link(new, self.path("newer"))
        os.rename(new, self.names()[2])
        self.wait_content(self.names()[2])
        self.restart()
        self.assertEqual([self.actions(name).count("modified") for name in self.names()], [0, 0, 1, 0, 0, 0])
