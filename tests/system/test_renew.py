"""What `tsujiban-collector renew` makes anew, and that everything else stays."""

import os
import socket
import ssl
import subprocess
import unittest

from rig import RigTest, program, wait_until
from scenario import IS_SANITIZED, needs_root

OWNER = 65534  # some user who is not root


class Renew(RigTest):
    def renew(self, *words):
        return subprocess.run([program("tsujiban-collector"), "renew", "--config",
                               os.path.join(self.rig.collector_dir, "collector.yaml"), *words],
                              capture_output=True, text=True, check=False)

    def read(self, name):
        with open(os.path.join(self.rig.collector_dir, name), encoding="ascii") as text:
            return text.read()

    def is_reached_as(self, name):
        """Whether the API shows a certificate for this name."""
        context = ssl.create_default_context(cafile=os.path.join(self.rig.collector_dir, "ca.crt"))
        with socket.create_connection(("127.0.0.1", self.rig.api_port), timeout=10) as plain:
            try:
                context.wrap_socket(plain, server_hostname=name).close()
            except ssl.SSLCertVerificationError:
                return False
        return True

    def test_the_admins_token_is_another(self):
        host = self.started_host()
        reader = self.rig.token("--read")
        old = os.path.join(self.rig.dir, "old.token")
        with open(old, "w", encoding="ascii") as out:
            out.write(self.read("admin.token"))
        self.rig.collector.stop()
        done = self.renew("--token")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("admin.token", done.stdout)
        self.assertNotIn(self.read("admin.token").strip(), done.stdout)
        self.assertEqual(os.stat(os.path.join(self.rig.collector_dir, "admin.token")).st_mode & 0o777, 0o600)
        self.rig.start_collector()
        self.assertIn("token refused", self.rig.cli("hosts", "--token-file", old).stderr)
        listed = self.rig.json("token", "list")
        self.assertEqual(sorted(line["role"] for line in listed), ["admin", "read"])
        self.assertIn(reader["id"], [line["id"] for line in listed])
        wait_until(lambda: host.status().get("link") == "streaming", "the agent is back")
        self.write("after")
        host.wait_picture(self.tree)

    def test_not_while_the_collector_runs(self):
        before = self.read("admin.token")
        done = self.renew("--token")
        self.assertEqual(done.returncode, 1)
        self.assertIn("stop it first", done.stderr)
        self.assertEqual(self.read("admin.token"), before)
        self.assertEqual(self.rig.cli("hosts").returncode, 0)

    def test_a_further_name_while_agents_use_the_first(self):
        host = self.started_host()
        self.assertTrue(self.is_reached_as("localhost"))
        self.assertFalse(self.is_reached_as("fleet.example.org"))
        key, ca = self.read("server.key"), self.read("ca.crt")
        done = self.renew("--name", "fleet.example.org", "--name", "192.0.2.7")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("fleet.example.org, 192.0.2.7", done.stdout)
        self.assertFalse(self.is_reached_as("fleet.example.org"), "from the next start on")
        self.rig.collector.stop()
        self.rig.start_collector()
        for name in ("localhost", "127.0.0.1", "fleet.example.org", "192.0.2.7"):
            self.assertTrue(self.is_reached_as(name), name)
        self.assertEqual((self.read("server.key"), self.read("ca.crt")), (key, ca))
        wait_until(lambda: host.status().get("link") == "streaming", "the agent is back")
        self.assertEqual(self.renew("--name", "localhost").stdout, done.stdout, "what is there is kept, once")

    def test_what_cannot_be_a_name(self):
        before = self.read("server.crt")
        for name in ("two words", "", "n" * 300):
            done = self.renew("--name", name)
            self.assertEqual(done.returncode, 1, name)
            self.assertIn(name, done.stderr)
        self.assertEqual(self.read("server.crt"), before)

    def test_nothing_asked_for(self):
        done = self.renew()
        self.assertEqual(done.returncode, 2)
        self.assertIn("--token", done.stderr)

    def test_a_full_disk_leaves_everything(self):
        self.rig.collector.stop()
        disk = self.rig.mount_tmpfs("small", "256k")
        small = os.path.join(disk, "c")
        made = subprocess.run([program("tsujiban-collector"), "init", "--dir", small], capture_output=True, text=True,
                              check=False)
        self.assertEqual(made.returncode, 0, made.stderr)
        with open(os.path.join(disk, "rest"), "wb", buffering=0) as rest:
            try:
                while True:
                    rest.write(bytes(4096))
            except OSError:
                pass
        for words, name in ((("--name", "fleet.example.org"), "server.crt"), (("--token",), "admin.token")):
            with open(os.path.join(small, name), encoding="ascii") as text:
                before = text.read()
            done = subprocess.run([program("tsujiban-collector"), "renew", "--config", os.path.join(small, "collector.yaml"),
                                   *words], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(name, done.stderr)
            with open(os.path.join(small, name), encoding="ascii") as text:
                self.assertEqual(text.read(), before)

    @needs_root
    @unittest.skipIf(IS_SANITIZED, "the search for leaks cannot look into a process that has changed its user")
    def test_root_leaves_everything_to_the_collectors_user(self):
        self.rig.collector.stop()
        os.chmod(self.rig.dir, 0o755)
        for at, _, names in os.walk(self.rig.collector_dir):
            for path in [at] + [os.path.join(at, name) for name in names]:
                os.chown(path, OWNER, OWNER)
        done = self.renew("--token", "--name", "fleet.example.org")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for at, _, names in os.walk(self.rig.collector_dir):
            for name in names:
                self.assertEqual(os.stat(os.path.join(at, name)).st_uid, OWNER, name)
