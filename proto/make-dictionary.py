#!/usr/bin/env python3
"""Makes the dictionary that small and package-laden frames are compressed with: make-dictionary.py PACKAGES OUT.

PACKAGES is the text of a Debian "Packages" index, for instance what `apt-helper cat-file
/var/lib/apt/lists/*_Packages.lz4` prints. Taken are the packages that most others depend on, as many as fit, in the
form that columns have (common/codec/columns.h): versions, source names, names. What is met most often stands last,
where a reference to it is shortest.

A dictionary belongs to the protocol for ever: frames that were compressed with it are kept in logs. A better one
gets another flag (common/codec/frame.h) and another file.
"""

import collections
import re
import sys

LIMIT_BYTES = 128 << 10
PRIORITIES = {"required": 1e6, "important": 5e5, "standard": 1e5}
LITERAL = 16


def read(path):
    packages, wanted = {}, collections.Counter()
    with open(path, encoding="utf-8") as text:
        for stanza in text.read().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in stanza.split("\n") if ": " in line and not line[0].isspace())
            if "Package" not in fields:
                continue
            packages[fields["Package"]] = fields
            for field, weight in (("Depends", 1), ("Recommends", 0.5)):
                for name in set(re.findall(r"(?:^|[,|])\s*([a-z0-9+.-]+)", fields.get(field, ""))):
                    wanted[name] += weight
    for name, fields in packages.items():
        wanted[name] += PRIORITIES.get(fields.get("Priority"), 0)
    return packages, sorted(packages, key=lambda name: (-wanted[name], name))


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def column(values, other=None):
    out, before = b"", None
    for place, value in enumerate(values):
        if value == before:
            out += b"\0"
        elif other and other[place] == value:
            out += b"\2"
        else:
            out += varint(LITERAL + len(value)) + value
        before = value
    return out


def columns(packages, names):
    names = sorted(names)
    plain = [name.encode() for name in names]
    versions = [packages[name]["Version"].encode() for name in names]
    sources = [(packages[name].get("Source", name).split(" ")[0]).encode() for name in names]
    return column(versions) + column(sources, plain) + column(plain)


def main():
    packages, ranked = read(sys.argv[1])
    low, high = 0, len(ranked)
    while low < high:
        middle = (low + high + 1) // 2
        if len(columns(packages, ranked[:middle])) <= LIMIT_BYTES:
            low = middle
        else:
            high = middle - 1
    content = columns(packages, ranked[:low])
    with open(sys.argv[2], "wb") as out:
        out.write(content)
    print(f"{low} packages, {len(content)} bytes")


main()
