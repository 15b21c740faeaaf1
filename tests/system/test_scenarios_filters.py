"""Scenarios F: what is left out. The first table is the manual's (tsujiban-agent.yaml(5))."""

import os
import subprocess

from rig import program
from scenario import Scenario, both_sources

# pattern: (seen, left out), paths below the entry
PATTERNS = {
    "*.swp": (["a.txt", "swp"], ["a.swp", "d/b.swp", "d/e/c.swp"]),
    "/top": (["top"], []),
    "top/f": (["d/top/f"], ["top/f"]),
    "cache/": (["d/cachefile"], ["cache/f", "d/cache/g"]),
    "d/secret": (["secret", "x/d/secret"], ["d/secret"]),
    "x/**/deep": (["d/deep"], ["x/deep", "x/y/deep", "x/y/z/deep"]),
    "**/tmp": (["tmpfile"], ["tmp/f", "d/tmp/f"]),
    "logs/**": (["log"], ["logs/a", "logs/d/b"]),
    "file[0-9]": (["filea"], ["file1", "d/file2"]),
    "?.o": (["ab.o"], ["a.o", "d/b.o"]),
}


@both_sources
class Filters(Scenario):
    def make(self, name):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        return self.write(*name.split("/"), content=name)

    def only_these_are_told(self, names):
        self.mark()
        told = {e["path"] for e in self.news_without_marks()
                if not os.path.isdir(e["path"])}
        self.assertEqual(told, {self.path(name) for name in names})

    def excluding(self, *patterns):
        quoted = ", ".join(f"'{pattern}'" for pattern in patterns)
        self.watching(watch=[f"  - path: {self.tree}\n    exclude: [{quoted}]"])

    def test_F01_patterns_mean_what_gitignore_means(self):
        for pattern, (seen, left_out) in PATTERNS.items():
            with self.subTest(pattern=pattern):
                self.tree = self.rig.make_dir("m" + pattern.encode().hex())
                self.host = None
                self.roots = [self.tree]
                host = self.rig.host("h" + pattern.encode().hex(),
                                     [f"  - path: {self.tree}\n    exclude: ['{pattern}']"])
                host.start().wait_baselined()
                self.host = host
                for name in seen + left_out:
                    self.make(name)
                self.only_these_are_told(seen)
                host.stop()
        self.host = None

    def test_F01_an_anchored_pattern_and_one_taken_back(self):
        self.excluding(f"{self.tree}/top", "*.log", "!keep.log", "closed/", "!closed/keep")
        for name in ("top", "d/top", "a.log", "keep.log", "d/keep.log", "closed/keep", "closed/f"):
            self.make(name)
        self.only_these_are_told(["d/top", "keep.log", "d/keep.log"])
        self.host = None

    def test_F01_an_entry_below_an_excluded_directory_is_watched(self):
        deep = self.path("closed", "open")
        os.makedirs(deep)
        self.watching(watch=[f"  - path: {self.tree}\n    exclude: [closed]", deep], roots=[self.tree, deep])
        self.make("closed/f")
        self.make("closed/open/g")
        self.only_these_are_told(["closed/open/g"])
        self.host = None

    def test_F01_a_directory_that_is_renamed_to_an_excluded_name_is_left_alone_until_it_is_back(self):
        self.make("d/f")
        self.excluding("out")
        os.rename(self.path("d"), self.path("out"))
        self.host.wait_event(path=self.path("d"), action="deleted")
        self.make("out/g")
        self.quiet()
        os.rename(self.path("out"), self.path("d"))
        self.host.wait_picture(self.tree)
        path = self.make("d/h")
        self.host.wait_event(path=path, action="created")
        self.assertFalse([e for e in self.news() if e["path"].startswith(self.path("out"))])

    def test_F02_hidden_files_are_files_like_any_other(self):
        self.watching()
        for name in (".hidden", ".d/.deep/f", ".d/..f", "..."):
            self.make(name)
        self.only_these_are_told([".hidden", ".d/.deep/f", ".d/..f", "..."])

    def test_F03_a_bad_configuration_is_refused_with_file_line_and_key(self):
        path = os.path.join(self.rig.dir, "bad.yaml")
        head = f"collector: 127.0.0.1:1\nstate_dir: {self.rig.dir}/s\n"
        for text, line, key in ((f"watch:\n  - path: {self.tree}\n  - path: {self.tree}\n", 5, "path"),
                                ("wach: []\n", 3, "wach"),
                                (f"watch:\n  - path: {self.tree}\n    recursive: perhaps\n", 5, "recursive"),
                                (f"watch:\n  - path: {self.tree}\n    exclude: ['[']\n", 4, "exclude"),
                                ("watch:\n  - path: relative\n", 4, "path"),
                                ("limits: {spool_mb: 0}\n", 3, "spool_mb"),
                                ("watch: []\n", None, "watch")):
            with self.subTest(text=text):
                with open(path, "w", encoding="ascii") as out:
                    out.write(head + text)
                for command in ("check", "run"):
                    done = subprocess.run([program("tsujiban-agent"), command, "--config", path],
                                          capture_output=True, text=True, check=False)
                    self.assertEqual(done.returncode, 1)
                    self.assertIn(path if line is None else f"{path}:{line}:", done.stderr)
                    self.assertIn(key, done.stderr)

    def test_F04_the_deepest_entry_decides(self):
        sub = self.path("sub")
        os.makedirs(self.path("sub", "deep"))
        self.watching(watch=[f"  - path: {self.tree}\n    exclude: ['*.log']",
                             f"  - path: {sub}\n    recursive: false\n    exclude: ['*.txt']"])
        for name in ("a.log", "a.txt", "sub/a.log", "sub/a.txt", "sub/deep/a.log"):
            self.make(name)
        self.only_these_are_told(["a.txt", "sub/a.log"])
        self.host = None

    def test_F05_what_lies_deeper_than_a_non_recursive_entry_is_not_told(self):
        os.makedirs(self.path("sub", "deep"))
        self.watching(watch=[f"  - path: {self.tree}\n    recursive: false"])
        for name in ("f", "sub/g", "sub/deep/h"):
            self.make(name)
        os.makedirs(self.path("new", "deep"))
        self.make("new/i")
        self.only_these_are_told(["f"])
        self.host = None
