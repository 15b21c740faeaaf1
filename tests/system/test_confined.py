"""What each process has given up once it works, by the kernel's word (/proc), and that the work goes on. What a profile
allows and what ends a process is tested act by act in tests/unit/common-confine."""

import os
import shutil
import subprocess
import unittest

from rig import Process, RigTest, program, wait_until
from scenario import IS_SANITIZED

READ_ALL, NET_ADMIN, SYS_PTRACE, SYS_ADMIN = 2, 12, 19, 21  # linux/capability.h
USER = 65534


def bits(*numbers):
    return sum(1 << number for number in numbers)


def threads_of(pid):
    """What /proc says of each thread."""
    found = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii", errors="replace") as lines:
            found.append(dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line))
    return found


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as text:
        return [int(word) for word in text.read().split()]


class Confined(RigTest):
    def assert_confined(self, pid, filters, capabilities=0, bound=None):
        for thread in threads_of(pid):
            self.assertEqual((thread["NoNewPrivs"], thread["Seccomp"]), ("1", "2"), thread)
            self.assertEqual(thread.get("Seccomp_filters", str(filters)), str(filters), thread)
            if IS_SANITIZED and thread["Pid"] != str(pid):
                continue  # the run time's own thread was there before
            for name in ("CapEff", "CapPrm"):
                self.assertEqual(int(thread[name], 16), capabilities, (name, thread))
            for name in ("CapInh", "CapAmb"):
                self.assertEqual(int(thread[name], 16), 0, (name, thread))
            if os.geteuid() == 0:
                self.assertEqual(int(thread["CapBnd"], 16), capabilities if bound is None else bound, thread)

    def processes_of(self, host):
        """The half that reads, what starts the other half, the half that sends."""
        reader = host.process.child.pid
        launcher = wait_until(lambda: children_of(reader), "the launcher runs")[0]
        sender = wait_until(lambda: children_of(launcher), "the half that sends runs")[0]
        return reader, launcher, sender

    def status_of(self, host, key):
        return wait_until(lambda: host.status().get(key), f"the status says '{key}'")

    def test_the_collector_keeps_nothing(self):
        pid = self.rig.collector.child.pid
        wait_until(lambda: "is confined:" in self.rig.collector.read_log(), "the collector is confined")
        self.assert_confined(pid, filters=1)
        status = self.rig.json("status")[0]
        self.assertIn("no capabilities", status["confined"])
        self.assertIn("seccomp", status["confined"])

    def test_with_inotify_nothing_of_fanotify_is_kept(self):
        host = self.started_host(config="source: inotify\n")
        reader, launcher, sender = self.processes_of(host)
        kept = bits(READ_ALL, SYS_PTRACE) if os.geteuid() == 0 else 0
        self.assert_confined(reader, filters=1, capabilities=kept)
        self.assert_confined(launcher, filters=1)
        self.assert_confined(sender, filters=2)
        self.assertIn("seccomp", self.status_of(host, "confined"))
        self.assertIn("no capabilities", self.status_of(host, "sender_confined"))

    @unittest.skipUnless(os.geteuid() == 0, "fanotify needs privileges")
    def test_with_fanotify_four_capabilities_are_kept(self):
        host = self.started_host(config="source: fanotify\n")
        if self.status_of(host, "source") == "inotify":
            self.skipTest("no fanotify here")
        reader, launcher, sender = self.processes_of(host)
        self.assert_confined(reader, filters=1, capabilities=bits(READ_ALL, NET_ADMIN, SYS_PTRACE, SYS_ADMIN))
        self.assert_confined(launcher, filters=1)
        self.assert_confined(sender, filters=2)

    def test_the_half_that_sends_comes_back_confined(self):
        host = self.started_host()
        _, launcher, sender = self.processes_of(host)
        os.kill(sender, 9)
        again = wait_until(lambda: [pid for pid in children_of(launcher) if pid != sender], "it is started again")[0]
        self.write("after", content="y")
        host.wait_event(path=self.path("after"), action="created")
        self.assert_confined(again, filters=2)

    def test_the_collector_is_found_by_name(self):
        """With the files and sockets that name resolution is left, and no others."""
        host = self.rig.host("web01", [self.tree])
        with open(host.config, encoding="utf-8") as text:
            config = text.read()
        with open(host.config, "w", encoding="utf-8") as text:
            text.write(config.replace("collector: 127.0.0.1:", "collector: localhost:"))
        host.start().wait_baselined()
        self.assertEqual(self.status_of(host, "collector"), f"localhost:{self.rig.port}")

    def test_nobody_looks_into_them(self):
        """Not dumpable: what is theirs in /proc is root's."""
        host = self.started_host()
        for pid in self.processes_of(host) + (self.rig.collector.child.pid,):
            self.assertEqual(os.stat(f"/proc/{pid}/mem").st_uid, 0)
            with open(f"/proc/{pid}/task/{pid}/status", encoding="ascii") as status:
                self.assertIn("NoNewPrivs:\t1", status.read())

    def test_off_is_said(self):
        host = self.started_host(config="confine: off\n")
        self.assertIn("'confine: off'", self.status_of(host, "not_confined"))
        self.assertIn("is not confined: everything", host.process.read_log())
        self.assertEqual(threads_of(host.process.child.pid)[0]["Seccomp"], "0")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "another user needs root, and setpriv")
    def test_as_a_user_with_ambient_capabilities(self):
        """As the unit has it: a user of its own, who reads what only root may and names who acted."""
        caps = "+dac_read_search,+sys_ptrace,+sys_admin,+net_admin"
        host = self.rig.host("web01", [self.tree])
        for folder, _, files in os.walk(host.state):
            for name in [folder] + [os.path.join(folder, file) for file in files]:
                os.chown(name, USER, USER)
        os.chmod(self.rig.dir, 0o755)
        for name in (program("tsujiban-agent"), host.config):
            if subprocess.run(["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "test", "-r", name],
                              check=False).returncode != 0:
                self.skipTest("the build directory is not readable for others")
        with open(self.path("secret"), "w", encoding="ascii") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write("x")
        host.process = Process(
            host.process.log, "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", f"--inh-caps=-all,{caps}",
            f"--ambient-caps=-all,{caps}", f"--bounding-set=-all,{caps}", "--no-new-privs", *host.process.command)
        host.start().wait_baselined()
        self.assertIsNotNone(host.picture(self.path("secret"))[self.path("secret")]["sha256"])
        path = self.path("by-shell")
        with subprocess.Popen(["sh", "-c", f"echo x >{path}; read line"], stdin=subprocess.PIPE) as shell:
            event = host.wait_event(path=path, action="created")
            shell.stdin.close()
        if self.status_of(host, "source") == "fanotify":
            self.assertEqual(event["actor"]["exe"], os.path.realpath(shutil.which("sh")))
        reader, launcher, sender = self.processes_of(host)
        kept = bits(READ_ALL, SYS_PTRACE)
        if host.status()["source"] != "inotify":
            kept = bits(READ_ALL, NET_ADMIN, SYS_PTRACE, SYS_ADMIN)
        self.assert_confined(reader, filters=1, capabilities=kept)
        # The bounding set is the unit's: nothing that is executed gains by it under no_new_privs.
        everything = bits(READ_ALL, NET_ADMIN, SYS_PTRACE, SYS_ADMIN)
        self.assert_confined(launcher, filters=1, bound=everything)
        self.assert_confined(sender, filters=2, bound=everything)


if __name__ == "__main__":
    unittest.main()
