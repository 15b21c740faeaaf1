"""Scenarios C: what happens to the content of files."""

import hashlib
import os
import socket
import stat
import threading

from disk import line_path, read_file
from rig import wait_until
from scenario import Scenario, both_sources, heavy, in_memory, needs_root

EMPTY = hashlib.sha256().hexdigest()


@both_sources
class Content(Scenario):
    def test_C01_text_binary_and_empty_files_are_created_with_their_state(self):
        self.watching()
        for name, content in (("text", b"hello\n"), ("binary", bytes(range(256)) * 40), ("empty", b"")):
            path = self.path(name)
            with open(path, "wb") as out:
                out.write(content)
            event = self.host.wait_event(path=path, action="created")
            self.quiet()
            self.assertEqual((event["cause"], event["before"]), ("live", None))
            state = [e for e in self.news(path) if e["after"]][-1]["after"]
            self.assertEqual((state["size"], state["sha256"]), (len(content), hashlib.sha256(content).hexdigest()))
            found = os.lstat(path)
            self.assertEqual((state["mode"], state["uid"], state["gid"], state["inode"]),
                             (f"{stat.S_IMODE(found.st_mode):04o}", found.st_uid, found.st_gid, found.st_ino))

    def test_C02_each_way_to_write_is_one_modification_and_the_same_bytes_are_none(self):
        path = self.write("f", content="one\n")
        self.watching()

        def change(flags, content):
            descriptor = os.open(path, os.O_WRONLY | flags)
            os.write(descriptor, content)
            os.close(descriptor)

        change(os.O_APPEND, b"two\n")
        event = self.wait_content(path)
        self.assertLessEqual({"size", "mtime", "sha256"}, set(event["changed"]))
        change(0, b"ONE\n")
        event = self.wait_content(path)
        self.assertNotIn("size", event["changed"])
        change(os.O_TRUNC, b"")
        self.assertEqual(self.wait_content(path)["after"]["sha256"], EMPTY)
        self.write("f", content="again")
        self.wait_content(path)
        before = len(self.news(path))
        change(0, b"again")
        self.mark()
        self.assertLessEqual(set(self.actions(path)[before:]), {"attributes"})
        self.assertLessEqual({word for e in self.news(path)[before:] for word in e["changed"]}, {"mtime"})

    @heavy(2)
    def test_C03_a_thousand_lives_of_one_file_are_accounted_for(self):
        self.watching()
        path = self.path("flash")
        for number in range(1000):
            with open(path, "w", encoding="ascii") as out:
                out.write(f"{number}\n")
            os.unlink(path)
        self.mark()
        self.assertLessEqual(set(self.actions(path)), {"created", "modified", "attributes", "deleted", "transient"})
        told = [e for e in self.news(path) if e["action"] in ("created", "transient")]
        lives = sum(e.get("count") or 1 for e in told)
        if self.source == "fanotify" or any(e["action"] == "gap" for e in self.host.events()):
            # The kernel merges what one process does to one name before it is read.
            self.assertGreaterEqual(lives, 1)
        else:
            # Whether what was read before had one of the lives that are heard of cannot always be told.
            self.assertLessEqual(lives, 1000)
            self.assertGreaterEqual(lives, 1000 - len(self.news(path)))

    def test_C04_a_file_that_is_gone_at_once_leaves_a_transient(self):
        self.watching()
        path = self.path("flash")
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.unlink(path)
        event = wait_until(lambda: self.news(path), "a trace of it")[0]
        if event["action"] != "created":  # the reader was quicker than the test
            self.assertEqual((event["action"], event["before"], event["after"]), ("transient", None, None))

    @needs_root
    def test_C05_special_files_have_their_types_and_nothing_waits_for_them(self):
        self.watching()
        os.mkfifo(self.path("fifo"))
        with socket.socket(socket.AF_UNIX) as server:
            here = os.getcwd()
            os.chdir(self.tree)  # the path of a socket must not be long
            server.bind("socket")
            os.chdir(here)
        os.mknod(self.path("char"), 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        os.mknod(self.path("block"), 0o600 | stat.S_IFBLK, os.makedev(7, 200))
        for name in ("fifo", "socket", "char", "block"):
            state = self.host.wait_event(path=self.path(name), action="created")["after"]
            self.assertEqual(state["type"], name)
            self.assertIsNone(state["sha256"])
        self.mark()

    def test_C06_names_of_all_kinds_are_byte_exact_and_shown_escaped(self):
        self.watching()
        names = [b"a b", b"new\nline", b"tab\t", b"quote\"'`\\", "絵文字😀".encode(), "עברית\u202e".encode(),
                 b"\xff\xfe bytes", b"\x1b[31mred", b" ", b"-rf", b"x" * 255, b"*?[a]"]
        root = os.fsencode(self.tree)
        for name in names:
            with open(os.path.join(root, name), "wb") as out:
                out.write(name)
        self.host.wait_picture(self.tree)
        told = {os.fsencode(line_path(event)): event["path"] for event in self.news(below=self.tree + "/")}
        self.assertEqual(set(told), {os.path.join(root, name) for name in names})
        self.assertEqual(told[os.path.join(root, b"\xff\xfe bytes")], self.path("\\xff\\xfe bytes"))
        shown = self.rig.cli("events", "--host", "web01").stdout
        self.assertNotIn("\x1b", shown)
        self.assertFalse([line for line in shown.splitlines() if line.startswith("line")], "a name broke the line")
        self.ends_with_history = False  # `path` is the escaped form there

    def test_C07_depth_200_is_watched_and_reported(self):
        self.watching()
        deep = self.path(*["d"] * 200)
        os.makedirs(deep)
        path = os.path.join(deep, "leaf")
        with open(path, "w", encoding="ascii") as out:
            out.write("1")
        self.host.wait_event(path=path, action="created")
        self.host.wait_picture(self.tree)
        with open(path, "w", encoding="ascii") as out:
            out.write("22")
        self.wait_content(path)

    def make_long(self):
        """A directory whose path leaves 200 bytes to PATH_MAX."""
        long = self.tree
        while len(long) < 4095 - 200:
            long = os.path.join(long, "n" * min(200, 4095 - 200 - len(long)))
        os.makedirs(long)
        return long

    def test_C07_a_path_of_PATH_MAX_is_watched_and_reported(self):
        self.watching()
        long = self.make_long()
        path = os.path.join(long, "f" * (4095 - len(long) - 1))
        with open(path, "w", encoding="ascii") as out:
            out.write("1")
        self.host.wait_event(path=path, action="created")
        self.host.wait_picture(self.tree)
        with open(path, "w", encoding="ascii") as out:
            out.write("22")
        self.wait_content(path)

    def test_C07_a_name_past_PATH_MAX_is_said_to_be_unseen(self):
        self.watching()
        long = self.make_long()
        self.host.wait_picture(self.tree)
        folder = os.open(long, os.O_RDONLY | os.O_DIRECTORY)
        os.close(os.open("f" * 255, os.O_CREAT | os.O_WRONLY, dir_fd=folder))
        self.host.wait_event(path=long, action="degraded")
        os.unlink("f" * 255, dir_fd=folder)
        os.close(folder)
        self.mark()

    def test_C08_a_file_that_is_held_open_and_appended_to_shows_modifications_meanwhile(self):
        path = self.write("log", content="")
        self.watching()
        with open(path, "ab", buffering=0) as out:
            def has_been_told():
                out.write(b"line\n" * 10)
                return "modified" in self.actions(path)

            wait_until(has_been_told, "a modification while the writer goes on")
        self.wait_content(path)

    @heavy(2)
    @in_memory
    def test_C09_what_is_told_of_a_file_that_grows_while_it_is_read_is_of_one_moment(self):
        path = self.path("growing")
        is_over = threading.Event()

        def grow():
            with open(path, "wb", buffering=0) as out:
                while not is_over.is_set():
                    out.write(b"\xa5" * (1 << 16))
                    if out.tell() > 1 << 23:
                        out.truncate(1 << 20)  # it shrinks as well
                        out.seek(0, os.SEEK_END)

        self.watching()
        writer = threading.Thread(target=grow)
        writer.start()
        try:
            wait_until(lambda: len(self.news(path)) >= 2, "events of the growing file, and one more when it is left alone")
        finally:
            is_over.set()
            writer.join()
        wait_until(lambda: (self.news(path)[-1]["after"] or {}).get("size") == os.path.getsize(path), "its last size")
        for event in self.news(path):
            state = event["after"]
            if state["sha256"]:
                self.assertEqual(state["sha256"], hashlib.sha256(b"\xa5" * state["size"]).hexdigest())
            else:
                self.assertEqual(state.get("hash_reason"), "unstable")

    def test_C10_a_sparse_terabyte_has_no_hash_and_a_reason(self):
        self.watching()
        path = self.path("sparse")
        self.ignored = (path,)
        with open(path, "wb") as out:
            out.truncate(1 << 40)
        wait_until(lambda: [e for e in self.news(path) if e["after"]["size"] == 1 << 40], "its size")
        state = self.news(path)[-1]["after"]
        self.assertIsNone(state["sha256"])
        self.assertEqual(state.get("hash_reason"), "too large")
        os.truncate(path, 3)
        self.wait_content(path)
        self.ignored = ()

    def test_C10_a_file_above_the_limit_has_no_hash_and_a_reason(self):
        path = self.write("large", content="x" * (2 << 20))
        self.watching(config="limits: {file_mb: 1}\n")
        self.ignored = (path,)
        baseline = next(e for e in self.host.events() if e.get("path") == path)["after"]
        self.assertEqual((baseline["sha256"], baseline.get("hash_reason")), (None, "too large"))
        with open(path, "ab") as out:
            out.write(b"more")
        event = self.host.wait_event(path=path, action="modified")
        self.assertEqual((event["after"]["sha256"], event["after"].get("hash_reason")), (None, "too large"))
        self.assertIn("size", event["changed"])

    def test_C11_an_edit_whose_mtime_was_restored_is_a_modification(self):
        path = self.write("f", content="before")
        times = os.stat(path)
        self.watching()
        self.write("f", content="after!")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        event = self.wait_content(path)
        self.quiet()
        last = self.news(path)[-1]["after"]
        self.assertEqual(last["size"], 6)
        self.assertEqual(read_file(path)["sha256"], last["sha256"])
        self.assertIn("sha256", event["changed"])

    def test_C11_the_same_while_the_agent_is_down_is_found_by_ctime(self):
        path = self.write("f", content="before")
        times = os.stat(path)
        self.watching()

        def edit():
            self.write("f", content="after!")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

        self.restart(edit)
        event = self.wait_content(path)
        self.assertEqual((event["cause"], event["changed"]), ("offline", ["sha256"]))

    def test_C13_reading_every_file_is_no_event(self):
        for number in range(50):
            self.write(f"f{number}", content=str(number))
        self.watching()
        for name in os.listdir(self.tree):
            with open(self.path(name), "rb") as content:
                content.read()
        os.listdir(self.tree)
        self.mark()
        self.assertFalse(self.news_without_marks())

    def test_C14_opening_for_writing_without_writing_is_no_event(self):
        path = self.write("f")
        self.watching()
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND):
            os.close(os.open(path, flags))
        self.mark()
        self.assertFalse(self.news_without_marks())
