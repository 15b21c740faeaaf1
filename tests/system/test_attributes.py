"""Every attribute of a file, and of a directory, is told with before and after of exactly what changed."""

import errno
import os
import shutil
import subprocess
import unittest

from rig import wait_until
from scenario import Scenario, both_sources


def run(*command):
    """Skips the test where the file system, or the machine, cannot do it."""
    if not shutil.which(command[0]):
        raise unittest.SkipTest(f"{command[0]} is not here")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest(f"{' '.join(command)}: {done.stderr.strip()}")


@both_sources
class Attributes(Scenario):
    def told(self, path, change):
        """The one event of the change, made by calling `change`."""
        known = len(self.host.file_events(path))
        change()
        event = self.news_of(path, known)
        self.assertEqual(event["action"], "attributes")
        return event

    def news_of(self, path, known):
        return wait_until(lambda: self.host.file_events(path)[known:], f"an event of {path}")[0]

    def check(self, path, change, changed, key=None, before=None, after=None):
        event = self.told(path, change)
        self.assertEqual(event["changed"], changed)
        if key:
            self.assertEqual((event["before"][key], event["after"][key]), (before, after))

    def test_P01_chmod_chown_and_setuid(self):
        path = self.write("f", content="x")
        os.chmod(path, 0o644)
        self.watching()
        self.check(path, lambda: os.chmod(path, 0o600), ["mode"], "mode", "0644", "0600")
        self.check(path, lambda: os.chmod(path, 0o4755), ["mode"], "mode", "0600", "4755")
        if os.getuid() == 0:
            os.chmod(path, 0o644)
            self.news_of(path, 2)
            self.check(path, lambda: os.chown(path, 7, -1), ["uid"], "uid", 0, 7)
            self.check(path, lambda: os.chown(path, -1, 8), ["gid"], "gid", 0, 8)

    def test_P01_access_control_list(self):
        path = self.write("f", content="x")
        os.chmod(path, 0o644)
        self.watching()
        event = self.told(path, lambda: run("setfacl", "-m", "u:7:r", path))
        self.assertIn("acl", event["changed"])
        self.assertIsNone(event["before"]["acl"])
        self.assertEqual(event["after"]["acl"], "user::rw-,user:7:r--,group::r--,mask::r--,other::r--")

    def test_P01_capabilities(self):
        path = self.write("f", content="x")
        self.watching()
        self.check(path, lambda: run("setcap", "cap_net_raw+ep", path), ["capabilities"], "capabilities", None,
                   "cap_net_raw=ep")

    def test_P01_immutable_flag(self):
        path = self.write("f", content="x")
        self.addCleanup(subprocess.run, ["chattr", "-i", path], capture_output=True, check=False)
        self.watching(config="audit: {round: 3s}\n")  # the kernel tells nobody of chattr
        self.check(path, lambda: run("chattr", "+i", path), ["flags"], "flags", "", "i")
        self.check(path, lambda: run("chattr", "-i", path), ["flags"], "flags", "i", "")

    def test_P01_extended_attribute(self):
        path = self.write("f", content="x")
        self.watching()

        def mark(value):
            try:
                os.setxattr(path, "user.note", value)
            except OSError as error:
                if error.errno in (errno.ENOTSUP, errno.EPERM):
                    raise unittest.SkipTest("no user attributes on this file system") from None
                raise

        self.check(path, lambda: mark(b"one"), ["xattrs"], "xattrs", {}, {"user.note": "one"})
        self.check(path, lambda: mark(b"two"), ["xattrs"], "xattrs", {"user.note": "one"}, {"user.note": "two"})

    def test_P01_directory_has_attributes_too(self):
        path = self.path("d")
        os.mkdir(path)
        self.watching()
        event = self.told(path, lambda: run("setfacl", "-d", "-m", "u:7:rwx", path))
        self.assertEqual(event["changed"], ["acl"])
        self.assertIn("user:7:rwx", event["after"]["default_acl"])
