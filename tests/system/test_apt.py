"""apt-get at work in a Debian of its own, made by debootstrap: needs the network and minutes, so only where it is asked
for (make apt). TSUJIBAN_APT is where the trees go; one that stands there as "base" already is used again."""

import fcntl
import os
import shutil
import subprocess
import unittest

from rig import RigTest, wait_until

WHERE = os.environ.get("TSUJIBAN_APT")
PACKAGES = ("bash coreutils dpkg apt sed grep gzip tar findutils libc-bin util-linux login passwd perl-base ca-certificates"
            " openssl python3-minimal python3.11-minimal man-db vim-tiny less cron sudo debianutils").split()

NEW = ("nginx-light", "python3-yaml", "shared-mime-info", "fontconfig")
# What their scripts make and no rule explains: people are to see it.
UNOWNED = ("/etc/inputrc", "/usr/local/share/fonts", "/etc/python3", "/etc/python3/debian_config")


@unittest.skipUnless(WHERE and os.geteuid() == 0 and shutil.which("debootstrap"),
                     "only with TSUJIBAN_APT, as root, with debootstrap")
class Apt(RigTest):
    def setUp(self):
        super().setUp()
        base = os.path.join(WHERE, "base")
        with open(os.path.join(WHERE, "lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # several tests at once want one tree
            self.make_base(base)
        self.root = os.path.join(self.rig.make_dir("chroot-of"), "root")
        subprocess.run(["cp", "-a", base, self.root], check=True)
        self.watch = [os.path.join(self.root, name) for name in ("usr", "etc", "boot")]
        self.host = self.started_host("web01", self.watch, f"packages:\n  root: {self.root}\n")

    def make_base(self, base):
        if os.path.exists(os.path.join(base, "usr/bin/man")):
            return
        done = subprocess.run(["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", "bookworm", base],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            shutil.rmtree(base, ignore_errors=True)
            self.skipTest("debootstrap could not make a tree (no network?)")

    def apt(self, *words):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(["chroot", self.root, "apt-get", "-y", "-qq", *words], env=env, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def wait_summary(self):
        def found():
            return [e for e in self.host.events() if e["kind"] == "transaction" and e["action"] == "completed"]

        wait_until(found, "a summary; log: " + self.host.process.read_log()[-3000:], 180)
        summaries = found()
        print("   ", summaries[-1]["detail"])
        self.assertEqual(len(summaries), 1, summaries)
        return summaries[0]

    def unexplained(self):
        return [(e["action"], e["path"][len(self.root):], e["changed"]) for e in self.host.file_events(self.root)
                if e["explained"]["by"] == "none"]

    def test_reinstalling_leaves_nothing_unexplained(self):
        self.apt("install", "--reinstall", *PACKAGES)
        summary = self.wait_summary()
        self.assertEqual(self.unexplained(), [])
        self.assertGreater(summary["transaction"]["verified"], 1000)

    def test_one_binary_changed_in_the_middle_is_the_one_that_stands_out(self):
        self.apt("install", "--reinstall", "-o", "DPkg::Post-Invoke::=echo x >>/usr/bin/less", *PACKAGES)
        summary = self.wait_summary()
        self.assertEqual([path for _, path, _ in self.unexplained()], ["/usr/bin/less"])
        self.assertEqual(summary["transaction"]["none"], 1)

    def test_new_packages_are_explained(self):
        self.apt("install", "--no-install-recommends", *NEW)
        summary = self.wait_summary()
        unexplained = self.unexplained()
        if os.environ.get("TSUJIBAN_KEEP"):
            import json
            with open(os.path.join(self.rig.dir, "events.json"), "w", encoding="utf-8") as out:
                json.dump(self.host.events(), out)
        self.assertEqual([one for one in unexplained if one[1] not in UNOWNED], [], len(unexplained))
        self.assertGreater(summary["transaction"]["verified"], 1000)
