#!/usr/bin/env python3
"""Holds the floors: a file includes its own folder and lower floors, never up, never sideways; and each library's names
stay in the one place that speaks to it. The floors are those of the Makefile's FLOOR_ table."""

import re
import subprocess
import sys

# Names of a library -> the only places where they may stand.
NAMES = {
    r"\buv_\w+": [r"common/io/"],
    r"\b(SSL|BIO|X509)_\w+": [r"common/io/"],
    r"\bEVP_\w+": [r"common/io/", r"common/base/digest\.c"],
    r"\bmdb_\w+|\bMDB_\w+": [r"common/store/kv"],
    r"\b[Tt]sujiban__v1__\w+": [r"common/codec/wire"],
    r"\broaring_\w+": [r"collector/index/"],
    r"\blws_\w+|\bLWS_\w+": [r"collector/http/"],
    r"\bcurl_\w+|\bCURL\w*": [r"collector/cli/"],
    r"\byaml_\w+": [r"common/codec/config"],
    r"\bZSTD_\w+": [r"common/codec/"],
    r"\bseccomp_\w+|\bSCMP_\w+|\bcapng_\w+": [r"common/confine/"],
    r"\binotify_\w+|\bIN_[A-Z_]+\b": [r"agent/watch/", r"agent/inventory/", r"agent/packages/",
                                       r"common/confine/profile_reader\.c"],
    r"\bfanotify_\w+|\bFAN_[A-Z_]+\b": [r"agent/watch/", r"common/confine/profile_reader\.c"],
}


def floors():
    """folder -> the folders that its files may include, from the Makefile."""
    table = {}
    with open("Makefile", encoding="utf-8") as text:
        joined = text.read().replace("\\\n", " ")
    for name, value in re.findall(r"^FLOOR_(\S+)\s*:=\s*(.*)$", joined, re.M):
        words = re.sub(r"\$\(FLOOR_(\S+?)\)", lambda m: " ".join(table[m.group(1)]), value)
        table[name] = words.split()
    return table


def strip_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S)


def check_includes(path, text, table):
    folder = path.rsplit("/", 1)[0]
    allowed = table.get(folder, [folder])
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if found:
            target = found.group(1)
            if "/" not in target:
                yield f"{path}:{number}: include '{target}' by its path from the root"
            elif target.rsplit("/", 1)[0] not in allowed:
                yield f"{path}:{number}: '{folder}' may not include '{target}': that is up or sideways"


def check_names(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        for names, places in NAMES.items():
            found = re.search(names, line)
            if found and not any(re.match(place, path) for place in places):
                yield f"{path}:{number}: '{found.group(0)}' belongs in {' or '.join(places)}"


def main():
    table = floors()
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", "*.c", "*.h"], capture_output=True,
                           text=True, check=True).stdout.split()
    complaints = []
    for path in files:
        if path.startswith("tests/"):
            continue
        with open(path, encoding="utf-8") as source:
            text = source.read()
        code = strip_comments(text)
        complaints += check_includes(path, code, table)
        complaints += check_names(path, code)
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
