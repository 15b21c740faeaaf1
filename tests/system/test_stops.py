"""How the agent's runs end, and what the collector is told of it."""

import os
import signal
import sys

from rig import RigTest, wait_until

USER = 65534


class Stops(RigTest):
    def stopped(self, host):
        """The one event of this kind. The agent does not run any more: what it has not sent by now it does not send."""
        events = host.events("action:stopped")
        self.assertEqual(len(events), 1, events)
        return events[0]

    def last_start(self, host, count):
        return wait_until(lambda: len(found := host.events("action:started")) == count and found[-1], f"start {count}")

    def test_who_stopped_it_is_told_before_it_ends(self):
        host = self.started_host()
        host.stop()
        event = self.stopped(host)
        self.assertEqual(event["detail"], f"stopped by SIGTERM from pid {os.getpid()} with uid {os.getuid()}")
        self.assertEqual(event["actor"]["pid"], os.getpid())
        self.assertEqual(event["actor"]["exe"], os.path.realpath(sys.executable))
        self.assertEqual(event["kind"], "agent")
        host.start()
        start = self.last_start(host, 2)
        self.assertNotIn("did not end in order", start["detail"])
        self.assert_exactly_once(host)

    def test_somebody_who_became_root_is_told_as_who_he_was(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        host = self.started_host(config="source: inotify\n")
        child = os.fork()
        if child == 0:
            os.setresuid(USER, 0, 0)
            os.kill(host.process.child.pid, signal.SIGINT)
            signal.pause()
        try:
            wait_until(lambda: not host.process.is_running(), "the agent ends")
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        event = self.stopped(host)
        self.assertEqual(event["detail"], f"stopped by SIGINT from pid {child} with uid {USER}")
        self.assertEqual((event["actor"]["pid"], event["actor"]["uid"]), (child, 0))

    def test_a_run_that_was_killed_is_told_by_the_next_one(self):
        host = self.started_host()
        host.kill()
        host.start()
        start = self.last_start(host, 2)
        self.assertIn("the run before did not end in order: it was killed, or it crashed, and had last written at 20",
                      start["detail"])
        host.stop()
        host.start()
        self.assertNotIn("did not end in order", self.last_start(host, 3)["detail"])
        self.assert_exactly_once(host)

    def test_without_a_collector_it_ends_and_tells_later(self):
        host = self.started_host()
        self.rig.collector.stop()
        wait_until(lambda: host.status().get("link") != "streaming", "the link is down")
        host.stop()
        self.rig.start_collector()
        self.assertEqual(host.events("action:stopped"), [])
        host.start()
        event = host.wait_event(kind="agent", action="stopped")
        self.assertIn("stopped by SIGTERM", event["detail"])
        self.assertNotIn("did not end in order", self.last_start(host, 2)["detail"])
        self.assert_exactly_once(host)

    def test_without_a_link_there_is_nothing_to_wait_for(self):
        """As with Ctrl-C, which ends both: whoever is gone confirms nothing."""
        host = self.started_host()
        self.rig.collector.signal(signal.SIGSTOP)
        host.process.signal(signal.SIGTERM)
        wait_until(lambda: "stopped by SIGTERM" in host.process.read_log(), "the agent is asked to stop")
        self.rig.collector.kill()
        wait_until(lambda: not host.process.is_running(), "the agent ends")
        self.rig.start_collector()
        host.start()
        self.assertIn("stopped by SIGTERM", host.wait_event(kind="agent", action="stopped")["detail"])
        self.assert_exactly_once(host)

    def test_who_asks_twice_is_not_kept_waiting(self):
        """A collector that stands still confirms nothing; the mark of an end in order is there all the same."""
        host = self.started_host()
        self.rig.collector.signal(signal.SIGSTOP)
        try:
            host.process.signal(signal.SIGTERM)
            host.process.signal(signal.SIGINT)
            wait_until(lambda: not host.process.is_running(), "the agent ends")
        finally:
            self.rig.collector.signal(signal.SIGCONT)
        host.start()
        self.assertNotIn("did not end in order", self.last_start(host, 2)["detail"])
        self.assert_exactly_once(host)
