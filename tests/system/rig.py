"""A collector, agents and an operator on this machine, in a directory of their own, on loopback.

Tests start the real programs, do something to files or to the programs, and wait for what has to become true; nothing is
asserted about how long it took (the waits only bound a test that hangs).
"""

import fcntl
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from disk import comparable, line_path, read_disk

BUILD = os.path.abspath(os.environ.get("TSUJIBAN_BUILD", "build"))
PATIENCE_S = float(os.environ.get("TSUJIBAN_PATIENCE", "60"))
# What agents learn of changes from, where a test leaves it open: auto, inotify or fanotify; empty: the default.
SOURCE = os.environ.get("TSUJIBAN_SOURCE", "")


def program(name):
    return os.path.join(BUILD, name)


HELD_PORTS = []


def free_port():
    """A port that no other test is given as long as this process lives: it is free, below what the kernel hands out for
    outgoing connections, and reserved by a locked file."""
    folder = os.path.join(tempfile.gettempdir(), "tsujiban-test-ports")
    os.makedirs(folder, exist_ok=True)
    while True:
        port = random.randrange(12000, 32000)
        held = open(os.path.join(folder, str(port)), "w", encoding="ascii")  # pylint: disable=consider-using-with
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            held.close()
            continue
        HELD_PORTS.append(held)
        return port


def wait_until(is_true, what, patience_s=PATIENCE_S):
    """Returns the first true answer of is_true(); fails with `what` when there is none in time."""
    end = time.monotonic() + patience_s
    while True:
        began = time.monotonic()
        answer = is_true()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience_s:.0f} s: {what}")
        # A question that is much work is asked less often: what it waits for needs the machine too.
        time.sleep(max(0.05, time.monotonic() - began))


class Process:
    """A program that runs beside the test, its log in a file."""

    def __init__(self, log, *command, env=None):
        self.log = log
        self.command = command
        self.env = env
        self.child = None

    def start(self):
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.env)
        return self

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def signal(self, number):
        self.child.send_signal(number)

    def kill(self):
        """kill -9: what a crash or the OOM killer does."""
        if self.is_running():
            self.child.kill()
        self.child.wait()

    def stop(self):
        """SIGTERM; a program that does not end by itself is a failure."""
        if self.child is None:
            return
        if self.is_running():
            self.child.send_signal(signal.SIGCONT)
            self.child.terminate()
        try:
            code = self.child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"{self.command[0]} did not stop; its log:\n{self.read_log()[-3000:]}") from None
        if code != 0:
            raise AssertionError(f"{self.command[0]} ended with {code}; its log:\n{self.read_log()[-6000:]}")

    def read_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as text:
            return text.read()


class Link:
    """A TCP relay between agent and collector that can be cut, or fall silent."""

    def __init__(self, to_port):
        self.to_port = to_port
        self.is_up = True
        self.is_silent = False
        self.swallow_answers = False  # what the collector says is lost
        self.pairs = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if not self.is_up:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.to_port))
            except OSError:
                near.close()
                continue
            with self.lock:
                self.pairs.append((near, far))
            for source, sink, is_answer in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._pump, args=(source, sink, is_answer), daemon=True).start()

    def _pump(self, source, sink, is_answer):
        try:
            while data := source.recv(65536):
                while self.is_silent:
                    time.sleep(0.02)
                if not (self.swallow_answers and is_answer):
                    sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        """Ends what is connected; new connections are refused until join()."""
        self.is_up = False
        self.drop()

    def drop(self):
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()

    def join(self):
        self.is_up = True

    def close(self):
        self.cut()
        self.listener.close()


class Host:
    """One enrolled agent with a state directory of its own."""

    def __init__(self, rig, name, watch, config="", port=None, state=None):
        self.rig = rig
        self.name = name
        self.state = state or os.path.join(rig.dir, name)
        unique = os.path.join(rig.dir, os.path.basename(self.state))
        self.config = unique + ".yaml"
        self.port = port or rig.port
        self.write_config(watch, config)
        self.process = Process(unique + ".log", program("tsujiban-agent"), "run", "--config", self.config)

    def write_config(self, watch, more=""):
        lines = [f"collector: 127.0.0.1:{self.port}", f"state_dir: {self.state}"]
        if self.rig.source and "source:" not in more:
            lines.append(f"source: {self.rig.source}")
        lines.append("watch:")
        for entry in watch:
            lines.append(entry if entry.startswith(" ") else f"  - path: {entry}")
        if "inventory:" not in more:
            lines.append("inventory: {apps: []}")  # this machine's packages are not what most tests are about
        if "watch_self:" not in more:
            lines.append("watch_self: off")  # most tests look at every event and every watch; test_self.py has it on
        with open(self.config, "w", encoding="utf-8") as text:
            text.write("\n".join(lines) + "\n" + more)

    def enroll(self):
        token = self.rig.token()
        done = subprocess.run(
            [program("tsujiban-agent"), "enroll", "--collector", f"127.0.0.1:{self.port}", "--token",
             token["token"], "--ca-fingerprint", token["ca_fingerprint"], "--dir", self.state, "--name",
             self.name], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"enroll failed: {done.stderr}")
        return self

    def start(self):
        self.process.start()
        return self

    def stop(self):
        self.process.stop()

    def kill(self):
        self.process.kill()

    def status(self):
        done = subprocess.run([program("tsujiban-agent"), "status", "--dir", self.state, "--format", "json"],
                              capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout else {}

    def sender_pid(self):
        """Of the half that sends; 0: it does not run, or none is known yet."""
        return int(self.status().get("sender_pid") or 0)

    def is_baselined(self):
        if not self.process.is_running():
            raise AssertionError("the agent ended: " + self.process.read_log()[-2000:])
        return bool(self.events("action:baselined"))

    def wait_baselined(self):
        wait_until(self.is_baselined, f"first scan of '{self.name}' at the collector; log:\n"
                   + self.process.read_log()[-2000:])
        return self

    def events(self, *more):
        return self.rig.json("events", *more, "--host", self.name)

    def file_events(self, prefix=""):
        return [e for e in self.events()
                if e["kind"] == "file" and e["cause"] != "baseline" and (e["path"] or "").startswith(prefix)]

    def picture(self, prefix=""):
        """The collector's picture: path -> what the disk can be compared with."""
        lines = self.rig.json("files", self.name, *([prefix] if prefix else []))
        return {line_path(line): comparable(line) for line in lines}

    def wait_event(self, **wanted):
        def found():
            for event in self.events():
                if all(event.get(key) == value for key, value in wanted.items()):
                    return event
            return None

        try:
            return wait_until(found, f"an event with {wanted}")
        except AssertionError as failure:
            raise AssertionError(f"{failure}; there are: " + "\n".join(
                json.dumps({k: e.get(k) for k in ("action", "path", "old_path", "cause", "changed")})
                for e in self.events()[-30:])) from None

    def wait_picture(self, *roots, ignore=(), patience_s=PATIENCE_S):
        """Waits until the collector's picture of these roots equals the disk."""
        last = {}

        def is_equal():
            disk = {path: entry for root in roots for path, entry in read_disk(root).items()}
            picture = {path: entry for root in roots for path, entry in self.picture(root).items()}
            for path in ignore:
                disk.pop(path, None)
                picture.pop(path, None)
            last["missing"] = [p for p in disk if p not in picture][:5]
            last["stale"] = [p for p in picture if p not in disk][:5]
            last["differs"] = [(p, disk[p], picture[p]) for p in disk if p in picture and disk[p] != picture[p]][:5]
            return disk == picture

        try:
            wait_until(is_equal, f"the picture of '{self.name}' equals the disk", patience_s)
        except AssertionError as failure:
            raise AssertionError(f"{failure}: {last}; status {self.status()}") from None


class Rig:
    """A directory, a collector in it, and the operator's command line."""

    def __init__(self, source=SOURCE, parent=None):
        self.source = source
        self.dir = tempfile.mkdtemp(prefix="tsujiban-test-", dir=parent)
        self.port = free_port()
        self.api_port = free_port()
        self.collector_dir = os.path.join(self.dir, "collector")
        self.hosts = []
        self.links = []
        self.mounts = []
        self.env = {**os.environ, "TSUJIBAN_SERVER": f"127.0.0.1:{self.api_port}",
                    "TSUJIBAN_TOKEN_FILE": os.path.join(self.collector_dir, "admin.token"),
                    "TSUJIBAN_CA": os.path.join(self.collector_dir, "ca.crt"), "NO_COLOR": "1"}
        self.collector = Process(os.path.join(self.dir, "collector.log"), program("tsujiban-collector"), "run",
                                 "--config", os.path.join(self.collector_dir, "collector.yaml"))

    # --- collector ---

    def init_collector(self, more_config=""):
        subprocess.run([program("tsujiban-collector"), "init", "--dir", self.collector_dir, "--listen",
                        f"127.0.0.1:{self.port}", "--api", f"127.0.0.1:{self.api_port}"], check=True,
                       capture_output=True)
        if more_config:
            with open(os.path.join(self.collector_dir, "collector.yaml"), "a", encoding="utf-8") as text:
                text.write(more_config)
        return self

    def start_collector(self):
        self.collector.start()

        def is_up():
            if not self.collector.is_running():
                raise AssertionError("collector ended: " + self.collector.read_log()[-3000:])
            return self.cli("status").returncode == 0

        wait_until(is_up, "the collector's API answers")
        return self

    # --- operator ---

    def cli(self, *words):
        return subprocess.run([program("tsujiban"), *words], env=self.env, capture_output=True, text=True,
                              check=False)

    def json(self, *words):
        done = self.cli(*words, "--format", "json")
        if done.returncode != 0:
            raise AssertionError(f"tsujiban {' '.join(words)} failed: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def token(self, *words):
        return self.json("token", "create", *words)[0]

    # --- hosts ---

    def make_dir(self, name):
        path = os.path.join(self.dir, name)
        os.makedirs(path, exist_ok=True)
        return path

    def host(self, name, watch, config="", port=None, state=None):
        host = Host(self, name, watch, config, port, state)
        self.hosts.append(host)
        return host.enroll()

    def link(self):
        link = Link(self.port)
        self.links.append(link)
        return link

    def mount_tmpfs(self, name, size):
        """A small disk of its own; skips the test where mounting is not allowed."""
        path = self.make_dir(name)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", path],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise unittest.SkipTest(f"cannot mount a tmpfs here: {done.stderr.strip()}")
        self.mounts.append(path)
        return path

    def close(self):
        failures = []
        for process in [host.process for host in self.hosts] + [self.collector]:
            try:
                process.stop()
            except AssertionError as failure:
                failures.append(str(failure))
        for link in self.links:
            link.close()
        for path in self.mounts:
            subprocess.run(["umount", "-l", path], check=False)
        if os.environ.get("TSUJIBAN_KEEP"):
            print("kept", self.dir)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
        if failures:
            raise AssertionError("\n".join(failures))


class RigTest(unittest.TestCase):
    """A test with a running collector of its own."""

    collector_config = ""
    source = SOURCE

    def setUp(self):
        method = getattr(self, self._testMethodName)
        self.rig = Rig(self.source, getattr(method, "parent", None))
        self.addCleanup(self.rig.close)
        self.rig.init_collector(self.collector_config).start_collector()
        self.tree = self.rig.make_dir("m")

    def path(self, *names):
        return os.path.join(self.tree, *names)

    def write(self, *names, content="x"):
        path = self.path(*names)
        with open(path, "w", encoding="utf-8") as out:
            out.write(content)
        return path

    def started_host(self, name="web01", watch=None, config="", port=None):
        return self.rig.host(name, watch or [self.tree], config, port).start().wait_baselined()

    def assert_exactly_once(self, host):
        """No event of the host's stream is there twice, and none is missing before the last."""
        events = host.events()
        ids = [event["id"] for event in events]
        self.assertEqual(len(ids), len(set(ids)), "an event id twice")
        seqs = [event["seq"] for event in events if not self.is_collectors_own(event)]
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)), "sequence numbers with a hole or twice")

    @staticmethod
    def is_collectors_own(event):
        return event["kind"] == "agent" and event["action"] in ("gap", "silent", "returned")
