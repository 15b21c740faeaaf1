"""Bad input has an answer: a clear error that names the thing; nothing crashes and the others go on."""

import os
import socket
import ssl
import struct
import subprocess
import unittest

from rig import Rig, RigTest, free_port, program, wait_until


def enroll(rig, token, fingerprint, name="bad01", directory=None):
    return subprocess.run(
        [program("tsujiban-agent"), "enroll", "--collector", f"127.0.0.1:{rig.port}", "--token", token,
         "--ca-fingerprint", fingerprint, "--dir", directory or os.path.join(rig.dir, "bad"), "--name", name],
        capture_output=True, text=True, check=False)


class Enrolment(RigTest):
    def test_wrong_token(self):
        done = enroll(self.rig, "no-such-token", self.rig.token()["ca_fingerprint"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("token", done.stderr)

    def test_token_works_once(self):
        token = self.rig.token()
        self.assertEqual(enroll(self.rig, token["token"], token["ca_fingerprint"], "one").returncode, 0)
        done = enroll(self.rig, token["token"], token["ca_fingerprint"], "two", os.path.join(self.rig.dir, "two"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("token", done.stderr)

    def test_expired_token(self):
        token = self.rig.token("--ttl", "1s")
        wait_until(lambda: enroll(self.rig, token["token"], token["ca_fingerprint"], "late",
                                  os.path.join(self.rig.dir, os.urandom(4).hex())).returncode == 1
                   if self.is_past(token["expires"]) else False, "the token expires")

    @staticmethod
    def is_past(moment):
        import datetime
        return datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")) < datetime.datetime.now(datetime.timezone.utc)

    def test_wrong_fingerprint_names_both(self):
        token = self.rig.token()
        wrong = "sha256:" + "0" * 64
        done = enroll(self.rig, token["token"], wrong)
        self.assertEqual(done.returncode, 1)
        self.assertIn(wrong, done.stderr)
        self.assertIn(token["ca_fingerprint"], done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.rig.dir, "bad", "agent.key")))
        # The token was not spent on it.
        self.assertEqual(enroll(self.rig, token["token"], token["ca_fingerprint"]).returncode, 0)

    def test_name_that_is_taken(self):
        token = self.rig.token()
        self.assertEqual(enroll(self.rig, token["token"], token["ca_fingerprint"], "web01").returncode, 0)
        token = self.rig.token()
        done = enroll(self.rig, token["token"], token["ca_fingerprint"], "web01", os.path.join(self.rig.dir, "b"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("web01", done.stderr)

    def test_key_stays_private(self):
        token = self.rig.token()
        enroll(self.rig, token["token"], token["ca_fingerprint"])
        mode = os.stat(os.path.join(self.rig.dir, "bad", "agent.key")).st_mode & 0o777
        self.assertEqual(mode, 0o600)
        for name in ("ca.key", "admin.token"):
            self.assertEqual(os.stat(os.path.join(self.rig.collector_dir, name)).st_mode & 0o777, 0o600)


class Revocation(RigTest):
    def test_revoke_ends_the_live_session_and_refuses_the_next(self):
        host = self.started_host()
        self.assertEqual(self.rig.cli("revoke", "web01").returncode, 0)
        wait_until(lambda: "revoked" in host.process.read_log(), "the agent is told")
        self.write("after")
        wait_until(lambda: self.rig.json("hosts")[0]["state"] == "revoked", "the host shows as revoked")
        self.assertFalse(host.file_events(self.path("after")))
        self.assertFalse(self.rig.json("search", "host:web01"))

    def test_revoked_name_can_enroll_anew_and_the_old_key_stays_out(self):
        host = self.started_host()
        self.rig.cli("revoke", "web01")
        again = self.rig.host("web01", [self.tree], state=os.path.join(self.rig.dir, "again"))
        again.start()
        path = self.write("x")
        again.wait_event(path=path)
        again.wait_picture(self.tree)
        host.process.stop()
        told = host.process.read_log().count("refuses this host")
        host.start()
        wait_until(lambda: host.process.read_log().count("refuses this host") > told,
                   "the old certificate is refused")

    def test_expired_certificate_is_refused_by_name(self):
        rig = Rig()
        self.addCleanup(rig.close)
        rig.init_collector("certificate_life: 60s\n").start_collector()
        host = rig.host("web01", [self.tree])
        certificate = os.path.join(host.state, "agent.crt")
        done = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-enddate"], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            self.skipTest("no openssl program")
        self.make_expired(rig, host)
        host.start()
        wait_until(lambda: "expired" in host.process.read_log() or "has ended" in host.process.read_log(),
                   "the agent says that its certificate has ended")

    def make_expired(self, rig, host):
        """Signs the agent's own key again with the collector's CA, for a time that is over."""
        csr = os.path.join(rig.dir, "csr.pem")
        key = os.path.join(host.state, "agent.key")
        ca = rig.collector_dir
        subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=web01", "-out", csr], check=True,
                       capture_output=True)
        subprocess.run(["openssl", "x509", "-req", "-in", csr, "-CA", f"{ca}/ca.crt", "-CAkey", f"{ca}/ca.key",
                        "-set_serial", "7", "-days", "-1", "-out", os.path.join(host.state, "agent.crt")], check=True,
                       capture_output=True)


class Renewal(RigTest):
    collector_config = "certificate_life: 60s\n"

    def test_certificate_is_renewed_on_the_session_and_used_by_the_next(self):
        host = self.rig.host("web01", [self.tree])
        certificate = os.path.join(host.state, "agent.crt")
        with open(certificate, encoding="ascii") as first:
            first = first.read()
        host.start().wait_baselined()
        wait_until(lambda: "renewed the certificate" in host.process.read_log(), "the certificate is renewed")
        with open(certificate, encoding="ascii") as second:
            self.assertNotEqual(first, second.read())
        self.assertFalse(os.path.exists(certificate + ".next"))
        self.assertEqual(os.stat(os.path.join(host.state, "agent.key")).st_mode & 0o777, 0o600)
        host.stop()
        host.start()
        path = self.write("after")
        host.wait_event(path=path)
        # A crash between the two renames of an earlier renewal is made good at the next start.
        host.stop()
        os.rename(certificate, certificate + ".next")
        with open(certificate, "w", encoding="ascii") as out:
            out.write(first)
        host.start()
        path = self.write("after-crash")
        host.wait_event(path=path)


class Wire(RigTest):
    """A peer that means harm, with and without a certificate; the good agent beside it goes on."""

    def setUp(self):
        super().setUp()
        self.host = self.started_host()
        self.evil = self.rig.host("evil", [self.rig.make_dir("e")])

    def tearDown(self):
        path = self.write("still-here")
        self.host.wait_event(path=path, action="created")
        self.assertTrue(self.rig.collector.is_running())

    def session(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["tsujiban/1"])
        context.load_verify_locations(os.path.join(self.evil.state, "ca.crt"))
        context.load_cert_chain(os.path.join(self.evil.state, "agent.crt"), os.path.join(self.evil.state, "agent.key"))
        raw = socket.create_connection(("127.0.0.1", self.rig.port), 20)
        return context.wrap_socket(raw, server_hostname="127.0.0.1")

    @staticmethod
    def frame(kind, payload=b"", flags=0, length=None):
        return struct.pack(">IBB", 2 + len(payload) if length is None else length, kind, flags) + payload

    @staticmethod
    def hello():
        return Wire.frame(1, b"\x0a\x10" + b"s" * 16 + b"\x10\x01\x18\x01")

    def talk(self, *frames):
        """Sends the frames and returns all that comes back until the collector closes."""
        answer = b""
        with self.session() as tls:
            try:
                for frame in frames:
                    tls.sendall(frame)
                while data := tls.recv(65536):
                    answer += data
            except (ConnectionError, ssl.SSLError, TimeoutError):
                pass
        return answer

    def wait_log(self, word):
        wait_until(lambda: word in self.rig.collector.read_log(), f"'{word}' in the collector's log")

    def test_garbage_before_tls(self):
        with socket.create_connection(("127.0.0.1", self.rig.port), 20) as raw:
            raw.sendall(os.urandom(4096))
            try:
                while raw.recv(4096):
                    pass
            except ConnectionError:
                pass

    def test_no_certificate(self):
        context = ssl.create_default_context(cafile=os.path.join(self.rig.collector_dir, "ca.crt"))
        context.set_alpn_protocols(["tsujiban/1"])
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            raw = socket.create_connection(("127.0.0.1", self.rig.port), 20)
            with context.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
                tls.sendall(self.hello())
                if not tls.recv(1):
                    raise ConnectionError("closed")

    def test_frame_that_lies_about_its_size(self):
        self.talk(self.hello(), self.frame(3, b"x", length=0x7FFFFFFF))
        self.wait_log("evil")

    def test_garbage_frames(self):
        self.talk(self.hello(), os.urandom(3000))

    def test_message_out_of_turn(self):
        answer = self.talk(self.frame(3, b"\x08\x01"))
        self.assertIn(b"", answer)
        self.wait_log("evil")

    def test_zip_bomb(self):
        payload = self.zstd_declaring(1 << 40)
        self.talk(self.hello(), self.frame(3, payload, flags=1))
        self.wait_log("evil")

    @staticmethod
    def zstd_declaring(size):
        """A zstd frame whose header declares `size` bytes of content (RFC 8878 section 3.1.1.1): one block that repeats a byte."""
        header = struct.pack("<I", 0xFD2FB528) + bytes([0b11100000]) + struct.pack("<Q", size)
        rle_block = struct.pack("<I", (1 << 3 | 1 << 1 | 1) | (0x1FFFF << 3))[:3] + b"\0"
        return header + rle_block

    def test_batch_with_a_bad_event(self):
        event = b"\x10\x63"
        batch = b"\x08\x01" + b"\x12" + bytes([len(event)]) + event
        self.talk(self.hello(), self.frame(3, batch))
        self.wait_log("evil")
        self.assertFalse(self.rig.json("events", "--host", "evil"))

    def test_hole_in_the_sequence(self):
        event = b"\x08\x02\x10\x03\x18\x0d\x20\x02"
        batch = b"\x08\x64" + b"\x12" + bytes([len(event)]) + event
        self.talk(self.hello(), self.frame(3, batch))
        self.wait_log("evil")
        self.assertFalse(self.rig.json("events", "--host", "evil"))

    def test_slow_handshakes_do_not_block_others(self):
        idle = [socket.create_connection(("127.0.0.1", self.rig.port), 20) for _ in range(50)]
        path = self.write("while-they-wait")
        self.host.wait_event(path=path, action="created")
        for raw in idle:
            raw.close()


class Starting(unittest.TestCase):
    """Programs that cannot start say why, in one line that names the thing."""

    def setUp(self):
        self.rig = Rig()
        self.addCleanup(self.rig.close)

    def run_program(self, name, *words):
        return subprocess.run([program(name), *words], capture_output=True, text=True, check=False, timeout=60)

    def agent_config(self, text):
        path = os.path.join(self.rig.dir, "agent.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def assert_config_error(self, text, *words):
        path = self.agent_config(text)
        for command in ("check", "run"):
            done = self.run_program("tsujiban-agent", command, "--config", path)
            self.assertEqual(done.returncode, 1, done.stderr)
            for word in (path, *words):
                self.assertIn(word, done.stderr)

    GOOD = "collector: 127.0.0.1:1\nstate_dir: /nonexistent/x\n"

    def test_unknown_key_names_file_line_and_key(self):
        self.assert_config_error(self.GOOD + "limits: {spool_mbs: 3}\n", ":3:", "spool_mbs")

    def test_duplicate_key(self):
        self.assert_config_error(self.GOOD + "collector: a:1\n", ":3:", "collector")

    def test_value_out_of_range(self):
        self.assert_config_error(self.GOOD + "limits:\n  spool_mb: 0\n", ":4:", "spool_mb")

    def test_path_given_twice(self):
        self.assert_config_error(self.GOOD + "watch:\n  - path: /etc\n  - path: /etc\n", ":5:", "/etc")

    def test_empty_watch_list(self):
        self.assert_config_error(self.GOOD + "watch: []\n", "watch")

    def test_missing_key(self):
        self.assert_config_error("collector: a:1\n", "state_dir")

    def test_wrong_yaml(self):
        self.assert_config_error(self.GOOD + "watch: [\n", ":")

    def test_port_in_use(self):
        self.rig.init_collector()
        with socket.create_server(("127.0.0.1", self.rig.port)):
            done = self.run_program("tsujiban-collector", "run", "--config",
                                    os.path.join(self.rig.collector_dir, "collector.yaml"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(self.rig.port), done.stderr)

    def test_api_port_in_use(self):
        self.rig.init_collector()
        with socket.create_server(("127.0.0.1", self.rig.api_port)):
            done = self.run_program("tsujiban-collector", "run", "--config",
                                    os.path.join(self.rig.collector_dir, "collector.yaml"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(self.rig.api_port), done.stderr)

    def test_directory_that_cannot_be_made(self):
        blocked = os.path.join(self.rig.dir, "file")
        with open(blocked, "w", encoding="ascii"):
            pass
        done = self.run_program("tsujiban-collector", "init", "--dir", os.path.join(blocked, "c"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(blocked, done.stderr)

    def test_init_on_a_full_disk(self):
        disk = self.rig.mount_tmpfs("small", "16k")
        done = self.run_program("tsujiban-collector", "init", "--dir", os.path.join(disk, "c"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(disk, done.stderr)

    def test_init_never_overwrites(self):
        self.rig.init_collector()
        done = self.run_program("tsujiban-collector", "init", "--dir", self.rig.collector_dir)
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.rig.collector_dir, done.stderr)

    def test_init_if_needed_leaves_what_is_there(self):
        self.rig.init_collector()
        kept = os.path.join(self.rig.collector_dir, "admin.token")
        with open(kept, encoding="ascii") as token:
            before = token.read()
        done = self.run_program("tsujiban-collector", "init", "--if-needed", "--dir", self.rig.collector_dir)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(kept, encoding="ascii") as token:
            self.assertEqual(token.read(), before)

    def test_agent_that_is_not_enrolled(self):
        state = self.rig.make_dir("state")
        path = self.agent_config(f"collector: 127.0.0.1:1\nstate_dir: {state}\n")
        done = self.run_program("tsujiban-agent", "run", "--config", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("enroll", done.stderr)

    def test_second_agent_on_one_state(self):
        self.rig.init_collector().start_collector()
        host = self.rig.host("web01", [self.rig.make_dir("m")]).start().wait_baselined()
        done = self.run_program("tsujiban-agent", "run", "--config", host.config)
        self.assertEqual(done.returncode, 1)
        self.assertIn(host.state, done.stderr)

    def test_wrong_use_is_2(self):
        for name in ("tsujiban-agent", "tsujiban-collector", "tsujiban"):
            for words in ([], ["no-such-command"]):
                done = self.run_program(name, *words)
                self.assertEqual(done.returncode, 2, (name, words))
            self.assertEqual(self.run_program(name, "--help").returncode, 0)
        self.assertEqual(self.run_program("tsujiban-agent", "run", "--no-such-option").returncode, 2)

    def test_collector_that_is_not_there(self):
        self.rig.init_collector()
        done = self.rig.cli("hosts", "--server", f"127.0.0.1:{free_port()}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("127.0.0.1", done.stderr)
