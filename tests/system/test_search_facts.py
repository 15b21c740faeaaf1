"""Facts of a host are listed, found, counted, and told of; an answer says what it cannot know."""

import csv
import io
import platform

from rig import RigTest, wait_until


class Facts(RigTest):
    def known_host(self):
        host = self.started_host(config="labels: {env: production}\n")
        wait_until(lambda: self.rig.json("search", "label.env:production"), "the label is known")
        wait_until(lambda: self.rig.json("search", f"kernel:{platform.release()}"), "the kernel is known")
        return host

    def hosts(self, *query):
        return [row["host"] for row in self.rig.json("search", *query)]

    def test_facts_of_a_kind_are_all_of_it_and_part_of_all(self):
        self.known_host()
        everything = self.rig.json("facts", "web01")
        self.assertLessEqual({"os", "kernel", "host", "label"}, {fact["kind"] for fact in everything})
        for kind in {fact["kind"] for fact in everything}:
            rows = self.rig.json("facts", "web01", kind)
            self.assertTrue(rows, kind)
            self.assertEqual({fact["kind"] for fact in rows}, {kind})
            table = self.rig.cli("facts", "web01", kind, "--format", "csv")
            self.assertEqual(len(list(csv.reader(io.StringIO(table.stdout)))), len(rows) + 1, kind)
        self.assertEqual(self.rig.cli("facts", "web01", "colour").returncode, 2)
        self.assertIn("no host 'nobody'", self.rig.cli("facts", "nobody").stderr)

    def test_host_shows_groups_and_counts_what_facts_list(self):
        self.known_host()
        host = self.rig.json("host", "web01")[0]
        for kind, count in host["counts"].items():
            if kind in ("package", "os", "label", "kernel"):
                self.assertEqual(count, len(self.rig.json("facts", "web01", kind)), kind)
        shown = self.rig.cli("host", "web01").stdout
        for part in ("SYSTEM", "KERNEL AND REBOOT", platform.release(), "COUNTS"):
            self.assertIn(part, shown)

    def test_facts_by_name_are_found_and_counted(self):
        self.known_host()
        machine = platform.machine()
        self.assertEqual(self.hosts(f"fact.architecture:{machine}"), ["web01"])
        self.assertEqual(self.hosts("fact.boot_id:* -fact.nothing:*"), ["web01"])
        self.assertEqual(self.hosts("fact.architecture:pdp11"), [])
        self.assertEqual(self.rig.json("search", "", "--count-by", "fact.architecture"),
                         [{"fact.architecture": machine, "hosts": 1}])
        found = self.rig.json("search", "fact.architecture:*")[0]["matches"]
        self.assertEqual(found, [{"kind": "host", "name": "architecture", "value": machine}])

    def test_answer_says_who_is_away_and_who_never_told(self):
        host = self.known_host()
        self.assertEqual(self.rig.cli("search", "os:*").stderr, "")
        self.rig.host("web02", [self.tree])
        told = self.rig.cli("search", "os:*")
        self.assertEqual(told.returncode, 0)
        self.assertIn("of 2 hosts 1 is away (what it says may be stale), 1 has sent no inventory yet", told.stderr)
        host.stop()
        wait_until(lambda: "of 2 hosts 2 are away" in self.rig.cli("search", "os:*").stderr, "both are away")
        self.assertEqual(self.hosts("os:*"), ["web01"])

    def test_events_of_facts_are_told_in_words(self):
        host = self.known_host()
        host.stop()
        host.write_config([self.tree], "labels: {env: staging, role: web}\n")
        host.start()
        wait_until(lambda: self.hosts("label.env:staging label.role:web"), "the new labels are known")
        shown = self.rig.cli("events", "kind:label NOT action:removed").stdout
        self.assertIn("upgraded    label env changed production -> staging", shown)
        self.assertIn("installed   label role set web", shown)
