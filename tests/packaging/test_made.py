"""What the packages are made of: the same bytes each time, nothing that lintian or rpmlint minds, pages and completions for
every command."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

import packages

MAN = os.path.join(packages.TOP, "packaging", "man")


def run(*words, **more):
    return subprocess.run(words, capture_output=True, text=True, check=False, **more)


class Reproducible(unittest.TestCase):
    weight = 2  # compiles everything

    def copy_in_another_order(self, to):
        """Another directory, other times, another umask, files made in another order, and no git."""
        out = run("git", "-C", packages.TOP, "ls-files", "-co", "--exclude-standard").stdout.splitlines()
        if not out:
            self.skipTest("not a clone of the repository")
        for name in reversed(out):
            source = os.path.join(packages.TOP, name)
            if os.path.exists(source):
                os.makedirs(os.path.dirname(os.path.join(to, name)), exist_ok=True)
                shutil.copyfile(source, os.path.join(to, name))
                os.chmod(os.path.join(to, name), 0o700 if os.access(source, os.X_OK) else 0o600)

    def test_built_twice_all_packages_are_the_same_bytes(self):
        first = {**packages.built("deb"), **{"rpm-of-" + name: path for name, path in packages.built("rpm").items()}}
        with tempfile.TemporaryDirectory(prefix="tsujiban-another-place-") as where:
            tree = os.path.join(where, "deeper", "tree")
            before = os.umask(0o077)
            try:
                self.copy_in_another_order(tree)
                for kind in ("deb", "rpm"):
                    packages.build(kind, packages.VERSION, os.path.join(where, "out"), tree)
            finally:
                os.umask(before)
            for path in first.values():
                with open(path, "rb") as one, open(os.path.join(where, "out", os.path.basename(path)), "rb") as other:
                    self.assertEqual(one.read(), other.read(), os.path.basename(path))
        self.assertEqual(len(first), 6)


class Clean(unittest.TestCase):
    def test_lintian_minds_nothing(self):
        packages.need_tools("lintian")
        done = run("lintian", "--allow-root", "--pedantic", "--fail-on", "error,warning,info,pedantic",
                   *packages.built("deb").values())
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stdout)

    def test_lintian_minds_nothing_of_the_static_agent(self):
        packages.need_tools("lintian")
        done = run("lintian", "--allow-root", "--fail-on", "error,warning", *packages.built("deb", static=True).values())
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_rpmlint_minds_nothing(self):
        packages.need_tools("rpmlint")
        done = run("rpmlint", "--strict", "--config", os.path.join(packages.TOP, "packaging", "rpm", "rpmlint.toml"),
                   *packages.built("rpm").values())
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"0 errors, 0 warnings")

    def test_no_path_of_the_build_is_in_a_program(self):
        with tempfile.TemporaryDirectory() as where:
            for path in packages.built("deb").values():
                subprocess.run(["dpkg-deb", "-x", path, where], check=True)
            programs = os.listdir(os.path.join(where, "usr/bin"))
            self.assertEqual(sorted(programs), sorted(packages.NAMES))
            for name in programs:
                with open(os.path.join(where, "usr/bin", name), "rb") as binary:
                    self.assertNotIn(packages.TOP.encode(), binary.read(), name)

    def test_build_needs_are_those_of_install_deps(self):
        control = packages.read(os.path.join(packages.TOP, "packaging/deb/control"))
        wanted = set(re.search(r"^apt_build=\"([^\"]*)\"", packages.read(
            os.path.join(packages.TOP, "packaging/install-deps.sh")), re.M)[1].split())
        said = {word.strip().split()[0] for word in re.search(
            r"^Build-Depends: (.*?)^\S", control, re.M | re.S)[1].split(",")}
        # build-essential brings the compiler; the event loop's plug-in is of the running collector.
        self.assertEqual(wanted - said, {"gcc", "libc6-dev", "make", "pkg-config", "libwebsockets-evlib-uv"})
        self.assertEqual(said - wanted, {"debhelper-compat"})


class Words(unittest.TestCase):
    """Pages and completions of the installed programs."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="tsujiban-words-")
        self.addCleanup(shutil.rmtree, self.root)
        for path in packages.built("deb").values():
            subprocess.run(["dpkg-deb", "-x", path, self.root], check=True)

    def program(self, name):
        return os.path.join(self.root, "usr/bin", name)

    def commands(self, name):
        text = run(self.program(name), "--help").stdout
        if name == "tsujiban":
            return re.findall(r"^  tsujiban ([a-z]+(?: [a-z]+)?)", text, re.M)
        return re.findall(r"^  ([a-z]+)  ", text, re.M)

    def options(self, name, command):
        return re.findall(r"^  (--[a-z-]+)", run(self.program(name), *command.split(), "--help").stdout, re.M)

    def complete(self, name, *words):
        """What bash offers for the last of the words."""
        file = os.path.join(self.root, "usr/share/bash-completion/completions", name)
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  f'_{name.replace("-", "_")}; printf "%s\\n" "${{COMPREPLY[@]}}"')
        done = run("bash", "-c", script, "bash", file, name, *words, cwd=self.root)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_completion_offers_every_command_and_every_option(self):
        for name in packages.NAMES:
            commands = self.commands(name)
            self.assertGreater(len(commands), 2, name)
            first = {command.split()[0] for command in commands}
            self.assertEqual(set(self.complete(name, "")), first | {"--help", "--version"})
            for command in commands:
                options = self.options(name, command)
                self.assertIn("--help", options)
                self.assertEqual(self.complete(name, *command.split(), "--"), options, f"{name} {command}")

    def test_completion_knows_values(self):
        self.assertEqual(self.complete("tsujiban", "token", "c"), ["create"])
        self.assertEqual(self.complete("tsujiban", "search", "--format", "j"), ["json"])
        self.assertEqual(self.complete("tsujiban", "--server", "host", "sea"), ["search"])
        self.assertEqual(self.complete("tsujiban-agent", "check", "--config", "us"), ["usr"])
        self.assertEqual(self.complete("tsujiban-agent", "enroll", "--token", ""), [])

    def page(self, name):
        done = run("sh", "-c", 'gzip -dc "$0"', os.path.join(self.root, "usr/share/man", f"man{name[-1]}", name + ".gz"))
        self.assertEqual(done.returncode, 0, name)
        return done.stdout.replace("\\-", "-")

    def test_pages_name_every_command_option_and_key(self):
        for name in packages.NAMES:
            page = self.page(name + ".1")
            for command in self.commands(name):
                self.assertIn(command, page, name)
                for option in self.options(name, command):
                    self.assertIn(option, page + "--help", f"{name} {command}")
        for page, command in (("tsujiban-agent.yaml.5", ("tsujiban-agent", "check")),
                              ("tsujiban-enroll.yaml.5", ("tsujiban-agent", "enroll")),
                              ("tsujiban-collector.yaml.5", ("tsujiban-collector", "check"))):
            text = run(self.program(command[0]), command[1], "--help").stdout
            keys = text.partition("Keys of the file:\n")[2]
            self.assertTrue(keys)
            for line in keys.splitlines():
                self.assertIn(line, self.page(page), page)

    def test_page_of_the_query_language_names_every_field(self):
        page = self.page("tsujiban-query.7")
        table = packages.read(os.path.join(packages.TOP, "collector/query/field.c"))
        names = re.findall(r"^\t(?:ALONE|OF_FACT)\(\"([a-z.K]+)\"", table, re.M)
        self.assertGreater(len(names), 20)
        for name in names:
            name = name.removesuffix("K")
            self.assertTrue(re.search(rf"{re.escape(name)}[a-z_]*[:<>]", page), name)
        for word in re.findall(r"^        \[(?:ACTION|CAUSE)_\w+\] = \{?\"([a-z]+)\"", packages.read(
                os.path.join(packages.TOP, "common/model/event.c")), re.M):
            self.assertIn(word, page)

    def test_pages_are_well_made(self):
        packages.need_tools("mandoc")
        for folder, _, names in os.walk(os.path.join(self.root, "usr/share/man")):
            for name in names:
                done = run("mandoc", "-T", "lint", "-W", "warning", os.path.join(folder, name))
                self.assertEqual((done.returncode, done.stdout), (0, ""), done.stdout)

    def test_default_configuration_is_good_as_it_stands(self):
        done = run(self.program("tsujiban-agent"), "check", "--config", os.path.join(self.root, "etc/tsujiban/agent.yaml"))
        self.assertEqual(done.returncode, 0, done.stderr)
        here = packages.read(os.path.join(packages.TOP, "packaging/run-here.sh"))
        for path in re.search(r'for path in "\$dir/watched" (.*); do', here)[1].split():
            self.assertIn(f"path: {path}\n", done.stdout)


if __name__ == "__main__":
    unittest.main()
