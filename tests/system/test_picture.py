"""The collector's picture of a host equals the host: its files, its packages, its system."""

import os
import platform
import shutil
import subprocess
import unittest

from rig import RigTest, wait_until


class RealFiles(RigTest):
    def test_files_equal_all_of_etc_and_usr_bin(self):
        roots = ["/etc", os.path.realpath("/usr/bin")]
        host = self.started_host(watch=roots)
        host.wait_picture(*roots)
        changed = [e for e in host.file_events() if e["cause"] == "live" and e["action"] not in ("attributes",)]
        self.assertFalse([e for e in changed if e["action"] == "created"], "a file that was there before shows as created")


@unittest.skipUnless(shutil.which("dpkg-query"), "no dpkg on this machine")
class RealPackages(RigTest):
    def dpkg(self):
        fields = "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${db:Status-Status}\n"
        lines = subprocess.run(["dpkg-query", "-W", "-f", fields], capture_output=True, text=True, check=True).stdout
        rows = {tuple(line.split("\t")) for line in lines.splitlines()}
        return {row for row in rows if row[5] != "not-installed"}

    def test_packages_equal_dpkg_query_field_by_field(self):
        self.started_host()

        def ours():
            return {(p["name"], p["version"], p["arch"], p["source"], p["source_version"], p["status"])
                    for p in self.rig.json("packages", "--host", "web01")}

        wait_until(lambda: ours() == self.dpkg(), "packages equal dpkg-query")

    def test_search_finds_this_host_with_its_version(self):
        self.started_host()
        name = "openssl" if any(row[0] == "openssl" for row in self.dpkg()) else "dpkg"
        version = next(row[1] for row in self.dpkg() if row[0] == name)
        found = wait_until(lambda: self.rig.json("search", f"package:{name}"), "the host is found")
        self.assertEqual([row["host"] for row in found], ["web01"])
        self.assertEqual(found[0]["matches"][0]["version"], version)
        self.assertTrue(self.rig.json("search", f"package:{name}>={version}"))
        self.assertFalse(self.rig.json("search", f"package:{name}<{version}"))
        self.assertTrue(self.rig.json("search", f"package:{name} version={version}"))
        self.assertFalse(self.rig.json("search", f"NOT package:{name}"))

    def test_search_by_system_kernel_label_and_name(self):
        self.started_host(config="labels: {env: production, role: web}\n")
        release = platform.release()
        wait_until(lambda: self.rig.json("search", "label.env:production"), "the label is known")
        wait_until(lambda: self.rig.json("search", f"kernel:{release}"), "the kernel is known")
        for query in ("host:web*", "os:debian", "label.role:w* AND NOT label.env:staging",
                      "(os:debian OR os:fedora) host:web01"):
            self.assertEqual(len(self.rig.json("search", query)), 1, query)
        self.assertFalse(self.rig.json("search", "label.env:staging"))
        counted = self.rig.json("search", "", "--count-by", "label.env")
        self.assertEqual(counted[0]["hosts"], 1)


class TwoHosts(RigTest):
    def test_hosts_are_kept_apart(self):
        other = self.rig.make_dir("other")
        first = self.started_host("web01")
        second = self.rig.host("web02", [other]).start().wait_baselined()
        path = self.write("only-here")
        first.wait_event(path=path, action="created")
        self.assertFalse(second.file_events())
        self.assertEqual([h["host"] for h in self.rig.json("hosts")], ["web01", "web02"])
        second.wait_picture(other)
