#!/usr/bin/env python3
"""make_databases.py DIR: builds two packages, installs them with rpm below DIR/sqlite, and puts the same headers into each
other form of the database: DIR/ndb, DIR/bdb, DIR/bdb-big (the other byte order), and DIR/wal, where one of them stands in
the write-ahead log alone. DIR/expected is what rpm says of them. Exits with 77 where a tool is missing."""

import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import zlib

TOOLS = ("rpm", "rpmbuild", "db5.3_load")
QUERY = ("%{NAME} %|EPOCH?{%{EPOCH}}:{-}| %{VERSION} %{RELEASE} %{ARCH} %{SOURCERPM} %{VENDOR}\\n"
         "[%{FILENAMES} %{FILEMODES} %{FILESIZES} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEFLAGS} "
         "<%{FILEDIGESTS}> <%{FILELINKTOS}>\\n]")
SPEC = """Name: {name}
Version: {version}
Release: 1
{epoch}
Summary: for a test
License: MIT
Vendor: Example Org
BuildArch: noarch
%description
For a test.
%install
mkdir -p %{{buildroot}}/usr/bin %{{buildroot}}/etc %{{buildroot}}/usr/share/{name}
echo {name} > %{{buildroot}}/usr/bin/{name}
echo conf > %{{buildroot}}/etc/{name}.conf
ln -s {name} %{{buildroot}}/usr/bin/{name}-link
for number in $(seq 1 {files}); do echo $number > %{{buildroot}}/usr/share/{name}/file$number; done
%files
%attr(4755,root,root) /usr/bin/{name}
/usr/bin/{name}-link
%config(noreplace) /etc/{name}.conf
%ghost /etc/{name}.ghost
/usr/share/{name}
"""


def run(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout


def build(top, name, version, epoch, files):
    spec = os.path.join(top, name + ".spec")
    with open(spec, "w", encoding="ascii") as out:
        out.write(SPEC.format(name=name, version=version, epoch=epoch, files=files))
    run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}/build", "--define", f"_rpmdir {top}/rpms",
        "--define", "_build_id_links none", "--define", "_binary_payload w1.gzdio", spec)
    return os.path.join(top, "rpms", "noarch", f"{name}-{version}-1.noarch.rpm")


def place(top, form, *below):
    path = os.path.join(top, form, *below)
    os.makedirs(path, exist_ok=True)
    return path


def put_ndb(path, headers):
    """As rpm's lib/backend/ndb/rpmpkg.c lays it out, with one page of slots and one slot that was freed."""
    block = 4096 // 16
    slots, blobs = [struct.pack("<4sIII", b"Slot", 0, 0, 0)], b""
    for number, header in headers:
        size = 16 + len(header) + 12
        blocks = (size + 15) // 16
        slots.append(struct.pack("<4sIII", b"Slot", number, block + len(blobs) // 16, blocks))
        body = struct.pack("<4sIII", b"BlbS", number, 1, len(header)) + header
        body += bytes(blocks * 16 - size)
        blobs += body + struct.pack("<II4s", zlib.adler32(body), len(header), b"BlbE")
    slots += [struct.pack("<4sIII", b"Slot", 0, 0, 0)] * (4096 // 16 - 2 - len(slots))
    with open(path, "wb") as out:
        out.write(struct.pack("<4sIIII12x", b"RpmP", 0, 1, 1, 99) + b"".join(slots) + blobs)


def put_bdb(path, headers, order):
    """With Berkeley DB's own tool. Keys are numbers in the file's byte order; number 0 is where rpm keeps the next."""
    pack = "<I" if order == 1234 else ">I"
    lines = ["VERSION=3", "format=bytevalue", "type=hash", f"db_lorder={order}", "HEADER=END"]
    for number, value in [(0, struct.pack(pack, 99))] + headers:
        lines += [" " + struct.pack(pack, number).hex(), " " + value.hex()]
    run("db5.3_load", path, input="\n".join(lines + ["DATA=END", ""]))


def put_wal(top, path):
    """The last package is taken out and put in again, and the log is kept as it is then."""
    work = os.path.join(top, "work.sqlite")
    shutil.copy(os.path.join(top, "sqlite/var/lib/rpm/rpmdb.sqlite"), work)
    db = sqlite3.connect(work, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA wal_autocheckpoint=0")
    number, header = db.execute("SELECT hnum, blob FROM Packages ORDER BY hnum DESC").fetchone()
    db.execute("DELETE FROM Packages WHERE hnum = ?", (number,))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("INSERT INTO Packages VALUES (?, ?)", (number, header))
    db.execute("BEGIN")
    db.execute("DELETE FROM Packages")  # never committed
    for ending in ("", "-wal"):
        shutil.copy(work + ending, path + ending)
    db.execute("ROLLBACK")
    db.close()


def main():
    top = os.path.abspath(sys.argv[1])
    if any(not shutil.which(tool) for tool in TOOLS):
        sys.exit(77)
    root = ["--root", place(top, "sqlite"), "--dbpath", "/var/lib/rpm", "--define", "_db_backend sqlite"]
    packages = [build(top, "small", "1.0~rc1", "", 3), build(top, "large", "2.5", "Epoch: 7", 700)]
    run("rpm", *root, "-i", "--nodeps", "--noscripts", *packages)
    with open(os.path.join(top, "expected"), "w", encoding="ascii") as out:
        out.write(run("rpm", *root, "-qa", "--qf", QUERY))
    db = sqlite3.connect(os.path.join(top, "sqlite/var/lib/rpm/rpmdb.sqlite"))
    headers = db.execute("SELECT hnum, blob FROM Packages").fetchall()
    db.close()
    put_ndb(os.path.join(place(top, "ndb", "usr/lib/sysimage/rpm"), "Packages.db"), headers)
    put_bdb(os.path.join(place(top, "bdb", "var/lib/rpm"), "Packages"), headers, 1234)
    put_bdb(os.path.join(place(top, "bdb-big", "var/lib/rpm"), "Packages"), headers, 4321)
    put_wal(top, os.path.join(place(top, "wal", "var/lib/rpm"), "rpmdb.sqlite"))


if __name__ == "__main__":
    main()
