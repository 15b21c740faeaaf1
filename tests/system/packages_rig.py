"""What the tests of package managers' runs share: a root of its own, watched, and what was told of it."""

import os
import subprocess

from rig import RigTest, wait_until

FILES = 300

# Holds a lock for writing, says something in a file, and waits for the end of its input.
HOLD = """
import fcntl, sys
lock = open(sys.argv[1], "r+")
fcntl.lockf(lock, fcntl.LOCK_EX)
with open(sys.argv[2], "a") as log:
    log.write(sys.argv[3])
sys.stdin.read()
"""


class PackagesTest(RigTest):
    MANAGER = "dpkg"
    DIRECTORIES = ("usr/bin", "usr/share", "etc")

    def setUp(self):
        super().setUp()
        self.root = self.rig.make_dir("root")
        for name in self.DIRECTORIES:
            os.makedirs(os.path.join(self.root, name))
        self.watch = [os.path.join(self.root, "usr"), os.path.join(self.root, "etc")]

    def host(self):
        """One whose agent has its baseline and knows the package database."""
        host = self.started_host("web01", self.watch, f"packages:\n  root: {self.root}\n")
        words = f"what {self.MANAGER} did is explained from now on"
        wait_until(lambda: words in host.process.read_log(), "the package database has been read")
        return host

    def in_root(self, *names):
        return os.path.join(self.root, *names)

    @staticmethod
    def summaries(host):
        return [e for e in host.events() if e["kind"] == "transaction" and e["action"] == "completed"]

    def wait_summary(self, host, count=1):
        wait_until(lambda: len(self.summaries(host)) >= count,
                   f"summary {count} of a run; there are {self.summaries(host)}; log:\n{host.process.read_log()[-3000:]}")
        return self.summaries(host)[count - 1]

    @staticmethod
    def many(version):
        files = {f"usr/share/demo/file{i:03}": f"{i} of {version}\n" for i in range(FILES)}
        files["usr/bin/demo"] = f"#!/bin/sh\necho {version}\n"
        files["usr/bin/demo-link"] = ("demo",)
        files["etc/demo.conf"] = f"version={version}\n"
        files[f"usr/share/demo/only-in-{version}"] = "x\n"
        return files

    @staticmethod
    def lay_out(tree, files):
        """path -> content, or a symbolic link's target in a tuple"""
        for path, content in files.items():
            full = os.path.join(tree, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            if isinstance(content, tuple):
                os.symlink(content[0], full)
                continue
            with open(full, "w", encoding="utf-8") as out:
                out.write(content)

    def explained(self, host):
        """state -> paths, of all changes of files."""
        found = {}
        for event in host.file_events(self.root):
            found.setdefault(event["explained"].get("state", "none"), []).append(event["path"])
        return found

    # --- dpkg ---

    def begin_dpkg(self):
        """Nothing is installed yet."""
        for name in ("info", "updates", "alternatives"):
            os.makedirs(self.in_root("var/lib/dpkg", name))
        os.makedirs(self.in_root("var/log"), exist_ok=True)
        for name in ("status", "available"):
            open(self.in_root("var/lib/dpkg", name), "w", encoding="utf-8").close()

    def build_deb(self, name, version, files, scripts=None, conffiles=()):
        """A .deb of these files: path -> content, or a symbolic link's target in a tuple."""
        tree = self.rig.make_dir(f"deb-{name}-{version}")
        control = os.path.join(tree, "DEBIAN")
        os.makedirs(control)
        self.lay_out(tree, files)
        with open(os.path.join(control, "control"), "w", encoding="utf-8") as out:
            out.write(f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: t <t@example.org>\n"
                      f"Description: a test\n")
        if conffiles:
            with open(os.path.join(control, "conffiles"), "w", encoding="utf-8") as out:
                out.write("".join(f"/{path}\n" for path in conffiles))
        for script, text in (scripts or {}).items():
            with open(os.path.join(control, script), "w", encoding="utf-8") as out:
                out.write("#!/bin/sh\nset -e\n" + text)
            os.chmod(os.path.join(control, script), 0o755)
        deb = os.path.join(self.rig.dir, f"{name}_{version}.deb")
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, deb], check=True, capture_output=True)
        return deb

    def dpkg(self, *words):
        done = subprocess.run(
            ["dpkg", f"--root={self.root}", f"--log={self.root}/var/log/dpkg.log", "--force-script-chrootless",
             "--force-confnew", *words], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
