"""The operator's guide, block by block, in a Debian of its own: with the debs, the real ports, a pid and a network
namespace, and a few lines in systemd's place, which cannot run there."""

import os
import subprocess
import tempfile
import unittest

import packages
from machine import Machine
from rig import wait_until

GUIDE = os.path.join(packages.TOP, "packaging", "GUIDE.md")


def blocks():
    """(section, commands) of the guide's blocks, in order."""
    section, found, lines = None, [], None
    for line in packages.read(GUIDE).splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line == "```sh":
            lines = []
        elif line == "```" and lines is not None:
            found.append((section, "\n".join(lines)))
            lines = None
        elif line.startswith("```") and lines is None:
            raise AssertionError(f"a block that nobody runs: {line}")
        elif lines is not None:
            lines.append(line)
    return found


class Guide(unittest.TestCase):
    def setUp(self):
        packages.need_namespaces()
        self.old, self.new = packages.built("deb"), packages.built("deb", packages.NEXT)
        folder = tempfile.mkdtemp(prefix="tsujiban-guide-")
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", folder], check=True))
        self.machine = Machine(packages.Root(folder), "guide")
        self.addCleanup(self.machine.close)

    # --- what has to be so before and after a section's block, by number ---

    def before(self, section, number):
        if section == "Upgrade":
            self.machine.bring(self.new.values())
        if section == "Enrol a fleet" and number == 1:  # "on the host": another one than before
            self.machine.run("systemctl stop tsujiban-agent; mv /var/lib/tsujiban-agent /root/agent-of-web01\n"
                             "install -d -m 700 -o tsujiban-agent -g tsujiban-agent /var/lib/tsujiban-agent")
        if section == "Back up the collector" and number == 1:
            self.machine.run("echo guide >/etc/guide")
            self.machine.wait_says("created +/etc/guide", "events", "path:/etc/guide")
        if section == "The collector's disk is full" or (section == "Renew the admin token" and number == 1):
            # "when it answers again"
            self.machine.wait_says("^hosts", "status")
        if section == "Enrol a host" and number == 1:
            self.machine.wait_says("^web01 +connected .*env=production", "hosts")

    def after(self, section, number, done):
        machine = self.machine
        if section == "Install the collector" and number in (0, 1, 3):
            wait_until(lambda: machine.root.exists("/var/lib/tsujiban-collector/ca.crt"), "the collector has its directory")
        elif section == "Install the collector" and number == 2:
            self.assertRegex(done.stdout, "(?m)^hosts +0$")
        elif section == "Enrol a host" and number == 0:
            self.assertFalse(machine.root.exists("/root/token"))
        elif section == "Enrol a fleet" and number == 1:
            machine.wait_says("^web02 +connected", "hosts")
            machine.run("systemctl stop tsujiban-agent; rm -rf /var/lib/tsujiban-agent; mv /root/agent-of-web01 /var/lib/tsujiban-agent\n"
                        "systemctl start tsujiban-agent")
            machine.wait_says("^web01 +connected", "hosts")
        elif section == "Upgrade":
            machine.run("for unit in tsujiban-collector tsujiban-agent; do systemctl restart $unit; done")  # as the packages do
            machine.wait_says(rf"^version +{packages.NEXT}$", "status")
            machine.wait_says(rf"^web01 +connected .* {packages.NEXT} ", "hosts")
        elif section == "Back up the collector":
            machine.wait_says("^web01 +connected", "hosts")
            if number == 1:
                machine.wait_says("/etc/guide", "files", "web01", "/etc/guide")
        elif section == "An agent was killed":
            machine.wait_says("did not end in order", "events", "action:started", "--host", "web01")
        elif section == "The collector's disk is full" and number > 0:
            machine.wait_says("^store_failing +no$", "status")
            machine.wait_says("^web01 +connected", "hosts")
        elif section == "Take a host out":
            self.assertFalse(machine.root.exists("/var/lib/tsujiban-agent"))

    def test_every_block_of_the_guide(self):
        self.machine.bring(self.old.values())
        numbers = {}
        for section, commands in blocks():
            number = numbers[section] = numbers.get(section, -1) + 1
            self.before(section, number)
            if section == "Upgrade":  # systemd's part of an upgrade, which stops what is replaced
                self.machine.run("systemctl stop tsujiban-agent; systemctl restart tsujiban-collector")
            done = self.run_block(commands)
            self.machine.path_unit()
            self.machine.pause()
            self.assertFalse(self.machine.root.exists("/etc/tsujiban/enroll.yaml"), "used up")
            self.after(section, number, done)
        self.assertGreaterEqual(len(numbers), 10)

    def run_block(self, commands):
        """Units are learnt line by line: an installation may be followed by a start."""
        lines = commands.split("\n")
        if any(line.startswith("apt-get install") for line in lines):
            at = max(number for number, line in enumerate(lines) if line.startswith("apt-get install")) + 1
            self.machine.run("\n".join(lines[:at]))
            self.machine.learn_units()
            commands = "\n".join(lines[at:]) or ":"
        return self.machine.run(commands)
