"""The package databases of a host with 1 000 packages: time and memory beside the managers' own programs."""

import os
import shutil
import sqlite3
import subprocess
import sys

from measure import BENCH_DIR, HERE, bench_program, run_bench, say, spread
from table import Note, Table

sys.path.insert(0, os.path.join(os.path.dirname(HERE), "unit", "agent-rpmdb"))
import make_databases  # noqa: E402  (how the unit tests make databases of rpm)

ABOUT = ("1 000 packages with 120 files each, warm cache, each reading a process of its own: what the agent needs for "
         "all facts of the packages, and what the manager's own program needs for their names and versions. Medians of "
         "pairs, in brackets the least and the most.")
PACKAGES, FILES, PAIRS = 1000, 120, 15
BUILT = 20  # different ones of rpm, which stand in the database several times
STANZA = """Package: lib-package-{0}
Status: install ok installed
Priority: optional
Section: libs
Installed-Size: {0}
Maintainer: Maintainers of Packages <maintainers@lists.example.org>
Architecture: {1}
Multi-Arch: {2}
Source: source-{3} (1.{3}-1)
Version: 1.{3}-1+b1
Depends: libc6 (>= 2.34), libgcc-s1 (>= 4.2), libstdc++6 (>= 11), zlib1g (>= 1:1.2.11), libssl3
Conffiles:
 /etc/lib-package-{0}.conf 0123456789abcdef0123456789abcdef
 /etc/default/lib-package-{0} 0123456789abcdef0123456789abcdef
Description: library that does one thing, as other libraries do
 A description has several lines, of which the first has been told already. They
 say what the library is good for, who made it, and which other packages there
 are that belong to the same source.
 .
 This package has the files that are needed at run time.
Homepage: https://www.example.org/packages/{0}

"""
SPEC = "Name: bench\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n%description\nx\n"


def directory(number, at):
    return f"/usr/share/lib-package-{number}/part-{at % 7}"


def make_dpkg(root):
    info = os.path.join(root, "var/lib/dpkg/info")
    os.makedirs(info)
    os.makedirs(os.path.join(root, "var/lib/dpkg/updates"))
    with open(os.path.join(root, "var/lib/dpkg/status"), "w", encoding="ascii") as status:
        for number in range(PACKAGES):
            is_same = number % 2
            arch, same = ("amd64", "same") if is_same else ("all", "foreign")
            status.write(STANZA.format(number, arch, same, number // 2))
            name = f"lib-package-{number}" + (":amd64" if is_same else "")
            with open(os.path.join(info, name + ".list"), "w", encoding="ascii") as listed:
                listed.writelines(f"{directory(number, at)}/file-{at}\n" for at in range(FILES))


def make_rpm(top, root):
    parts = [SPEC, "%install\n"]
    for number in range(BUILT):
        for part in range(7):
            parts.append(f"mkdir -p %{{buildroot}}{directory(number, part)}\n")
        parts += [f"echo {at} >%{{buildroot}}{directory(number, at)}/file-{at}\n" for at in range(FILES)]
    for number in range(BUILT):
        parts.append(f"%package -n lib-package-{number}\nSummary: x\n%description -n lib-package-{number}\nx\n"
                     f"%files -n lib-package-{number}\n/usr/share/lib-package-{number}\n")
    with open(os.path.join(top, "bench.spec"), "w", encoding="ascii") as spec:
        spec.writelines(parts)
    defined = [f"_topdir {top}/build", f"_rpmdir {top}/rpms", "_build_id_links none", "_binary_payload w1.gzdio",
               "__os_install_post %{nil}"]
    make_databases.run("rpmbuild", "-bb", "--quiet", *[word for line in defined for word in ("--define", line)],
                       os.path.join(top, "bench.spec"))
    built = [os.path.join(at, name) for at, _, names in os.walk(os.path.join(top, "rpms")) for name in names]
    make_databases.run("rpm", "--root", root, "--dbpath", "/var/lib/rpm", "--define", "_db_backend sqlite", "-i",
                       "--nodeps", "--noscripts", "--justdb", *built)
    db = sqlite3.connect(os.path.join(root, "var/lib/rpm/rpmdb.sqlite"))
    headers = db.execute("SELECT hnum, blob FROM Packages").fetchall()
    for copy in range(1, PACKAGES // BUILT):
        db.executemany("INSERT INTO Packages VALUES (?, ?)",
                       [(number + 1000 * copy, blob) for number, blob in headers])
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def run_one(*program):
    """(milliseconds, KiB at the most)"""
    found = run_bench("inventory", "run", *program)
    return found["wall_ms"], found["peak_kib"]


def add(table, name, ours, theirs):
    pairs = [run_one(*ours) + run_one(*theirs) for _ in range(PAIRS)]
    our_ms, our_kib, their_ms, their_kib = zip(*pairs)
    ratios = [there / here for here, there in zip(our_ms, their_ms)]
    table.add(name, spread(our_ms, 1), spread(their_ms, 1), spread(ratios, 1), f"{max(our_kib) / 1024:.1f}",
              f"{max(their_kib) / 1024:.1f}")


def owners(root, count):
    """Looks up so many paths of the lists, spread evenly; milliseconds."""
    step = PACKAGES * FILES // count
    wanted = "".join(f"{directory(n // FILES, n % FILES)}/file-{n % FILES}\n"
                     for n in range(0, PACKAGES * FILES, step))
    found = []
    for _ in range(PAIRS):
        output = subprocess.run([bench_program("inventory"), "owners", root], input=wanted, capture_output=True,
                                text=True, check=True).stdout
        words = dict(word.split("=") for word in output.split())
        if words["owned"] != words["paths"]:
            raise RuntimeError(f"not all paths have an owner: {output}")
        found.append(float(words["resolve_ms"]))
    return found


def run():
    top = os.path.join(BENCH_DIR, "inventory")
    shutil.rmtree(top, ignore_errors=True)
    dpkg, rpm = os.path.join(top, "dpkg"), os.path.join(top, "rpm")
    os.makedirs(dpkg)
    os.makedirs(rpm)
    table = Table("database", "agent ms", "its own program ms", "ratio", "agent peak MiB", "its own program peak MiB")
    parts = [table]
    ours = bench_program("inventory")
    try:
        say("the database of dpkg")
        make_dpkg(dpkg)
        if shutil.which("dpkg-query"):
            add(table, "dpkg, dpkg-query -W", [ours, "dpkg", dpkg],
                ["dpkg-query", "--admindir", os.path.join(dpkg, "var/lib/dpkg"), "-W"])
        if shutil.which("rpm") and shutil.which("rpmbuild"):
            say("the database of rpm")
            make_rpm(top, rpm)
            add(table, "rpm (sqlite), rpm -qa", [ours, "rpm", rpm],
                ["rpm", "--dbpath", os.path.join(rpm, "var/lib/rpm"), "--define", "_db_backend sqlite", "-qa"])
        parts += [Note(f"The owners of {count} paths among the {PACKAGES * FILES} of dpkg's lists took "
                       f"{spread(owners(dpkg, count), 1)} ms.") for count in (100, 10_000)]
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return parts
