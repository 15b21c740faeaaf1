"""Scenarios D: directories, roots, limits."""

import io
import os
import shutil
import signal
import sys
import tarfile

from rig import PATIENCE_S, wait_until
from scenario import Scenario, both_sources, heavy, in_memory, needs_root

ROUNDS_S = max(PATIENCE_S, 180)  # what is not watched is compared once a minute


@both_sources
class Directories(Scenario):
    @heavy(2)
    def test_D01_a_file_in_each_directory_of_a_thousand_new_trees_is_known(self):
        self.watching()
        for number in range(1000):
            folder = self.path(str(number), "b", "c", "d")
            os.makedirs(folder)
            for above in ("", "b", os.path.join("b", "c"), os.path.join("b", "c", "d")):
                self.write(str(number), above, "f", content=str(number))
        self.host.wait_picture(self.tree)
        created = {e["path"] for e in self.news(below=self.tree + "/") if e["action"] == "created"}
        self.assertEqual(len(created), 8000)

    @heavy(2)
    def test_D02_each_of_ten_thousand_removed_files_is_deleted(self):
        for number in range(100):
            os.mkdir(self.path(f"d{number}"))
            for leaf in range(100):
                self.write(f"d{number}", f"f{leaf}", content="")
        self.watching()
        for number in range(100):
            shutil.rmtree(self.path(f"d{number}"))
        self.host.wait_picture(self.tree)
        deleted = [e["path"] for e in self.news(below=self.tree + "/") if e["action"] == "deleted"]
        self.assertEqual((len(deleted), len(set(deleted))), (10100, 10100))

    def test_D03_a_root_that_is_removed_and_made_again_is_deleted_and_created(self):
        root = self.rig.make_dir("root")
        for name in ("a", "b"):
            with open(os.path.join(root, name), "w", encoding="ascii") as out:
                out.write(name)
        self.watching(roots=[root])
        for round_ in range(1, 4):
            shutil.rmtree(root)
            wait_until(lambda times=round_: self.actions(root).count("deleted") == times, "the root is deleted")
            os.mkdir(root)
            path = os.path.join(root, "b")
            with open(path, "w", encoding="ascii") as out:
                out.write("again")
            wait_until(lambda times=round_: self.actions(path).count("created") == times, "its file is created again")
            self.quiet()
        self.assertEqual(self.actions(os.path.join(root, "a")), ["deleted"])
        self.mark()

    def test_D03_a_root_that_is_removed_and_made_again_at_once_is_right(self):
        root = self.rig.make_dir("root")
        self.watching(roots=[root])
        for number in range(20):
            shutil.rmtree(root)
            os.mkdir(root)
            with open(os.path.join(root, f"f{number}"), "w", encoding="ascii") as out:
                out.write("x")
        self.host.wait_picture(root)
        self.mark()

    def test_D04_a_root_that_is_renamed_away_and_back_is_watched_again(self):
        root = self.path("above", "root")
        os.makedirs(root)
        self.write("above", "root", "a")
        self.watching(roots=[root])
        for moved in (root, self.path("above")):
            os.rename(moved, self.path("aside"))
            wait_until(lambda: self.actions(root)[-1:] == ["deleted"], "the root is told to be gone")
            self.quiet()
            self.assertFalse(self.host.picture(root))
            os.rename(self.path("aside"), moved)
            wait_until(lambda: self.actions(root)[-1:] == ["created"], "the root is told to be back")
            self.host.wait_picture(root)
            path = self.write("above", "root", f"after-{os.path.basename(moved)}")
            self.host.wait_event(path=path, action="created")

    def test_D05_a_root_that_comes_to_exist_with_files_is_created_live(self):
        late = self.path("x", "late")
        self.watching(roots=[late])
        os.makedirs(late)
        path = os.path.join(late, "f")
        with open(path, "w", encoding="ascii") as out:
            out.write("1")
        self.assertEqual(self.host.wait_event(path=path, action="created")["cause"], "live")
        self.host.wait_event(path=late, action="created")

    def test_D05_a_root_that_is_moved_into_place_is_created_with_its_files(self):
        late = self.path("x", "late")
        os.makedirs(self.out("ready", "late"))
        with open(self.out("ready", "late", "f"), "w", encoding="ascii") as out:
            out.write("1")
        self.watching(roots=[late])
        os.rename(self.out("ready"), self.path("x"))
        self.host.wait_event(path=os.path.join(late, "f"), action="created")
        self.quiet()

    def test_D06_a_root_that_is_one_file_survives_being_replaced(self):
        path = self.write("conf", content="0")
        self.watching(roots=[path])
        for number in range(5):
            self.write("other", content=f"round {number}")
            os.rename(self.path("other"), path)
            self.wait_content(path)
            self.quiet()
        self.assertEqual([e["action"] for e in self.news(below=self.tree)], ["modified"] * 5)
        self.assertEqual({e["path"] for e in self.news(below=self.tree)}, {path})

    def archive(self, folders, files):
        path = os.path.join(self.rig.dir, "many.tar")
        with tarfile.open(path, "w") as archive:
            for number in range(folders * files):
                content = f"{number}\n".encode()
                member = tarfile.TarInfo(f"d{number // files}/f{number}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return path

    def unpack(self, archive):
        with tarfile.open(archive) as members:
            members.extractall(self.tree)

    def gaps_are_told(self):
        """Where the queue overflowed, and only there."""
        overflowed = "queue overflowed" in self.host.process.read_log()
        gaps = [e for e in self.host.events() if e["kind"] == "file" and e["action"] == "gap"]
        self.assertEqual(bool(gaps), overflowed)
        return overflowed

    @heavy(4)
    @in_memory
    def test_D07_files_out_of_an_archive_are_known(self):
        archive = self.archive(50 if self.source == "inotify" else 10, 1000)
        self.is_small = False
        self.watching()
        self.unpack(archive)
        self.mark()
        self.gaps_are_told()

    @heavy(4)
    @in_memory
    def test_D07_an_overflow_is_a_gap_after_which_the_picture_is_right(self):
        for number in range(20):
            os.mkdir(self.path(f"d{number}"))
        archive = self.archive(20, 1000)
        self.is_small = False
        self.watching()
        self.host.process.signal(signal.SIGSTOP)
        self.unpack(archive)
        self.host.process.signal(signal.SIGCONT)
        self.mark()  # it looks idle until it has read its queue
        overflowed = self.gaps_are_told()
        with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as text:
            if self.source == "fanotify":
                self.assertFalse(overflowed, "its queue has no limit")
            elif int(text.read()) < 60000:
                self.assertTrue(overflowed)

    @needs_root
    def test_D08_directories_past_the_limit_are_named_and_compared_from_time_to_time(self):
        if self.source == "fanotify":
            self.skipTest("a watched tree costs no watch there")
        self.check_watches = lambda: None  # there are fewer than directories: that is what this is about
        for number in range(60):
            os.mkdir(self.path(f"d{number:02}"))
            self.write(f"d{number:02}", "f", content=str(number))
        self.host = self.rig.host("web01", [self.tree])
        self.host.process.command = (sys.executable, os.path.join(os.path.dirname(__file__), "own_limits.py"), "30",
                                     *self.host.process.command)
        self.host.start().wait_baselined()
        self.started()
        named = {e["path"] for e in self.host.events() if e["action"] == "degraded" and e["kind"] == "file"}
        self.assertGreaterEqual(len(named), 30)
        self.assertLessEqual(named, {self.path(f"d{number:02}") for number in range(60)})
        self.assertEqual(int(self.host.status().get("unwatched_directories")), len(named))
        unseen = sorted(named)[0]
        path = os.path.join(unseen, "f")
        with open(path, "w", encoding="ascii") as out:
            out.write("changed where nobody watches")
        self.wait_content(path)
        os.makedirs(os.path.join(unseen, "new", "deep"))
        path = os.path.join(unseen, "new", "deep", "g")
        with open(path, "w", encoding="ascii") as out:
            out.write("g")
        wait_until(lambda: self.actions(path), "a new tree is found by the comparison", ROUNDS_S)
        # Room for watches: what is compared is watched again.
        for number in range(60):
            if self.path(f"d{number:02}") not in named:
                shutil.rmtree(self.path(f"d{number:02}"))
        wait_until(lambda: int(self.host.status()["unwatched_directories"]) < len(named), "some are watched now", ROUNDS_S)

    @heavy(2)
    @in_memory
    def test_D09_nothing_is_spent_below_an_excluded_directory(self):
        for number in range(500):
            for leaf in range(100):
                os.makedirs(self.path("skip", str(number), str(leaf)))
        os.mkdir(self.path("seen"))
        self.is_watched = lambda folder: os.path.basename(folder) != "skip"
        self.watching(watch=[f"  - path: {self.tree}\n    exclude: [skip]"])
        os.makedirs(self.path("skip", "more", "and", "more"))
        self.write("skip", "f")
        self.mark()
        self.check_watches()
        self.assertFalse(self.news_without_marks())
        shutil.rmtree(self.path("skip"))

    def test_D10_siblings_whose_names_begin_alike_are_never_told_of(self):
        siblings = [self.rig.make_dir("mm"), self.rig.make_dir("m2"), self.rig.make_dir("m-")]
        self.watching()
        for sibling in siblings:
            with open(os.path.join(sibling, "f"), "w", encoding="ascii") as out:
                out.write("x")
            os.makedirs(os.path.join(sibling, "m", "deep"))
            os.rename(os.path.join(sibling, "f"), os.path.join(sibling, "m", "f"))
            shutil.rmtree(sibling)
            os.mkdir(sibling)
        self.mark()
        self.assertFalse(self.news_without_marks())
        told = {e.get("path") for e in self.host.events() if e["kind"] == "file"}
        self.assertFalse([path for path in told if any(path == one or path.startswith(one + "/") for one in siblings)])

    def test_D11_names_that_a_pattern_or_a_folding_would_confuse_are_kept_apart(self):
        for name in ("a_b", "aXb", "a%b", "data", "DATA"):
            os.mkdir(self.path(name))
            self.write(name, "f")
        self.watching()
        shutil.rmtree(self.path("a_b"))
        shutil.rmtree(self.path("data"))
        self.host.wait_event(path=self.path("data"), action="deleted")
        self.host.wait_event(path=self.path("a_b"), action="deleted")
        self.mark()
        self.assertEqual({e["path"] for e in self.news_without_marks()},
                         {self.path(*names) for names in (("a_b",), ("a_b", "f"), ("data",), ("data", "f"))})
        self.write("aXb", "f", content="y")
        self.wait_content(self.path("aXb", "f"))
