"""What one process of a storm does to files: whatever can be done to them, at random.

What is left out because no watcher of names can see it: a write through a second name of a file (a hard link) that
the agent had no time to look at before the name was gone again. So hard links made in the storm are written to only
in a corner of their own, where names stay; elsewhere a file is written to while it has one name.
"""

import ctypes
import datetime
import fcntl
import mmap
import os
import random
import stat
import time

FOLDERS = ["a", "b", "c"]
LEAVES = ["x", "y", "z", "u", "v", "w"]
DEEPEST = 4
AT_FDCWD = -100
RENAME_EXCHANGE = 2
LINK_GROUPS = 3
LINK_NAMES = 3
MAPPED = "mapped"
MOUNT = "mount"  # where a file system comes and goes

libc = ctypes.CDLL(None, use_errno=True)


def exchange(one, other):
    done = libc.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE)
    if done != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), one)


def clock():
    """As the events have it, so that both can be read side by side."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%H:%M:%S.%fZ")


def remove_all(path):
    """shutil.rmtree opens what was a directory a moment ago, and waits for ever when it has become a FIFO."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        with os.scandir(descriptor) as found:
            entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    finally:
        os.close(descriptor)
    for name, is_folder in entries:
        if is_folder:
            remove_all(os.path.join(path, name))
        else:
            os.unlink(os.path.join(path, name))
    os.rmdir(path)


class Worker:
    """One process of the storm. `inside` is watched, `outside` is not and lies on the same file system."""

    def __init__(self, number, seed, inside, outside, log, link_lock):
        self.random = random.Random(f"{seed} {number}")
        self.number = number
        self.inside, self.outside = inside, outside
        self.log = open(log, "w", encoding="utf-8", buffering=1)  # pylint: disable=consider-using-with
        self.link_lock = open(link_lock, "w", encoding="utf-8")  # pylint: disable=consider-using-with
        self.held = []
        self.steps = [
            (12, self.write), (5, self.append), (3, self.truncate), (3, self.rewrite_same), (3, self.write_and_hold),
            (4, self.write_held), (8, self.rename), (4, self.rename_over), (4, self.swap_two), (3, self.hard_link),
            (8, self.unlink), (10, self.make_folder), (3, self.make_tree), (3, self.remove_folder),
            (2, self.remove_tree), (6, self.rename_folder), (3, self.move_out), (4, self.move_in),
            (2, self.out_and_back), (4, self.chmod),
            (3, self.touch_times), (2, self.chown), (4, self.symlink), (2, self.retarget), (2, self.fifo),
            (4, self.replace_by_temporary), (3, self.flash), (5, self.write_in_corner), (2, self.chmod_in_corner),
            (2, self.rename_in_corner), (3, self.set_attribute), (2, self.write_mapped), (5, self.change_in_mount),
        ]

    def run(self, seconds):
        end = time.monotonic() + seconds
        weights = [weight for weight, _ in self.steps]
        while time.monotonic() < end:
            for _ in range(self.random.choice([1, 3, 10, 40])):
                step = self.random.choices(self.steps, weights)[0][1]
                self.note(step.__name__)
                try:
                    step()
                except OSError as error:
                    self.note(f"  {error.strerror}")
            time.sleep(self.random.choice([0, 0.001, 0.01, 0.05, 0.1]))
        for descriptor in self.held:
            os.close(descriptor)

    def note(self, text):
        self.log.write(f"{clock()} {self.number} {text}\n")

    # --- choices ---

    def folder(self, depth=None):
        depth = self.random.randrange(DEEPEST) if depth is None else depth
        return os.path.join(self.inside, *[self.random.choice(FOLDERS) for _ in range(depth)])

    def leaf(self, depth=None):
        return os.path.join(self.folder(depth), self.random.choice(LEAVES))

    def any(self):
        return self.leaf() if self.random.random() < 0.6 else self.folder(self.random.randrange(1, DEEPEST))

    def away(self):
        return os.path.join(self.outside, self.random.choice(FOLDERS + LEAVES))

    def content(self):
        return f"{self.random.random()}\n".encode() * self.random.choice([0, 1, 1, 5, 500, 20000])

    def did(self, *paths):
        self.note("  " + " -> ".join(paths))

    # --- what is written in place: only to files with one name ---

    def alone(self, descriptor):
        """Nobody makes or ends a hard link until the returned lock is given back; None: this is no file to write to."""
        fcntl.flock(self.link_lock, fcntl.LOCK_EX)
        found = os.fstat(descriptor)
        is_gone = os.readlink(f"/proc/self/fd/{descriptor}").endswith(" (deleted)")
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and not is_gone:
            return True
        fcntl.flock(self.link_lock, fcntl.LOCK_UN)
        return False

    def open(self, path, flags=0):
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | flags, 0o644)

    def change(self, descriptor, how):
        if not self.alone(descriptor):
            return
        try:
            how(descriptor)
        finally:
            fcntl.flock(self.link_lock, fcntl.LOCK_UN)

    def change_path(self, path, how, flags=0):
        self.did(path)
        descriptor = self.open(path, flags)
        try:
            self.change(descriptor, how)
        finally:
            os.close(descriptor)

    def write(self):
        content = self.content()

        def overwrite(descriptor):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, content)

        self.change_path(self.leaf(), overwrite, os.O_CREAT)

    def append(self):
        content = self.content()
        self.change_path(self.leaf(), lambda descriptor: os.write(descriptor, content), os.O_CREAT | os.O_APPEND)

    def truncate(self):
        size = self.random.choice([0, 1, 100])
        self.change_path(self.leaf(), lambda descriptor: os.ftruncate(descriptor, size))

    def rewrite_same(self):
        def rewrite(descriptor):
            os.pwrite(descriptor, os.pread(descriptor, 1 << 20, 0), 0)

        self.change_path(self.leaf(), rewrite)

    def write_and_hold(self):
        path = self.leaf()
        self.did(path)
        descriptor = self.open(path, os.O_CREAT)
        self.held.append(descriptor)
        self.change(descriptor, lambda one: os.write(one, b"held\n"))

    def write_held(self):
        if not self.held:
            return
        at = self.random.randrange(len(self.held))
        descriptor = self.held[at]
        self.did(os.readlink(f"/proc/self/fd/{descriptor}"))
        self.change(descriptor, lambda one: os.write(one, b"more\n"))
        if self.random.random() < 0.5:
            os.close(self.held.pop(at))

    def chmod(self):
        mode = self.random.choice([0o600, 0o640, 0o644, 0o755, 0o4755])
        if self.random.random() < 0.4:
            path = self.folder(self.random.randrange(1, DEEPEST))
            self.did(path)
            os.close(os.open(path, os.O_DIRECTORY | os.O_NOFOLLOW))
            os.chmod(path, mode | 0o700)
            return
        self.change_path(self.leaf(), lambda descriptor: os.fchmod(descriptor, mode))

    def chown(self):
        if os.geteuid() != 0:
            return
        owner = self.random.randrange(3)
        self.change_path(self.leaf(), lambda descriptor: os.fchown(descriptor, owner, owner))

    def touch_times(self):
        when = self.random.randrange(2_000_000_000)
        self.change_path(self.leaf(), lambda descriptor: os.utime(descriptor, (when, when)))

    def set_attribute(self):
        value = str(self.random.randrange(5)).encode()

        def change(descriptor):
            if self.random.random() < 0.3:
                os.removexattr(descriptor, "user.storm")
            else:
                os.setxattr(descriptor, "user.storm", value)

        self.change_path(self.leaf(), change)

    # --- through memory: nothing tells of it, so it is done where nothing else is done ---

    def write_mapped(self):
        path = os.path.join(self.inside, MAPPED, f"m{self.number}")
        self.did(path)
        descriptor = os.open(path, os.O_RDWR)
        with mmap.mmap(descriptor, 4096) as memory:
            os.close(descriptor)
            memory[self.random.randrange(4096)] = self.random.randrange(256)
            memory.flush()

    # --- on the file system that is mounted at the moment, or below it ---

    def change_in_mount(self):
        folders = [os.path.join(self.inside, MOUNT), os.path.join(self.inside, MOUNT, "d")]
        one, other = (os.path.join(self.random.choice(folders), self.random.choice(LEAVES)) for _ in range(2))
        self.did(one, other)
        step = self.random.choice(["write", "write", "unlink", "rename", "mkdir"])
        if step == "write":
            with open(one, "wb") as out:
                out.write(self.content())
        elif step == "unlink":
            os.unlink(one)
        elif step == "rename":
            os.rename(one, other)
        else:
            os.makedirs(folders[1], exist_ok=True)

    # --- names ---

    def rename(self):
        one, other = self.leaf(), self.leaf()
        self.did(one, other)
        os.rename(one, other)

    def rename_over(self):
        folder = self.folder()
        names = [name for name in os.listdir(folder) if name in LEAVES]
        if len(names) < 2:
            return
        one, other = (os.path.join(folder, name) for name in self.random.sample(names, 2))
        self.did(one, other)
        os.rename(one, other)

    def replace_by_temporary(self):
        """As an editor or a package manager saves a file."""
        path = self.leaf()
        temporary = f"{path}.{self.number}"
        self.did(path)
        with open(temporary, "xb") as out:
            out.write(self.content())
        os.rename(temporary, path)

    def swap_two(self):
        both_folders = self.random.random() < 0.5
        one, other = [self.folder(self.random.randrange(1, DEEPEST)) if both_folders else self.any() for _ in range(2)]
        self.did(one, other)
        exchange(one, other)

    def hard_link(self):
        one, other = self.leaf(), self.leaf()
        self.did(one, other)
        fcntl.flock(self.link_lock, fcntl.LOCK_EX)
        try:
            os.link(one, other, follow_symlinks=False)
        finally:
            fcntl.flock(self.link_lock, fcntl.LOCK_UN)

    def unlink(self):
        path = self.leaf()
        self.did(path)
        os.unlink(path)

    def flash(self):
        """A file that is gone at once."""
        path = self.leaf()
        self.did(path)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.unlink(path)

    def symlink(self):
        path = self.any()
        self.did(path)
        os.symlink(self.random.choice(["x", "../y", "/nowhere", self.inside, self.outside]), path)

    def retarget(self):
        path = self.leaf()
        temporary = f"{path}.{self.number}"
        self.did(path)
        os.symlink(f"to{self.random.randrange(5)}", temporary)
        os.rename(temporary, path)

    def fifo(self):
        path = self.leaf()
        self.did(path)
        os.mkfifo(path)

    # --- directories ---

    def make_folder(self):
        path = self.folder(self.random.randrange(1, DEEPEST + 1))
        self.did(path)
        os.makedirs(path, exist_ok=True)

    def make_tree(self):
        top = self.folder(self.random.randrange(1, DEEPEST))
        self.did(top)
        os.makedirs(top, exist_ok=True)
        for name in FOLDERS:
            os.mkdir(os.path.join(top, name))
            for leaf in LEAVES[:3]:
                with open(os.path.join(top, name, leaf), "xb") as out:
                    out.write(self.content())

    def remove_folder(self):
        path = self.folder(self.random.randrange(1, DEEPEST + 1))
        self.did(path)
        os.rmdir(path)

    def remove_tree(self):
        path = self.folder(self.random.randrange(1, DEEPEST))
        self.did(path)
        remove_all(path)

    def rename_folder(self):
        one, other = (self.folder(self.random.randrange(1, DEEPEST)) for _ in range(2))
        self.did(one, other)
        os.rename(one, other)

    # --- across the border ---

    def move_out(self):
        path, away = self.any(), self.away()
        self.did(path, away)
        if os.path.isdir(away) and not os.path.islink(away):
            remove_all(away)
        os.rename(path, away)

    def move_in(self):
        path, away = self.any(), self.away()
        self.did(away, path)
        os.rename(away, path)

    def out_and_back(self):
        path, away = self.any(), os.path.join(self.outside, f"own{self.number}")
        self.did(path, away, path)
        if os.path.lexists(away):
            os.rename(away, away + f".{self.random.random()}")
        os.rename(path, away)
        if os.path.isdir(away) and not os.path.islink(away) and self.random.random() < 0.7:
            with open(os.path.join(away, self.random.choice(LEAVES)), "xb") as out:
                out.write(b"while it was away\n")
        time.sleep(self.random.choice([0, 0.005, 0.02, 0.3]))
        os.rename(away, path)

    # --- hard links that are written to by all their names ---

    def corner(self):
        group, name = self.random.randrange(LINK_GROUPS), self.random.randrange(LINK_NAMES)
        return os.path.join(self.inside, "corner", str(name % 2), f"l{group}-{name}")

    def write_in_corner(self):
        path = self.corner()
        self.did(path)
        with open(path, "r+b") as out:
            out.write(self.content())

    def chmod_in_corner(self):
        path = self.corner()
        self.did(path)
        os.chmod(path, self.random.choice([0o600, 0o644, 0o755]))

    def rename_in_corner(self):
        path = self.corner()
        other = path + "-"
        self.did(path, other)
        try:
            os.rename(path, other)
        except FileNotFoundError:
            os.rename(other, path)


def make_mapped(inside, workers):
    os.mkdir(os.path.join(inside, MAPPED))
    for number in range(workers):
        with open(os.path.join(inside, MAPPED, f"m{number}"), "wb") as out:
            out.write(bytes(4096))


def make_corner(inside):
    for group in range(LINK_GROUPS):
        first = None
        for name in range(LINK_NAMES):
            folder = os.path.join(inside, "corner", str(name % 2))
            os.makedirs(folder, exist_ok=True)
            path = os.path.join(folder, f"l{group}-{name}")
            if first:
                os.link(first, path)
            else:
                with open(path, "w", encoding="utf-8") as out:
                    out.write(f"group {group}\n")
                first = path
