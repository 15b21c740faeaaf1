"""Scenarios V: renames."""

import os
import shutil
import subprocess

from disk import read_file
from rig import wait_until
from scenario import Scenario, both_sources, bytes_read, heavy

LARGE = 32 << 20  # far more than an inventory reads meanwhile


@both_sources
class Moves(Scenario):
    def moved_once(self, old, new):
        """One move, of a file that is not read again for it."""
        before = bytes_read(self.host.process.child.pid)
        digest = read_file(old)["sha256"]
        os.rename(old, new)
        event = self.host.wait_event(path=new, action="moved")
        self.assertEqual(event["old_path"], old)
        self.assertEqual((event["before"]["sha256"], event["after"]["sha256"]), (digest, digest))
        self.quiet()
        self.assertEqual(self.actions(new), ["moved"])
        self.assertLess(bytes_read(self.host.process.child.pid) - before, LARGE)

    def test_V01_rename_inside_is_one_move_and_not_read_again(self):
        old = self.write("a", content="x" * LARGE)
        os.mkdir(self.path("sub"))
        self.watching()
        self.moved_once(old, self.path("b"))
        self.moved_once(self.path("b"), self.path("sub", "c"))
        self.assertEqual([e["action"] for e in self.news_without_marks()], ["moved", "moved"])

    def test_V01_rename_between_two_roots_is_one_move(self):
        other = self.rig.make_dir("n")
        old = self.write("a", content="x" * LARGE)
        self.watching(roots=[self.tree, other])
        self.moved_once(old, os.path.join(other, "a"))

    def test_V02_out_is_a_deletion_and_in_a_creation(self):
        out = self.write("a", content="goes")
        with open(self.out("b"), "w", encoding="ascii") as text:
            text.write("comes")
        self.watching()
        os.rename(out, self.out("a"))
        self.host.wait_event(path=out, action="deleted")
        os.rename(self.out("b"), self.path("b"))
        self.wait_content(self.path("b"), "created")
        self.mark()
        self.assertEqual([e["action"] for e in self.news_without_marks()], ["deleted", "created"])

    def test_V03_rename_over_a_watched_file_modifies_it_and_deletes_the_source(self):
        target = self.write("target", content="old")
        source = self.write("source", content="new")
        self.watching()
        os.rename(source, target)
        self.wait_content(target)
        self.host.wait_event(path=source, action="deleted")
        self.mark()
        self.assertEqual((self.actions(target), self.actions(source)), (["modified"], ["deleted"]))

    def test_V03_rename_from_outside_over_a_watched_file_modifies_it(self):
        target = self.write("target", content="old")
        with open(self.out("source"), "w", encoding="ascii") as text:
            text.write("from outside")
        self.watching()
        os.rename(self.out("source"), target)
        self.wait_content(target)
        self.mark()
        self.assertEqual(self.actions(target), ["modified"])

    def save(self, path, temporary, number):
        with open(temporary, "w", encoding="ascii") as out:
            out.write(f"new {number}\n")
            out.flush()
            os.fsync(out.fileno())
        os.rename(temporary, path)

    def saves_are_modifications(self, save):
        path = self.write("conf", content="old\n")
        self.watching()
        for number in range(5):
            save(path, number)
            self.wait_content(path)  # so that two rounds cannot merge
            self.quiet()
        self.assertEqual(self.actions(path), ["modified"] * 5)
        self.write("conf", content="written in place\n")
        self.wait_content(path)

    def test_V04_saving_by_rename_as_vim_does_is_one_modification_each(self):
        self.saves_are_modifications(lambda path, number: self.save(path, self.path(".conf.swx"), number))

    def test_V04_saving_as_dpkg_does_is_one_modification_each(self):
        self.saves_are_modifications(lambda path, number: self.save(path, path + ".dpkg-new", number))

    def test_V04_sed_in_place_is_one_modification_each(self):
        def sed(path, number):
            subprocess.run(["sed", "-i", f"s/.*/round {number}/", path], check=True)

        self.saves_are_modifications(sed)

    @heavy(2)
    def test_V05_a_renamed_directory_takes_a_thousand_files_along(self):
        os.makedirs(self.path("d", "deep"))
        for number in range(1000):
            self.write("d", "deep", f"f{number}", content=str(number))
        self.watching()
        os.rename(self.path("d"), self.path("e"))
        self.host.wait_event(path=self.path("e"), action="moved", old_path=self.path("d"))
        path = self.write("e", "deep", "f7", content="later")
        self.wait_content(path)
        self.host.wait_picture(self.tree)
        self.quiet()
        self.assertEqual([e["action"] for e in self.news_without_marks()], ["moved", "modified"])

    def make_three_levels(self, top):
        os.makedirs(os.path.join(top, "b", "c"))
        paths = [top]
        for folder in ("", "b", os.path.join("b", "c")):
            paths.append(os.path.join(top, folder, "f"))
            with open(paths[-1], "w", encoding="ascii") as out:
                out.write(folder)
        return [os.path.normpath(path) for path in paths] + [os.path.join(top, "b"), os.path.join(top, "b", "c")]

    def test_V06_a_tree_that_is_moved_in_is_created_whole_and_then_watched(self):
        self.make_three_levels(self.out("a"))
        self.watching()
        os.rename(self.out("a"), self.path("a"))
        self.host.wait_picture(self.tree)
        wait_until(lambda: len(self.news(below=self.path("a"))) == 6, "a creation of each")
        self.assertEqual({e["action"] for e in self.news(below=self.path("a"))}, {"created"})
        path = self.write("a", "b", "c", "f", content="edited")
        self.wait_content(path)

    def test_V07_a_tree_that_is_moved_out_is_deleted_whole_and_then_unheard(self):
        paths = self.make_three_levels(self.path("a"))
        self.watching()
        os.rename(self.path("a"), self.out("a"))
        for path in paths:
            self.host.wait_event(path=path, action="deleted")
        self.mark()
        with open(self.out("a", "b", "c", "f"), "w", encoding="ascii") as out:
            out.write("nobody looks")
        os.mkdir(self.out("a", "b", "new"))
        shutil.rmtree(self.out("a", "b", "c"))
        self.mark()
        told = self.news_without_marks()
        self.assertEqual(sorted(e["path"] for e in told), sorted(paths))
        self.assertEqual({e["action"] for e in told}, {"deleted"})

    def test_V08_a_tree_that_is_out_and_back_at_once_is_right_and_told_once(self):
        for round_ in range(5):
            self.make_three_levels(self.path(f"a{round_}"))
        self.watching()
        for round_ in range(5):
            os.rename(self.path(f"a{round_}"), self.out("away"))
            with open(self.out("away", "b", "f"), "a", encoding="ascii") as out:
                out.write("changed while it was away")
            os.rename(self.out("away"), self.path(f"a{round_}"))
        self.host.wait_picture(self.tree)
        self.mark()
        path = self.write("a3", "b", "c", "f", content="edited")
        self.wait_content(path)
