#!/usr/bin/env python3
"""make_forms.py DIR: tables of SQLite in every state that a reader may find them in, and Berkeley DB hashes of several page
sizes and both byte orders. DIR/<form>-<state>/db holds each (with db-wal), DIR/<form>-<state>/expected what SQLite itself
reads there, or what was put in: a line "number length sha256" each. Berkeley DB's are left out where its tool is missing."""

import hashlib
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys

TABLE = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
CHANCE = random.Random(1)


def expect(folder, rows):
    lines = [f"{number} {len(blob)} {hashlib.sha256(blob).hexdigest()}\n" for number, blob in sorted(rows)]
    with open(os.path.join(folder, "expected"), "w", encoding="ascii") as out:
        out.writelines(lines)


class Table:
    """A database in DIR/work; keep() puts away what stands there now."""

    def __init__(self, top, page=512, wal=False, vacuum=0, pages_cached=2000):
        self.top, self.work = top, os.path.join(top, "work")
        shutil.rmtree(self.work, ignore_errors=True)
        os.mkdir(self.work)
        self.path = os.path.join(self.work, "db")
        self.page = page
        self.db = sqlite3.connect(self.path, isolation_level=None)
        for word in (f"page_size={page}", f"auto_vacuum={vacuum}", f"cache_size={pages_cached}",
                     f"journal_mode={'WAL' if wal else 'DELETE'}", "wal_autocheckpoint=0"):
            self.db.execute("PRAGMA " + word).fetchall()
        self.db.execute(TABLE)

    def put(self, numbers, largest=4):
        rows = [(number, CHANCE.randbytes(CHANCE.randrange(int(largest * self.page)))) for number in numbers]
        self.db.execute("BEGIN")
        self.db.executemany("INSERT OR REPLACE INTO Packages VALUES (?, ?)", rows)
        self.db.execute("COMMIT")

    def run(self, *statements):
        for statement in statements:
            self.db.execute(statement).fetchall()

    def keep(self, state, change=None):
        folder = os.path.join(self.top, "sqlite-" + state)
        os.mkdir(folder)
        for ending in ("", "-wal"):
            if os.path.exists(self.path + ending):
                shutil.copy(self.path + ending, os.path.join(folder, "db" + ending))
        if change:
            path = os.path.join(folder, "db-wal")
            with open(path, "rb") as log:
                bytes_now = change(bytearray(log.read()))
            with open(path, "wb") as log:
                log.write(bytes_now)
        # SQLite writes where it reads: it gets a copy.
        with sqlite3.connect(shutil.copytree(folder, os.path.join(self.top, "copy")) + "/db") as judge:
            expect(folder, judge.execute("SELECT hnum, blob FROM Packages").fetchall())
        judge.close()
        shutil.rmtree(os.path.join(self.top, "copy"))


def with_sums_of_big_endian_words(log):
    page = struct.unpack(">I", log[8:12])[0]
    log[0:4] = struct.pack(">I", 0x377F0683)
    first = second = 0

    def add(part):
        nonlocal first, second
        for one, other in struct.iter_unpack(">II", part):
            first = (first + one + second) & 0xFFFFFFFF
            second = (second + other + first) & 0xFFFFFFFF
        return struct.pack(">II", first, second)

    log[24:32] = add(log[0:24])
    for at in range(32, len(log), 24 + page):
        add(log[at:at + 8])
        log[at + 16:at + 24] = add(log[at + 24:at + 24 + page])
    return log


def flip(at):
    def change(log):
        log[int(len(log) * at)] ^= 0x55
        return log
    return change


def make_plain(top):
    for page in (512, 1024, 4096, 65536):
        table = Table(top, page)
        table.put(range(1, 40 if page == 65536 else 300))
        table.run("DELETE FROM Packages WHERE hnum % 3 = 0")
        table.keep(f"page-{page}")
    table = Table(top)
    table.put([1, 127, 128, 16383, 16384, 2**21, 2**28, 2**31 - 1, 2**31, 2**32 - 1])
    table.keep("numbers")
    table = Table(top, vacuum=1)
    table.put(range(1, 300))
    table.run("DELETE FROM Packages WHERE hnum % 2 = 0", "CREATE TABLE other (a)", "INSERT INTO other VALUES (1)")
    table.keep("vacuumed")
    table = Table(top)
    table.keep("empty")
    table.put(range(1, 3000), largest=1 / 32)
    table.keep("deep")


def make_logs(top):
    table = Table(top, wal=True)
    table.keep("wal-table-alone")
    table.put(range(1, 50))
    table.run("PRAGMA wal_checkpoint(TRUNCATE)")
    for round_ in range(5):
        table.put(range(round_ + 1, 60, round_ + 1))
    table.keep("wal-commits")
    table.keep("wal-big-endian", with_sums_of_big_endian_words)
    table.keep("wal-cut", lambda log: log[:-100])
    table.keep("wal-half", lambda log: log[:len(log) // 2])
    table.keep("wal-head-cut", lambda log: log[:31])
    table.keep("wal-flipped", flip(0.7))
    table.keep("wal-flipped-head", flip(0))
    table.keep("wal-nothing", lambda log: b"")
    reader = sqlite3.connect(table.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM Packages").fetchall()
    table.put(range(20, 40))
    table.run("PRAGMA wal_checkpoint(PASSIVE)")
    table.keep("wal-copied-in-part")
    reader.close()
    table.run("PRAGMA wal_checkpoint(RESTART)")
    table.keep("wal-copied")
    table.put(range(3, 6))
    table.keep("wal-begun-anew")
    table.run("DELETE FROM Packages WHERE hnum > 4", "VACUUM")
    table.keep("wal-shrunk")
    table = Table(top, wal=True, pages_cached=5)
    table.put(range(1, 20))
    table.run("BEGIN", "DELETE FROM Packages WHERE hnum < 10")
    table.db.executemany("INSERT INTO Packages VALUES (?, ?)", [(n, bytes(2000)) for n in range(100, 200)])
    table.keep("wal-never-committed")


def make_berkeley(top):
    for page in (512, 4096, 65536):
        for order, pack in ((1234, "<I"), (4321, ">I")):
            rows = [(number, CHANCE.randbytes(CHANCE.randrange(3 * page))) for number in range(1, 60)]
            folder = os.path.join(top, f"bdb-{page}-{order}")
            os.mkdir(folder)
            lines = ["VERSION=3", "format=bytevalue", "type=hash", f"db_pagesize={page}", f"db_lorder={order}",
                     "HEADER=END"]
            for number, value in [(0, b"next")] + rows:
                lines += [" " + struct.pack(pack, number).hex(), " " + value.hex()]
            subprocess.run(["db5.3_load", os.path.join(folder, "db")], check=True, text=True,
                           input="\n".join(lines + ["DATA=END", ""]))
            expect(folder, rows)


def main():
    top = os.path.abspath(sys.argv[1])
    make_plain(top)
    make_logs(top)
    shutil.rmtree(os.path.join(top, "work"))
    if shutil.which("db5.3_load"):
        make_berkeley(top)


if __name__ == "__main__":
    main()
