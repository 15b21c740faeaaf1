"""From the first installation to purge, in a Debian (deb) and in a tree of rpm's, with a real collector on loopback."""

import os
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "system"))

import packages  # noqa: E402
from rig import Process, Rig, free_port, wait_until  # noqa: E402

STATE = "/var/lib/tsujiban-agent"
CONFIG = "/etc/tsujiban/agent.yaml"
ENROLL = "/etc/tsujiban/enroll.yaml"
BY_HAND = "labels: {edited: by-hand}\n"


class Agent:
    """The agent of a tree, as systemd would run it: first what enrols, if its conditions hold, then the agent."""

    def __init__(self, rig, root, name):
        self.rig, self.root, self.name = rig, root, name
        self.process = Process(os.path.join(rig.dir, name + ".log"), *root.command(*root.unit_command("tsujiban-agent.service")))

    def write_enrolment(self, **more):
        token = self.rig.token()
        keys = {"collector": f"127.0.0.1:{self.rig.port}", "ca_fingerprint": token["ca_fingerprint"], "name": self.name,
                "token": token["token"], **more}
        self.root.write(ENROLL, "".join(f'{key}: "{value}"\n' for key, value in keys.items() if value))
        os.chmod(self.root.at(ENROLL), 0o600)
        return token["token"]

    def enroll(self):
        return self.root.run(*self.root.unit_command("tsujiban-agent-enroll.service"))

    def start(self):
        self.process.start()
        wait_until(self.is_settled, f"the first scan is over and told; log: {self.process.read_log()[-2000:]}", 180)
        return self

    def status(self):
        done = self.root.run("tsujiban-agent", "status", "--format", "json", is_ok=False)
        return done.stdout

    def is_settled(self):
        if not self.process.is_running():
            raise AssertionError("the agent ended: " + self.process.read_log()[-3000:])
        lines = self.root.run("tsujiban-agent", "status", is_ok=False).stdout.splitlines()
        said = dict(line.split(None, 1) for line in lines if len(line.split(None, 1)) == 2)
        return said.get("scan") == "complete" and said.get("link") == "streaming" and said.get("spooled") == "0"

    def events(self, path):
        return self.rig.json("events", f"path:{path}", "--host", self.name)


class Life(unittest.TestCase):
    """What deb and rpm have in common."""

    kind = None

    def setUp(self):
        packages.need_root()
        packages.need_tools("unshare", "setpriv")
        self.old = packages.built(self.kind)
        self.new = packages.built(self.kind, packages.NEXT)
        self.rig = Rig()
        self.addCleanup(self.rig.close)
        self.root = packages.Root(self.rig.make_dir("tree"))

    def stop_at_end(self, process):
        self.addCleanup(process.kill)
        return process

    def started_agent(self, name, **enrolment):
        self.rig.init_collector().start_collector()
        self.install(self.old["tsujiban-agent"])
        agent = Agent(self.rig, self.root, name)
        agent.token = agent.write_enrolment(**enrolment)
        agent.enroll()
        self.addCleanup(lambda: agent.process.child and agent.process.kill())
        return agent.start()

    def change_while_it_stands(self, agent):
        """An operator's and a stranger's hand between two versions."""
        agent.process.stop()
        self.root.write(CONFIG, BY_HAND, "a")
        self.root.write("/usr/local/bin/stranger", "#!/bin/sh\n")
        self.root.write("/etc/issue", "new\n", "a")

    def check_live_change(self, agent):
        """Its root is no mount point: fanotify could name no path of it, and another source has to do."""
        self.root.write("/etc/live", "x\n")
        wait_until(lambda: [one for one in agent.events("/etc/live") if one["action"] == "created"], "a change at once")

    def check_offline_changes(self, agent):
        for path, action in (("/usr/local/bin/stranger", "created"), ("/etc/issue", "modified"), (CONFIG, "modified")):
            events = wait_until(lambda path=path: agent.events(path), f"an event of {path}")
            told = [(one["action"], one["cause"]) for one in events if one["cause"] != "baseline"]
            self.assertIn((action, "offline"), told)
        self.assertTrue(self.rig.json("search", "label.edited:by-hand"))

    def check_version(self, version):
        said = self.root.run("tsujiban-agent", "--version").stdout
        self.assertEqual(said, f"tsujiban-agent {version}\n")

    # --- what each test tries ---

    def lives(self):
        agent = self.started_agent("web01")
        self.assertFalse(self.root.exists(ENROLL), "the file with the token is removed")
        self.assertTrue(self.root.is_enabled("tsujiban-agent.service"))
        self.assertTrue(self.root.is_enabled("tsujiban-agent.path"))
        self.assertEqual(self.root.owner(STATE), ("tsujiban-agent", 0o700))
        agent.enroll()  # a host that is enrolled is no failure, the file may be gone
        self.check_live_change(agent)
        for name in ("agent.key", "agent.crt", "ca.crt", "collector"):
            self.assertEqual(self.root.owner(f"{STATE}/{name}")[0], "tsujiban-agent", name)
        self.change_while_it_stands(agent)
        self.install(self.new["tsujiban-agent"])
        self.check_version(packages.NEXT)
        self.assertTrue(self.root.read(CONFIG).endswith(BY_HAND), "what was edited by hand is kept")
        agent.start()
        self.check_offline_changes(agent)
        agent.process.stop()
        self.remove("tsujiban-agent")
        self.assertFalse(self.root.exists("/usr/bin/tsujiban-agent"))
        self.assertTrue(self.root.exists(STATE + "/agent.key"), "a removal leaves the state")

    def collects(self):
        self.install(self.old["tsujiban-collector"], self.old["tsujiban"])
        where = "/var/lib/tsujiban-collector"
        self.root.run(*self.root.unit_command("tsujiban-collector.service", "ExecStartPre"))
        config = self.root.read(where + "/collector.yaml")
        for default, port in (("7443", free_port()), ("7444", free_port())):
            config = config.replace(f":{default}", f":{port}")
        api = port
        self.root.write(where + "/collector.yaml", config)
        self.root.run(*self.root.unit_command("tsujiban-collector.service", "ExecStartPre"))
        self.assertEqual(self.root.read(where + "/collector.yaml"), config, "the second start makes nothing anew")
        self.assertEqual(self.root.owner(where + "/admin.token"), ("tsujiban-collector", 0o600))
        process = self.stop_at_end(Process(os.path.join(self.rig.dir, "packaged.log"), *self.root.command(
            *self.root.unit_command("tsujiban-collector.service"))))
        process.start()
        wait_until(lambda: self.root.run("tsujiban", "status", "--server", f"127.0.0.1:{api}", "--ca", where + "/ca.crt",
                                         "--token-file", where + "/admin.token", is_ok=False).returncode == 0,
                   "the collector's API answers")
        process.stop()
        self.install(self.new["tsujiban-collector"], self.new["tsujiban"])
        self.remove("tsujiban-collector", "tsujiban")
        self.assertTrue(self.root.exists(where + "/ca.key"), "a removal leaves the state")

    def install(self, *paths):
        raise NotImplementedError

    def remove(self, *names):
        raise NotImplementedError


class Deb(Life):
    kind = "deb"

    def install(self, *paths):
        done = self.root.run("dpkg", "-i", *(self.root.take_in(path) for path in paths))
        self.assertNotIn("warning", done.stderr.lower())

    def remove(self, *names):
        self.root.run("dpkg", "-r", *names)

    def test_agent_is_installed_enrolled_upgraded_removed_and_purged(self):
        self.lives()
        self.assertTrue(self.root.exists(CONFIG), "a removal leaves the configuration")
        self.root.run("dpkg", "-P", "tsujiban-agent")
        for path in (STATE, "/etc/tsujiban", "/etc/systemd/system/multi-user.target.wants/tsujiban-agent.service"):
            self.assertFalse(self.root.exists(path), path)
        self.assertIn("tsujiban-agent:", self.root.read("/etc/passwd"))

    def test_token_in_a_file_of_its_own_is_used_up_and_shown_to_nobody(self):
        self.rig.init_collector().start_collector()
        self.install(self.old["tsujiban-agent"])
        agent = Agent(self.rig, self.root, "web02")
        token = agent.write_enrolment(token=None, token_file="/run/token")
        self.root.write("/run/token", token + "\n")
        said = agent.enroll()
        self.assertNotIn(token, said.stdout + said.stderr)
        self.assertFalse(self.root.exists("/run/token"))
        self.assertTrue(self.root.exists(ENROLL), "it holds no secret")
        self.assertIn("web02", [one["host"] for one in self.rig.json("hosts")])
        agent.enroll()  # a host that is enrolled is no failure, the token may be gone

    def test_token_comes_from_the_environment(self):
        self.rig.init_collector().start_collector()
        self.install(self.old["tsujiban-agent"])
        token = self.rig.token()
        self.root.run("tsujiban-agent", "enroll", env={
            "TSUJIBAN_ENROLL_COLLECTOR": f"127.0.0.1:{self.rig.port}", "TSUJIBAN_ENROLL_TOKEN": token["token"],
            "TSUJIBAN_ENROLL_CA_FINGERPRINT": token["ca_fingerprint"], "TSUJIBAN_ENROLL_NAME": "web03"})
        self.assertEqual(self.root.owner(STATE + "/agent.key"), ("tsujiban-agent", 0o600))

    def test_token_given_as_an_argument_is_gone_from_ps_at_once(self):
        """The collector does not answer here, so that the program stays to be looked at."""
        self.install(self.old["tsujiban-agent"])
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(60)
            command = self.root.command("tsujiban-agent", "enroll", "--token", "very-secret", "--collector",
                                        f"127.0.0.1:{silent.getsockname()[1]}", "--ca-fingerprint", "sha256:" + "0" * 64)
            process = self.stop_at_end(Process(os.path.join(self.rig.dir, "enroll.log"), *command))
            process.start()
            link, _ = silent.accept()
            arguments = packages.read(f"/proc/{process.child.pid}/cmdline")
            link.close()
        self.assertIn("--token", arguments)
        self.assertNotIn("very-secret", arguments)

    def test_collector_makes_its_directory_and_survives_an_upgrade(self):
        self.collects()
        self.root.run("dpkg", "-P", "tsujiban-collector")
        self.assertFalse(self.root.exists("/var/lib/tsujiban-collector"))

    def test_static_agent_runs_where_no_library_is(self):
        path = packages.built("deb", static=True)
        self.assertEqual(list(path), ["tsujiban-agent"])
        self.assertEqual(packages.depends(path["tsujiban-agent"]), {"libc6"})
        self.install(path["tsujiban-agent"])
        linked = self.root.run("ldd", "/usr/bin/tsujiban-agent").stdout.split("\n\t")
        names = {os.path.basename(line.split()[0]) for line in linked if line.strip()}
        self.assertLessEqual(names, {"linux-vdso.so.1", "libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2",
                                     "ld-linux-aarch64.so.1"})
        self.check_version(packages.VERSION)


class Rpm(Life):
    """Debian's rpm in a tree whose libraries dpkg knows: so without their dependencies, but with all scriptlets."""

    kind = "rpm"

    def rpm(self, *words):
        done = subprocess.run(["rpm", "--root", self.root.path, "--nodeps", *words], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("scriptlet failed", done.stderr)

    def install(self, *paths):
        self.rpm("-U", *paths)

    def remove(self, *names):
        self.rpm("-e", *names)

    def test_agent_is_installed_enrolled_upgraded_and_removed(self):
        # systemctl, which enables the units, is not in the tree; that part has nothing to do here.
        self.root.is_enabled = lambda unit: True
        self.lives()

    def test_collector_makes_its_directory_and_survives_an_upgrade(self):
        self.collects()


del Life
