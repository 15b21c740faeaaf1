"""What is really running: libraries that were replaced under a process, and what the kernel says of itself."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

from rig import BUILD, RigTest, wait_until

# Maps a file as code, says so, and waits for the end of its input.
MAP = """
import mmap, sys
with open(sys.argv[1], "rb") as library:
    code = mmap.mmap(library.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC)
print("mapped", flush=True)
sys.stdin.read()
"""

SOON = "inventory: {interval: 10s, apps: []}\n"


class Running(RigTest):
    def setUp(self):
        super().setUp()
        # Not below /tmp: what is deleted there is nobody's software.
        self.place = tempfile.mkdtemp(prefix="running-", dir=BUILD)
        self.addCleanup(shutil.rmtree, self.place)
        if self.place.startswith(("/tmp/", "/var/tmp/", "/run/")):
            self.skipTest("the build lies where programs keep temporary files")
        self.library = os.path.join(self.place, "lib", "libdemo.so")
        os.mkdir(os.path.dirname(self.library))

    def facts(self, kind):
        return self.rig.json("facts", "web01", kind)

    def install(self, version):
        fresh = self.library + "-new"
        with open(fresh, "w", encoding="ascii") as out:
            out.write(f"library {version}\n" * 500)
        os.rename(fresh, self.library)

    def start_program(self):
        process = subprocess.Popen([sys.executable, "-c", MAP, self.library], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        self.addCleanup(self.end_program, process)
        self.assertEqual(process.stdout.readline(), b"mapped\n")
        return process

    @staticmethod
    def end_program(process):
        if process.stdin:
            process.stdin.close()
            process.stdout.close()
            process.stdin = None
        process.wait()

    def stale(self):
        return [fact for fact in self.facts("restart") if self.library in fact.values()]

    def test_library_replaced_under_a_process_shows_until_its_restart(self):
        self.install(1)
        began = time.time()
        process = self.start_program()
        host = self.started_host("web01", config=SOON)
        self.assertEqual(self.stale(), [])
        self.install(2)
        found = wait_until(self.stale, "the replaced library shows; log: " + host.process.read_log()[-2000:])
        self.assertEqual(len(found), 1, found)
        self.assertEqual(found[0]["what"], "library")
        self.assertEqual(found[0]["exe"], os.path.realpath(sys.executable))
        self.assertEqual(found[0]["runs"], "", "no package has it")
        self.assertAlmostEqual(int(found[0]["since"]), began, delta=90, msg="whole minutes, and a clock that may have been set")
        self.end_program(process)
        self.start_program()
        wait_until(lambda: not self.stale(), "nothing of it is left after the restart")

    def test_kernel_is_the_one_that_runs(self):
        self.started_host("web01")
        wait_until(lambda: self.facts("kernel"), "the kernels of the host")
        running = [fact["release"] for fact in self.facts("kernel") if fact["state"] == "running"]
        self.assertEqual(running, [platform.release()])
        pairs = {fact["name"]: fact["value"] for fact in self.facts("host")}
        self.assertEqual(pairs["kernel_build"], platform.version())
        with open("/proc/cmdline", encoding="utf-8") as cmdline:
            self.assertEqual(pairs["kernel_cmdline"], cmdline.read().strip())
        faults = "/sys/devices/system/cpu/vulnerabilities"
        if os.path.isdir(faults):
            self.assertEqual(sorted(fact["name"] for fact in self.facts("mitigation")), sorted(os.listdir(faults)))

