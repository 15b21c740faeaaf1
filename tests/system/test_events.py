"""What happens to a file shows as the right event, with before and after."""

import os

from rig import RigTest, read_file


class Events(RigTest):
    def test_create_shows_state_after(self):
        host = self.started_host()
        path = self.write("a", content="hello")
        event = host.wait_event(path=path, action="created")
        self.assertEqual(event["cause"], "live")
        self.assertIsNone(event["before"])
        self.assertEqual(event["after"]["size"], 5)
        self.assertEqual(event["after"]["sha256"], read_file(path)["sha256"])

    def test_edit_shows_before_and_after(self):
        path = self.write("a", content="one")
        before = read_file(path)
        host = self.started_host()
        self.write("a", content="two and more")
        event = host.wait_event(path=path, action="modified")
        self.assertEqual(event["before"]["sha256"], before["sha256"])
        self.assertEqual(event["after"]["sha256"], read_file(path)["sha256"])
        self.assertLessEqual({"size", "mtime", "sha256"}, set(event["changed"]))

    def test_chmod_is_attributes_alone(self):
        path = self.write("a")
        os.chmod(path, 0o644)
        host = self.started_host()
        os.chmod(path, 0o4711)
        event = host.wait_event(path=path, action="attributes")
        self.assertEqual(event["changed"], ["mode"])
        self.assertEqual((event["before"]["mode"], event["after"]["mode"]), ("0644", "4711"))

    def test_rename_is_one_move(self):
        old = self.write("a", content="same")
        host = self.started_host()
        new = self.path("b")
        os.rename(old, new)
        event = host.wait_event(path=new, action="moved")
        self.assertEqual(event["old_path"], old)
        self.assertEqual(event["before"]["sha256"], event["after"]["sha256"])
        host.wait_picture(self.tree)
        self.assertEqual([e["action"] for e in host.file_events(self.tree + "/")], ["moved"])

    def test_delete_shows_state_before(self):
        path = self.write("a")
        host = self.started_host()
        os.unlink(path)
        event = host.wait_event(path=path, action="deleted")
        self.assertIsNone(event["after"])
        self.assertEqual(event["before"]["type"], "file")

    def test_symlink_fifo_and_directory_have_their_types(self):
        host = self.started_host()
        os.symlink("/nowhere", self.path("link"))
        os.mkfifo(self.path("fifo"))
        os.mkdir(self.path("dir"))
        self.assertEqual(host.wait_event(path=self.path("link"), action="created")["after"]["target"], "/nowhere")
        self.assertEqual(host.wait_event(path=self.path("fifo"), action="created")["after"]["type"], "fifo")
        self.assertEqual(host.wait_event(path=self.path("dir"), action="created")["after"]["type"], "directory")
        host.wait_picture(self.tree)

    def test_rename_over_a_watched_file_is_one_modification(self):
        target = self.write("conf", content="old")
        host = self.started_host()
        for round_ in range(5):
            self.write(".conf.tmp", content=f"new {round_}")
            os.rename(self.path(".conf.tmp"), target)
            digest = read_file(target)["sha256"]
            # Each round is waited for, so that rounds cannot merge into one event.
            event = self.wait_sha(host, target, digest)
            self.assertEqual(event["action"], "modified")
        host.wait_picture(self.tree)

    @staticmethod
    def wait_sha(host, path, digest):
        from rig import wait_until
        return wait_until(lambda: next((e for e in host.file_events(path) if (e["after"] or {}).get("sha256") == digest), None),
                          f"an event that gives {path} its new digest")

    def test_moved_directory_takes_children_along(self):
        os.makedirs(self.path("d", "deep"))
        for i in range(50):
            self.write("d", "deep", str(i), content=str(i))
        host = self.started_host()
        os.rename(self.path("d"), self.path("e"))
        host.wait_event(path=self.path("e"), action="moved")
        host.wait_picture(self.tree)
        path = self.write("e", "deep", "7", content="later")
        host.wait_event(path=path, action="modified")

    def test_names_of_all_kinds_are_byte_exact(self):
        host = self.started_host()
        names = [b"a b", b"new\nline", b"tab\t", b"quote\"'", "絵文字😀".encode(), b"\xff\xfe bytes", b"x" * 255]
        for name in names:
            with open(os.path.join(os.fsencode(self.tree), name), "wb") as out:
                out.write(name)
        host.wait_picture(self.tree)
        shown = {e["path"] for e in host.file_events(self.tree + "/")}
        self.assertIn(self.path("new\nline"), shown)
        self.assertIn(self.path("\\xff\\xfe bytes"), shown)

    def test_new_tree_is_known_to_the_last_file(self):
        host = self.started_host()
        for i in range(200):
            os.makedirs(self.path(str(i), "b", "c"))
            for folder in ("", "b", "b/c"):
                self.write(str(i), folder, "f", content=str(i))
        host.wait_picture(self.tree)

    def test_short_lives_are_accounted_for(self):
        host = self.started_host()
        path = self.path("flash")
        for i in range(100):
            with open(path, "w", encoding="utf-8") as out:
                out.write(str(i))
            os.unlink(path)
        self.write("last")
        host.wait_event(path=self.path("last"), action="created")
        host.wait_picture(self.tree)
        actions = {e["action"] for e in host.file_events(path)}
        self.assertTrue(actions, "a hundred lives left no trace")
        self.assertLessEqual(actions, {"created", "modified", "attributes", "deleted", "transient"})

    def test_directory_deleted_with_all_below(self):
        os.makedirs(self.path("d", "e"))
        for i in range(30):
            self.write("d", "e", str(i))
        host = self.started_host()
        import shutil
        shutil.rmtree(self.path("d"))
        host.wait_event(path=self.path("d"), action="deleted")
        host.wait_picture(self.tree)
        deleted = [e["path"] for e in host.file_events(self.path("d")) if e["action"] == "deleted"]
        self.assertEqual(len(deleted), 32)
        self.assertEqual(len(set(deleted)), 32)


class Filters(RigTest):
    def test_excluded_paths_are_silent(self):
        host = self.started_host(watch=[f"  - path: {self.tree}\n    exclude: ['*.swp', 'skip/']"])
        self.write("a.swp")
        os.mkdir(self.path("skip"))
        self.write("skip", "x")
        path = self.write("seen")
        host.wait_event(path=path, action="created")
        self.assertEqual({e["path"] for e in host.file_events(self.tree + "/")}, {path})

    def test_siblings_are_never_reported(self):
        host = self.started_host()
        sibling = self.rig.make_dir("mm")
        with open(os.path.join(sibling, "x"), "w", encoding="utf-8"):
            pass
        path = self.write("seen")
        host.wait_event(path=path, action="created")
        self.assertFalse([e for e in host.events() if (e.get("path") or "").startswith(sibling)])

    def test_root_that_appears_later_is_watched(self):
        late = self.path("x", "late")
        host = self.started_host(watch=[late])
        os.makedirs(late)
        with open(os.path.join(late, "f"), "w", encoding="utf-8") as out:
            out.write("1")
        host.wait_event(path=os.path.join(late, "f"), action="created", cause="live")
        host.wait_picture(late)

    def test_root_deleted_and_made_again_is_watched(self):
        root = self.path("root")
        os.mkdir(root)
        self.write("root", "a")
        host = self.started_host(watch=[root])
        import shutil
        shutil.rmtree(root)
        host.wait_event(path=root, action="deleted")
        os.mkdir(root)
        path = self.write("root", "b")
        host.wait_event(path=path, action="created")
        host.wait_picture(root)

    def test_root_renamed_away_and_back_is_watched(self):
        root = self.path("above", "root")
        os.makedirs(root)
        self.write("above", "root", "a")
        host = self.started_host(watch=[root])
        for moved in (root, self.path("above")):
            os.rename(moved, self.path("aside"))
            host.wait_picture(root)
            self.assertFalse(host.picture(root))
            os.rename(self.path("aside"), moved)
            host.wait_picture(root)
            path = self.write("above", "root", f"after-{os.path.basename(moved)}")
            host.wait_event(path=path, action="created")

    def test_directory_moved_to_an_excluded_name_is_left_alone(self):
        os.makedirs(self.path("d"))
        self.write("d", "f")
        host = self.started_host(watch=[f"  - path: {self.tree}\n    exclude: [out]"])
        os.rename(self.path("d"), self.path("out"))
        host.wait_event(path=self.path("d"), action="deleted")
        self.write("out", "g")
        os.rename(self.path("out"), self.path("d"))
        host.wait_picture(self.tree)
        path = self.write("d", "h")
        host.wait_event(path=path, action="created")
        self.assertFalse([e for e in host.events() if (e.get("path") or "").startswith(self.path("out"))])

    def test_single_file_survives_being_replaced(self):
        path = self.write("conf", content="0")
        host = self.started_host(watch=[path])
        for i in range(5):
            self.write("other", content=f"round {i}")
            os.rename(self.path("other"), path)
            Events.wait_sha(host, path, read_file(path)["sha256"])
        self.assertEqual({e["path"] for e in host.file_events(self.tree + "/")}, {path})
