"""State sync: whatever is killed, restored or spoiled, the collector's facts of a host are the host's in the end.

Each host sees a package database of its own: a directory that is mounted over dpkg's, in a mount namespace of its agent's.
"""

import ctypes
import ctypes.util
import os
import random
import re
import shutil
import subprocess
import time
import unittest

from rig import RigTest, program, wait_until

DPKG = "/var/lib/dpkg"
FIELDS = ("${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${db:Status-Status}"
          "\t${binary:Package}\n")
CONFIG = "inventory: {interval: 10s, apps: []}\n"
# In the agent's own namespace; it keeps the process that the test kills.
RUN = 'mount --bind "$1" ' + DPKG + ' && exec "$2" run --config "$3"'


def can_mount():
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    words = ["unshare", "-m", "sh", "-c", f"mount --bind /tmp {DPKG}"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


class Database:
    """A host's package database; changed as dpkg does it, by a new file in place of the old."""

    def __init__(self, path, image=None):
        self.path = path
        if image:
            shutil.copytree(image.path, path, copy_function=shutil.copy2)
            return
        os.makedirs(os.path.join(path, "info"))
        os.makedirs(os.path.join(path, "updates"))
        shutil.copy(os.path.join(DPKG, "status"), self.status())
        for row in self.rows():
            open(os.path.join(path, "info", row[6] + ".list"), "w", encoding="utf-8").close()

    def status(self):
        return os.path.join(self.path, "status")

    def rows(self):
        done = subprocess.run(["dpkg-query", f"--admindir={self.path}", "-W", "-f", FIELDS], capture_output=True, text=True,
                              check=True)
        rows = {tuple(line.split("\t")) for line in done.stdout.splitlines()}
        return {row for row in rows if row[5] != "not-installed"}

    def wanted(self):
        return {row[:6] for row in self.rows()}

    def replace(self, change):
        with open(self.status(), encoding="utf-8") as text:
            parts = [part for part in text.read().split("\n\n") if part.strip()]
        with open(self.status() + "-new", "w", encoding="utf-8") as out:
            out.write("".join(part.strip("\n") + "\n\n" for part in change(parts)))
        os.rename(self.status() + "-new", self.status())

    def upgrade(self, version, every=1, offset=0):
        """Some packages get a version that says so; one goes, one comes."""
        def change(parts):
            for number in range(offset, len(parts), every):
                parts[number] = re.sub(r"^Version: .*$", f"Version: {version}", parts[number], flags=re.M)
            parts.pop(random.Random(version).randrange(len(parts)))
            parts.append(f"Package: fresh-{version}\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n"
                         f"Maintainer: t <t@example.org>\nDescription: a test\n")
            return parts
        self.replace(change)


@unittest.skipUnless(shutil.which("dpkg-query") and can_mount(), "only as root, with mounts, where there is dpkg")
class Sync(RigTest):
    def setUp(self):
        super().setUp()
        self.databases = {}
        self.random = random.Random(self.id())
        self.data = os.path.join(self.rig.collector_dir, "data")

    # --- hosts ---

    def new_host(self, name, image=None):
        database = Database(os.path.join(self.rig.dir, f"dpkg-{name}"), image)
        host = self.rig.host(name, [self.rig.make_dir(f"m-{name}")], CONFIG)
        host.process.command = ("unshare", "-m", "sh", "-c", RUN, "sh", database.path, program("tsujiban-agent"),
                                host.config)
        self.databases[name] = database
        return host

    def two_hosts(self):
        first = self.new_host("web01")
        return first, self.new_host("web02", self.databases["web01"])

    def two_known_hosts(self):
        hosts = self.two_hosts()
        for host in hosts:
            host.start()
        self.wait_equal()
        return hosts

    # --- what is compared ---

    def ours(self, name):
        return {(p["name"], p["version"], p["arch"], p["source"], p["source_version"], p["status"])
                for p in self.rig.json("packages", "--host", name)}

    def wait_equal(self):
        for name, database in self.databases.items():
            wanted = database.wanted()
            self.assertGreater(len(wanted), 50)

            def difference(name=name, wanted=wanted):
                return sorted(self.ours(name) ^ wanted)[:6]

            try:
                wait_until(lambda: not difference(), f"packages of '{name}' equal dpkg-query's")  # pylint: disable=W0640
            except AssertionError as failure:
                logs = self.rig.collector.read_log()[-2000:]
                raise AssertionError(f"{failure}: {difference()}; log of the collector:\n{logs}") from None

    def assert_found(self, name, *hosts, version=None):
        """By search, too: the index is not the store."""
        query = f"package:{name}" + (f" version={version}" if version else "")
        wait_until(lambda: sorted(row["host"] for row in self.rig.json("search", query)) == sorted(hosts),
                   f"'{query}' finds {hosts}; it finds {self.rig.json('search', query)}")

    def assert_all_is_well(self, hosts, is_one_stream=True):
        self.wait_equal()
        self.assert_found("dpkg", "web01", "web02")
        for name, database in self.databases.items():
            wanted = database.wanted()
            for package in self.random.sample(sorted({row[0] for row in wanted}), 15):
                found = self.rig.json("search", f"package:{package} host:{name}")
                self.assertEqual({match["version"] for row in found for match in row["matches"] if "version" in match},
                                 {row[1] for row in wanted if row[0] == package}, f"{package} of {name}")
        for host in hosts if is_one_stream else ():
            self.assert_exactly_once(host)

    # --- disturbances ---

    def moments(self, count, most_s):
        """At no moment in particular."""
        for _ in range(count):
            time.sleep(self.random.uniform(0, most_s))
            yield

    def restart_collector(self):
        self.rig.collector.kill()
        self.rig.start_collector()

    def back_up(self):
        self.rig.collector.stop()
        shutil.copytree(self.data, self.data + ".backup")
        self.rig.start_collector()

    def restore(self):
        self.rig.collector.kill()
        shutil.rmtree(self.data)
        shutil.copytree(self.data + ".backup", self.data)

    # --- claims ---

    def test_two_hosts_of_one_image_are_known_alike(self):
        hosts = self.two_known_hosts()
        self.assert_all_is_well(hosts)
        for name in ("web01", "web02"):
            events = [e for e in self.rig.json("events", "--host", name) if e["action"] == "installed"
                      and e["kind"] == "package"]
            self.assertEqual(events, [], "what was there before is told one by one")
        self.databases["web02"].upgrade("9.9", every=7)
        self.assert_all_is_well(hosts)
        self.assert_found("fresh-9.9", "web02")

    def test_agent_killed_in_its_first_sync(self):
        first, second = self.two_hosts()
        second.start()
        for _ in self.moments(8, 0.6):
            if first.process.is_running():
                first.kill()
            first.start()
        self.assert_all_is_well((first, second))

    def test_collector_killed_in_the_first_sync(self):
        hosts = self.two_hosts()
        for host in hosts:
            host.start()
        for _ in self.moments(6, 0.6):
            self.restart_collector()
        self.assert_all_is_well(hosts)

    def test_all_are_killed_while_packages_change(self):
        hosts = self.two_known_hosts()
        for number, _ in enumerate(self.moments(6, 0.5)):
            self.databases["web01"].upgrade(f"7.{number}", every=5, offset=number)
            self.databases["web02"].upgrade(f"7.{number}", every=3, offset=number)
            victim = self.random.choice(hosts)
            victim.kill()
            if number % 2:
                self.restart_collector()
            victim.start()
        self.assert_all_is_well(hosts)

    def test_collector_restored_from_before_packages_changed(self):
        hosts = self.two_known_hosts()
        self.back_up()
        for database in self.databases.values():
            database.upgrade("8.1", every=2)
        self.wait_equal()
        self.restore()
        self.rig.start_collector()
        self.assert_all_is_well(hosts, is_one_stream=False)
        self.assert_found("fresh-8.1", "web01", "web02")

    def test_collector_restored_from_before_it_knew_any_fact(self):
        hosts = self.two_hosts()
        self.back_up()
        for host in hosts:
            host.start()
        self.wait_equal()
        self.restore()
        self.rig.start_collector()
        self.assert_all_is_well(hosts, is_one_stream=False)

    def test_killed_in_the_repair_of_a_restored_collector(self):
        hosts = self.two_known_hosts()
        self.back_up()
        self.databases["web01"].upgrade("8.2", every=2)
        self.databases["web02"].upgrade("8.3", every=2)
        self.wait_equal()
        self.restore()
        self.rig.start_collector()
        for _ in self.moments(5, 0.5):
            hosts[0].kill()
            self.restart_collector()
            hosts[0].start()
        self.assert_all_is_well(hosts, is_one_stream=False)
        self.assert_found("fresh-8.2", "web01")
        self.assert_found("fresh-8.3", "web02")

    def test_spoiled_facts_are_put_right_at_the_next_connection(self):
        hosts = self.two_known_hosts()
        version = next(row[1] for row in self.databases["web01"].wanted() if row[0] == "dpkg")
        self.rig.collector.stop()
        spoil(self.data)
        self.rig.start_collector()
        self.assert_all_is_well(hosts)
        self.assert_found("dpkg", "web01", "web02", version=version)
        self.assertEqual(self.rig.json("search", "package:spoiled"), [])
        # In the same stream: nothing had to be told anew.
        for host in hosts:
            self.assertNotIn("reporting everything anew", host.process.read_log())

    def test_killed_in_the_repair_of_spoiled_facts(self):
        hosts = self.two_known_hosts()
        self.rig.collector.stop()
        spoil(self.data)
        self.rig.start_collector()
        for _ in self.moments(6, 0.4):
            self.restart_collector()
            hosts[1].kill()
            hosts[1].start()
        self.assert_all_is_well(hosts)
        self.assertEqual(self.rig.json("search", "package:spoiled"), [])


# --- a store spoiled by hand -------------------------------------------------------------------------------------------


class Val(ctypes.Structure):
    """MDB_val"""

    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]

    def bytes(self):
        return ctypes.string_at(self.data, self.size)

    @classmethod
    def of(cls, content):
        cls.kept = getattr(cls, "kept", [])
        cls.kept.append(ctypes.create_string_buffer(content, len(content)))
        return cls(len(content), ctypes.cast(cls.kept[-1], ctypes.c_void_p))


MDB_NEXT, MDB_DB_COUNT = 8, 64


class Store:
    """A collector's store that no collector has open, through LMDB's own library."""

    def __init__(self, folder):
        self.lmdb = ctypes.CDLL(ctypes.util.find_library("lmdb") or "liblmdb.so.0")
        self.env, self.txn = ctypes.c_void_p(), ctypes.c_void_p()
        self.do("mdb_env_create", ctypes.byref(self.env))
        self.do("mdb_env_set_maxdbs", self.env, MDB_DB_COUNT)
        self.do("mdb_env_set_mapsize", self.env, ctypes.c_size_t(1 << 30))
        self.do("mdb_env_open", self.env, folder.encode(), 0, 0o600)
        self.do("mdb_txn_begin", self.env, None, 0, ctypes.byref(self.txn))

    def do(self, function, *args):
        rc = getattr(self.lmdb, function)(*args)
        if rc != 0:
            raise OSError(rc, f"{function} failed")

    def table(self, name):
        table = ctypes.c_uint()
        self.do("mdb_dbi_open", self.txn, name, 0, ctypes.byref(table))
        return table

    def records(self, name):
        cursor, key, value, found = ctypes.c_void_p(), Val(), Val(), []
        self.do("mdb_cursor_open", self.txn, self.table(name), ctypes.byref(cursor))
        while self.lmdb.mdb_cursor_get(cursor, ctypes.byref(key), ctypes.byref(value), MDB_NEXT) == 0:
            found.append((key.bytes(), value.bytes()))
        self.lmdb.mdb_cursor_close(cursor)
        return found

    def put(self, name, key, value):
        self.do("mdb_put", self.txn, self.table(name), ctypes.byref(Val.of(key)), ctypes.byref(Val.of(value)), 0)

    def delete(self, name, key):
        self.do("mdb_del", self.txn, self.table(name), ctypes.byref(Val.of(key)), None)

    def commit(self):
        self.do("mdb_txn_commit", self.txn)
        self.lmdb.mdb_env_close(self.env)


def spoil(folder):
    """Every third package is lost, every third has another version, some are made up; the sums are forgotten, as in a store
    from before there were any."""
    store = Store(folder)
    facts = [(key, value) for key, value in store.records(b"facts") if key[4] == 1]
    for number, (key, value) in enumerate(facts):
        if number % 3 == 0:
            store.delete(b"facts", key)
        elif number % 3 == 1:
            store.put(b"facts", key, other_version(value))
    host = facts[0][0][:4]
    fields = [b"dpkg", b"spoiled", b"all", b"", b"1"]
    store.put(b"facts", host + b"\1" + b"".join(f + b"\0" for f in fields[:4]),
              b"\1" + b"".join(bytes([len(f)]) + f for f in fields) + bytes(3))
    for key, _ in store.records(b"sections"):
        store.delete(b"sections", key)
    store.commit()


def other_version(value):
    """The fifth field's last byte is another; lengths of fields below 128 are a byte."""
    at = 1
    for _ in range(4):
        at += 1 + value[at]
    end = at + value[at]
    return value[:end] + (b"0" if value[end:end + 1] != b"0" else b"1") + value[end + 1:]
