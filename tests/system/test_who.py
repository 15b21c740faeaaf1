"""Who it was: W01, by every way in which a file is changed, for the source that can tell."""

import os
import shutil
import subprocess
import sys
import unittest

from rig import RigTest, wait_until
from scenario import IS_SANITIZED

FANOTIFY = "source: fanotify\n"
USER = 65534
LOGIN = 1000


def real(name):
    return os.path.realpath(shutil.which(name))


PYTHON = os.path.realpath(sys.executable)
SHELL, TOUCH = real("sh"), real("touch")


def in_child(work):
    """Runs work() in a child of ours and waits for its end; False when it could not do it."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return pid, os.waitpid(pid, 0)[1] == 0


def log_in():
    """Makes us somebody who has logged in, as pam_loginuid does; the kernel may refuse it."""
    with open("/proc/self/loginuid", "w", encoding="ascii") as out:
        out.write(str(LOGIN))


class Who(RigTest):
    def started_with_actors(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("fanotify needs privileges")
        try:
            host = self.started_host(config=FANOTIFY)
        except AssertionError as failure:
            if "fanotify" in str(failure):
                raise unittest.SkipTest("no fanotify here") from None
            raise
        status = wait_until(lambda: (found := host.status()).get("source") and found, "the status says the source")
        if status.get("source") != "fanotify":
            raise unittest.SkipTest(f"the source is {status.get('source')}")
        self.has_connector = status["actors"] == "proc connector"
        return host

    def actor_of(self, host, path, **wanted):
        event = host.wait_event(path=path, **wanted)
        self.assertIsNotNone(event["actor"], event.get("actor_unknown"))
        return event["actor"], event.get("actor_unknown")

    def assert_program(self, actor, unknown, program):
        """A busy machine may run us too late to ask a process that has just started; then the event says so, and with
        the connector what the process had from its parent is known still, but by an agent that is slowed down by
        sanitizers: the kernel may not have kept the news for it."""
        if not unknown:
            self.assertEqual(actor["exe"], program, actor)
            return
        self.assertIsNone(actor["exe"])
        self.assertIn("ended", unknown)
        if self.has_connector and not IS_SANITIZED:
            self.assertIsNotNone(actor["uid"])
            self.assertGreater(len(actor["parents"]), 0)

    def test_W01_a_root_shell(self):
        host = self.started_with_actors()
        path = self.path("by-shell")
        with subprocess.Popen(["sh", "-c", f"echo x >{path}; read line"], stdin=subprocess.PIPE) as shell:
            actor, unknown = self.actor_of(host, path, action="created")
            shell.stdin.close()
        self.assertIsNone(unknown)
        self.assertEqual((actor["pid"], actor["exe"], actor["uid"], actor["user"]), (shell.pid, SHELL, 0, "root"))
        # A thread of its own reads them; on a machine that does not let it run in time the name stands there, and the log says so.
        if "the arguments of a process cannot be read" not in host.process.read_log():
            self.assertTrue(actor["cmdline"].startswith("sh -c echo x"), actor)
        self.assertEqual(actor["parents"][0], PYTHON)
        self.assertIsNotNone(actor["started"])

    def test_W01_another_user(self):
        os.chmod(self.rig.dir, 0o755)  # before: a directory that changes is listed, and a listing names nobody
        os.chmod(self.tree, 0o777)
        host = self.started_with_actors()
        path = self.path("by-nobody")

        def work():
            os.setgid(USER)
            os.setuid(USER)
            os.execv(TOUCH, ["touch", path])

        pid, is_done = in_child(work)
        self.assertTrue(is_done)
        actor, unknown = self.actor_of(host, path, action="created")
        self.assertEqual(actor["pid"], pid)
        self.assert_program(actor, unknown, TOUCH)
        if not unknown:
            self.assertEqual((actor["uid"], actor["gid"]), (USER, USER))

    def test_W01_sudo_from_another_user_keeps_who_logged_in(self):
        host = self.started_with_actors()
        path = self.path("by-sudo")

        def work():
            log_in()
            os.setresuid(LOGIN, LOGIN, 0)
            os.setresuid(LOGIN, 0, 0)  # as a set-user-id program
            os.execv(TOUCH, ["touch", path])

        _, is_done = in_child(work)
        if not is_done:
            raise unittest.SkipTest("the kernel does not let us log in")
        actor, unknown = self.actor_of(host, path, action="created")
        self.assert_program(actor, unknown, TOUCH)
        if not unknown:
            self.assertEqual((actor["uid"], actor["login_uid"]), (0, LOGIN))

    def test_W01_cron(self):
        host = self.started_with_actors()
        path = self.path("by-cron")

        def work():  # a daemon, its child, and the shell that the child becomes
            os.setsid()
            if os.fork() == 0:
                os.execv(SHELL, ["sh", "-c", f"touch {path}; exit 0"])

        _, is_done = in_child(work)
        self.assertTrue(is_done)
        actor, unknown = self.actor_of(host, path, action="created")
        self.assert_program(actor, unknown, TOUCH)
        if self.has_connector:  # the shell may have ended before its path could be asked for; its name stays
            self.assertIn(actor["parents"][0], (SHELL, f"[{os.path.basename(SHELL)}]"))
            self.assertEqual(actor["parents"][1], PYTHON)

    def test_W01_processes_that_end_at_once(self):
        host = self.started_with_actors()
        paths = [self.path(f"touched-{number}") for number in range(20)]
        pids = {}
        for path in paths:
            with subprocess.Popen(["touch", path]) as child:
                pids[path] = child.pid
        for path in paths:
            actor, unknown = self.actor_of(host, path, action="created")
            self.assertEqual(actor["pid"], pids[path])
            self.assert_program(actor, unknown, TOUCH)

    def test_W01_a_child_that_runs_no_program_of_its_own(self):
        host = self.started_with_actors()
        path = self.path("by-child")
        pid, is_done = in_child(lambda: self.write("by-child"))
        self.assertTrue(is_done)
        actor, unknown = self.actor_of(host, path, action="created")
        self.assertEqual(actor["pid"], pid)
        self.assert_program(actor, unknown, PYTHON)

    def test_W01_deleted_with_its_directory(self):
        host = self.started_with_actors()
        os.mkdir(self.path("d"))
        path = self.write("d", "f")
        host.wait_event(path=path, action="created")
        with subprocess.Popen(["rm", "-r", self.path("d")]) as child:
            pass
        actor, unknown = self.actor_of(host, path, action="deleted")
        self.assertEqual(actor["pid"], child.pid)
        self.assert_program(actor, unknown, real("rm"))

    def test_W01_inotify_names_nobody_and_says_so(self):
        host = self.started_host(config="source: inotify\n")
        path = self.write("a")
        event = host.wait_event(path=path, action="created")
        self.assertIsNone(event["actor"])
        self.assertEqual(event["actor_unknown"], "inotify names no process")
        self.assertEqual(host.status()["actors"], "not with inotify")

    def test_W01_what_nobody_saw_has_nobody(self):
        host = self.started_host()
        host.stop()
        path = self.write("a")
        host.start()
        event = host.wait_event(path=path, action="created")
        self.assertEqual(event["cause"], "offline")
        self.assertIsNone(event["actor"])
        self.assertIn("nobody saw it", event["actor_unknown"])
