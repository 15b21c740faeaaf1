"""Nothing is lost and nothing comes twice, whatever is killed, cut or full."""

import os
import random
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

    def test_twenty_kills_of_the_agent(self):
        host = self.started_host()
        churn = self.churn(seed=2)
        self.during(churn, *[step for _ in range(20) for step in (host.kill, host.start)])
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


class Overflow(RigTest):
    def test_kernel_queue_overflow_is_a_gap_and_heals(self):
        host = self.started_host(config="source: inotify\n")  # fanotify's queue has no limit
        with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as text:
            most = int(text.read())
        if most > 200000:
            self.skipTest("the kernel's queue is too long to fill here")
        host.process.signal(signal.SIGSTOP)
        for i in range(most // 3 + 2000):
            self.write(f"f{i}", content=str(i))
        host.process.signal(signal.SIGCONT)
        host.wait_event(path=self.tree, action="gap")
        host.wait_picture(self.tree)
        self.assert_exactly_once(host)


class Offline(RigTest):
    def test_first_start_is_a_baseline_without_changes(self):
        for i in range(500):
            self.write(str(i), content=str(i))
        host = self.started_host()
        host.wait_picture(self.tree)
        self.assertFalse(host.file_events())
        baseline = [e for e in host.events() if e["cause"] == "baseline" and e["kind"] == "file"]
        self.assertEqual(len(baseline), 501)

    def test_what_changed_while_down_is_reported_as_offline(self):
        for name in ("edit", "chmod", "move", "delete", "stay"):
            self.write(name, content=name)
        host = self.started_host()
        host.stop()
        self.write("new")
        self.write("edit", content="edited")
        os.chmod(self.path("chmod"), 0o600)
        os.rename(self.path("move"), self.path("moved"))
        os.unlink(self.path("delete"))
        host.start()
        host.wait_picture(self.tree)
        self.write("last")
        host.wait_event(path=self.path("last"), action="created", cause="live")
        offline = {(e["action"], os.path.basename(e["path"])) for e in host.file_events(self.tree + "/")
                   if e["cause"] == "offline"}
        self.assertLessEqual({("created", "new"), ("modified", "edit"), ("attributes", "chmod"), ("deleted", "delete")},
                             offline)
        self.assertNotIn("stay", {name for _, name in offline})
        self.assertTrue(("moved", "moved") in offline or
                        {("deleted", "move"), ("created", "moved")} <= offline, offline)

    def test_restart_without_a_change_reports_none(self):
        for i in range(200):
            self.write(str(i))
        host = self.started_host()
        count = len(host.file_events())
        for _ in range(3):
            host.stop()
            host.start()
            wait_until(lambda: host.status().get("scan") == "complete" and host.status().get("link") == "streaming",
                       "the agent has compared everything")
        self.write("last")
        host.wait_event(path=self.path("last"), action="created")
        self.assertEqual({e["path"] for e in host.file_events(self.tree + "/")[count:]}, {self.path("last")})

    def test_collector_away_for_the_whole_time(self):
        host = self.started_host()
        self.rig.collector.stop()
        for i in range(300):
            self.write(f"f{i}", content=str(i))
        wait_until(lambda: host.status().get("spooled", 0) >= 300, "events wait in the spool")
        self.rig.start_collector()
        host.wait_picture(self.tree)
        self.assert_exactly_once(host)
        times = [e["time"] for e in host.file_events(self.tree + "/f")]
        self.assertEqual(len(times), 300)

    def test_state_deleted_begins_a_new_stream_and_says_so(self):
        self.write("a")
        host = self.started_host()
        host.stop()
        import shutil
        shutil.rmtree(os.path.join(host.state, "db"))
        os.unlink(self.path("a"))
        self.write("b")
        host.start()
        host.wait_event(kind="agent", action="gap")
        host.wait_picture(self.tree)

    def test_state_damaged_is_set_aside_and_reported(self):
        self.write("a")
        host = self.started_host()
        host.stop()
        with open(os.path.join(host.state, "db", "data.mdb"), "r+b") as data:
            data.write(b"\x00garbage" * 2048)
        host.start()
        host.wait_event(kind="agent", action="gap")
        host.wait_picture(self.tree)
        self.assertTrue([name for name in os.listdir(host.state) if name.startswith("db.broken-")])

    def test_collector_restored_from_an_old_backup_heals(self):
        import shutil
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


class Configuration(RigTest):
    """What is watched changes with the configuration: that is no news about files."""

    def restart(self, host, watch):
        host.stop()
        host.write_config(watch)
        host.start()
        wait_until(lambda: host.status().get("scan") == "complete" and host.status().get("link") == "streaming"
                   and host.status().get("spooled") == 0, "the agent has compared everything")

    def test_watching_less_retires_and_watching_more_baselines(self):
        for name in ("keep", "drop"):
            os.makedirs(self.path(name, "sub"))
            self.write(name, "sub", "f")
        host = self.started_host(watch=[self.path("keep"), self.path("drop")])
        host.wait_picture(self.path("keep"), self.path("drop"))
        self.restart(host, [self.path("keep")])
        host.wait_event(path=self.path("drop"), action="retired")
        self.assertFalse(host.picture(self.path("drop")))
        self.restart(host, [self.path("keep"), self.path("drop")])
        host.wait_picture(self.path("keep"), self.path("drop"))
        told = {(e["action"], e["cause"]) for e in host.events() if e["kind"] == "file" and e["cause"] != "baseline"}
        self.assertEqual(told, {("retired", "offline")})

    def test_excluding_a_directory_retires_it(self):
        os.makedirs(self.path("sub"))
        self.write("sub", "f")
        host = self.started_host()
        self.restart(host, [f"  - path: {self.tree}\n    exclude: [sub]"])
        host.wait_event(path=self.path("sub"), action="retired")
        self.assertEqual(set(host.picture(self.tree)), {self.tree})

    def test_entry_below_an_excluded_directory_stays(self):
        os.makedirs(self.path("sub", "deep"))
        self.write("sub", "f")
        self.write("sub", "deep", "g")
        host = self.started_host(watch=[self.tree, self.path("sub", "deep")])
        self.restart(host, [f"  - path: {self.tree}\n    exclude: [sub]", self.path("sub", "deep")])
        host.wait_event(path=self.path("sub", "f"), action="retired")
        path = self.write("sub", "deep", "g", content="changed")
        host.wait_event(path=path, action="modified")
        self.assertEqual({e["action"] for e in host.file_events(self.path("sub", "deep"))}, {"modified"})

    def test_no_longer_recursive_retires_what_is_deeper(self):
        os.makedirs(self.path("sub"))
        self.write("sub", "f")
        self.write("top")
        host = self.started_host()
        self.restart(host, [f"  - path: {self.tree}\n    recursive: false"])
        host.wait_event(path=self.path("sub", "f"), action="retired")
        self.assertEqual(set(host.picture(self.tree)), {self.tree, self.path("top"), self.path("sub")})


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
        import shutil
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

    def test_spool_limit_holds_reading_and_then_heals(self):
        link = self.rig.link()
        host = self.started_host(port=link.port, config="limits: {spool_mb: 1}\n")
        link.cut()
        for i in range(12000):
            self.write(f"f{i}", content=str(i))
        wait_until(lambda: "the spool is full" in host.process.read_log(), "the agent holds its reading")
        link.join()
        host.wait_picture(self.tree)
        self.assert_exactly_once(host)
