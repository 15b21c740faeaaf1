"""rpm's runs: real packages, built and installed with the real rpm into a root of its own."""

import os
import shutil
import sqlite3
import subprocess
import sys
import unittest

from packages_rig import FILES, HOLD, PackagesTest
from rig import wait_until

DATABASE = "var/lib/rpm/rpmdb.sqlite"

# A scriptlet in rpm's own Lua, since there is no shell in the root: waits until the test lets it go on.
WAIT = 'local n = 0\nwhile n < 100 and not posix.access("/go-on") do posix.sleep(1) n = n + 1 end\n'


class Rpm(PackagesTest):
    MANAGER = "rpm"

    def setUp(self):
        if not shutil.which("rpmbuild"):
            raise unittest.SkipTest("there is no rpm here")
        if os.geteuid() != 0:
            raise unittest.SkipTest("rpm changes its root, which root alone may")
        super().setUp()

    # --- what a test does ---

    def build(self, name, version, files, post="", config=(), special=None):
        """An .rpm of these files (see lay_out). `special`: path -> words in front of it in %files."""
        tree = self.rig.make_dir(f"rpm-{name}-{version}")
        self.lay_out(os.path.join(tree, "files"), files)
        spec = os.path.join(tree, f"{name}.spec")
        with open(spec, "w", encoding="utf-8") as out:
            out.write(f"Name: {name}\nVersion: {version}\nRelease: 1\nSummary: a test\nLicense: none\nBuildArch: noarch\n"
                      f"%description\na test\n%install\ncp -a {tree}/files/. %{{buildroot}}/\n")
            if post:
                out.write(f"%post -p <lua>\n{post}")
            out.write("%files\n%defattr(-,root,root)\n%dir /usr/share/demo\n" if "usr/bin/demo" in files else "%files\n")
            for path in files:
                words = (special or {}).get(path, "%config " if path in config else "")
                out.write(f"{words}/{path}\n")
            for path, words in (special or {}).items():
                if path not in files:
                    out.write(f"{words}/{path}\n")
        done = subprocess.run(
            ["rpmbuild", "--quiet", "-bb", "--define", f"_topdir {tree}/top", "--define", "_build_id_links none",
             "--define", "__spec_install_post %{nil}", spec], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return f"{tree}/top/RPMS/noarch/{name}-{version}-1.noarch.rpm"

    def command(self, *words):
        return ["rpm", "--root", self.root, "--define", "_dbpath /var/lib/rpm", "--nosignature", *words]

    def rpm(self, *words):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def second(self, post="", version="2.0", **more):
        return self.build("demo", version, self.many("2.0"), post, ["etc/demo.conf"], **more)

    def installed(self):
        """The first of two versions is installed, the agent has its baseline."""
        self.rpm("-U", "--nodeps", self.build("demo", "1.0", self.many("1.0"), "", ["etc/demo.conf"]))
        return self.host()

    def change_database(self, words, *values):
        database = sqlite3.connect(self.in_root(DATABASE))
        with database:
            database.execute(words, values)
        database.close()

    def change_entry(self):
        """One bit in what the package brought, without a change of its length; twice is as before."""
        database = sqlite3.connect(self.in_root(DATABASE))
        number, blob = database.execute("SELECT hnum, blob FROM Packages").fetchone()
        database.close()
        at = blob.index(b"a test")
        changed = blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1:]
        self.change_database("UPDATE Packages SET blob = ? WHERE hnum = ?", changed, number)

    def assert_all_explained(self, found):
        self.assertEqual(found.get("none", []), [])
        self.assertLessEqual({self.in_root("usr/bin/demo"), self.in_root("usr/share/demo/only-in-2.0"),
                              self.in_root("usr/share/demo/file000")}, set(found["verified"]))

    # --- claims ---

    def test_upgrade_is_explained_file_by_file_and_summed_up_once(self):
        host = self.installed()
        self.rpm("-U", "--nodeps", self.second())
        summary = self.wait_summary(host)
        found = self.explained(host)
        self.assert_all_explained(found)
        self.assertEqual(found["conffile"], [self.in_root("etc/demo.conf")])
        self.assertEqual(found["removed"], [self.in_root("usr/share/demo/only-in-1.0")])
        for event in host.file_events(self.root):
            explained = event["explained"]
            self.assertEqual((explained["manager"], explained["package"], explained["version"]),
                             ("rpm", "demo", "2.0-1"), event)
            self.assertEqual(explained["transaction"], summary["transaction"]["id"])
        for state in ("verified", "conffile", "generated", "removed", "none"):
            self.assertEqual(summary["transaction"][state], len(found.get(state, [])), state)
        self.assertEqual((summary["transaction"]["manager"], summary["transaction"]["packages"]), ("rpm", 1))
        self.assertIn("rpm: 1 package upgraded", summary["detail"])
        host.wait_picture(*self.watch)
        self.assertEqual(len(self.summaries(host)), 1)
        self.assert_exactly_once(host)

    def test_binary_changed_by_hand_in_the_middle_stands_out(self):
        host = self.installed()
        self.rpm("-U", "--nodeps", self.second('local f = io.open("/usr/bin/demo", "a") f:write("evil") f:close()\n'))
        summary = self.wait_summary(host)
        found = self.explained(host)
        self.assertEqual(found["none"], [self.in_root("usr/bin/demo")])
        self.assertEqual(summary["transaction"]["none"], 1)
        self.assertGreaterEqual(summary["transaction"]["verified"], FILES)

    def test_setuid_is_explained_if_it_is_packaged(self):
        host = self.installed()
        self.rpm("-U", "--nodeps", self.second(
            'io.open("/usr/bin/backdoor", "w"):close()\nposix.chmod("/usr/share/demo/file007", "4755")\n',
            special={"usr/bin/demo": "%attr(4755,root,root) "}))
        self.wait_summary(host)
        found = self.explained(host)
        self.assertEqual(sorted(found["none"]), [self.in_root("usr/bin/backdoor"), self.in_root("usr/share/demo/file007")])
        self.assertIn(self.in_root("usr/bin/demo"), found["verified"])
        self.assertEqual(os.stat(self.in_root("usr/bin/demo")).st_mode & 0o7777, 0o4755)

    def test_removal_is_explained_and_leaves_a_changed_configuration_file_aside(self):
        host = self.installed()
        path = self.in_root("etc/demo.conf")
        with open(path, "a", encoding="utf-8") as out:
            out.write("mine\n")
        self.assertEqual(host.wait_event(path=path, action="modified")["explained"], {"by": "none"})
        self.rpm("-e", "--nodeps", "demo")
        summary = self.wait_summary(host)
        found = self.explained(host)
        self.assertEqual(found["none"], [path])  # the change of before
        self.assertIn(self.in_root("usr/bin/demo"), found["removed"])
        self.assertIn(self.in_root("usr/share/demo"), found["removed"])
        self.assertIn(path + ".rpmsave", found["conffile"])
        self.assertIn("1 package removed", summary["detail"])
        event = host.wait_event(path=self.in_root("usr/bin/demo"), action="deleted")
        self.assertEqual(event["explained"]["version"], "1.0-1")

    def test_configuration_files_are_kept_and_set_beside(self):
        files = {"etc/keep.conf": "1\n", "etc/take.conf": "1\n", "etc/lock": "x\n"}
        special = {"etc/keep.conf": "%config(noreplace) ", "etc/take.conf": "%config ", "etc/made": "%ghost "}
        first = self.build("conf", "1", files, special=special)
        again = {**files, "etc/keep.conf": "2\n", "etc/take.conf": "2\n"}
        second = self.build("conf", "2", again, 'io.open("/etc/made", "w"):close()\n', special=special)
        self.rpm("-U", "--nodeps", first)
        for name in ("keep", "take"):
            with open(self.in_root(f"etc/{name}.conf"), "a", encoding="utf-8") as out:
                out.write("mine\n")
        host = self.host()
        self.rpm("-U", "--nodeps", second)
        self.wait_summary(host)
        found = self.explained(host)
        self.assertEqual(found.get("none", []), [])
        self.assertLessEqual({self.in_root("etc/keep.conf.rpmnew"), self.in_root("etc/take.conf"),
                              self.in_root("etc/take.conf.rpmsave")}, set(found["conffile"]))
        self.assertEqual(found["generated"], [self.in_root("etc/made")])

    def test_upgrade_while_the_agent_is_down_is_explained_at_the_next_start(self):
        host = self.installed()
        second = self.second()
        host.stop()
        self.rpm("-U", "--nodeps", second)
        host.start()
        summary = self.wait_summary(host)
        self.assert_all_explained(self.explained(host))
        self.assertEqual(summary["cause"], "offline")
        self.assertGreaterEqual(summary["transaction"]["verified"], FILES)
        self.assertTrue(all(e["cause"] == "offline" for e in host.file_events(self.root)))

    def test_killed_in_the_middle_of_a_run_nothing_is_lost_or_told_twice(self):
        host = self.installed()
        second = self.second(WAIT)
        upgrade = subprocess.Popen(self.command("-U", "--nodeps", second), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(self.in_root("usr/share/demo/only-in-2.0")), "the run has begun")
        host.kill()
        host.start()
        open(self.in_root("go-on"), "w", encoding="utf-8").close()
        self.assertEqual(upgrade.wait(), 0)
        self.wait_summary(host)
        host.wait_picture(*self.watch)
        self.assert_all_explained(self.explained(host))
        self.assertEqual(len(self.summaries(host)), 1)
        self.assert_exactly_once(host)

    def test_killed_while_a_run_is_told_nothing_is_lost_or_told_twice(self):
        host = self.installed()
        self.rpm("-U", "--nodeps", self.second())
        wait_until(lambda: host.file_events(self.root), "something is told")
        host.kill()
        host.start()
        self.wait_summary(host)
        host.wait_picture(*self.watch)
        self.assert_all_explained(self.explained(host))
        self.assertEqual(len(self.summaries(host)), 1)
        self.assert_exactly_once(host)

    def test_reading_waits_for_the_run(self):
        host = self.installed()
        second = self.second(WAIT)
        upgrade = subprocess.Popen(self.command("-U", "--nodeps", second), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(self.in_root("usr/share/demo/only-in-2.0")), "the run has begun")
        mark = self.in_root("etc/other.conf")
        with open(mark, "w", encoding="utf-8") as out:
            out.write("x")
        self.assertEqual(host.file_events(self.root), [])
        open(self.in_root("go-on"), "w", encoding="utf-8").close()
        self.assertEqual(upgrade.wait(), 0)
        self.wait_summary(host)
        self.assertEqual(self.explained(host)["none"], [mark])

    def test_changes_beside_a_run_come_unexplained(self):
        host = self.installed()
        path = self.in_root("etc/other.conf")
        with open(path, "w", encoding="utf-8") as out:
            out.write("x")
        self.assertEqual(host.wait_event(path=path, action="created")["explained"], {"by": "none"})
        self.rpm("-U", "--nodeps", self.second())
        self.wait_summary(host)
        os.unlink(path)
        self.assertEqual(host.wait_event(path=path, action="deleted")["explained"], {"by": "none"})

    def test_database_changed_without_a_run_is_an_event_of_its_own(self):
        host = self.installed()
        self.change_entry()
        event = host.wait_event(kind="transaction", action="unlogged", path=self.in_root(DATABASE))
        self.assertIn("demo-1.0-1.noarch", event["detail"])
        host.stop()
        self.change_entry()
        host.start()
        wait_until(lambda: len([e for e in host.events() if e["action"] == "unlogged"]) == 2, "the second is told too")
        self.assertEqual(self.summaries(host), [])

    def test_entry_removed_without_rpm_is_an_event_of_its_own(self):
        host = self.installed()
        self.change_database("DELETE FROM Packages")
        event = host.wait_event(kind="transaction", action="unlogged", path=self.in_root(DATABASE))
        self.assertIn("nobody has held rpm's lock", event["detail"])
        path = self.in_root("usr/bin/demo")
        os.unlink(path)
        self.assertEqual(host.wait_event(path=path, action="deleted")["explained"], {"by": "none"})
        self.assertEqual(self.summaries(host), [])

    def test_queries_are_nothing(self):
        host = self.installed()
        for _ in range(3):
            self.rpm("-qa")
        self.rpm("-U", "--nodeps", self.second())
        summary = self.wait_summary(host)
        self.assertEqual(summary["transaction"]["none"], 0)
        self.assertEqual([e for e in host.events() if e["action"] == "unlogged"], [])

    def test_runs_of_dpkg_and_rpm_on_one_host_are_told_apart(self):
        self.begin_dpkg()
        deb = self.build_deb("other", "1.0", {f"usr/share/other/{i}": f"{i}\n" for i in range(FILES)})
        host = self.installed()
        upgrade = subprocess.Popen(self.command("-U", "--nodeps", self.second()), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.dpkg("-i", deb)
        self.assertEqual(upgrade.wait(), 0)
        self.wait_summary(host, 2)
        host.wait_picture(*self.watch)
        self.assert_all_explained(self.explained(host))
        summaries = {e["transaction"]["manager"]: e["transaction"] for e in self.summaries(host)}
        for manager, package in (("dpkg", "other"), ("rpm", "demo")):
            events = [e["explained"] for e in host.file_events(self.root) if e["explained"].get("manager") == manager]
            self.assertGreaterEqual(len(events), FILES)
            self.assertEqual({(e["package"], e["transaction"]) for e in events if "package" in e and e["package"]},
                             {(package, summaries[manager]["id"])})
            self.assertEqual(summaries[manager]["verified"], len([e for e in events if e["state"] == "verified"]))
        self.assert_exactly_once(host)

    def test_lock_held_by_a_stranger_mutes_nothing(self):
        host = self.installed()
        stranger = os.path.join(self.rig.dir, "stranger")
        shutil.copy(os.path.realpath(sys.executable), stranger)
        holder = subprocess.Popen([stranger, "-c", HOLD, self.in_root("var/lib/rpm/.rpm.lock"),
                                   self.in_root("var/lib/rpm/Packages"), "x"],
                                  stdin=subprocess.PIPE, env={**os.environ, "PYTHONHOME": sys.base_prefix})
        self.addCleanup(lambda: (holder.stdin.close(), holder.wait()))
        host.wait_event(kind="agent", action="degraded")
        path = self.in_root("usr/bin/demo")
        with open(path, "a", encoding="utf-8") as out:
            out.write("evil\n")
        host.wait_event(path=path, action="modified")
        self.assertIsNone(holder.poll(), "the lock was not held all the time")
