"""The units as they are, by a real systemd: everything that they take away is taken away, and all of it works."""

import glob
import os
import shutil
import subprocess
import tempfile
import unittest

import booted
import packages

AGENT, COLLECTOR = "tsujiban-agent", "tsujiban-collector"
CONFIG = "/var/lib/tsujiban-collector/collector.yaml"
OPERATOR = """server: collector.example.org:7444
token_file: /var/lib/tsujiban-collector/admin.token
ca: /var/lib/tsujiban-collector/ca.crt
"""


class Systemd(unittest.TestCase):
    def setUp(self):
        packages.need_root()
        packages.need_tools("systemd-nspawn", "nsenter")
        debs, self.newer = packages.built("deb"), packages.built("deb", packages.NEXT)
        folder = tempfile.mkdtemp(prefix="tsujiban-booted-")
        self.addCleanup(shutil.rmtree, folder)
        # A file system of its own, as a host's is: fanotify marks whole ones.
        disk = os.path.join(folder, "root")
        os.mkdir(disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2g,mode=0755", "tmpfs", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", disk], check=True)
        self.root = packages.Root(folder, booted.TOOLS)
        self.root.run("dpkg", "-i", *(self.root.take_in(path) for path in debs.values()))
        self.root.write("/etc/hosts", "127.0.0.1 localhost web01 collector.example.org\n")
        self.root.write("/root/.config/tsujiban/config.yaml", OPERATOR)
        self.boot_log = os.path.join(folder, "boot.log")
        self.boot()

    def boot(self):
        self.machine = booted.Booted(self.root, self.boot_log)
        self.addCleanup(self.machine.close)

    def enrol(self):
        """As cloud-init would: a file appears, and nothing else is done."""
        self.machine.run(f"tsujiban-collector renew --config {CONFIG} --name collector.example.org\n"
                         f"systemctl restart {COLLECTOR}; tsujiban status")  # started is who answers
        self.machine.run("unset HOME; tsujiban status")  # as in a service of root's
        token, fingerprint = self.machine.says("tsujiban token create --format csv | tail -n 1").strip().split(",")[:2]
        self.machine.run("umask 077; cat >/etc/tsujiban/new <<END\ncollector: collector.example.org:7443\n"
                         f"token: {token}\nca_fingerprint: {fingerprint}\nname: web01\nEND\n"
                         "mv /etc/tsujiban/new /etc/tsujiban/enroll.yaml")
        self.machine.wait_says("connected", "tsujiban hosts | grep web01")
        self.assertFalse(self.root.exists("/etc/tsujiban/enroll.yaml"), "used up")

    def hears(self, path):
        """Of a change; again and again, for what it finds in its first scan is none."""
        # The shell is still a shell when it is looked at: a container's processes are not told of by the proc connector.
        self.machine.wait_says("modified", f"echo new >>{path}; sleep 0.2; tsujiban events path:{path} action:modified")

    def hears_everywhere(self, name):
        """Also where the unit's sandbox mounts something."""
        for folder in ("/root/.ssh", "/usr/bin", "/usr/local/sbin", "/boot", "/var/spool/cron"):
            self.machine.run(f"mkdir -p {folder}")
            self.hears(f"{folder}/{name}")

    def assert_well(self):
        for unit in (AGENT, COLLECTOR):
            self.assertEqual(self.machine.show(unit, "NRestarts"), "0", self.machine.journal())
            self.assertEqual(self.machine.show(unit, "ActiveState"), "active", self.machine.journal())
        self.assertEqual(self.machine.says("systemctl list-units --failed --plain --no-legend"), "")

    def test_units(self):
        """One test: a container's systemd has no more than one cgroup tree here."""
        machine = self.machine
        self.assertEqual(machine.show(COLLECTOR, "ActiveState"), "active", machine.journal())
        self.assertEqual(machine.show(AGENT, "ActiveState"), "inactive", "it waits until the host is enrolled")
        self.enrol()
        machine.wait_says("fanotify", "tsujiban-agent status | grep ^source")
        self.hears("/etc/issue")
        self.hears_everywhere("first")
        self.assertIn('"exe":"/usr/bin/bash"', machine.says("tsujiban events path:/usr/bin/first action:modified --format json"))
        for words, parts in (("tsujiban-agent status | grep ^confined", ("seccomp", "dac_read_search")),
                             ("tsujiban-agent status | grep ^sender_confined", ("no capabilities", "landlock", "seccomp")),
                             ("tsujiban status | grep ^confined", ("no capabilities", "landlock", "seccomp"))):
            for part in parts:
                self.assertIn(part, machine.says(words))
        machine.wait_says("tsujiban-agent.service", "tsujiban facts web01 unit")
        self.assert_well()
        # Whoever restarts them, one by one and both.
        machine.run(f"systemctl restart {AGENT}")
        machine.run(f"systemctl restart {COLLECTOR}")
        machine.wait_says("connected", "tsujiban hosts | grep web01")
        self.hears("/etc/motd")
        self.assert_well()
        machine.run(f"systemctl stop {COLLECTOR}; tsujiban-collector renew --config {CONFIG} --token; systemctl start {COLLECTOR}")
        machine.wait_says("connected", "tsujiban hosts | grep web01")
        self.without_capabilities()
        self.upgrade()
        machine.cut_power()
        self.boot()
        machine = self.machine
        machine.wait_says("connected", "tsujiban hosts | grep web01")
        self.hears("/etc/hostname")
        self.assert_well()
        for unit in (AGENT, COLLECTOR):
            machine.run(f"systemctl stop {unit}")
            self.assertEqual(machine.show(unit, "Result"), "success", machine.journal())
            machine.run(f"systemctl start {unit}")
        machine.run(f"dpkg --purge {AGENT} {COLLECTOR}")
        for unit in (AGENT, COLLECTOR):
            self.assertIn(machine.show(unit, "ActiveState"), ("inactive", ""))
            self.assertFalse(self.root.exists("/var/lib/" + unit))
        self.assertNotIn("tsujiban", machine.run("cat /proc/[0-9]*/comm", is_ok=False).stdout)

    def without_capabilities(self):
        """The drop-in for hosts that do without CAP_SYS_ADMIN."""
        found = glob.glob(os.path.join(packages.TOP, "packaging/systemd/tsujiban-agent.service.d/*"))
        self.assertEqual(len(found), 1)
        self.root.write(f"/etc/systemd/system/{AGENT}.service.d/few.conf", packages.read(found[0]))
        self.machine.run(f"systemctl daemon-reload; systemctl restart {AGENT}")
        self.machine.wait_says("inotify", "tsujiban-agent status | grep -x 'source *inotify'")
        self.machine.wait_says("connected", "tsujiban hosts | grep web01")
        self.hears("/etc/issue.net")
        self.hears_everywhere("second")
        self.assert_well()

    def upgrade(self):
        """The packages themselves restart what runs."""
        for path in self.newer.values():
            shutil.copy(path, self.root.at("/root"))  # the container's /tmp is its systemd's own
        inside = [f"/root/{os.path.basename(path)}" for path in self.newer.values()]
        self.machine.run("dpkg -i " + " ".join(inside))
        self.machine.wait_says(packages.NEXT, "tsujiban status | grep ^version")
        self.machine.wait_says(packages.NEXT, "tsujiban hosts | grep 'web01 *connected'")
        self.assert_well()
