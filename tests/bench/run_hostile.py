"""What one hostile host costs the collector and the other hosts: memory, and the way of an honest event."""

import os
import subprocess
import sys
import time

from feed import Feed
from measure import HERE, memory, percentile, rig, say, wait_scan, wait_sent
from run_latency import sample
from table import Note, Table

ABOUT = ("A hostile host floods while an honest one rewrites files of 4 KiB; how long until those events come out of the event "
         "stream, and what the collector holds. The flood has a process of its own on the same cores.")
SAMPLES = 100
LIMITS = "limits: {{host_events_per_s: {}, host_events_burst: {}}}\n"
LIMITED, UNLIMITED = LIMITS.format(20000, 20000), LIMITS.format(0, 1)

FLOODS = (
    ("nobody floods", None, LIMITED),
    ("batches of 100 events, 20 000 events/s allowed", "batches", LIMITED),
    ("the same without a limit", "batches", UNLIMITED),
    ("heartbeats, 20 000 messages/s allowed", "heartbeats", LIMITED),
    ("connections that begin a handshake and stay", "handshakes", LIMITED),
    ("greetings, one after the other", "greetings", LIMITED),
)

# argv: folder of hostile.py, what, port, state directory
FLOOD = """
import sys, time
sys.path.insert(0, sys.argv[1])
import hostile
what, port, state = sys.argv[2], int(sys.argv[3]), sys.argv[4]
evil = hostile.Hostile(port, state)

def batches():
    session, first = evil.session(), 1
    session.tls.settimeout(600)
    body = [hostile.file_event(f"/flood/{number:05d}") for number in range(100)]
    while True:
        session.send(b"".join(hostile.batch(first + 100 * number, body) for number in range(20)))
        for _ in range(20):
            session.await_kind(hostile.ACK)
        first += 2000

def heartbeats():
    session = evil.session()
    session.tls.settimeout(600)
    while session.send(hostile.frame(hostile.HEARTBEAT) * 1000):
        pass

def handshakes():
    held = []
    while True:
        try:
            held.append(evil.tcp())
            held[-1].sendall(b"\\x16\\x03\\x01\\x02\\0")
        except OSError:
            time.sleep(0.001)
        if len(held) > 900:
            held.pop(0).close()

def greetings():
    while True:
        try:
            evil.session().close()
        except OSError:
            pass

globals()[what]()
"""


def one_flood(what, limits):
    pair = rig.Rig()
    feed = flood = None
    try:
        pair.init_collector(limits).start_collector()
        folder = pair.make_dir("watched")
        for number in range(SAMPLES):
            with open(f"{folder}/sample-{number:03d}", "wb") as out:
                out.write(os.urandom(4096))
        host = pair.host("quick", [folder]).start()
        evil = pair.host("evil", [folder])
        wait_scan(host, "first scan")
        wait_sent(host)
        feed = Feed(pair, host="quick")
        if what:
            system = os.path.join(os.path.dirname(HERE), "system")
            flood = subprocess.Popen([sys.executable, "-c", FLOOD, system, what, str(pair.port), evil.state])
            time.sleep(3)
        taken, _ = sample(feed, folder, NoProbe, SAMPLES)
        return taken, memory(pair.collector.child.pid), pair.json("status")[0]["events"]
    finally:
        if flood:
            flood.kill()
            flood.wait()
        if feed:
            feed.close()
        pair.close()


class NoProbe:
    """What is compared here is one flood with none."""

    @staticmethod
    def ms(syncs):
        return 0 * syncs


def run():
    table = Table("flood", "p50 ms", "p99 ms", "p50 against none", "p99 against none", "collector's own memory, MiB",
                  "events stored")
    quiet = None
    for name, what, limits in FLOODS:
        say(name)
        taken, held, events = one_flood(what, limits)
        p50, p99 = percentile(taken, 50), percentile(taken, 99)
        quiet = quiet or (p50, p99)
        table.add(name, f"{p50:.2f}", f"{p99:.2f}", f"{p50 / quiet[0]:.1f}", f"{p99 / quiet[1]:.1f}",
                  f"{held['anonymous'] / 1024:.1f}", events)
    return [table, Note(f"{SAMPLES} rewrites each. The memory is what the collector has that is no page of a file.")]
