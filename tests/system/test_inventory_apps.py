"""Application packages: found by a walk, and at once where files are watched."""

import os
import shutil
import time

from rig import RigTest, wait_until

SITE = ("lib", "python3", "site-packages")


class Apps(RigTest):
    def setUp(self):
        super().setUp()
        self.config = f"inventory: {{apps: [{self.tree}]}}\n"
        self.site = self.path("watched", *SITE)
        os.makedirs(self.site)

    def started(self):
        host = self.started_host(watch=[self.path("watched")], config=self.config)
        self.wait_walked(host)
        return host

    @staticmethod
    def wait_walked(host):
        wait_until(lambda: "app_walk_at" in host.status(), "the walk; log: " + host.process.read_log()[-2000:])

    @staticmethod
    def install(site, name, version):
        """As pip does it: the files, and METADATA among the last."""
        info = os.path.join(site, f"{name}-{version}.dist-info")
        os.makedirs(os.path.join(site, name), exist_ok=True)
        os.mkdir(info)
        for file, text in (("WHEEL", "Wheel-Version: 1.0\n"), ("RECORD", ""),
                           ("METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nText\n")):
            with open(os.path.join(info, file), "w", encoding="utf-8") as out:
                out.write(text)
        return os.path.join(info, "METADATA")

    @staticmethod
    def uninstall(site, name, version):
        shutil.rmtree(os.path.join(site, f"{name}-{version}.dist-info"))

    def versions(self, name):
        return sorted(line["version"] for line in self.rig.json("packages", name))

    def wait_versions(self, name, *versions):
        wait_until(lambda: self.versions(name) == sorted(versions), f"versions {versions} of {name}")

    def fact(self, name):
        facts = [fact for fact in self.rig.json("facts", "web01", "package") if fact["name"] == name]
        self.assertEqual(len(facts), 1, facts)
        return facts[0]

    def test_distribution_shows_with_manager_version_and_path(self):
        site = self.path("unwatched", *SITE)
        os.makedirs(site)
        metadata = self.install(site, "demo_app", "1.0")
        self.started()
        self.wait_versions("demo-app", "1.0")
        line = self.rig.json("packages", "demo-app")[0]
        self.assertEqual(line["manager"], "pypi")
        fact = self.fact("demo-app")
        self.assertEqual((fact["manager"], fact["version"], fact["instance"]), ("pypi", "1.0", metadata))

    def test_what_happens_below_a_watched_path_shows_without_a_walk(self):
        self.install(self.site, "demo", "1.0")
        host = self.started()
        self.wait_versions("demo", "1.0")
        walked = host.status()["app_walk_at"]
        self.install(self.site, "demo", "2.0")
        self.uninstall(self.site, "demo", "1.0")
        self.wait_versions("demo", "2.0")
        self.install(self.site, "other", "3")
        self.wait_versions("other", "3")
        # A tree that is renamed has what was in it in another place.
        shutil.move(self.path("watched", "lib"), self.path("watched", "lib64"))
        moved = self.path("watched", "lib64", *SITE[1:])
        wait_until(lambda: self.fact("demo")["instance"].startswith(moved), "the package in its new place")
        self.uninstall(moved, "demo", "2.0")
        self.wait_versions("demo")
        shutil.rmtree(self.path("watched", "lib64"))
        self.wait_versions("other")
        self.assertEqual(host.status()["app_walk_at"], walked)
        told = [(event["action"], (event["after"] or event["before"])["version"])
                for event in host.events("kind:package") if self.is_about(event, "demo")]
        self.assertIn(("installed", "2.0"), told)
        self.assertIn(("removed", "1.0"), told)

    @staticmethod
    def is_about(event, name):
        return (event.get("after") or event.get("before") or {}).get("name") == name

    def test_restart_reads_nothing_again(self):
        metadata = self.install(self.site, "demo", "1.0")
        # A file that was changed this moment is read once more by the next walk.
        wait_until(lambda: time.time() - os.stat(metadata).st_ctime > 3, "the file is no fresh one")
        host = self.started()
        self.assertGreater(host.status()["app_files_opened"], 0)
        host.stop()
        old = host.status()["app_walk_at"]
        host.start()
        wait_until(lambda: host.status().get("app_walk_at", old) != old, "the walk after the restart")
        self.assertEqual(host.status()["app_files_opened"], 0)
        self.assertEqual(host.status()["app_packages"], 1)
        self.assertEqual(self.versions("demo"), ["1.0"])

    def test_change_while_the_agent_was_down_is_found(self):
        self.install(self.site, "demo", "1.0")
        host = self.started()
        self.wait_versions("demo", "1.0")
        host.stop()
        self.install(self.site, "demo", "1.1")
        self.uninstall(self.site, "demo", "1.0")
        host.start()
        self.wait_versions("demo", "1.1")
