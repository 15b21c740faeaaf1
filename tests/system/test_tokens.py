"""Tokens of the API: what one may do that only reads, and what it is worth once it is revoked or has ended."""

import os
import subprocess

from rig import Process, RigTest, program, wait_until


class Tokens(RigTest):
    def reader(self, *words):
        """(token file, what the collector said of a new token to read with)"""
        token = self.rig.token("--read", *words)
        path = os.path.join(self.rig.dir, "reader-" + token["id"])
        with open(path, "w", encoding="ascii") as out:
            out.write(token["token"])
        return path, token

    def ids(self, role):
        return [line["id"] for line in self.rig.json("token", "list") if line["role"] == role]

    def refused(self, path, *words):
        done = self.rig.cli(*words, "--token-file", path)
        self.assertEqual(done.returncode, 1, words)
        return done.stderr

    def follow(self, path):
        follower = Process(os.path.join(self.rig.dir, "follow.log"), program("tsujiban"), "events", "--follow", "--format",
                           "json", "--token-file", path, env=self.rig.env)
        self.addCleanup(follower.kill)
        return follower.start()

    def test_a_reader_reads_everything_and_changes_nothing(self):
        host = self.started_host()
        path, token = self.reader("--label", "for=dashboard")
        self.assertEqual(token["role"], "read")
        for words in (["hosts"], ["host", "web01"], ["search", "host:web01"], ["packages", "bash"], ["files", "web01"],
                      ["events"], ["status"], ["facts", "web01"]):
            done = self.rig.cli(*words, "--token-file", path)
            self.assertEqual(done.returncode, 0, done.stderr)
        for words in (["token", "create"], ["token", "create", "--read"], ["token", "list"], ["token", "revoke", token["id"]],
                      ["revoke", "web01"]):
            self.assertIn("admin token", self.refused(path, *words))
        self.assertEqual(self.ids("read"), [token["id"]])
        self.assertEqual(host.status().get("link"), "streaming")
        enrolled = subprocess.run(
            [program("tsujiban-agent"), "enroll", "--collector", f"127.0.0.1:{self.rig.port}", "--token", token["token"],
             "--ca-fingerprint", token["ca_fingerprint"], "--dir", os.path.join(self.rig.dir, "no"), "--name", "no"],
            capture_output=True, text=True, check=False)
        self.assertEqual(enrolled.returncode, 1, "a reader is no new host")

    def test_a_revoked_reader_is_refused_and_hears_no_more(self):
        self.started_host()
        path, token = self.reader()
        _, other = self.reader()
        follower = self.follow(path)

        def hears():
            self.write("probe")
            os.unlink(self.path("probe"))
            return "probe" in follower.read_log()

        wait_until(hears, "the follower hears of changes")
        revoked = self.rig.json("token", "revoke", token["id"])
        self.assertEqual(revoked, [{"id": token["id"], "role": "read", "state": "revoked"}])
        wait_until(lambda: not follower.is_running(), f"the follower ends: {follower.read_log()[-500:]}")
        self.assertIn("token refused", follower.read_log())
        self.assertIn("token refused", self.refused(path, "hosts"))
        self.assertEqual(self.ids("read"), [other["id"]])
        self.assertIn("no token", self.rig.cli("token", "revoke", token["id"]).stderr)
        self.rig.collector.kill()
        self.rig.start_collector()
        self.assertIn("token refused", self.refused(path, "hosts"))

    def test_a_reader_ends_with_its_time(self):
        path, _ = self.reader("--ttl", "2s")
        wait_until(lambda: self.rig.cli("hosts", "--token-file", path).returncode == 1, "the token ends")
        self.assertEqual(self.ids("read"), [])

    def test_an_enrolment_token_is_withdrawn(self):
        token = self.rig.token()
        ids = self.ids("enroll")
        self.assertEqual(len(ids), 1)
        self.rig.json("token", "revoke", ids[0])
        done = subprocess.run(
            [program("tsujiban-agent"), "enroll", "--collector", f"127.0.0.1:{self.rig.port}", "--token", token["token"],
             "--ca-fingerprint", token["ca_fingerprint"], "--dir", os.path.join(self.rig.dir, "late"), "--name", "late"],
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("token", done.stderr)

    def test_the_admins_token_stays(self):
        self.assertIn("admin", self.rig.cli("token", "revoke", *self.ids("admin")).stderr)
        self.assertEqual(self.rig.cli("hosts").returncode, 0)

    def test_how_long_tokens_may_last(self):
        for words, most in ((["--ttl", "31d"], "30d"), (["--read", "--ttl", "367d"], "366d"), (["--ttl", "0s"], "1s")):
            done = self.rig.cli("token", "create", *words)
            self.assertEqual(done.returncode, 1)
            self.assertIn(most, done.stderr)
        self.rig.token("--read", "--ttl", "366d")
        self.rig.token("--ttl", "30d")
