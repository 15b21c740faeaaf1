"""A fleet that meets its collector for the first time: what its inventory costs on the wire, and how soon it is found."""

import subprocess
import time

from measure import bench_program, cpu_s, memory, rig, say, wait
from table import Note, Table

ABOUT = ("1000 hosts of 20 images connect at once; an image is this machine's list of dpkg packages, a tenth left out and a "
         "twentieth in another revision; the first image is the list as it is. Bytes are those of frames in both directions, without TLS and TCP. Load and "
         "collector share the cores.")
HOSTS = 1000
IMAGES = 20


def numbers(line):
    return {key: float(value) for key, value in (word.split("=", 1) for word in line.split())}


class Fleet:
    def __init__(self, pair, states):
        self.child = subprocess.Popen(
            (bench_program("fleet"), f"127.0.0.1:{pair.port}", str(IMAGES), *states),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        if self.child.stdout.readline().strip() != "ready":
            raise RuntimeError("bench_fleet did not begin")

    def next(self, word):
        """Ends a step and begins another: what the one that is over has cost."""
        self.child.stdin.write(word + "\n")
        self.child.stdin.flush()
        return numbers(self.child.stdout.readline())

    def end(self):
        self.child.stdin.close()
        found = numbers(self.child.stdout.readline())
        if self.child.wait() != 0:
            raise RuntimeError("bench_fleet failed")
        return found


def found(pair, query):
    return len(pair.json("search", query))


def one_round(pair, states, say_what):
    say(say_what)
    collector = pair.collector.child.pid
    spent_s = cpu_s(collector)
    began = time.monotonic()
    fleet = Fleet(pair, states)
    wait(lambda: found(pair, "package:fleet-marker") == len(states), "all hosts are found", every_s=0.25)
    took_s = time.monotonic() - began
    spent_s = cpu_s(collector) - spent_s
    first = fleet.next("again")
    wait(lambda: pair.json("status")[0]["sessions"] == len(states), "all hosts are back", every_s=0.25)
    time.sleep(1)
    again = fleet.next("upgrade")
    wait(lambda: pair.json("status")[0]["events"] >= len(states), "upgrades are stored", every_s=0.25)
    upgrade = fleet.end()
    return {"took_s": took_s, "cpu_s": spent_s, "first": first, "upgrade": upgrade, "again": again}


def budget(packages):
    """7 KB for 900."""
    return f"{7000 * packages / 900:.0f}"


def run():
    pair = rig.Rig()
    try:
        pair.init_collector().start_collector()
        say(f"enrolling {HOSTS} hosts")
        states = [pair.host(f"fleet{number:04d}", [pair.dir]).state for number in range(HOSTS)]
        before = memory(pair.collector.child.pid)
        got = one_round(pair, states, f"{HOSTS} hosts at once")
        after = memory(pair.collector.child.pid)
    finally:
        pair.close()
    first, upgrade, again = got["first"], got["upgrade"], got["again"]
    wire = Table("frames, bytes a host", "hosts", "sent, median", "sent, most", "received, median", "budget, sent")
    wire.add(f"first snapshot of {first['packages']:.0f} packages, shown to nobody before",
             f"{first['showing_hosts']:.0f}", f"{first['showing_sent']:.0f}", f"{first['showing_sent_most']:.0f}",
             f"{first['showing_received']:.0f}", budget(first["packages"]))
    wire.add(f"{first['own_packages']:.0f} packages, as this machine has them", "1", f"{first['own_sent']:.0f}",
             f"{first['own_sent']:.0f}", "", budget(first["own_packages"]))
    wire.add("a snapshot that another host has shown before", f"{first['others_hosts']:.0f}", f"{first['others_sent']:.0f}",
             f"{first['others_sent_most']:.0f}", f"{first['others_received']:.0f}", "1000")
    wire.add("one package upgraded", f"{upgrade['others_hosts']:.0f}", f"{upgrade['others_sent']:.0f}",
             f"{upgrade['others_sent_most']:.0f}", f"{upgrade['others_received']:.0f}", "100")
    wire.add("connected again, nothing changed", f"{again['others_hosts']:.0f}", f"{again['others_sent']:.0f}",
             f"{again['others_sent_most']:.0f}", f"{again['others_received']:.0f}", "100")
    total = first["showing_total"] + first["others_total"]
    fleet = Table("the fleet", "value")
    fleet.add("until every host is found by a search, s", f"{got['took_s']:.1f}")
    fleet.add("CPU of the collector, ms a host", f"{1000 * got['cpu_s'] / HOSTS:.1f}")
    fleet.add("all frames of the first meeting, KB", f"{total / 1000:.0f}")
    fleet.add("collector resident before and after, MiB", f"{before['rss'] / 1024:.1f} and {after['rss'] / 1024:.1f}")
    fleet.add("of it anonymous, MiB", f"{before['anonymous'] / 1024:.1f} and {after['anonymous'] / 1024:.1f}")
    return [wire, fleet, Note("Of the time, each host's handshake is a part: 1000 of them, both ends on these cores.")]
