"""Scenarios S and O: restarts and outages."""

import os
import shutil
import signal
import unittest

from rig import wait_until
from scenario import FAKETIME, IS_SANITIZED, Scenario, both_sources, faked_clock, heavy, in_memory
from test_crash import Churn

@both_sources
class Restart(Scenario):
    def test_S01_what_changed_while_the_agent_was_down_is_told_as_offline(self):
        for name in ("edit", "chmod", "move", "delete", "stay"):
            self.write(name, content=name)
        self.watching()

        def change():
            self.write("new")
            self.write("edit", content="edited")
            os.chmod(self.path("chmod"), 0o600)
            os.rename(self.path("move"), self.path("moved"))
            os.unlink(self.path("delete"))

        self.restart(change)
        self.mark()
        told = self.news_without_marks()
        self.assertEqual({e["cause"] for e in told}, {"offline"})
        seen = sorted((e["action"], os.path.basename(e["path"])) for e in told)
        expected = [("attributes", "chmod"), ("created", "new"), ("deleted", "delete"), ("modified", "edit")]
        self.assertIn(seen, (sorted(expected + [("moved", "moved")]),
                             sorted(expected + [("created", "moved"), ("deleted", "move")])))

    @heavy(2)
    @in_memory
    def test_S02_two_hundred_kills_under_load_lose_nothing_and_tell_nothing_twice(self):
        self.is_small = False
        self.watching()
        churn = Churn(self.tree, 1 << 30, 7)
        churn.start()
        try:
            for number in range(200):
                last = churn.done
                wait_until(lambda before=last: churn.done > before + 20 or not churn.is_alive(), "changes go on")
                self.host.kill()
                self.host.start()
                if number % 20 == 19:
                    wait_until(lambda: self.host.status().get("scan") == "complete"
                               or not self.host.process.is_running(), "a scan is over now and then")
                self.assertTrue(self.host.process.is_running(), self.host.process.read_log()[-2000:])
        finally:
            churn.changes = churn.done
            churn.ends = True
            churn.join()
        self.quiet()

    def restart_watching(self, *watch):
        self.restart(lambda: self.host.write_config(list(watch)))

    def test_S03_watching_less_retires_and_watching_more_baselines(self):
        for name in ("keep", "drop"):
            os.makedirs(self.path(name, "sub"))
            self.write(name, "sub", "f")
        keep, drop = self.path("keep"), self.path("drop")
        self.watching(roots=[keep, drop])
        self.restart_watching(keep)
        self.roots = [keep]
        self.host.wait_event(path=drop, action="retired")
        self.assertFalse(self.host.picture(drop))
        self.write("drop", "sub", "unseen")
        self.restart_watching(keep, drop)
        self.roots = [keep, drop]
        self.host.wait_picture(keep, drop)
        self.assertEqual({(e["action"], e["cause"]) for e in self.news()}, {("retired", "offline")})
        path = self.write("drop", "sub", "seen")
        self.host.wait_event(path=path, action="created", cause="live")

    def test_S03_an_exclusion_retires_and_its_end_baselines_nothing_as_new(self):
        os.makedirs(self.path("sub"))
        self.write("sub", "f")
        self.watching()
        self.is_watched = lambda folder: os.path.basename(folder) != "sub"
        self.restart_watching(f"  - path: {self.tree}\n    exclude: [sub]")
        self.host.wait_event(path=self.path("sub"), action="retired")
        self.assertEqual(set(self.host.picture(self.tree)), {self.tree})
        shutil.rmtree(self.path("sub"))

    def test_S03_an_entry_below_an_excluded_directory_stays(self):
        os.makedirs(self.path("sub", "deep"))
        self.write("sub", "f")
        self.write("sub", "deep", "g")
        deep = self.path("sub", "deep")
        self.watching(roots=[self.tree, deep])
        self.restart_watching(f"  - path: {self.tree}\n    exclude: [sub]", deep)
        self.host.wait_event(path=self.path("sub", "f"), action="retired")
        self.write("sub", "deep", "g", content="changed")
        self.wait_content(self.path("sub", "deep", "g"))
        self.assertEqual({e["action"] for e in self.news(below=deep)}, {"modified"})
        self.host = None  # what is left is no whole tree

    def test_S03_no_longer_recursive_retires_what_is_deeper(self):
        os.makedirs(self.path("sub"))
        self.write("sub", "f")
        self.write("top")
        self.watching()
        self.restart_watching(f"  - path: {self.tree}\n    recursive: false")
        self.host.wait_event(path=self.path("sub", "f"), action="retired")
        self.assertEqual(set(self.host.picture(self.tree)), {self.tree, self.path("top"), self.path("sub")})
        self.host = None

    @heavy(2)
    @in_memory
    def test_S04_a_first_start_on_twenty_thousand_files_is_a_baseline_and_no_news(self):
        for number in range(200):
            os.mkdir(self.path(str(number)))
            for leaf in range(100):
                self.write(str(number), str(leaf), content="")
        self.watching()
        self.assertFalse(self.news())
        baseline = [e for e in self.host.events() if e["cause"] == "baseline" and e["kind"] == "file"]
        self.assertEqual(len(baseline), 20201)

    def test_S04_a_restart_without_a_change_tells_none(self):
        for number in range(200):
            self.write(str(number))
        self.watching()
        for _ in range(3):
            self.restart()
        self.mark()
        self.assertFalse(self.news_without_marks())

    def state_is_rebuilt(self, damage):
        self.write("a")
        self.watching()
        self.ends_with_history = False

        def change():
            damage(os.path.join(self.host.state, "db"))
            os.unlink(self.path("a"))
            self.write("b")

        self.host.stop()
        change()
        self.host.start()
        self.host.wait_event(kind="agent", action="gap")
        self.host.wait_picture(self.tree)
        self.started()

    def test_S05_a_deleted_state_is_rebuilt_and_reported(self):
        self.state_is_rebuilt(shutil.rmtree)
        self.host = None  # numbers begin again

    def test_S05_a_damaged_state_is_set_aside_rebuilt_and_reported(self):
        def damage(folder):
            with open(os.path.join(folder, "data.mdb"), "r+b") as data:
                data.write(b"\x00garbage" * 2048)

        self.state_is_rebuilt(damage)
        self.assertTrue([name for name in os.listdir(self.host.state) if name.startswith("db.broken-")])
        self.host = None

    def test_S05_a_state_that_was_cut_short_is_set_aside_rebuilt_and_reported(self):
        def damage(folder):
            os.truncate(os.path.join(folder, "data.mdb"), 5000)

        self.state_is_rebuilt(damage)
        self.host = None


@both_sources
class Offline(Scenario):
    def test_O01_all_that_happened_while_the_collector_was_down_arrives_in_order(self):
        self.watching()
        self.rig.collector.stop()
        for number in range(300):
            self.write(f"f{number}", content=str(number))
            if number % 3 == 0:
                os.chmod(self.path(f"f{number}"), 0o600)
        os.rename(self.path("f1"), self.path("moved"))
        os.unlink(self.path("f2"))
        wait_until(lambda: self.host.status().get("spooled", 0) >= 300 and self.host.status()["pending_paths"] == 0,
                   "events wait in the spool")
        self.rig.start_collector()
        self.host.wait_picture(self.tree)
        seqs = [e["seq"] for e in self.news()]
        self.assertEqual(seqs, sorted(seqs))
        self.quiet()
        self.assertGreaterEqual(len(self.news(below=self.tree + "/f")), 300)

    def test_O03_a_batch_that_was_stored_and_not_acknowledged_is_there_once(self):
        link = self.rig.link()
        self.watching(port=link.port)
        for number in range(3):
            link.swallow_answers = True
            path = self.write(f"f{number}", content="stored, and nobody says so")
            self.host.wait_event(path=path, action="created")
            link.cut()
            link.swallow_answers = False
            link.join()
            self.quiet()
            self.assertEqual(self.actions(path), ["created"])

    @unittest.skipIf(IS_SANITIZED, "the sanitizer has to be the first library")
    @unittest.skipUnless(FAKETIME, "libfaketime is not installed")
    def test_O04_a_clock_that_jumps_an_hour_brings_no_event_and_no_scan(self):
        offset = os.path.join(self.rig.dir, "offset")

        def jump(text):
            with open(offset + ".new", "w", encoding="ascii") as out:
                out.write(text)
            os.rename(offset + ".new", offset)

        jump("+0")
        for number in range(50):
            self.write(f"f{number}", content=str(number))
        # libfaketime keeps its clock where the half that sends may not look.
        self.watching(config="confine: off\n", env=faked_clock(offset))
        scans = self.host.process.read_log().count(" complete files=")
        for step, text in enumerate(("+3600", "-3600", "+0")):
            jump(text)
            path = self.write(f"f{step}", content=f"after the jump to {text}")
            event = self.wait_content(path)
            self.assertEqual(event["cause"], "live")
            self.quiet()
        self.assertEqual(sorted(os.path.basename(e["path"]) for e in self.news_without_marks()), ["f0", "f1", "f2"])
        self.assertEqual(self.host.process.read_log().count(" complete files="), scans)

    def test_O04_a_stopped_agent_tells_what_happened_meanwhile(self):
        self.watching()
        self.host.process.signal(signal.SIGSTOP)
        path = self.write("f", content="while it stood still")
        self.host.process.signal(signal.SIGCONT)
        self.wait_content(path, "created")
