#!/usr/bin/env python3
"""A fleet from the packages: fleet.py [--agents 20] [--seconds 20]

A collector and so many agents, each in a tree and a network namespace of its own on one bridge, are installed from the debs,
enrolled, upgraded and removed by script while files change in all of them; the links of some are cut for a while. At the
end what the collector says of each host equals its disk, no event is missing and none is there twice. Prints what it did
with the seconds, the memory of the agents, and "fleet: N passed, N failed", a host or step each."""

import argparse
import concurrent.futures
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "system"))

import packages  # noqa: E402
import rig  # noqa: E402
from disk import comparable, line_path, read_disk  # noqa: E402
from history import faults_of_history, faults_of_numbers  # noqa: E402
from machine import Machine  # noqa: E402
from test_crash import Churn  # noqa: E402

NETWORK = "10.77.0."
STATE = "/var/lib/tsujiban-agent"
DATA = "/srv/data"
CONFIG = f"state_dir: {STATE}\nwatch:\n  - path: {DATA}\n  - path: /etc\n"
AT_ONCE = 4
PATIENCE_S = 180


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as text:
        return next(int(line.split()[1]) for line in text if line.startswith("Pss:"))


class Office:
    """The collector's machine; the bridge is in its namespace."""

    def __init__(self, folder, base, debs):
        self.machine = Machine(packages.Layer(os.path.join(folder, "collector"), base), "collector")
        self.net("ip", "link", "add", "bridge", "type", "bridge")
        self.net("ip", "address", "add", NETWORK + "1/24", "dev", "bridge")
        self.net("ip", "link", "set", "bridge", "up")
        self.machine.start_collector([debs["tsujiban-collector"], debs["tsujiban"]])

    def net(self, *words):
        subprocess.run(["nsenter", "-t", str(self.machine.init), "-n", *words], check=True)

    def connect(self, machine, number):
        """A cable from the bridge to a machine, whose end there has an address."""
        self.net("ip", "link", "add", f"host{number}", "type", "veth", "peer", "name", "eth0", "netns", str(machine.init))
        self.net("ip", "link", "set", f"host{number}", "master", "bridge", "up")
        inside = ["nsenter", "-t", str(machine.init), "-n", "ip"]
        subprocess.run([*inside, "address", "add", f"{NETWORK}{number + 10}/24", "dev", "eth0"], check=True)
        subprocess.run([*inside, "link", "set", "eth0", "up"], check=True)

    def ask(self, *words):
        done = self.machine.run(" ".join(f"'{word}'" for word in ("tsujiban", *words, "--format", "json")))
        return [json.loads(line) for line in done.stdout.splitlines()]


class Host:
    def __init__(self, office, folder, base, number):
        self.office, self.number, self.name = office, number, f"host{number:02d}"
        self.machine = Machine(packages.Layer(os.path.join(folder, self.name), base), self.name, NETWORK + "1")
        office.connect(self.machine, number)
        self.changing, self.stop_file = None, "/run/enough"

    def install(self, deb):
        """As dpkg and systemd do it together: what runs is stopped, replaced and started again."""
        machine = self.machine
        was_running = machine.run("systemctl is-running tsujiban-agent", is_ok=False).returncode == 0
        if was_running:
            machine.run("systemctl stop tsujiban-agent")
        machine.bring([deb])
        machine.run("dpkg -i --force-confold ./*.deb")
        machine.learn_units()
        if was_running:
            machine.run("systemctl start tsujiban-agent")

    def enroll(self):
        token = self.office.ask("token", "create")[0]
        os.makedirs(self.machine.root.at(DATA), exist_ok=True)
        self.machine.root.write("/etc/tsujiban/agent.yaml", CONFIG + f"labels: {{rack: r{self.number % 4}}}\n")
        self.machine.root.write("/etc/tsujiban/enroll.yaml", f"collector: collector.example.org:7443\ntoken: {token['token']}\n"
                                f"ca_fingerprint: {token['ca_fingerprint']}\nname: {self.name}\n")
        self.machine.path_unit()

    def status(self):
        done = self.machine.run("tsujiban-agent status --format json", is_ok=False)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def wait_settled(self):
        """Everything is read, and the collector has it."""

        def is_settled():
            said = self.status()
            return said.get("scan") == "complete" and said.get("link") == "streaming" and said.get("spooled") == 0 \
                and said.get("pending_paths") == 0

        rig.wait_until(is_settled, f"{self.name} has told everything: {self.status()}{self.machine.logs()}", PATIENCE_S)

    # --- changes, by a process that sees the tree as its own ---

    def begin_changes(self):
        self.changing = self.machine.start_inside(self.change)

    def change(self):
        churn = Churn(DATA, 1 << 30, self.number)
        number = 0
        while not os.path.exists(self.stop_file):
            churn.step(number)
            number += 1
            time.sleep(random.expovariate(200))
        return number

    def end_changes(self):
        self.machine.root.write(self.stop_file, "")
        return self.machine.result_of(self.changing)

    # --- what has to be so ---

    def faults(self):
        """Sentences about what differs between the collector's word and the disk; none: all is well."""
        events = self.office.ask("events", "--host", self.name)
        picture = {line_path(line): comparable(line) for line in self.office.ask("files", self.name, DATA)}
        mine = [event for event in events if event["kind"] != "file" or (event["path"] or "").startswith(DATA)]

        def compare():
            there = read_disk(DATA)
            odd = [path for path in there.keys() | picture.keys() if there.get(path) != picture.get(path)]
            return [f"{path}: disk {there.get(path)}, picture {picture.get(path)}" for path in odd] + [
                text for _, _, text in faults_of_history(mine, DATA)]

        return [text for _, _, text in faults_of_numbers(events)] + self.machine.inside(compare)

    def memory_kib(self):
        return sum(pss_kib(pid) for pid in self.agent_pids())

    def agent_pids(self):
        """Of this tree, told apart by the mount namespace."""
        mine = os.readlink(f"/proc/{self.machine.init}/ns/mnt")
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as text:
                    is_agent = text.read().strip() == "tsujiban-agent"
                if is_agent and os.readlink(f"/proc/{pid}/ns/mnt") == mine:
                    found.append(pid)
            except OSError:
                continue  # ended meanwhile
        return found

    def remove(self):
        self.machine.run("systemctl stop tsujiban-agent; dpkg -r tsujiban-agent")
        has_left = not self.agent_pids() and not self.machine.root.exists("/usr/bin/tsujiban-agent")
        has_state = self.machine.root.exists(STATE + "/agent.key")
        self.machine.run("dpkg -P tsujiban-agent")
        is_purged = not self.machine.root.exists(STATE)
        return [] if has_left and has_state and is_purged else [
            f"removed: programs gone {has_left}, state left {has_state}; purged: state gone {is_purged}"]


class Fleet:
    """The steps, each for all hosts, some at once."""

    def __init__(self, agents, seconds, out=print):
        self.agents, self.seconds, self.out = agents, seconds, out
        self.passed = self.failed = 0
        self.hosts, self.office, self.base = [], None, None
        self.folder = tempfile.mkdtemp(prefix="tsujiban-fleet-")

    def close(self):
        for host in self.hosts:
            if host.changing and not os.path.exists(host.machine.root.at(host.stop_file)):
                host.end_changes()
        for machine in [host.machine for host in self.hosts] + ([self.office.machine] if self.office else []):
            machine.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def step(self, what, work, hosts=None):
        """Prints how long it took. `work` of a host returns its faults, if it has any."""
        began, hosts = time.monotonic(), self.hosts if hosts is None else hosts
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as some:
            outcomes = list(some.map(work, hosts))
        faults = [(host, fault) for host, found in zip(hosts, outcomes) for fault in found or []]
        self.out(f"  {time.monotonic() - began:6.1f} s  {what}, {len(hosts)} hosts{'' if not faults else '  FAILED'}")
        for host, fault in faults[:10]:
            self.out(f"            {host.name}: {fault}")
        bad = {host for host, _ in faults}
        self.failed += len(bad)
        self.passed += len(hosts) - len(bad)

    def make(self):
        old, new = packages.built("deb"), packages.built("deb", packages.NEXT)
        self.base = packages.Root(os.path.join(self.folder, "base"))
        self.office = Office(self.folder, self.base, old)
        for number in range(self.agents):
            self.hosts.append(Host(self.office, self.folder, self.base, number))
        return old["tsujiban-agent"], new["tsujiban-agent"]

    def cut(self, hosts, state):
        for host in hosts:
            self.office.net("ip", "link", "set", f"host{host.number}", state)

    def go(self):
        old, new = self.make()
        self.step("installed", lambda host: host.install(old))
        self.step("enrolled and started", lambda host: host.enroll())
        self.step("first scan told", lambda host: host.wait_settled())
        for host in self.hosts:  # not from threads: each is a fork of this process
            host.begin_changes()
        time.sleep(self.seconds / 4)
        some = self.hosts[::3]
        self.cut(some, "down")
        time.sleep(self.seconds / 4)
        self.step("upgraded while files change, links of a third cut", lambda host: host.install(new))
        self.cut(some, "up")
        time.sleep(self.seconds / 2)
        changes = sum(host.end_changes() for host in self.hosts)
        self.step("told everything", lambda host: host.wait_settled())
        versions = {one["host"]: one["agent_version"] for one in self.office.ask("hosts")}
        self.step("runs the new version", lambda host: [] if versions[host.name] == packages.NEXT else [versions[host.name]])
        began = time.monotonic()
        self.out(f"          {changes} changes; {self.office.ask('status')[0]['events']} events at the collector")
        for host in self.hosts:
            self.check(host)
        self.out(f"  {time.monotonic() - began:6.1f} s  compared: pictures, numbers and histories")
        memory = sorted(host.memory_kib() / 1024 for host in self.hosts)
        self.out(f"          memory of an agent, its three processes (Pss): median {statistics.median(memory):.1f} MiB, most "
                 f"{memory[-1]:.1f} MiB")
        self.step("removed and purged", lambda host: host.remove())

    def check(self, host):
        faults = host.faults()
        self.failed += bool(faults)
        self.passed += not faults
        for fault in faults[:5]:
            self.out(f"            {host.name}: {fault}")


def run(agents, seconds, out=print):
    """(passed, failed)"""
    fleet = Fleet(agents, seconds, out)
    try:
        fleet.go()
    finally:
        fleet.close()
    return fleet.passed, fleet.failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    passed, failed = run(options.agents, options.seconds, lambda line: print(line, flush=True))
    print(f"fleet: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
