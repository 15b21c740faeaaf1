"""How large the packages are, and what they take on a host."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "packaging"))

import packages  # noqa: E402
from table import Note, Table  # noqa: E402

ABOUT = "The packages as `make deb` and `make rpm` give them: the file, and what is installed from it."


def kib(size):
    return f"{size / 1024:.0f} KiB"


def unpack(path, where):
    if path.endswith(".deb"):
        subprocess.run(["dpkg-deb", "-x", path, where], check=True)
    else:
        subprocess.run(["sh", "-c", 'rpm2cpio "$0" | cpio -idm --quiet', path], cwd=where, check=True)


def installed_bytes(path):
    with tempfile.TemporaryDirectory() as where:
        unpack(path, where)
        return sum(os.lstat(os.path.join(folder, name)).st_size
                   for folder, _, names in os.walk(where) for name in names)


def run():
    table = Table("package", "file", "installed")
    for kind, static in (("deb", False), ("deb", True), ("rpm", False), ("rpm", True)):
        for name, path in sorted(packages.built(kind, static=static).items()):
            table.add(f"{name} {kind}{' STATIC=1' if static else ''}", kib(os.path.getsize(path)),
                      kib(installed_bytes(path)))
    return [table, Note("Libraries that a package depends on are not counted; STATIC=1 has them inside.")]
