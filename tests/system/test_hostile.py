"""An agent that is no agent, with a valid certificate or none: the collector stays up, small, and serves the others."""

import os
import threading

import hostile
from rig import RigTest, wait_until

# What the collector may hold of its own, whatever a hostile peer does: a map that it reads is not counted.
ANONYMOUS_MAX_MB = 400
SANITIZED = "san" in os.path.basename(os.environ.get("TSUJIBAN_BUILD", "build"))
LIMITS = """
heartbeat: 1s
limits:
  store_gb: 1
  strangers: 100
  strangers_per_address: 60
  host_connections: 3
  host_events_per_s: 4000
  host_events_burst: 8000
  host_store_percent: 2
  host_facts: 3000
  host_buckets_mb: 1
  host_streams_per_day: 3
"""


def anonymous_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


class Rigged(RigTest):
    """A collector, an honest agent, and the certificate of a host that is none."""

    collector_config = LIMITS
    source = "inotify"  # the honest agent's: it has only to see a file

    def setUp(self):
        super().setUp()
        self.honest = self.started_host("honest")
        self.evil = hostile.Hostile(self.rig.port, self.rig.host("evil", [self.rig.dir]).state)
        self.count = 0

    def events_of_evil(self):
        return self.rig.json("events", "--host", "evil")

    def hold_of_evil(self):
        return next(line["held"] for line in self.rig.json("hosts") if line["host"] == "evil") or ""

    def wait_held(self, reason):
        wait_until(lambda: reason in self.hold_of_evil(), f"evil is held back for its {reason}")
        told = [event for event in self.events_of_evil() if "held back" in (event.get("detail") or "")]
        self.assertTrue(told and all(event["action"] == "degraded" for event in told))

    def assert_all_is_well(self):
        """The collector is up and small, and what the honest agent sees arrives."""
        self.count += 1
        path = self.write(f"honest{self.count}")
        self.honest.wait_event(action="created", path=path)
        self.assertTrue(self.rig.collector.is_running())
        if not SANITIZED:
            self.assertLess(anonymous_mb(self.rig.collector.child.pid), ANONYMOUS_MAX_MB)


class HostileTest(Rigged):
    # --- who it is ---

    def test_events_of_a_certificate_are_of_its_host_whatever_they_say(self):
        session = self.evil.session()
        session.send(hostile.batch(1, [hostile.file_event("/honest/etc/shadow")]))
        self.assertIsNotNone(session.await_kind(hostile.ACK))
        self.assertFalse(any(e["path"] == "/honest/etc/shadow" for e in self.honest.events()))
        self.assertTrue(any(e["path"] == "/honest/etc/shadow" for e in self.events_of_evil()))
        self.assert_all_is_well()

    def test_connections_under_one_certificate_are_few(self):
        held = [self.evil.connect() for _ in range(3)]
        self.assertIn("connections already", self.evil.connect().await_refusal())
        self.assert_all_is_well()
        for session in held:
            session.close()

    def test_two_sessions_under_one_certificate_end_each_other(self):
        for number in range(10):
            first, second = self.evil.session(), self.evil.session()
            self.assertIsNone(first.await_kind(hostile.BUCKET))
            self.assertIsNotNone(first.refusal, f"round {number}")
            first.close()
            second.close()
        self.assert_all_is_well()

    # --- frames ---

    def test_malformed_frames_end_the_connection_that_sent_them(self):
        for data in (b"\xff" * 64, b"\0\0\0\0\0\0", b"\0\0\0\x02\xff\0", b"\0\0\0\x02\x03\xff", b"\x7f\xff\xff\xff\x03\0",
                     hostile.frame(hostile.BATCH, b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
                     hostile.frame(hostile.BATCH, os.urandom(4096)), hostile.frame(hostile.OFFER, b""),
                     hostile.frame(hostile.BUCKET, b""), hostile.frame(hostile.ACK, b"\x08\x7f")):
            session = self.evil.session()
            session.send(data)
            while session.take():
                pass
            session.close()
        self.assert_all_is_well()

    def test_huge_frames_are_refused_by_their_length(self):
        session = self.evil.session()
        session.send(b"\0\x20\0\0\x03\0")
        while session.take():
            pass
        early = self.evil.connect()
        early.send(b"\0\x0f\xff\xff\x01\0" + b"x" * 65536)
        while early.take():
            pass
        self.assert_all_is_well()

    def test_decompression_bombs_are_refused(self):
        for bomb in (hostile.zstd_bomb(1 << 40, 1), hostile.zstd_bomb(8 << 20, 4000), hostile.zstd_bomb(100, 4000)):
            session = self.evil.session()
            session.send(hostile.frame(hostile.BATCH, bomb, flags=1))
            self.assertIn("batch is refused", session.await_refusal())
        self.assert_all_is_well()

    def test_names_with_control_characters_and_long_paths_do_no_harm(self):
        session = self.evil.session()
        session.send(hostile.batch(1, [hostile.file_event(b"/a\n\x1b[31m\xff\xfe\x01" + b"b" * 200)]))
        self.assertIsNotNone(session.await_kind(hostile.ACK))
        self.assertNotIn("\x1b", self.rig.cli("events", "--host", "evil").stdout)
        session.send(hostile.batch(2, [hostile.file_event(b"/" + b"c" * 65536)]))
        self.assertNotEqual(session.await_refusal(), "")
        self.assert_all_is_well()

    def test_times_far_away_do_no_harm(self):
        session = self.evil.session()
        session.send(hostile.batch(1, [hostile.file_event("/future", (1 << 63) - 1), hostile.file_event("/past", -(1 << 63))]))
        session.take()
        self.assertEqual(self.rig.cli("events", "--host", "evil", "--since", "1h").returncode, 0)
        self.assert_all_is_well()

    # --- slowly ---

    def test_handshakes_that_do_not_end_are_few(self):
        crowd = [self.evil.tcp() for _ in range(300)]
        for one in crowd:
            try:
                one.sendall(b"\x16\x03\x01\x02\0")
            except OSError:
                pass
        self.assert_all_is_well()
        for one in crowd:
            one.close()

    def test_a_byte_now_and_then_does_not_keep_a_session(self):
        session = self.evil.session()
        end = threading.Event()

        def drip():
            session.send(b"\0\x0f\0\0\x03\0")
            while not end.wait(0.4) and session.send(b"\0"):
                pass

        threading.Thread(target=drip, daemon=True).start()
        self.assertIn("not whole", session.await_refusal())
        end.set()
        self.assert_all_is_well()

    def test_strangers_that_say_nothing_are_few(self):
        crowd = []
        for _ in range(80):
            try:
                crowd.append(hostile.stranger(self.rig.port))
            except OSError:
                break
        self.assertLess(len(crowd), 80)
        self.assert_all_is_well()

    # --- floods ---

    def flood(self, make, rounds):
        """Sends without reading, until all is sent or the collector closes."""
        session = self.evil.session()
        session.tls.settimeout(20)
        for number in range(rounds):
            if not session.send(make(number)):
                return session
        return session

    def test_flood_of_heartbeats_is_held_back(self):
        session = self.evil.session()
        threading.Thread(target=lambda: [session.send(hostile.frame(hostile.HEARTBEAT) * 1000) for _ in range(20)],
                         daemon=True).start()
        self.wait_held("pace")
        self.assert_all_is_well()

    def test_replays_are_stored_once(self):
        once = hostile.batch(1, [hostile.file_event("/again")])
        session = self.evil.session()
        for _ in range(200):
            session.send(once)
        for _ in range(200):
            self.assertIsNotNone(session.await_kind(hostile.ACK))
        self.assertEqual(len([e for e in self.events_of_evil() if e["path"] == "/again"]), 1)
        self.assert_all_is_well()

    def test_holes_in_the_sequence_are_refused(self):
        session = self.evil.session()
        session.send(hostile.batch(1000, [hostile.file_event("/hole")]))
        self.assertNotEqual(session.await_refusal(), "")
        self.assertFalse(self.events_of_evil())
        self.assert_all_is_well()

    def test_enrolments_without_a_token_are_refused_one_by_one(self):
        for _ in range(50):
            session = hostile.stranger(self.rig.port)
            session.send(hostile.frame(hostile.ENROLL_REQUEST, hostile.text(1, "guessed") + hostile.text(2, "honest") +
                                       hostile.text(3, "none") + hostile.text(4, "0.1.0")))
            while session.take():
                pass
            session.close()
        self.assertEqual(len(self.rig.json("hosts")), 2)
        self.assert_all_is_well()

    def test_renewals_with_garbage_are_refused(self):
        for _ in range(20):
            session = self.evil.session()
            session.send(hostile.frame(hostile.RENEW_REQUEST, hostile.text(1, "-----BEGIN CERTIFICATE REQUEST-----")))
            self.assertNotEqual(session.await_refusal(), "")
            session.close()
        self.assert_all_is_well()

    def test_peer_that_does_not_read_is_dropped_or_held(self):
        once = hostile.batch(1, [hostile.file_event("/again")]) * 200
        self.flood(lambda number: once, 30)
        self.assert_all_is_well()


class HostileFloodTest(Rigged):
    """A pace that the slowest sender exceeds."""

    collector_config = LIMITS.replace("host_events_per_s: 4000", "host_events_per_s: 400").replace(
        "host_events_burst: 8000", "host_events_burst: 9000")

    def test_flood_of_batches_is_held_back_and_none_is_lost(self):
        session = self.evil.session()
        sent = threading.Thread(target=lambda: [session.send(hostile.batch(1 + 100 * n, [
            hostile.file_event(f"/f/{n}/{i}") for i in range(100)])) for n in range(120)], daemon=True)
        sent.start()
        self.assert_all_is_well()
        acks = 0
        while acks < 120 and session.await_kind(hostile.ACK) is not None:
            acks += 1
        self.assertEqual(acks, 120)
        self.wait_held("pace")
        self.assert_all_is_well()


class HostileStoreTest(Rigged):
    """What it writes, as fast as it likes."""

    collector_config = LIMITS.replace("host_events_per_s: 4000", "host_events_per_s: 0")

    def test_stream_begun_anew_again_and_again_is_held_back(self):
        for number in range(6):
            session = self.evil.session(b"stream %d" % number)
            session.send(hostile.batch(1, [hostile.file_event("/anew")]))
            got = session.await_kind(hostile.ACK)
            self.assertEqual(got is not None, number < 4)
            session.close()
        self.wait_held("streams")
        self.assert_all_is_well()

    def test_host_that_fills_the_log_is_held_back_alone(self):
        session, seq = self.evil.session(), 1
        path = b"/" + b"/".join([b"p" * 200] * 10)
        while True:
            if not session.send(hostile.batch(seq, [hostile.file_event(path + b"%d" % (seq + i)) for i in range(300)])):
                break
            if session.await_kind(hostile.ACK) is None:
                break
            seq += 300
        self.assertIsNotNone(session.refusal)
        self.wait_held("log")
        self.assert_all_is_well()

    def test_millions_of_facts_are_a_few_thousand(self):
        session, seq = self.evil.session(), 1
        for _ in range(20):
            session.send(hostile.batch(seq, [hostile.fact_event(6, f"module{seq + i}", "1", "") for i in range(500)]))
            if session.await_kind(hostile.ACK) is None:
                break
            seq += 500
        self.assertIsNotNone(session.refusal)
        self.wait_held("facts")
        self.assertLessEqual(len(self.rig.json("facts", "evil", "module")), 3000)
        self.assert_all_is_well()

    def test_forged_digests_put_nothing_in_place(self):
        session = self.evil.session(next_seq=1, root=b"r" * 16)
        rounds = 0
        while session.await_kind(hostile.WANT) is not None:
            rounds += 1
            if rounds % 2:
                section = hostile.number(1, 6) + hostile.text(2, b"d" * 16)
                session.send(hostile.frame(hostile.OFFER, hostile.text(1, section)))
            else:
                session.send(hostile.frame(hostile.BUCKET, b""))
            if rounds == 10:
                break
        self.assertGreaterEqual(rounds, 2)
        self.assertEqual(self.rig.json("facts", "evil", "module"), [])
        self.assert_all_is_well()
