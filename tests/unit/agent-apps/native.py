#!/usr/bin/env python3
"""What a package manager itself says is installed, for the readers to be held against.

usage: native.py pip|npm|gem|composer DIR     (DIR: an empty directory, for what has to be made)
Prints "file PATH" for each file to be read, and "fact NAME VERSION ARCH" for each package, by tabs.
Ends with 77 where the tool is not there.
"""

import json
import os
import re
import shutil
import subprocess
import sys


def say(*words):
    print("\t".join(words))


def output(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, text=True, **options)
    return done.stdout


def need(tool):
    if not shutil.which(tool):
        sys.exit(77)


def files_below(top, ends):
    for where, _, names in os.walk(top):
        for name in names:
            path = os.path.join(where, name)
            if name.endswith(ends) and not os.path.islink(path):
                say("file", path)


def pip(_):
    """The directory that this python has its packages in, and what lies directly in it."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        sys.exit(77)
    import sysconfig

    top = sysconfig.get_path("purelib")
    listed = output(sys.executable, "-m", "pip", "--disable-pip-version-check", "list", "--path", top, "--format=json")
    for package in json.loads(listed):
        say("fact", re.sub("[-_.]+", "-", package["name"]).lower(), package["version"], "")
    for name in sorted(os.listdir(top)):
        if name.startswith("~"):  # what an interrupted pip has put aside
            continue
        path = os.path.join(top, name)
        for below in ("METADATA", "PKG-INFO", "EGG-INFO/PKG-INFO"):
            if name.endswith((".dist-info", ".egg-info", ".egg")) and os.path.isfile(os.path.join(path, below)):
                say("file", os.path.join(path, below))
        if name.endswith(".egg-info") and os.path.isfile(path):
            say("file", path)


def npm(_):
    """What is installed for all, with all that it depends on."""
    need("npm")
    top = output("npm", "root", "--global").strip()
    listed = output("npm", "ls", "--global", "--all", "--parseable", "--long").splitlines()
    for line in listed:
        path, _, what = line.partition(":")
        if path.startswith(top + "/") and not os.path.islink(path):
            name, _, version = what.split(":")[0].rpartition("@")
            say("fact", name, version, "")
    files_below(top, "package.json")


def gem(_):
    """Every gem of the default path; "default: " marks those that came with Ruby."""
    need("gem")
    for line in output("gem", "list", "--local", "--quiet").splitlines():
        found = re.fullmatch(r"(\S+) \((.*)\)", line)
        for version in found.group(2).split(", ") if found else []:
            words = version.removeprefix("default: ").split(" ")
            for platform in words[1:] or ["ruby"]:
                say("fact", found.group(1), words[0], "" if platform == "ruby" else platform)
    for top in output("gem", "environment", "gempath").strip().split(":"):
        files_below(os.path.join(top, "specifications"), ".gemspec")


def composer(top):
    """A project of two packages that lie beside it, so that nothing is fetched."""
    need("composer")
    for name, version in (("one", "v1.2.3"), ("Two", "2.0.0-beta1")):
        os.makedirs(os.path.join(top, "packages", name))
        with open(os.path.join(top, "packages", name, "composer.json"), "w", encoding="utf-8") as out:
            json.dump({"name": f"tsujiban/{name.lower()}", "version": version}, out)
    with open(os.path.join(top, "composer.json"), "w", encoding="utf-8") as out:
        json.dump({"minimum-stability": "beta", "require": {"tsujiban/one": "*", "tsujiban/two": "*"},
                   "repositories": [{"type": "path", "url": "packages/*"}, {"packagist.org": False}]}, out)
    options = {"cwd": top, "env": dict(os.environ, COMPOSER_ALLOW_SUPERUSER="1", COMPOSER_HOME=top)}
    output("composer", "install", "--no-interaction", "--quiet", **options)
    for package in json.loads(output("composer", "show", "--format=json", **options))["installed"]:
        say("fact", package["name"], package["version"], "")
    say("file", os.path.join(top, "vendor/composer/installed.json"))


if __name__ == "__main__":
    {"pip": pip, "npm": npm, "gem": gem, "composer": composer}[sys.argv[1]](sys.argv[2])
