"""Scenarios L and P: links, attributes."""

import os

from rig import wait_until
from scenario import Scenario, both_sources, needs_root


@both_sources
class Links(Scenario):
    def test_L01_a_write_through_one_name_modifies_every_watched_name(self):
        one = self.write("one", content="old")
        os.mkdir(self.path("sub"))
        names = [one, self.path("two"), self.path("sub", "three")]
        for name in names[1:]:
            os.link(one, name)
        self.watching()
        with open(names[2], "w", encoding="ascii") as out:
            out.write("through the third name")
        for name in names:
            self.wait_content(name)
        self.quiet()
        self.assertEqual([self.actions(name) for name in names], [["modified"]] * 3)

    def test_L01_a_new_hard_link_is_created_and_its_removal_a_deletion(self):
        one = self.write("one", content="same")
        self.watching()
        os.link(one, self.path("two"))
        self.host.wait_event(path=self.path("two"), action="created")
        os.unlink(self.path("two"))
        self.host.wait_event(path=self.path("two"), action="deleted")
        self.mark()
        self.assertFalse([e for e in self.news(one) if e["action"] != "attributes"])

    def test_L02_symlinks_are_told_by_their_targets_and_never_followed(self):
        os.mkdir(self.out("tree"))
        with open(self.out("tree", "f"), "w", encoding="ascii") as out:
            out.write("outside")
        self.watching()
        link = self.path("link")
        os.symlink("target1", link)
        self.assertEqual(self.host.wait_event(path=link, action="created")["after"]["target"], "target1")
        os.symlink("target2", link + ".new")  # of equal length
        os.rename(link + ".new", link)
        event = self.host.wait_event(path=link, action="modified")
        self.assertEqual((event["before"]["target"], event["after"]["target"]), ("target1", "target2"))
        self.assertIn("target", event["changed"])
        os.symlink("/nowhere/at/all", self.path("dangling"))
        os.symlink("loop", self.path("loop"))
        os.symlink(self.outside, self.path("away"))
        for name, target in (("dangling", "/nowhere/at/all"), ("loop", "loop"), ("away", self.outside)):
            self.assertEqual(self.host.wait_event(path=self.path(name), action="created")["after"]["target"], target)
        with open(self.out("tree", "f"), "w", encoding="ascii") as out:
            out.write("changed outside")
        self.mark()
        self.assertFalse([e for e in self.news() if self.outside in e["path"] or "/away/" in e["path"]])

    def link_events(self):
        return [e for e in self.host.events() if e["action"] == "linked"]

    def test_L03_of_a_root_that_is_a_link_the_target_is_watched_and_that_is_said_once(self):
        real = self.rig.make_dir("real")
        other = self.rig.make_dir("other")
        link = os.path.join(self.rig.dir, "bin")
        for folder in (real, other):
            with open(os.path.join(folder, "f"), "w", encoding="ascii") as out:
                out.write(folder)
        os.symlink("real", link)
        self.watching(roots=[link])
        self.roots = [link, real]
        self.assertEqual(len(self.link_events()), 1)
        self.assertEqual(self.link_events()[0]["path"], link)
        self.assertIn(real, self.link_events()[0]["detail"])
        path = os.path.join(real, "g")
        with open(path, "w", encoding="ascii") as out:
            out.write("in the target")
        self.host.wait_event(path=path, action="created", cause="live")
        self.restart()
        self.assertEqual(len(self.link_events()), 1)
        os.symlink("other", link + ".new")
        os.rename(link + ".new", link)
        event = self.host.wait_event(path=link, action="modified")
        self.assertEqual(event["after"]["target"], "other")
        wait_until(lambda: len(self.link_events()) == 2, "the new target is told")
        self.roots = [link, other]
        self.host.wait_picture(other)
        path = os.path.join(other, "f")
        with open(path, "w", encoding="ascii") as out:
            out.write("in the new target")
        self.wait_content(path)
        self.assertFalse(self.host.picture(real))


@both_sources
class Attributes(Scenario):
    @needs_root
    def test_P02_mode_and_owner_of_a_directory_are_attributes(self):
        folder = self.path("d")
        os.mkdir(folder, 0o755)
        self.write("d", "f")
        self.watching()
        os.chmod(folder, 0o2750)
        event = self.host.wait_event(path=folder, action="attributes")
        self.assertEqual((event["changed"], event["before"]["mode"], event["after"]["mode"]),
                         (["mode"], "0755", "2750"))
        self.quiet()
        os.chown(folder, 1, 2)
        wait_until(lambda: len(self.actions(folder)) == 2, "the owner")
        event = self.news(folder)[-1]
        self.assertLessEqual({"uid", "gid"}, set(event["changed"]))
        self.assertEqual((event["after"]["uid"], event["after"]["gid"]), (1, 2))
        self.assertEqual({e["path"] for e in self.news_without_marks()}, {folder})

    def test_P03_touch_is_attributes_with_mtime_alone(self):
        path = self.write("f")
        self.watching()
        os.utime(path, (1, 1_000_000_000))
        event = self.host.wait_event(path=path, action="attributes")
        self.assertEqual(event["changed"], ["mtime"])
        self.assertEqual(event["before"]["sha256"], event["after"]["sha256"])
