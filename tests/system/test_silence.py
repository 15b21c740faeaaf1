"""Hosts that are not heard of any more, and hosts that come back: told once each, whatever the collector goes through."""

import os
import signal
import unittest

from rig import RigTest, wait_until


class Silence(RigTest):
    collector_config = ("heartbeat: 1s\n"
                        "silence:\n"
                        "  after: 2s\n"
                        "  by_label:\n"
                        "    - {label: env, value: lab, after: 1h}\n"
                        "    - {label: kind, after: off}\n")

    def state(self, host):
        return {line["host"]: line["state"] for line in self.rig.json("hosts")}[host.name]

    def own(self, host):
        return [event for event in host.events("kind:agent") if event["action"] in ("silent", "returned")]

    @staticmethod
    def kill(host):
        host.kill()
        host.process.child = None  # nothing is left to be stopped in the end

    def wait_own(self, host, *actions):
        wait_until(lambda: [event["action"] for event in self.own(host)] == list(actions),
                   f"'{host.name}': {actions}, log of the collector:\n" + self.rig.collector.read_log()[-2000:])
        return self.own(host)[-1]["detail"]

    def assert_still(self, host, *actions):
        self.assertEqual([event["action"] for event in self.own(host)], list(actions))
        self.assert_exactly_once(host)

    def test_killed_agent_is_silent_and_returns(self):
        host = self.started_host()
        self.kill(host)
        detail = self.wait_own(host, "silent")
        self.assertRegex(detail, r"^not heard of since 20.*Z, last address 127\.0\.0\.1, last event \d+$")
        self.assertEqual(self.state(host), "silent")
        self.assertIn("silent", self.rig.cli("hosts").stdout)
        host.start()
        self.assertRegex(self.wait_own(host, "silent", "returned"), r"^was away for .*s, since 20.*Z, address 127\.0\.0\.1$")
        self.write("after")
        host.wait_event(path=self.path("after"), action="created")
        self.assertEqual(self.state(host), "connected")
        self.assert_still(host, "silent", "returned")

    def test_stopped_agent_is_silent_though_its_connection_stands(self):
        host = self.started_host()
        sender = wait_until(lambda: host.status().get("sender_pid"), "the half that sends runs")
        for pid in (host.process.child.pid, sender):
            os.kill(pid, signal.SIGSTOP)
        self.wait_own(host, "silent")
        for pid in (sender, host.process.child.pid):
            os.kill(pid, signal.SIGCONT)
        self.wait_own(host, "silent", "returned")
        self.assert_still(host, "silent", "returned")

    def test_cut_link_is_silence(self):
        link = self.rig.link()
        host = self.started_host(port=link.port)
        link.cut()
        self.wait_own(host, "silent")
        link.join()
        self.wait_own(host, "silent", "returned")
        self.assert_still(host, "silent", "returned")

    def test_collector_killed_meanwhile_tells_nothing_twice(self):
        host = self.started_host()
        self.kill(host)
        self.wait_own(host, "silent")
        for _ in range(2):
            self.rig.collector.kill()
            self.rig.start_collector()
            self.assertEqual(self.state(host), "silent")
        other = self.started_host("web02")
        self.kill(other)
        self.wait_own(other, "silent")
        self.assert_still(host, "silent")
        host.start()
        self.wait_own(host, "silent", "returned")
        self.rig.collector.kill()
        self.rig.start_collector()
        wait_until(lambda: self.state(host) == "connected", "it is back")
        self.assert_still(host, "silent", "returned")

    def test_host_that_is_not_back_after_the_collector_is_silent(self):
        host = self.started_host()
        self.rig.collector.kill()
        self.kill(host)
        self.rig.start_collector()
        self.assertRegex(self.wait_own(host, "silent"),
                         r"^not back since the collector's start at 20.*Z, last address 127\.0\.0\.1, last event \d+$")

    def test_labels_say_how_long(self):
        lab = self.started_host("lab01", config="labels: {env: lab}\n")
        free = self.started_host("laptop01", config="labels: {kind: laptop}\n")
        host = self.started_host()
        for one in (lab, free, host):
            wait_until(lambda one=one: one is host or self.rig.json("host", one.name)[0]["labels"], "its labels are known")
        for one in (lab, free, host):
            self.kill(one)
        self.wait_own(host, "silent")
        self.assert_still(lab)
        self.assert_still(free)
        self.assertEqual(self.state(lab), "offline")

    def test_revoked_host_is_not_silent(self):
        host = self.started_host()
        self.assertEqual(self.rig.cli("revoke", host.name).returncode, 0)
        other = self.started_host("web02")
        self.kill(other)
        self.wait_own(other, "silent")
        self.assert_still(host)
        self.assertEqual(self.state(host), "revoked")


if __name__ == "__main__":
    unittest.main()
