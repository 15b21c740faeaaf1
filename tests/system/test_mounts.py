"""File systems that come and go below a watched directory."""

import os
import subprocess
import unittest

from rig import RigTest, wait_until


class Mounts(RigTest):
    def mount(self, path):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "tmpfs", path],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise unittest.SkipTest(f"cannot mount a tmpfs here: {done.stderr.strip()}")
        self.rig.mounts.append(path)

    def unmount(self, path):
        subprocess.run(["umount", path], check=True)
        self.rig.mounts.remove(path)

    def told(self, host):
        return [(e["action"], e["path"]) for e in host.file_events(self.tree + "/")]

    def test_D12_mount_and_unmount_are_one_event_each(self):
        os.makedirs(self.path("sub", "deep"))
        for number in range(30):
            self.write("sub", f"f{number}", content=str(number))
            self.write("sub", "deep", f"g{number}", content=str(number))
        host = self.started_host()
        sub = self.path("sub")
        self.mount(sub)
        host.wait_event(action="retired", path=sub)
        host.wait_picture(self.tree)
        self.assertEqual(self.told(host), [("retired", sub)])
        self.write("sub", "new", content="on the other file system")
        host.wait_event(action="created", path=self.path("sub", "new"), cause="live")
        host.wait_picture(self.tree)
        self.unmount(sub)

        def retired_twice():
            return self.told(host).count(("retired", sub)) == 2

        wait_until(retired_twice, "a second event for the unmount")
        host.wait_picture(self.tree)
        self.assertEqual([told for told in self.told(host) if told[0] not in ("created", "retired")], [])
        path = self.write("sub", "deep", "g7", content="changed after the unmount")
        host.wait_event(action="modified", path=path, cause="live")
        host.wait_picture(self.tree)
        self.assert_exactly_once(host)

    def test_a_mounted_file_system_can_always_be_unmounted(self):
        os.mkdir(self.path("sub"))
        self.mount(self.path("sub"))
        host = self.started_host()
        self.write("sub", "x")
        host.wait_event(action="created", path=self.path("sub", "x"))
        self.unmount(self.path("sub"))
        host.wait_picture(self.tree)


class MountsInotify(Mounts):
    source = "inotify"
