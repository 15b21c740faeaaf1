"""The systemd units: correct, and no more exposed than what was measured when each directive was weighed. systemd need not
run here: systemd-analyze reads the files."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging", "systemd")
# Why the agent's is no lower: agent/DESIGN.md, "The unit". The collector speaks to systemd itself: AF_UNIX is 0.1.
AGENT, AGENT_INOTIFY, COLLECTOR = 3.3, 2.8, 1.2


@unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze here")
class Units(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="tsujiban-test-")
        self.addCleanup(shutil.rmtree, self.dir)
        for name in os.listdir(UNITS):
            if name.endswith((".service", ".path")):
                shutil.copy(os.path.join(UNITS, name), self.dir)

    def unit(self, name):
        return os.path.join(self.dir, name)

    def score(self, name):
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", self.unit(name)],
                              capture_output=True, text=True, check=False)
        found = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
        self.assertTrue(found, done.stdout[-500:] + done.stderr[-500:])
        return float(found.group(1))

    def test_units_are_correct(self):
        """But for what is installed elsewhere: the programs and their manual pages."""
        for name in sorted(os.listdir(self.dir)):
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", self.unit(name)], capture_output=True,
                                  text=True, check=False)
            lines = [line for line in done.stderr.splitlines()
                     if line and self.dir in line or "tsujiban" in line and "is not executable" not in line]
            self.assertEqual(lines, [], name)

    def test_the_agents_exposure(self):
        self.assertLessEqual(self.score("tsujiban-agent.service"), AGENT)

    def test_the_agents_exposure_without_fanotify(self):
        shutil.copytree(os.path.join(UNITS, "tsujiban-agent.service.d"), self.unit("tsujiban-agent.service.d"))
        self.assertLessEqual(self.score("tsujiban-agent.service"), AGENT_INOTIFY)

    def test_the_collectors_exposure(self):
        self.assertLessEqual(self.score("tsujiban-collector.service"), COLLECTOR)


if __name__ == "__main__":
    unittest.main()
