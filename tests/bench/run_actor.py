"""Of how many events the actor is known: with the proc connector and without, for processes that live shorter and
shorter."""

import os
import subprocess

from measure import rig, say, wait, wait_scan, wait_sent
from table import Note, Table

ABOUT = ("fanotify is the source. Known: the program by its path. Partial: a process that had ended before its program "
         "could be asked for, with user and parents, or its short name. Bare: the pid alone. Without the connector: its "
         "socket is refused to the agent.")
FILES = 5000
EDITS = 500
PACKAGES = ("aglfn", "bc", "less")

# Stands before the C library's: no socket of the connector. Since Linux 6.6 no missing privilege does that.
REFUSAL = """
#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
int socket(int domain, int type, int protocol)
{
	if (domain == PF_NETLINK && protocol == NETLINK_CONNECTOR) {
		errno = EPERM;
		return -1;
	}
	return (int)syscall(SYS_socket, domain, type, protocol);
}
"""


def untar(pair, tree):
    source = pair.make_dir("source")
    for number in range(FILES):
        with open(f"{source}/{number}", "w", encoding="ascii") as out:
            out.write(str(number))
    archive = f"{pair.dir}/files.tar"
    subprocess.run(["tar", "cf", archive, "-C", source, "."], check=True)
    return lambda: subprocess.run(["tar", "xf", archive, "-C", tree], check=True)


def edits(_, tree):
    for number in range(EDITS):
        with open(f"{tree}/{number}", "w", encoding="ascii") as out:
            out.write("one\n")
    loop = f"for i in $(seq 0 {EDITS - 1}); do sed -i s/one/two/ {tree}/$i; done"
    return lambda: subprocess.run(["sh", "-c", loop], check=True)


def installed_package():
    for name in PACKAGES:
        done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name], capture_output=True, text=True,
                              check=False)
        if done.stdout == "installed":
            return name
    return None


def reinstall(*_):
    command = ["apt-get", "install", "--reinstall", "-y", "-qq", "-o", "DPkg::Lock::Timeout=60", installed_package()]
    return lambda: subprocess.run(command, check=True, capture_output=True, env={**os.environ, "LC_ALL": "C"})


def loads():
    yield f"tar x of {FILES} files", None, untar
    yield f"{EDITS} times sed -i", None, edits
    name = installed_package()
    if name:
        yield f"apt-get install --reinstall {name}", f"/usr/share/doc/{name}", reinstall


def shares(events):
    """Known, partial and bare, of all."""
    known = sum(1 for e in events if e["actor"] and e["actor"]["exe"])
    partial = sum(1 for e in events if e["actor"] and not e["actor"]["exe"]
                  and (e["actor"]["cmdline"] or e["actor"]["parents"]))
    bare = sum(1 for e in events if e["actor"]) - known - partial
    return [known, partial, bare, len(events) - known - partial - bare]


def refusal(pair):
    library = f"{pair.dir}/refusal.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-x", "c", "-o", library, "-"], input=REFUSAL, text=True,
                   check=True)
    return library


def measure(pair, name, has_connector, watched, prepare):
    tree = watched or pair.make_dir(name)
    work = prepare(pair, tree)
    host = pair.host(f"{name}-host", [tree], "source: fanotify\n")
    if not has_connector:
        host.process.env = {**os.environ, "LD_PRELOAD": refusal(pair)}
    host.start()
    wait_scan(host, "first scan")
    wait_sent(host)
    status = host.status()
    if status["source"] != "fanotify":
        raise RuntimeError(f"the source is {status['source']}: no actors to measure")
    if (status["actors"] == "proc connector") != has_connector:
        raise RuntimeError(f"actors are learnt by '{status['actors']}'")
    work()

    def live():
        return [e for e in host.file_events(tree) if e["cause"] == "live"]

    wait(live, "the first event", every_s=0.2)  # those of packages come when the transaction is over
    host.wait_picture(tree)
    wait(lambda: host.status().get("pending_paths") == 0, "everything is read", every_s=0.2)
    wait_sent(host)
    events = live()
    host.stop()
    return shares(events)


def run():
    table = Table("", "learnt by", "events", "known %", "partial %", "bare %", "none %")
    pair = rig.Rig()
    try:
        pair.init_collector().start_collector()
        for number, (name, watched, prepare) in enumerate(loads()):
            for has_connector in (True, False):
                say(f"{name}, {'with' if has_connector else 'without'} the connector")
                counts = measure(pair, f"load-{number}-{int(has_connector)}", has_connector, watched, prepare)
                total = sum(counts)
                table.add(name, "proc connector" if has_connector else "proc only", total,
                          *(f"{100 * count / total:.1f}" if total else "-" for count in counts))
    finally:
        pair.close()
    return [table, Note("None: live events whose path no record had named before it was read (a directory found by "
                        "listing). A busy machine lowers the shares: what counts is how soon the agent runs after a "
                        "process starts.")]
