"""Package managers' runs: real packages, built and installed with the real dpkg into a root of its own."""

import os
import shutil
import subprocess
import sys
import unittest

from packages_rig import FILES, HOLD, PackagesTest
from rig import wait_until


class Packages(PackagesTest):
    def setUp(self):
        if not shutil.which("dpkg-deb"):
            raise unittest.SkipTest("there is no dpkg here")
        super().setUp()
        self.begin_dpkg()

    # --- what a test does ---

    def installed(self):
        """The first of two versions is installed, the agent has its baseline; returns it and the second."""
        scripts = {"postinst": "[ \"$1\" = configure ] || exit 0\n"
                               "mkdir -p $DPKG_ROOT/var/lib/ucf; date >$DPKG_ROOT/var/lib/ucf/registry\n"}
        first = self.build_deb("demo", "1.0", self.many("1.0"), scripts, ["etc/demo.conf"])
        second = self.build_deb("demo", "2.0", self.many("2.0"), scripts, ["etc/demo.conf"])
        self.dpkg("-i", first)
        return self.host(), second

    # --- claims ---

    def test_K01_upgrade_is_explained_file_by_file_and_summed_up_once(self):
        host, second = self.installed()
        self.dpkg("-i", second)
        summary = self.wait_summary(host)
        found = self.explained(host)
        self.assertNotIn("none", found, found.get("none"))
        self.assertEqual(found["conffile"], [self.in_root("etc/demo.conf")])
        self.assertEqual(found["removed"], [self.in_root("usr/share/demo/only-in-1.0")])
        self.assertLessEqual({self.in_root("usr/bin/demo"), self.in_root("usr/share/demo/only-in-2.0"),
                              self.in_root("usr/share/demo/file000")}, set(found["verified"]))
        for event in host.file_events(self.root):
            self.assertEqual((event["explained"]["package"], event["explained"]["version"]), ("demo", "2.0"), event)
            self.assertEqual(event["explained"]["transaction"], summary["transaction"]["id"])
        for state in ("verified", "conffile", "generated", "removed", "none"):
            self.assertEqual(summary["transaction"][state], len(found.get(state, [])), state)
        self.assertEqual(summary["transaction"]["packages"], 1)
        self.assertIn("1 package upgraded", summary["detail"])
        host.wait_picture(*self.watch)
        self.assertEqual(len(self.summaries(host)), 1)
        self.assert_exactly_once(host)

    def test_K02_binary_changed_by_hand_in_the_middle_stands_out(self):
        host, _ = self.installed()
        files = self.many("2.0")
        tamper = "echo evil >>$DPKG_ROOT/usr/bin/demo\n"
        self.dpkg("-i", self.build_deb("demo", "2.0+x", files, {"postinst": tamper}, ["etc/demo.conf"]))
        summary = self.wait_summary(host)
        found = self.explained(host)
        self.assertEqual(found["none"], [self.in_root("usr/bin/demo")])
        self.assertEqual(summary["transaction"]["none"], 1)
        self.assertGreaterEqual(summary["transaction"]["verified"], FILES)

    def test_unpackaged_file_and_setuid_are_not_explained(self):
        host, _ = self.installed()
        script = ("echo x >$DPKG_ROOT/usr/bin/backdoor\n"
                  "chmod 4755 $DPKG_ROOT/usr/bin/demo\n")
        self.dpkg("-i", self.build_deb("demo", "2.0+x", self.many("2.0"), {"postinst": script}, ["etc/demo.conf"]))
        self.wait_summary(host)
        self.assertEqual(sorted(self.explained(host)["none"]),
                         [self.in_root("usr/bin/backdoor"), self.in_root("usr/bin/demo")])

    def test_removal_is_explained(self):
        host, _ = self.installed()
        self.dpkg("--purge", "demo")
        summary = self.wait_summary(host)
        found = self.explained(host)
        self.assertNotIn("none", found, found.get("none"))
        self.assertIn(self.in_root("usr/bin/demo"), found["removed"])
        self.assertIn(self.in_root("etc/demo.conf"), found["removed"])
        self.assertIn("1 package removed", summary["detail"])
        event = host.wait_event(path=self.in_root("usr/bin/demo"), action="deleted")
        self.assertEqual(event["explained"]["version"], "1.0")

    def test_upgrade_while_the_agent_is_down_is_explained_at_the_next_start(self):
        host, second = self.installed()
        host.stop()
        self.dpkg("-i", second)
        host.start()
        summary = self.wait_summary(host)
        found = self.explained(host)
        self.assertNotIn("none", found, found.get("none"))
        self.assertEqual(summary["cause"], "offline")
        self.assertGreaterEqual(summary["transaction"]["verified"], FILES)
        self.assertTrue(all(e["cause"] == "offline" for e in host.file_events(self.root)))

    def test_killed_in_the_middle_of_a_run_nothing_is_lost_or_told_twice(self):
        host, second = self.installed()
        upgrade = subprocess.Popen(
            ["dpkg", f"--root={self.root}", f"--log={self.root}/var/log/dpkg.log", "--force-script-chrootless",
             "--force-confnew", "-i", second], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(self.in_root("usr/share/demo/only-in-2.0")), "the run has begun", 20)
        host.kill()
        self.assertEqual(upgrade.wait(), 0)
        host.start()
        self.wait_summary(host)
        host.wait_picture(*self.watch)
        found = self.explained(host)
        self.assertNotIn("none", found, found.get("none"))
        self.assertEqual(len(self.summaries(host)), 1)
        self.assert_exactly_once(host)

    def test_changes_beside_a_run_come_unexplained(self):
        host, second = self.installed()
        path = self.in_root("etc/other.conf")
        with open(path, "w", encoding="utf-8") as out:
            out.write("x")
        self.assertEqual(host.wait_event(path=path, action="created")["explained"], {"by": "none"})
        self.dpkg("-i", second)
        self.wait_summary(host)
        os.unlink(path)
        self.assertEqual(host.wait_event(path=path, action="deleted")["explained"], {"by": "none"})

    def test_database_changed_without_a_run_is_an_event_of_its_own(self):
        host, _ = self.installed()
        path = self.in_root("var/lib/dpkg/info/demo.md5sums")
        with open(path, "a", encoding="utf-8") as out:
            out.write("d41d8cd98f00b204e9800998ecf8427e  usr/bin/evil\n")
        event = host.wait_event(kind="transaction", action="unlogged", path=path)
        self.assertIn("demo", event["detail"])
        host.stop()
        path = self.in_root("var/lib/dpkg/info/demo.list")
        with open(path, "a", encoding="utf-8") as out:
            out.write("/usr/bin/evil\n")
        host.start()
        host.wait_event(kind="transaction", action="unlogged", path=path)
        self.assertEqual(self.summaries(host), [])

    def test_cut_log_is_an_event_of_its_own(self):
        host, _ = self.installed()
        path = self.in_root("var/log/dpkg.log")
        os.truncate(path, 10)
        host.wait_event(kind="transaction", action="unlogged", path=path)

    def test_rotated_log_is_followed(self):
        host, second = self.installed()
        host.stop()
        self.dpkg("-i", second)
        os.rename(self.in_root("var/log/dpkg.log"), self.in_root("var/log/dpkg.log.1"))
        open(self.in_root("var/log/dpkg.log"), "w", encoding="utf-8").close()
        host.start()
        summary = self.wait_summary(host)
        self.assertEqual(summary["transaction"]["none"], 0)
        self.assertEqual([e for e in host.events() if e["action"] == "unlogged"], [])

    def test_lock_held_by_a_stranger_mutes_nothing(self):
        host, _ = self.installed()
        stranger = os.path.join(self.rig.dir, "stranger")
        shutil.copy(os.path.realpath(sys.executable), stranger)
        holder = subprocess.Popen([stranger, "-c", HOLD, self.in_root("var/lib/dpkg/lock"),
                                   self.in_root("var/log/dpkg.log"), "2026-01-01 00:00:00 startup archives unpack\n"],
                                  stdin=subprocess.PIPE, env={**os.environ, "PYTHONHOME": sys.base_prefix})
        self.addCleanup(lambda: (holder.stdin.close(), holder.wait()))
        host.wait_event(kind="agent", action="degraded")
        path = self.in_root("usr/bin/demo")
        with open(path, "a", encoding="utf-8") as out:
            out.write("evil\n")
        host.wait_event(path=path, action="modified")
        self.assertIsNone(holder.poll(), "the lock was not held all the time")
