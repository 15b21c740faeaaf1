"""The half that reads the host and the half that speaks to the collector: each may be killed or stopped alone."""

import contextlib
import os
import signal
import subprocess
import time

from rig import RigTest, program, wait_until
from test_crash import Churn


def is_alive(pid):
    """Whether the process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as text:
            return text.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def parent_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as text:
        return int(text.read().rpartition(")")[2].split()[1])


def open_files(pid):
    """What its descriptors beyond standard input, output and error are."""
    folder, found = f"/proc/{pid}/fd", []
    for fd in os.listdir(folder):
        if int(fd) > 2:
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                found.append(os.readlink(os.path.join(folder, fd)))
    return found


class Halves(RigTest):
    collector_config = "heartbeat: 1s\n"

    def sender_of(self, host, other_than=0):
        return wait_until(lambda: host.sender_pid() not in (0, other_than) and host.status().get("link") == "streaming"
                          and host.sender_pid(), "the half that sends runs and is connected")

    def test_sender_killed_in_a_burst_loses_nothing(self):
        host = self.started_host()
        sender = self.sender_of(host)
        churn = Churn(self.tree, 3000, 1)
        churn.start()
        for number in range(1, 4):
            wait_until(lambda n=number: churn.done > 700 * n, "changes go on")
            os.kill(sender, signal.SIGKILL)
            sender = self.sender_of(host, sender)
        churn.join()
        host.wait_picture(self.tree)
        self.assert_exactly_once(host)
        told = [e for e in host.events("action:degraded") if "ended by signal 9" in (e["detail"] or "")]
        self.assertEqual(len(told), 3)

    def test_stopped_sender_holds_up_nothing_for_good(self):
        host = self.started_host()
        sender = self.sender_of(host)
        os.kill(sender, signal.SIGSTOP)
        self.write("while-stopped")
        time.sleep(0.5)
        self.assertEqual([e for e in host.file_events() if e["path"].endswith("while-stopped")], [])
        os.kill(sender, signal.SIGCONT)
        host.wait_event(path=self.path("while-stopped"), action="created")
        self.assertEqual(host.sender_pid(), sender)
        self.assert_exactly_once(host)

    def test_stopped_reader_does_not_look_alive(self):
        """The half that sends goes on, but says nothing for one that stands still."""
        host = self.started_host()
        sender = self.sender_of(host)

        def state():
            return self.rig.json("host", "web01")[0]["state"]

        self.assertEqual(state(), "connected")
        host.process.signal(signal.SIGSTOP)
        try:
            wait_until(lambda: state() != "connected", "the collector has heard nothing for three heartbeats")
            self.assertTrue(is_alive(sender))
        finally:
            host.process.signal(signal.SIGCONT)
        self.write("after")
        host.wait_event(path=self.path("after"), action="created")

    def test_killed_reader_leaves_nothing_behind(self):
        host = self.started_host()
        sender = self.sender_of(host)
        launcher = parent_of(sender)
        self.assertEqual(parent_of(launcher), host.process.child.pid)
        host.kill()
        wait_until(lambda: not is_alive(sender) and not is_alive(launcher), "both are gone", 5)
        host.start()
        self.sender_of(host, sender)

    def test_stopped_sender_does_not_outlive_the_reader(self):
        host = self.started_host()
        sender = self.sender_of(host)
        os.kill(sender, signal.SIGSTOP)
        host.stop()
        wait_until(lambda: not is_alive(sender), "it is gone", 5)

    def test_killed_launcher_ends_the_agent_and_a_restart_heals(self):
        """Whoever runs the agent as a service starts it again."""
        host = self.started_host()
        sender = self.sender_of(host)
        os.kill(parent_of(sender), signal.SIGKILL)
        wait_until(lambda: not host.process.is_running(), "the agent has ended", 10)
        self.assertFalse(is_alive(sender))
        self.assertEqual(host.process.child.returncode, 1)
        self.assertIn("is gone", host.process.read_log())
        self.write("meanwhile")
        host.start()
        host.wait_event(path=self.path("meanwhile"), action="created")
        self.assert_exactly_once(host)

    def test_status_tells_how_far_the_collector_has_confirmed(self):
        host = self.started_host()
        for number in range(3):
            self.write(f"f{number}")
            host.wait_event(path=self.path(f"f{number}"), action="created")

        def is_all_confirmed():
            status = host.status()
            return status["confirmed_seq"] > 0 and status["confirmed_seq"] == status["next_seq"] - 1

        wait_until(is_all_confirmed, "status says that all is confirmed")

    def test_sender_has_no_file_open(self):
        host = self.started_host()
        sender = self.sender_of(host)
        self.write("something")
        host.wait_event(path=self.path("something"), action="created")
        for what in open_files(sender):
            self.assertRegex(what, r"^(socket:|pipe:|anon_inode:|/dev/null$)")

    def test_reader_has_no_network(self):
        host = self.started_host()
        self.sender_of(host)
        pid = host.process.child.pid
        for table in ("tcp", "tcp6", "udp", "udp6"):
            with open(f"/proc/net/{table}", encoding="ascii") as text:
                inodes = {line.split()[9] for line in text.readlines()[1:]}
            for what in open_files(pid):
                if what.startswith("socket:["):
                    self.assertNotIn(what[8:-1], inodes, f"a {table} socket")

    def test_sending_command_is_not_for_people(self):
        done = subprocess.run([program("tsujiban-agent"), "send", "x"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("for the agent itself", done.stderr)
