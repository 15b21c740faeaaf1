"""The units as text: what they refuse is nothing that the programs do."""

import os
import re
import subprocess
import unittest

import packages

UNITS = os.path.join(packages.TOP, "packaging", "systemd")
PROFILES = os.path.join(packages.TOP, "common", "confine", "profile_{}")
# What a program does before its own filter stands: it gives up what it has.
BEFORE = {"capset", "prctl", "seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}


def call_groups():
    """{"@group": [names and groups]}, as this machine's systemd has them."""
    packages.need_tools("systemd-analyze")
    done = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest("systemd-analyze does not know groups of system calls")
    groups, group = {}, []
    for line in done.stdout.splitlines():
        if line.startswith("@"):
            group = groups.setdefault(line.strip(), [])
        elif line.startswith("    ") and not line.strip().startswith("#"):
            group.append(line.strip())
    return groups


def expand(word, groups):
    if not word.startswith("@"):
        return {word}
    return set().union(*(expand(part, groups) for part in groups.get(word, [])))


def allowed(unit, groups):
    """As systemd reads it: later lines add to what is allowed, or with "~" take away."""
    calls = expand("@default", groups)
    with open(os.path.join(UNITS, unit + ".service"), encoding="utf-8") as lines:
        for line in lines:
            found = re.match(r"SystemCallFilter=(~?)(.*)", line)
            for word in found[2].split() if found else ():
                calls = calls - expand(word, groups) if found[1] else calls | expand(word, groups)
    return calls


def of_profile(name):
    """What a program's own filter lets through, but for what only sanitizers need."""
    text = re.sub(r"#if CONFINE_SANITIZED.*?#endif", "", packages.read(PROFILES.format(name)), flags=re.DOTALL)
    return set(re.findall(r'ALLOW\w*\(\s*"(\w+)"', text))


class Units(unittest.TestCase):
    def test_filters_of_units_hold_those_of_programs(self):
        groups = call_groups()
        for unit, profiles in (("tsujiban-agent", ("common.c", "parts.h", "reader.c", "starter.c")),
                               ("tsujiban-collector", ("common.c", "parts.h", "collector.c"))):
            calls = allowed(unit, groups)
            for profile in profiles:
                wanted = of_profile(profile)
                self.assertGreater(len(wanted), 0, profile)
                self.assertEqual(sorted(wanted - calls), [], f"{profile} in {unit}.service")
            self.assertEqual(sorted(BEFORE - calls), [], unit)
