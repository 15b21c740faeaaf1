"""What is on a disk, in the form in which the collector tells of it."""

import base64
import hashlib
import os
import stat
import time


def line_path(line):
    if "path_b64" in line:
        return os.fsdecode(base64.b64decode(line["path_b64"]))
    return line["path"]


def comparable(line):
    keys = ["type", "mode", "uid", "gid", "sha256", "target"]
    if line["type"] != "directory":
        keys.append("size")
    return {key: line[key] for key in keys}


TYPES = {stat.S_IFREG: "regular", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo",
         stat.S_IFSOCK: "socket", stat.S_IFCHR: "char", stat.S_IFBLK: "block"}


HASH_LIMIT = 1 << 30  # the agent's default


def read_file(path):
    """What lstat and SHA-256 say of one path, in the form of `tsujiban files`."""
    found = os.lstat(path)
    kind = TYPES[stat.S_IFMT(found.st_mode)]
    entry = {"type": kind, "mode": f"{stat.S_IMODE(found.st_mode):04o}", "uid": found.st_uid,
             "gid": found.st_gid, "sha256": None, "target": None}
    if kind != "directory":
        entry["size"] = found.st_size
    if kind == "symlink":
        entry["target"] = os.readlink(path)
    if kind == "regular" and found.st_size <= HASH_LIMIT:
        with open(path, "rb") as content:
            entry["sha256"] = hashlib.file_digest(content, "sha256").hexdigest()
    return entry


SEEN = {}


def read_again(path):
    """The same, without reading content twice that has not changed."""
    found = os.lstat(path)
    key = (path, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    if SEEN.get(path, (None,))[0] != key or time.time_ns() - found.st_ctime_ns < 1_000_000_000:
        SEEN[path] = (key, read_file(path))
    return SEEN[path][1]


def read_disk(root):
    """Every path below root and root itself."""
    entries = {}
    if os.path.lexists(root):
        entries[root] = read_again(root)
    if os.path.islink(root):
        return entries
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            try:
                entries[path] = read_again(path)
            except FileNotFoundError:
                pass
    return entries
