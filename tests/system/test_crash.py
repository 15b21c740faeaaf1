"""Nothing is lost and nothing comes twice, whatever is killed, cut or full."""

import os
import random
import shutil
import signal
import threading

from rig import RigTest, wait_until


class Churn(threading.Thread):
    """Thousands of changes in a tree, from the side."""

    def __init__(self, root, changes, seed):
        super().__init__(daemon=True)
        self.root, self.changes, self.random = root, changes, random.Random(seed)
        self.done = 0
        self.ends = False

    def run(self):
        for number in range(self.changes):
            if self.ends:
                return
            self.step(number)
            self.done = number + 1

    def step(self, number):
        folder = os.path.join(self.root, f"d{self.random.randrange(20)}")
        path = os.path.join(folder, f"f{self.random.randrange(200)}")
        os.makedirs(folder, exist_ok=True)
        what = self.random.randrange(10)
        try:
            if what < 5:
                with open(path, "w", encoding="utf-8") as out:
                    out.write(f"{number}\n" * self.random.randrange(1, 50))
            elif what < 6:
                os.chmod(path, self.random.choice([0o600, 0o644, 0o755]))
            elif what < 8:
                os.rename(path, os.path.join(folder, f"f{self.random.randrange(200)}"))
            else:
                os.unlink(path)
        except FileNotFoundError:
            pass


class Kills(RigTest):
    def churn(self, seed, changes=10000):
        churn = Churn(self.tree, changes, seed)
        churn.start()
        return churn

    def during(self, churn, *steps):
        """Runs the steps at even distances while the changes go on, then waits for the last change."""
        for number, step in enumerate(steps, 1):
            wait_until(lambda n=number: churn.done >= churn.changes * n // (len(steps) + 1) or not churn.is_alive(),
                       "changes go on")
            step()
        churn.join()

    def check_nothing_lost_nothing_twice(self, host):
        host.wait_picture(self.tree)
        self.assert_exactly_once(host)
        self.assert_history_leads_to_the_disk(host)

    def assert_history_leads_to_the_disk(self, host):
        """Each event begins where the one before it on the same path has ended, and the last ones end at the disk."""
        state = {}
        for event in host.events():
            if event["kind"] != "file" or event["action"] in ("gap", "degraded", "transient"):
                continue
            path = event["path"]
            known = state.pop(event["old_path"], None) if event["action"] == "moved" else state.get(path)
            before = (event["before"] or {}).get("sha256")
            self.assertEqual(known, before, f"{path}: {event['action']} does not begin where the last event ended")
            if event["action"] == "deleted":
                state.pop(path, None)
            else:
                state[path] = (event["after"] or {}).get("sha256")
        for path, entry in host.picture(self.tree).items():
            self.assertEqual(state.get(path), entry["sha256"], path)

    def test_kill_of_agent_and_collector_and_cut_link_in_10000_changes(self):
        link = self.rig.link()
        host = self.started_host(port=link.port)
        churn = self.churn(seed=1)
        self.during(
            churn,
            host.kill, host.start,
            self.rig.collector.kill, self.rig.start_collector,
            link.drop, link.cut, link.join,
            host.kill, host.start,
            self.rig.collector.kill, self.rig.start_collector,
        )
        self.check_nothing_lost_nothing_twice(host)

    def test_both_are_stopped_for_a_while(self):
        host = self.started_host()
        churn = self.churn(seed=3)
        self.during(
            churn,
            lambda: host.process.signal(signal.SIGSTOP), lambda: host.process.signal(signal.SIGCONT),
            lambda: self.rig.collector.signal(signal.SIGSTOP), lambda: self.rig.collector.signal(signal.SIGCONT),
        )
        self.check_nothing_lost_nothing_twice(host)

    def test_link_that_breaks_again_and_again(self):
        link = self.rig.link()
        host = self.started_host(port=link.port)
        churn = self.churn(seed=4)
        self.during(churn, *[link.drop] * 10)
        self.check_nothing_lost_nothing_twice(host)


class Backup(RigTest):
    def test_collector_restored_from_an_old_backup_heals(self):
        self.write("a")
        host = self.started_host()
        data = os.path.join(self.rig.collector_dir, "data")
        self.rig.collector.stop()
        shutil.copytree(data, data + ".backup")
        self.rig.start_collector()
        for i in range(50):
            self.write(f"f{i}")
        host.wait_picture(self.tree)
        wait_until(lambda: host.status().get("spooled") == 0, "the spool is trimmed")
        self.rig.collector.stop()
        shutil.rmtree(data)
        shutil.copytree(data + ".backup", data)
        self.rig.start_collector()
        host.wait_picture(self.tree)
        self.write("after")
        host.wait_event(path=self.path("after"), action="created", cause="live")


class FullDisk(RigTest):
    def fill(self, folder):
        """Takes the last byte of a small disk."""
        path = os.path.join(folder, "ballast")
        with open(path, "wb", buffering=0) as out:
            for size in (65536, 1):
                try:
                    while out.write(b"\0" * size):
                        pass
                except OSError:
                    pass
        return path

    def test_agents_disk_full_loses_nothing(self):
        disk = self.rig.mount_tmpfs("agent-disk", "24m")
        host = self.rig.host("web01", [self.tree], state=os.path.join(disk, "state"))
        host.start().wait_baselined()
        ballast = self.fill(disk)
        for i in range(3000):
            self.write(f"f{i}", content=str(i))
        wait_until(lambda: "no space left" in host.process.read_log(), "the agent says that its disk is full")
        self.assertTrue(host.process.is_running())
        os.unlink(ballast)
        host.wait_picture(self.tree)
        self.assert_exactly_once(host)
        host.wait_event(kind="agent", action="restored")

    def test_collectors_disk_full_loses_nothing(self):
        self.rig.collector.stop()
        disk = self.rig.mount_tmpfs("collector-disk", "24m")
        data = os.path.join(self.rig.collector_dir, "data")
        shutil.copytree(data, os.path.join(disk, "data"))
        shutil.rmtree(data)
        os.symlink(os.path.join(disk, "data"), data)
        self.rig.start_collector()
        host = self.started_host()
        ballast = self.fill(disk)
        for i in range(3000):
            self.write(f"f{i}", content=str(i))
        wait_until(lambda: "no space left" in self.rig.collector.read_log(), "the collector says that its disk is full")
        self.assertTrue(self.rig.collector.is_running())
        os.unlink(ballast)
        host.wait_picture(self.tree)
        self.assert_exactly_once(host)

    def test_O02_spool_limit_is_a_gap_with_its_scope_and_then_heals(self):
        link = self.rig.link()
        host = self.started_host(port=link.port, config="limits: {spool_mb: 1}\n")
        link.cut()
        for i in range(12000):
            self.write(f"f{i}", content=str(i))
        wait_until(lambda: "the spool is full" in host.process.read_log(), "the agent holds its reading")
        link.join()
        gap = host.wait_event(action="gap", path=self.tree)
        self.assertIn("spool is full", gap["detail"])
        host.wait_picture(self.tree)
        self.assert_exactly_once(host)
