#!/usr/bin/env python3
"""Makes the dictionary that small and package-laden frames are compressed with: make-dictionary.py PACKAGES OUT.

PACKAGES is the text of a Debian "Packages" index, for instance what `apt-helper cat-file
/var/lib/apt/lists/*_Packages.lz4` prints. Taken are the packages that most others depend on, as many as fit, in the
form that columns have (common/codec/columns.h): names, versions, source names. Behind them stand some events as they are
encoded, for batches of one: what is met most often stands last, where a reference to it is shortest.

A dictionary belongs to the protocol for ever: frames that were compressed with it are kept in logs. A better one
gets another flag (common/codec/frame.h) and another file.
"""

import collections
import re
import sys

LIMIT_BYTES = 192 << 10
PRIORITIES = {"required": 1e6, "important": 5e5, "standard": 1e5}
ALIKE, BEGINNING, LITERAL = 13, 14, 16
NAME, SOURCE = 0, 2  # in row()
NUMBERS = (1, 4, 5)  # what a fact of a package has them as: common/model/fact.h


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


def row(packages, name):
    """Name, version, source: the fields of which more is to be said than of a word or two."""
    fields = packages[name]
    return [text.encode() for text in (name, fields["Version"], fields.get("Source", name).split(" ")[0])]


def columns(packages, names):
    """As columns_pack has them; of the other fields there is nothing to know."""
    rows = [row(packages, name) for name in sorted(names)]
    out = b""
    for field in range(len(NUMBERS)):
        last, before = {}, None
        for fields in rows:
            value, key = fields[field], fields[field - 1]
            if value == before:
                out += b"\0"
            elif field == SOURCE and value == fields[NAME]:
                out += varint(NUMBERS[NAME] + 1)
            elif field > 0 and last.get(key) == value:
                out += varint(ALIKE)
            elif field == SOURCE and fields[NAME].startswith(value):
                out += varint(BEGINNING) + varint(NUMBERS[NAME]) + varint(len(fields[NAME]) - len(value))
            else:
                out += varint(LITERAL + len(value)) + value
            last[key] = before = value
    return out


# --- events ----------------------------------------------------------------------------------------------------------

HASH = bytes(32)
TIME = 1_795_000_000_000_000_000


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    return varint(number << 3 | 2) + varint(len(value)) + value if value else b""


def message(*fields):
    return b"".join(field(number, value.encode() if isinstance(value, str) else value) for number, value in fields)


def file_state(mode, inode, owner="root"):
    """FileState: a regular file with its hash."""
    return message((1, 1), (2, 1), (3, mode), (6, 1000), (7, 2 * TIME), (8, 2 * TIME), (9, inode), (10, 0xFE00), (11, HASH),
                   (13, owner), (14, owner), (15, 1))


def actor(exe, cmdline, *parents):
    return message((1, 4000), (2, 2 * TIME), (3, exe), (4, cmdline), (9, "root"), (10, "root"),
                   *((12, parent) for parent in parents))


def file_event(action, path, changed, before, after, who=b""):
    return message((1, 2 * TIME), (2, 1), (3, action), (4, 2), (6, path), (8, changed), (9, before), (10, after), (14, who))


def package(manager, name, arch, version, source):
    fields = b"".join(varint(2 << 3 | 2) + varint(len(text)) + text.encode()
                      for text in (manager, name, arch, "", version, source, version, "installed"))
    return message((1, 1)) + fields


def fact_event(action, before, after):
    return message((1, 2 * TIME), (2, 2), (3, action), (4, 2), (11, before), (12, after))


def events():
    """Created 1, modified 2, attributes 3, deleted 5 of files; installed, upgraded, removed of packages."""
    state = file_state(0o644, 1000000)
    ssh = actor("/usr/sbin/sshd", "sshd: root@pts/0", "/usr/bin/bash", "/usr/sbin/sshd", "/usr/lib/systemd/systemd")
    vim = actor("/usr/bin/vim.basic", "vim /etc/hosts", "/usr/bin/bash", "/usr/bin/sudo", "/usr/bin/bash",
                "/usr/sbin/sshd", "/usr/lib/systemd/systemd")
    sed = actor("/usr/bin/sed", "sed -i s/a/b/ /etc/default/", "/usr/bin/dash", "/usr/sbin/cron", "/usr/lib/systemd/systemd")
    dpkg = actor("/usr/bin/dpkg", "/usr/bin/dpkg --status-fd 40 --no-triggers --unpack --auto-deconfigure",
                 "/usr/bin/apt-get", "/usr/bin/bash", "/usr/sbin/sshd", "/usr/lib/systemd/systemd")
    python = actor("/usr/bin/python3.11", "/usr/bin/python3 /usr/lib/python3/dist-packages/", "/usr/lib/systemd/systemd")
    shapes = [
        file_event(1, "/var/www/html/index.php", 0, b"", state, python),
        file_event(1, "/usr/lib/x86_64-linux-gnu/lib", 0, b"", state, dpkg),
        file_event(1, "/usr/share/doc/", 0, b"", state, dpkg),
        file_event(2, "/etc/ssh/sshd_config", 0x3C, state, state, vim),
        file_event(2, "/etc/systemd/system/multi-user.target.wants/", 0x3C, state, state, ssh),
        file_event(2, "/etc/default/", 0x3C, state, state, sed),
        file_event(2, "/usr/sbin/", 0x3C, state, state),
        file_event(2, "/usr/local/bin/", 0x3C, state, state),
        file_event(5, "/etc/cron.d/", 0, state, b"", sed),
        file_event(3, "/usr/bin/", 0x3C, file_state(0o755, 1000000), file_state(0o755, 1000000)),
    ]
    for version in ("1.1.1k-9.el8_7", "3.0.7-27.el9"):
        shapes.append(fact_event(11, package("rpm", "openssl-libs", "x86_64", "1:" + version, "openssl"),
                                 package("rpm", "openssl-libs", "x86_64", "1:" + version, "openssl")))
    for name, version in (("libssl3", "3.0.15-1~deb12u1"), ("linux-image-6.1.0-28-amd64", "6.1.119-1"),
                          ("python3", "3.11.2-1+b1"), ("tzdata", "2024b-0ubuntu0.22.04.1"), ("nginx", "1.22.1-9")):
        source = {"libssl3": "openssl", "python3": "python3-defaults"}.get(name, name)
        shapes.append(fact_event(11, package("dpkg", name, "amd64", version, source),
                                 package("dpkg", name, "amd64", version, source)))
    return b"".join(message((1, 1000), (2, shape)) for shape in shapes)


def main():
    packages, ranked = read(sys.argv[1])
    tail = events()
    low, high = 0, len(ranked)
    while low < high:
        middle = (low + high + 1) // 2
        if len(columns(packages, ranked[:middle])) + len(tail) <= LIMIT_BYTES:
            low = middle
        else:
            high = middle - 1
    content = columns(packages, ranked[:low]) + tail
    with open(sys.argv[2], "wb") as out:
        out.write(content)
    print(f"{low} packages, {len(content)} bytes")


main()
