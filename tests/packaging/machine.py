"""A tree of an operating system with namespaces of its own, and a few lines in systemd's place, which cannot run there."""

import ctypes
import os
import pickle
import re
import shlex
import subprocess

import packages
from rig import wait_until

AGENT, COLLECTOR = "tsujiban-agent", "tsujiban-collector"
HOME = "/root/here"
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive"}
COLLECTOR_DIR = "/var/lib/tsujiban-collector"
OPERATOR = f"server: 127.0.0.1:7444\ntoken_file: {COLLECTOR_DIR}/admin.token\nca: {COLLECTOR_DIR}/ca.crt\n"

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


class Machine:
    """Commands are run in it one behind the other."""

    def __init__(self, root, name, collector="127.0.0.1"):
        """`root`: a packages.Root, or a Layer. `collector`: the address of collector.example.org."""
        self.root, self.name = root, name
        first = f'{root.MOUNT} && mount -t proc proc "$0/proc" && ip link set lo up && hostname {name} && while sleep 1; do :; done'
        self.holder = subprocess.Popen(  # pylint: disable=consider-using-with
            ["unshare", "-m", "-n", "-u", "-p", "--fork", "--kill-child", "sh", "-c", first, *root.mount_words()])
        self.init = wait_until(self.find_init, "the namespaces are there")
        root.is_seen_by(self.init)
        root.write("/usr/local/bin/systemctl", SYSTEMCTL)
        os.chmod(root.at("/usr/local/bin/systemctl"), 0o755)
        root.write("/etc/hosts", f"127.0.0.1 localhost {name}\n{collector} collector.example.org\n")
        os.makedirs(root.at(HOME))
        os.makedirs(root.at("/usr/local/lib/units"))

    def find_init(self):
        with open(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children", encoding="ascii") as text:
            children = text.read().split()
        is_ready = children and os.path.exists(f"/proc/{children[0]}/root{self.root.path}/proc/1")
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

    def start_collector(self, debs):
        """Installs what is in `debs`; the collector's name is collector.example.org, and root here is its operator."""
        self.bring(debs)
        self.run("dpkg -i ./*.deb")
        self.learn_units()
        self.run(f"runuser -u tsujiban-collector -- tsujiban-collector init --dir {COLLECTOR_DIR} --name collector.example.org")
        self.root.write("/root/.config/tsujiban/config.yaml", OPERATOR)
        self.run("systemctl start tsujiban-collector")
        self.pause()

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
        inside = ["nsenter", "-t", str(self.init), "-m", "-n", "-u", "-p", "chroot", self.root.path]
        done = subprocess.run([*inside, "bash", "-c", script], env=ENVIRONMENT, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        if is_ok and done.returncode != 0:
            raise AssertionError(f"ended with {done.returncode}:\n{commands}\n{done.stdout}{done.stderr}{self.logs()}")
        return done

    def start_inside(self, work):
        """Runs work() in a process of ours that sees this tree as its own; gives (pid, a pipe with what it returns)."""
        ours, its = os.pipe()
        pid = os.fork()
        if pid:
            os.close(its)
            return pid, ours
        try:
            with open(f"/proc/{self.init}/ns/mnt", "rb") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            os.chroot(self.root.path)
            os.chdir("/")
            with open(its, "wb") as out:
                pickle.dump(work(), out)
            os._exit(0)
        except BaseException as failure:  # pylint: disable=broad-exception-caught
            os.write(2, f"in the tree of {self.name}: {failure!r}\n".encode())
            os._exit(1)

    @staticmethod
    def result_of(started):
        pid, pipe = started
        with open(pipe, "rb") as given:
            text = given.read()
        if os.waitpid(pid, 0)[1] != 0:
            raise AssertionError("work in a tree failed")
        return pickle.loads(text)

    def inside(self, work):
        return self.result_of(self.start_inside(work))

    def pause(self):
        """What a person takes from one block to the next: a collector that was started listens by then."""
        is_there = "! systemctl is-running tsujiban-collector || exec 3<>/dev/tcp/127.0.0.1/7444"
        wait_until(lambda: self.run(is_there, is_ok=False).returncode == 0, "the collector listens")

    def path_unit(self):
        """What tsujiban-agent.path and the agent's unit do when the file with a token comes."""
        if self.root.exists("/etc/tsujiban/enroll.yaml"):
            words = shlex.join(self.root.unit_command("tsujiban-agent-enroll.service"))
            self.run(f"{words}\nsystemctl start tsujiban-agent")

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
