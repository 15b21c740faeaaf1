"""The audit pass finds what no event told of; budgets hold bulk work back and nothing else."""

import mmap
import os

from disk import read_file
from rig import RigTest, wait_until
from scenario import Scenario, both_sources

AUDIT = "audit: {round: 3s}\n"


@both_sources
class Audit(Scenario):
    def test_C12_write_through_a_memory_map_is_found_by_the_audit(self):
        path = self.write("mapped", content="x" * 8192)
        host = self.watching(config=AUDIT)
        with open(path, "r+b") as file:
            view = mmap.mmap(file.fileno(), 0)
        # The descriptor is closed and told of; what is written now nobody tells.
        self.write("marker")
        host.wait_event(path=self.path("marker"), action="created")
        view[0:5] = b"later"
        view.flush()
        event = host.wait_event(path=path, action="modified")
        self.assertEqual(event["cause"], "audit")
        self.assertIsNone(event["actor"])
        view.close()
        host.wait_picture(self.tree)
        self.assert_exactly_once(host)


class Rounds(RigTest):
    def rounds(self, host):
        return host.status().get("audit", "")

    def test_round_goes_on_where_a_kill_ended_it(self):
        for number in range(50):
            self.write(f"f{number}", content=str(number))
        host = self.started_host(config="audit: {round: 60s}\n")
        wait_until(lambda: int((self.rounds(host).split() or ["0"])[0] or 0) >= 3, "three portions of the audit")
        host.kill()
        host.start()

        def goes_on():
            words = self.rounds(host).split()
            return host.process.is_running() and words and words[-1] == "1" and int(words[0]) >= 3

        wait_until(goes_on, "the audit goes on at its portion")
        host.wait_picture(self.tree)
        self.assertEqual(host.file_events(self.tree + "/"), [])

    def test_audit_that_is_off_says_so(self):
        host = self.started_host(config="audit: {round: 0s}\n")
        wait_until(lambda: self.rounds(host) == "off", "status says that there is no audit")


class Budgets(RigTest):
    def test_change_is_told_while_a_first_scan_is_held_back(self):
        for number in range(60):
            self.write(f"big{number}", content="x" * 1000000)
        small = self.rig.make_dir("live")
        host = self.rig.host("web01", [self.tree, small], "limits: {hash_mb_per_s: 4}\n").start()
        wait_until(lambda: self.rig.json("hosts") and host.status().get("scan") == "first scan", "the scan has begun")
        path = os.path.join(small, "now")
        with open(path, "w", encoding="utf-8") as out:
            out.write("now")
        event = host.wait_event(path=path)
        self.assertEqual(event["after"]["sha256"], read_file(path)["sha256"])
        host.wait_baselined()
        host.wait_picture(self.tree, small)
        self.assert_exactly_once(host)
