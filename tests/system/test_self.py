"""The agent watches its own program, configuration and keys, and is not kept busy by what it writes itself."""

import os
import shutil
import time

from disk import read_file
from rig import RigTest, wait_until
from scenario import both_sources


@both_sources
class Self(RigTest):
    source = None

    def started(self):
        """An agent that runs from a program of its own, which a test may replace."""
        host = self.rig.host("web01", [self.tree], f"source: {self.source}\nwatch_self: on\n")
        self.program = os.path.join(self.rig.make_dir("bin"), "tsujiban-agent")
        shutil.copy(host.process.command[0], self.program)
        host.process.command = [self.program, *host.process.command[1:]]
        host.start().wait_baselined()
        status = wait_until(lambda: (found := host.status()).get("link") == "streaming" and found, "it is connected")
        if not status["source"].startswith(self.source):
            self.skipTest(f"the agent chose {status['source']}")
        return host

    def own_events(self, host):
        return [(event["action"], event["path"]) for event in host.file_events() if not event["path"].startswith(self.tree)]

    def test_what_others_do_to_its_files_is_told(self):
        host = self.started()
        key = os.path.join(host.state, "agent.key")
        with open(host.config, "a", encoding="utf-8") as text:
            text.write("# changed\n")
        host.wait_event(action="modified", path=host.config)
        os.chmod(key, 0o644)
        self.assertEqual(host.wait_event(action="attributes", path=key)["changed"], ["mode"])
        with open(os.path.join(host.state, "planted"), "w", encoding="ascii") as out:
            out.write("x")
        host.wait_event(action="created", path=os.path.join(host.state, "planted"))
        shutil.copy(self.program, self.program + ".other")
        with open(self.program + ".other", "ab") as out:
            out.write(b"\0")
        os.rename(self.program + ".other", self.program)
        event = host.wait_event(action="modified", path=self.program)
        self.assertEqual(event["after"]["sha256"], read_file(self.program)["sha256"])
        self.assert_exactly_once(host)

    def test_what_it_writes_itself_is_no_news(self):
        host = self.started()
        for number in range(20):
            self.write(f"file-{number}")
        host.wait_picture(self.tree)
        wait_until(lambda: host.status().get("spooled") == 0, "everything is sent")
        self.assertEqual(self.own_events(host), [])
        events = len(host.events())
        time.sleep(2)
        self.assertEqual(len(host.events()), events)

    def test_what_was_changed_while_it_was_stopped_is_told(self):
        host = self.started()
        host.stop()
        os.chmod(os.path.join(host.state, "agent.crt"), 0o600)
        host.start()
        event = host.wait_event(action="attributes", path=os.path.join(host.state, "agent.crt"))
        self.assertEqual(event["cause"], "offline")

    def test_switched_off_it_is_retired(self):
        host = self.started()
        host.stop()
        host.write_config([self.tree], f"source: {self.source}\nwatch_self: off\n")
        host.start()
        host.wait_event(action="retired", path=host.state)
        self.assert_exactly_once(host)

