"""A file with several names is read once for all of them."""

import os

from rig import wait_until
from scenario import Scenario, both_sources, bytes_read

SIZE = 64 << 20  # more than everything else that the agent reads at its start
NAMES = 6


@both_sources
class HardLinks(Scenario):
    is_small = False

    def names(self):
        return [self.path(f"name{number}") for number in range(NAMES)]

    def all_are(self, action, digest):
        return all(any(e["action"] == action and e["after"]["sha256"] == digest for e in self.host.events()
                       if e.get("path") == name and e.get("after")) for name in self.names())

    def test_each_content_is_read_once_at_the_first_scan_and_not_for_each_name_when_it_changes(self):
        first = self.write("name0", content="a")
        os.truncate(first, SIZE)
        for name in self.names()[1:]:
            os.link(first, name)
        os.utime(first, (1, 1))
        self.watching()
        pid = self.host.process.child.pid
        # Two workers may meet it at the same moment.
        self.assertLess(bytes_read(pid), 3 * SIZE)
        digests = {e["after"]["sha256"] for e in self.host.events() if e.get("path") in self.names()}
        self.assertEqual(len(digests), 1)
        before = bytes_read(pid)
        with open(first, "r+b") as out:
            out.write(b"b")
        digest = self.wait_content(first)["after"]["sha256"]
        wait_until(lambda: self.all_are("modified", digest), "the change under each name")
        # Once as soon as it was told, and once when the first reading was no longer fresh.
        self.assertLess(bytes_read(pid) - before, (NAMES - 2) * SIZE)
