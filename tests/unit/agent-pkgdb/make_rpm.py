#!/usr/bin/env python3
"""make_rpm.py DIR: builds packages with what the inventory asks for, installs them with rpm below DIR/sqlite, and puts the
same headers into DIR/ndb and DIR/bdb. DIR/expected has a line a package, as rpm tells it. Exits with 77 where a tool is
missing."""

import os
import shutil
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../agent-rpmdb"))
import make_databases  # noqa: E402

QUERY = ("%{NAME}\\t%{ARCH}\\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\t%{SOURCERPM}\\t%|VENDOR?{%{VENDOR}}|\\t"
         "%|MODULARITYLABEL?{%{MODULARITYLABEL}}|\\t%{INSTALLTIME}\\n")
SPEC = """Name: {name}
Version: {version}
Release: {release}
Summary: for a test
License: MIT
BuildArch: noarch
{more}
%description
For a test.
{package}
%files {files}
"""
# name, version, release, more lines, a package of another name that the source makes as well
PACKAGES = [
    ("plain", "1.0~rc1", "3", "Vendor: Example Org", ""),
    ("epoch", "2.5^git1", "1.el9", "Epoch: 7", ""),
    ("zero", "1", "1", "Epoch: 0", ""),
    ("many-dashes", "4.2", "5", "", "other-name"),
    ("stream", "18.1", "1.module_el8", "ModularityLabel: nodejs:18:8080020230718:fd72936b", ""),
    ("gpg-pubkey", "0123abcd", "5", "", ""),
    ("kernel-core", "6.1.0", "10.el9", "Provides: installonlypkg(kernel)", ""),
    ("kernel-core", "6.1.0", "9.el9", "Provides: installonlypkg(kernel)", ""),
    ("kernel-modules", "6.1.0", "10.el9", "Provides: installonlypkg(kernel-module)", ""),
    ("leftover", "1.0", "1", "Epoch: 1", ""),
    ("leftover", "1.1", "1", "Epoch: 1", ""),
]


def build(top, name, version, release, more, sub):
    spec = os.path.join(top, "package.spec")
    with open(spec, "w", encoding="ascii") as out:
        out.write(SPEC.format(name=name, version=version, release=release, more=more, files=f"-n {sub}" if sub else "",
                              package=f"%package -n {sub}\nSummary: x\n%description -n {sub}\nX.\n" if sub else ""))
    make_databases.run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}/build", "--define",
                       f"_rpmdir {top}/rpms", "--define", "_build_id_links none", spec)
    return os.path.join(top, "rpms", "noarch", f"{sub or name}-{version}-{release}.noarch.rpm")


def expected(lines):
    """An epoch of 0 is as none; the keys are no packages."""
    for line in lines.splitlines():
        columns = line.split("\t")
        if columns[0] != "gpg-pubkey":
            columns[2] = columns[2].removeprefix("0:")
            yield "\t".join(columns) + "\n"


def main():
    top = os.path.abspath(sys.argv[1])
    if any(not shutil.which(tool) for tool in make_databases.TOOLS):
        sys.exit(77)
    root = ["--root", make_databases.place(top, "sqlite"), "--dbpath", "/var/lib/rpm", "--define", "_db_backend sqlite"]
    for package in PACKAGES:
        make_databases.run("rpm", *root, "-i", "--force", "--nodeps", "--noscripts", build(top, *package))
    with open(os.path.join(top, "expected"), "w", encoding="ascii") as out:
        out.writelines(expected(make_databases.run("rpm", *root, "-qa", "--qf", QUERY)))
    db = sqlite3.connect(os.path.join(top, "sqlite/var/lib/rpm/rpmdb.sqlite"))
    headers = db.execute("SELECT hnum, blob FROM Packages").fetchall()
    db.close()
    ndb = make_databases.place(top, "ndb", "usr/lib/sysimage/rpm")
    make_databases.put_ndb(os.path.join(ndb, "Packages.db"), headers)
    bdb = make_databases.place(top, "bdb", "var/lib/rpm")
    make_databases.put_bdb(os.path.join(bdb, "Packages"), headers, 1234)


if __name__ == "__main__":
    main()
