"""A tree of an operating system, booted: a real systemd as its first process, made by systemd-nspawn."""

import os
import signal
import subprocess
import unittest

from rig import wait_until

TOOLS = ("systemd", "systemd-sysv", "dbus")
# A container has what a host has, for the units are for hosts; what is tried is what they themselves take away.
ALLOWED = ("fanotify_init", "fanotify_mark", "open_by_handle_at", "landlock_create_ruleset", "landlock_add_rule",
           "landlock_restrict_self")
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}


class Booted:
    def __init__(self, root, log):
        self.root = root
        with open(log, "wb") as out:
            self.nspawn = subprocess.Popen(  # pylint: disable=consider-using-with
                ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--resolv-conf=off", "--private-network",
                 "--link-journal=no", "--machine=web01", "--capability=all", "--system-call-filter=" + " ".join(ALLOWED),
                 "--directory=" + root.path], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.log = log
        self.init = None
        try:
            self.init = wait_until(self.find_init, "a container's first process")
            wait_until(self.is_up, "systemd has started what there is", 60)
        except BaseException:
            self.close()
            raise

    def find_init(self):
        if self.nspawn.poll() is not None:
            with open(self.log, encoding="utf-8", errors="replace") as text:
                raise unittest.SkipTest("cannot boot a container here: " + text.read()[-300:])
        with open(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children", encoding="ascii") as text:
            for child in text.read().split():
                with open(f"/proc/{child}/comm", encoding="ascii") as name:
                    if name.read().strip() == "systemd":
                        return int(child)
        return None

    def is_up(self):
        """Also with units that failed: which, is for the tests to say."""
        if self.nspawn.poll() is not None:
            return self.find_init()
        return self.run("systemctl is-system-running", is_ok=False).stdout.strip() in ("running", "degraded")

    def run(self, commands, is_ok=True):
        """In a shell of the container's root."""
        done = subprocess.run(["nsenter", "-t", str(self.init), "-m", "-n", "-u", "-i", "-p", "-r", "-w", "--", "/bin/bash", "-ec",
                               commands], env=ENVIRONMENT, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              check=False, timeout=120)
        if is_ok and done.returncode != 0:
            raise AssertionError(f"{commands}\nended with {done.returncode}:\n{done.stdout}{done.stderr}\n{self.journal()}")
        return done

    def says(self, commands):
        return self.run(commands, is_ok=False).stdout

    def wait_says(self, part, commands):
        said = []

        def is_said():
            said[:] = [self.says(commands)]
            return part in said[0]

        try:
            wait_until(is_said, f"{part!r} is said by {commands!r}")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{said[0] if said else ''}\n{self.journal()}") from None

    def journal(self):
        return self.says("journalctl --no-pager --lines=60")

    def show(self, unit, name):
        return self.says(f"systemctl show --property={name} --value {unit}").strip()

    def cut_power(self):
        """Everything in it ends with its first process."""
        os.kill(self.init or self.nspawn.pid, signal.SIGKILL)
        self.nspawn.wait(60)

    def close(self):
        if self.nspawn.poll() is None and self.init:
            self.run("systemctl --no-block poweroff --force", is_ok=False)
        try:
            self.nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self.cut_power()
