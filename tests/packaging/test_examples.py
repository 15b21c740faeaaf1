"""The examples for cloud-init, Ansible and Puppet, by these tools, in a Debian that has them: each twice, the second time without
a change, and with no process that shows the token."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

import packages
from machine import Machine
from rig import wait_until

EXAMPLES = os.path.join(packages.TOP, "packaging", "examples")
STATE = "/var/lib/tsujiban-agent"
# Of cloud-init what the example is about, and nothing that looks at disks and networks.
CLOUD_CONFIG = """datasource_list: [NoCloud]
network: {config: disabled}
cloud_init_modules: [write_files]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts_user]
"""


class Onlooker(threading.Thread):
    """Reads the arguments of all processes until it is stopped, and keeps them: what is secret may be known only afterwards."""

    def __init__(self):
        super().__init__()
        self.seen, self.looks, self.is_over = set(), 0, threading.Event()

    def run(self):
        while not self.is_over.wait(0.01):
            self.looks += 1
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as text:
                        self.seen.add(text.read())
                except OSError:
                    continue

    def stop(self):
        self.is_over.set()
        self.join()


class Examples(unittest.TestCase):
    def machine(self, *tools):
        packages.need_namespaces()
        debs = packages.built("deb")
        folder = tempfile.mkdtemp(prefix="tsujiban-examples-")
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", folder], check=True))
        machine = Machine(packages.Root(folder, tools), "web01")
        self.addCleanup(machine.close)
        machine.start_collector([debs["tsujiban-collector"], debs["tsujiban"]])
        shutil.copy(debs["tsujiban-agent"], machine.root.at("/root/tsujiban-agent.deb"))
        return machine

    def token(self, machine):
        """(token, fingerprint)"""
        return machine.run("tsujiban token create --format csv").stdout.splitlines()[-1].split(",")[:2]

    def example(self, name, **values):
        text = packages.read(os.path.join(EXAMPLES, name))
        for word, value in values.items():
            text = text.replace(word, value)
        return text

    def watched(self, work, token_of):
        """work()'s result; the token that it leads to was in no list of processes meanwhile."""
        onlooker = Onlooker()
        onlooker.start()
        try:
            result = work()
        finally:
            onlooker.stop()
        self.assertEqual([line for line in onlooker.seen if token_of(result).encode() in line], [])
        self.assertGreater(onlooker.looks, 5)
        return result

    def check_enrolled(self, machine):
        """As the path unit has it: enrolled and started; and what stays the same the second time."""
        machine.learn_units()
        machine.path_unit()
        machine.run("systemctl start tsujiban-agent")
        machine.wait_says("^web01 +connected", "hosts")
        self.assertFalse(machine.root.exists("/etc/tsujiban/enroll.yaml"), "used up")
        return machine.root.read(STATE + "/agent.key")

    def test_cloud_init(self):
        machine = self.machine("cloud-init")
        token, fingerprint = self.token(machine)
        config = self.example("cloud-init.yaml", TOKEN=token, **{"sha256:FINGERPRINT": fingerprint})
        seed = "/var/lib/cloud/seed/nocloud/"
        machine.root.write("/etc/cloud/cloud.cfg.d/99-test.cfg", CLOUD_CONFIG)
        machine.root.write(seed + "user-data", config)
        machine.root.write(seed + "meta-data", "instance-id: first\nlocal-hostname: web01\n")
        boot = "cloud-init init --local; cloud-init init; cloud-init modules --mode=config; cloud-init modules --mode=final"
        machine.run(f"cloud-init schema --config-file {seed}user-data")
        self.watched(lambda: machine.run(boot), lambda _: token)
        key = self.check_enrolled(machine)
        machine.run(boot)  # the same instance once more
        self.assertFalse(machine.root.exists("/etc/tsujiban/enroll.yaml"))
        self.assertEqual(machine.root.read(STATE + "/agent.key"), key)

    def test_ansible(self):
        machine = self.machine("ansible-core", "python3-apt")
        machine.root.write("/root/play.yaml", self.example("ansible.yaml"))
        machine.root.write("/root/inventory", "web01 ansible_connection=local\n")
        play = "ansible-playbook -i /root/inventory /root/play.yaml -e collector=collector.example.org -e package=/root/tsujiban-agent.deb"

        def enrolled():
            done = machine.run(play)
            file = machine.root.read("/etc/tsujiban/enroll.yaml")
            self.assertEqual(os.stat(machine.root.at("/etc/tsujiban/enroll.yaml")).st_mode & 0o777, 0o600)
            return done.stdout + done.stderr, re.search(r"^token: (.*)$", file, re.M)[1]

        said, token = self.watched(enrolled, lambda result: result[1])
        self.assertNotIn(token, said)
        key = self.watched(lambda: self.check_enrolled(machine), lambda _: token)
        self.assertIn("changed=0 ", machine.run(play).stdout)
        self.assertEqual(machine.root.read(STATE + "/agent.key"), key)

    def test_puppet(self):
        machine = self.machine("puppet-agent")
        token, fingerprint = self.token(machine)
        call = f"""class {{ 'tsujiban_agent':
  collector      => 'collector.example.org:7443',
  ca_fingerprint => '{fingerprint}',
  token          => Sensitive('{token}'),
  package        => '/root/tsujiban-agent.deb',
}}
"""
        machine.root.write("/root/agent.pp", self.example("puppet.pp") + call)
        apply = "puppet apply --detailed-exitcodes /root/agent.pp"

        def applied(code):
            done = machine.run(apply, is_ok=False)
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            self.assertNotIn(token, done.stdout + done.stderr)

        self.watched(lambda: applied(2), lambda _: token)
        wait_until(lambda: machine.root.exists(STATE + "/agent.crt"), "it is enrolled")
        key = self.check_enrolled(machine)
        applied(0)
        self.assertEqual(machine.root.read(STATE + "/agent.key"), key)
