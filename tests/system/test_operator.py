"""The operator's command line: listings, formats, following."""

import csv
import io
import json
import os
import subprocess

from rig import Process, RigTest, program, wait_until


class Listings(RigTest):
    def test_every_listing_has_three_formats(self):
        self.write("a")
        host = self.started_host()
        self.write("b")
        host.wait_event(path=self.path("b"), action="created")
        for words in (["hosts"], ["host", "web01"], ["search", ""], ["packages", "--host", "web01"],
                      ["facts", "web01"], ["facts", "web01", "kernel"], ["files", "web01"], ["events"], ["status"]):
            for form in ("table", "json", "csv"):
                done = self.rig.cli(*words, "--format", form)
                self.assertEqual(done.returncode, 0, (words, form, done.stderr))
                self.assertTrue(done.stdout, (words, form))
                if form == "json":
                    for line in done.stdout.splitlines():
                        json.loads(line)
                if form == "csv":
                    widths = {len(row) for row in csv.reader(io.StringIO(done.stdout))}
                    self.assertEqual(len(widths), 1, words)

    def test_files_below_a_prefix(self):
        os.makedirs(self.path("sub"))
        self.write("sub", "x")
        self.write("subway")
        host = self.started_host()
        self.assertEqual(set(host.picture(self.path("sub"))), {self.path("sub"), self.path("sub", "x")})

    def test_file_lines_have_the_public_form(self):
        os.symlink("/target", self.path("link"))
        self.write("plain")
        self.started_host()
        lines = {line["path"]: line for line in self.rig.json("files", "web01", self.tree)}
        plain, link = lines[self.path("plain")], lines[self.path("link")]
        for key in ("path", "type", "mode", "uid", "gid", "size", "sha256", "target"):
            self.assertIn(key, plain)
        self.assertEqual((plain["type"], plain["target"]), ("regular", None))
        self.assertEqual((link["type"], link["target"], link["sha256"]), ("symlink", "/target", None))

    def test_event_query_since_and_limit(self):
        host = self.started_host()
        for name in ("a", "b", "c"):
            self.write(name)
            host.wait_event(path=self.path(name), action="created")
        by_path = host.events(f"path:{self.path('b')}")
        self.assertEqual([e["path"] for e in by_path], [self.path("b")])
        created = host.events("action:created NOT cause:baseline")
        self.assertEqual([os.path.basename(e["path"]) for e in created], ["a", "b", "c"])
        self.assertEqual(len(host.events("--limit", "2")), 2)
        self.assertEqual(len(host.events("--since", "1h")), len(host.events()))
        self.assertFalse(host.events("--since", "2099-01-01T00:00:00Z"))

    def test_bad_query_is_refused_with_its_place(self):
        done = self.rig.cli("search", "package:(")
        self.assertEqual(done.returncode, 1)
        self.assertIn("column", done.stderr)

    def test_unknown_host_is_named(self):
        for words in (["host", "nobody"], ["files", "nobody"], ["revoke", "nobody"]):
            done = self.rig.cli(*words)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn("nobody", done.stderr)

    def test_token_has_the_public_form(self):
        token = self.rig.token("--ttl", "2h", "--label", "env=test")
        self.assertEqual(set(token), {"token", "ca_fingerprint", "expires"})
        self.assertRegex(token["ca_fingerprint"], "^sha256:[0-9a-f]{64}$")

    def test_label_given_with_the_token_stays_with_the_host(self):
        token = self.rig.token("--label", "site=kyoto")
        state = os.path.join(self.rig.dir, "labelled")
        subprocess.run([program("tsujiban-agent"), "enroll", "--collector", f"127.0.0.1:{self.rig.port}", "--token",
                        token["token"], "--ca-fingerprint", token["ca_fingerprint"], "--dir", state, "--name", "lab01"],
                       check=True, capture_output=True)
        self.assertEqual([row["host"] for row in self.rig.json("search", "label.site:kyoto")], ["lab01"])
        self.rig.collector.stop()
        self.rig.start_collector()
        self.assertEqual([row["host"] for row in self.rig.json("search", "label.site:kyoto")], ["lab01"])

    def test_wrong_api_token_is_refused(self):
        wrong = os.path.join(self.rig.dir, "wrong")
        with open(wrong, "w", encoding="ascii") as out:
            out.write("A" * 43)
        done = self.rig.cli("hosts", "--token-file", wrong)
        self.assertEqual(done.returncode, 1)
        self.assertIn("token", done.stderr)


class Following(RigTest):
    def follow(self):
        log = os.path.join(self.rig.dir, "follow.log")
        follower = Process(log, program("tsujiban"), "events", "--follow", "--format", "json", env=self.rig.env)
        self.addCleanup(follower.kill)
        return follower.start()

    def paths(self, follower):
        return [json.loads(line)["path"] for line in follower.read_log().splitlines()
                if line.startswith("{") and '"path"' in line]

    def test_follow_shows_new_events_and_survives_the_collectors_restart(self):
        host = self.started_host()
        follower = self.follow()
        number = 0

        def sees_a_new_one():
            nonlocal number
            number += 1
            self.write(f"probe{number}")
            return any("probe" in (path or "") for path in self.paths(follower))

        wait_until(sees_a_new_one, "the follower sees events")
        path = self.write("before-restart")
        wait_until(lambda: path in self.paths(follower), "an event while connected")
        self.rig.collector.kill()
        missed = self.write("while-down")
        self.rig.start_collector()
        host.wait_event(path=missed, action="created")
        wait_until(lambda: missed in self.paths(follower), "an event from while the follower was cut off")
        path = self.write("after-restart")
        wait_until(lambda: path in self.paths(follower), "an event after the restart")
        seen = self.paths(follower)
        self.assertEqual(len([p for p in seen if p == missed]), 1, "an event twice")

    def test_closed_pipe_ends_quietly(self):
        for i in range(300):
            self.write(f"f{i}")
        self.started_host()
        done = subprocess.run(f"{program('tsujiban')} events | head -n 1", shell=True, env=self.rig.env,
                              capture_output=True, text=True, check=False)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertEqual(done.stderr, "")
