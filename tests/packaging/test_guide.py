"""The operator's guide, command by command, in a Debian of its own: with the debs, the real ports, a pid and a network
namespace, and a few lines in systemd's place, which cannot run there."""

import os
import re
import shlex
import subprocess
import unittest

import packages
from rig import wait_until

GUIDE = os.path.join(packages.TOP, "packaging", "GUIDE.md")
HOME = "/root/guide"
AGENT, COLLECTOR = "tsujiban-agent", "tsujiban-collector"

# What runs in systemd's place: NAME.sh is made of each unit. Units that are enabled, or asked for, are one process.
SYSTEMCTL = """#!/bin/bash
running() { [ -s "/run/$1.pid" ] && kill -0 "$(cat "/run/$1.pid")" 2>/dev/null; }
stop() { if running "$1"; then kill "$(cat "/run/$1.pid")"; while running "$1"; do sleep 0.05; done; fi; }
start() {
    if running "$1"; then return; fi
    "/usr/local/lib/units/$1.sh" first </dev/null >>"/var/log/$1.log" 2>&1 || return 0
    setsid "/usr/local/lib/units/$1.sh" </dev/null >>"/var/log/$1.log" 2>&1 &
    echo $! >"/run/$1.pid"
}
verb=$1; shift; [ "$1" = --now ] && shift
case $verb in
    enable|start) start "$1" ;;
    stop) stop "$1" ;;
    restart) stop "$1"; start "$1" ;;
    kill) kill -KILL "$(cat "/run/$2.pid")"; while running "$2"; do sleep 0.05; done ;;
    is-running) running "$1" ;;
    *) echo "systemctl: no '$verb' here" >&2; exit 1 ;;
esac
"""


def blocks():
    """(section, commands) of the guide's blocks, in order."""
    section, found, lines = None, [], None
    for line in packages.read(GUIDE).splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line == "```sh":
            lines = []
        elif line == "```" and lines is not None:
            found.append((section, "\n".join(lines)))
            lines = None
        elif line.startswith("```") and lines is None:
            raise AssertionError(f"a block that nobody runs: {line}")
        elif lines is not None:
            lines.append(line)
    return found


class Machine:
    """A tree with namespaces of its own, in which commands are run one behind the other."""

    def __init__(self, folder):
        self.root = packages.Root(folder)
        first = 'mount -t proc proc "$0/proc" && ip link set lo up && hostname guide && while sleep 1; do :; done'
        self.holder = subprocess.Popen(["unshare", "-m", "-n", "-u", "-p", "--fork", "--kill-child", "sh", "-c", first,
                                        self.root.path])
        self.init = wait_until(self.find_init, "the namespaces are there")
        self.root.write("/usr/local/bin/systemctl", SYSTEMCTL)
        os.chmod(self.root.at("/usr/local/bin/systemctl"), 0o755)
        self.root.write("/etc/hosts", "127.0.0.1 localhost collector.example.org\n")
        os.makedirs(self.root.at(HOME))
        os.makedirs(self.root.at("/usr/local/lib/units"))

    def find_init(self):
        with open(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children", encoding="ascii") as text:
            children = text.read().split()
        is_ready = children and os.path.exists(self.root.at("/proc/1/stat")) or children
        return int(children[0]) if is_ready else None

    def close(self):
        self.holder.kill()
        self.holder.wait()

    def bring(self, paths):
        """These debs, and no others, lie where the commands are run."""
        for name in os.listdir(self.root.at(HOME)):
            if name.endswith(".deb"):
                os.unlink(self.root.at(f"{HOME}/{name}"))
        for path in paths:
            subprocess.run(["cp", path, self.root.at(HOME)], check=True)

    def learn_units(self):
        """As systemd would after an installation."""
        for name in (AGENT, COLLECTOR):
            if not self.root.exists(f"/lib/systemd/system/{name}.service"):
                continue
            text = self.root.read(f"/lib/systemd/system/{name}.service")
            lines = ["#!/bin/bash", "set -e", "cd /"]
            lines += [f"[ -e {path} ]" for path in re.findall(r"^ConditionPathExists=(/.*)$", text, re.M)]
            if "ExecStartPre=" in text:
                lines.append('[ -z "$1" ] || ' + shlex.join(self.root.unit_command(f"{name}.service", "ExecStartPre")))
            lines.append('[ -z "$1" ] || exit 0')
            lines.append("exec " + shlex.join(self.root.unit_command(f"{name}.service")))
            self.root.write(f"/usr/local/lib/units/{name}.sh", "\n".join(lines) + "\n")
            os.chmod(self.root.at(f"/usr/local/lib/units/{name}.sh"), 0o755)

    def run(self, commands, is_ok=True):
        """With the variables of the commands before."""
        script = f"cd {HOME}; [ ! -e /run/vars ] || . /run/vars\nset -euo pipefail\n{commands}\ndeclare -p token fingerprint " \
                 "2>/dev/null >/run/vars || :\n"
        done = subprocess.run(["nsenter", "-t", str(self.init), "-m", "-n", "-u", "-p", "chroot", self.root.path, "bash", "-c", script],
                              env={"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
                                   "DEBIAN_FRONTEND": "noninteractive"},
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if is_ok and done.returncode != 0:
            raise AssertionError(f"ended with {done.returncode}:\n{commands}\n{done.stdout}{done.stderr}{self.logs()}")
        return done

    def logs(self):
        return "".join(f"\n{name}: " + self.root.read(f"/var/log/{name}.log")[-1500:] for name in (AGENT, COLLECTOR)
                       if self.root.exists(f"/var/log/{name}.log"))

    def says(self, *words):
        return self.run(shlex.join(("tsujiban", *words)), is_ok=False).stdout

    def wait_says(self, pattern, *words):
        try:
            return wait_until(lambda: re.search(pattern, self.says(*words), re.M), f"{' '.join(words)}: {pattern}", 120)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{self.says(*words)}{self.run('tsujiban-agent status', is_ok=False).stdout}"
                                 f"{self.logs()}") from None


class Guide(unittest.TestCase):
    def setUp(self):
        packages.need_root()
        packages.need_tools("unshare", "nsenter", "setpriv", "ip")
        self.old, self.new = packages.built("deb"), packages.built("deb", packages.NEXT)
        folder = packages.tempfile.mkdtemp(prefix="tsujiban-guide-")
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", folder], check=True))
        self.machine = Machine(folder)
        self.addCleanup(self.machine.close)

    # --- what has to be so before and after a section's block, by number ---

    def before(self, section, number):
        if section == "Upgrade":
            self.machine.bring(self.new.values())
        if section == "Enrol a fleet" and number == 1:  # "on the host": another one than before
            self.machine.run("systemctl stop tsujiban-agent; mv /var/lib/tsujiban-agent /root/agent-of-web01\n"
                             "install -d -m 700 -o tsujiban-agent -g tsujiban-agent /var/lib/tsujiban-agent")
        if section == "Back up the collector" and number == 1:
            self.machine.run("echo guide >/etc/guide")
            self.machine.wait_says("created +/etc/guide", "events", "path:/etc/guide")

        if section == "The collector's disk is full":  # "when it answers again"
            self.machine.wait_says("^hosts", "status")
        if section == "Enrol a host" and number == 1:
            self.machine.wait_says("^web01 +connected .*env=production", "hosts")

    def path_unit(self):
        """What tsujiban-agent.path and the agent's unit do when these files come."""
        if self.machine.root.exists("/etc/tsujiban/enroll.yaml"):
            words = shlex.join(self.machine.root.unit_command("tsujiban-agent-enroll.service"))
            self.machine.run(f"{words}\nsystemctl start tsujiban-agent")
            self.assertFalse(self.machine.root.exists("/etc/tsujiban/enroll.yaml"))

    def after(self, section, number, done):
        machine = self.machine
        if section == "Install the collector" and number in (1, 3):
            wait_until(lambda: machine.root.exists("/var/lib/tsujiban-collector/ca.crt"), "the collector has its directory")
        elif section == "Install the collector" and number == 2:
            self.assertRegex(done.stdout, "(?m)^hosts +0$")
        elif section == "Enrol a host" and number == 0:
            self.assertFalse(machine.root.exists("/root/token"))
        elif section == "Enrol a fleet" and number == 1:
            machine.wait_says("^web02 +connected", "hosts")
            machine.run("systemctl stop tsujiban-agent; rm -rf /var/lib/tsujiban-agent; mv /root/agent-of-web01 /var/lib/tsujiban-agent\n"
                        "systemctl start tsujiban-agent")
            machine.wait_says("^web01 +connected", "hosts")
        elif section == "Upgrade":
            machine.run("for unit in tsujiban-collector tsujiban-agent; do systemctl restart $unit; done")  # as the packages do
            machine.wait_says(rf"^version +{packages.NEXT}$", "status")
            machine.wait_says(rf"^web01 +connected .* {packages.NEXT} ", "hosts")
        elif section == "Back up the collector":
            machine.wait_says("^web01 +connected", "hosts")
            if number == 1:
                machine.wait_says("/etc/guide", "files", "web01", "/etc/guide")
        elif section == "An agent was killed":
            machine.wait_says("did not end in order", "events", "action:started", "--host", "web01")
        elif section == "The collector's disk is full" and number > 0:
            machine.wait_says("^store_failing +no$", "status")
            machine.wait_says("^web01 +connected", "hosts")
        elif section == "Take a host out":
            self.assertFalse(machine.root.exists("/var/lib/tsujiban-agent"))

    def test_every_command_of_the_guide(self):
        self.machine.bring(self.old.values())
        numbers = {}
        for section, commands in blocks():
            number = numbers[section] = numbers.get(section, -1) + 1
            self.before(section, number)
            if section == "Upgrade":  # systemd's part of an upgrade, which stops what is replaced
                self.machine.run("systemctl stop tsujiban-agent; systemctl restart tsujiban-collector")
            done = self.run_block(commands)
            self.path_unit()
            self.after(section, number, done)
        self.assertGreaterEqual(len(numbers), 10)

    def run_block(self, commands):
        """Units are learnt line by line: an installation may be followed by a start."""
        lines = commands.split("\n")
        if any(line.startswith("apt-get install") for line in lines):
            at = max(number for number, line in enumerate(lines) if line.startswith("apt-get install")) + 1
            self.machine.run("\n".join(lines[:at]))
            self.machine.learn_units()
            commands = "\n".join(lines[at:]) or ":"
        return self.machine.run(commands)
