"""The packages that the tests install, built when the first test asks, and a Debian to install them in, made by debootstrap
once. Both are kept in build/packaging-test; what needs the network or root says so by skipping."""

import fcntl
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(TOP, "build", "packaging-test")
with open(os.path.join(TOP, "Makefile"), encoding="utf-8") as makefile:
    VERSION = re.search(r"^VERSION := (.*)$", makefile.read(), re.M)[1]
# The same with a higher number: what an upgrade is to.
NEXT = re.sub(r"\d+$", lambda last: str(int(last[0]) + 1), VERSION)
NAMES = ("tsujiban", "tsujiban-agent", "tsujiban-collector")
TOOLS = {"deb": ("dh", "dpkg-buildpackage"), "rpm": ("rpmbuild",)}


class Lock:
    """One process at a time makes a thing; the others find it made."""

    def __init__(self, name):
        os.makedirs(WORK, exist_ok=True)
        self.path = os.path.join(WORK, name + ".lock")

    def __enter__(self):
        self.file = open(self.path, "w", encoding="ascii")  # pylint: disable=consider-using-with
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.file.close()


def need_tools(*names):
    for name in names:
        if not shutil.which(name):
            raise unittest.SkipTest(f"no {name} here")


def need_root():
    if os.geteuid() != 0:
        raise unittest.SkipTest("only as root")


def need_namespaces(command="true"):
    """`command` has to work in namespaces of its own, as machine.py has them."""
    need_root()
    need_tools("unshare", "nsenter", "setpriv", "ip")
    done = subprocess.run(["unshare", "-m", "-n", "-u", "-p", "--fork", "sh", "-c", command], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise unittest.SkipTest(f"not permitted here: {command}: {done.stderr.strip()}")


def epoch():
    """The moment that packages say: of the last commit, without git of the list of changes."""
    done = subprocess.run(["git", "-C", TOP, "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or str(int(os.stat(os.path.join(TOP, "CHANGELOG.md")).st_mtime))


def build(kind, version, out, top=TOP, **more_env):
    env = {**os.environ, "PACKAGES": out, "SOURCE_DATE_EPOCH": epoch(), **more_env}
    done = subprocess.run([os.path.join(top, "packaging", "build.sh"), kind, version], env=env, capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"build.sh {kind} {version} failed:\n{(done.stdout + done.stderr)[-4000:]}")


def run_key():
    """Packages are those of this run, not of one before; TSUJIBAN_PACKAGES=old takes what is there."""
    return os.environ.get("TSUJIBAN_PACKAGES", str(os.getpid()))


def built(kind, version=VERSION, static=False):
    """{name: path} of the packages, built once a run."""
    need_tools(*TOOLS[kind])
    out = os.path.join(WORK, f"{kind}-{version}{'-static' if static else ''}")
    with Lock("build"):
        stamp = os.path.join(out, "of-run")
        if not os.path.exists(stamp) or run_key() not in (read(stamp), "old"):
            shutil.rmtree(out, ignore_errors=True)
            build(kind, version, out, STATIC="1" if static else "")
            with open(stamp, "w", encoding="ascii") as file:
                file.write(run_key())
    found = glob.glob(os.path.join(out, "static" if static else "", "*." + kind))
    return {re.match(r"(tsujiban(?:-[a-z]+)?)[-_]", os.path.basename(path))[1]: path for path in found}


def read(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


def depends(path):
    """The names that a deb depends on."""
    words = subprocess.run(["dpkg-deb", "-f", path, "Depends"], capture_output=True, text=True, check=True).stdout
    return {word.split()[0] for word in words.split(",") if word.strip()}


# What the packages depend on in Debian 12; said here so that the tree is made while the packages are built.
LIBRARIES = ("libcap-ng0 libcurl4 libjansson4 liblmdb0 libprotobuf-c1 libroaring0 libseccomp2 libssl3 libuv1"
             " libwebsockets-evlib-uv libwebsockets17 libyaml-0-2 libzstd1 zlib1g").split()


def base_tar(tools=()):
    """A small Debian with what the packages depend on, and with tools."""
    need_root()
    need_tools("debootstrap")
    path = os.path.join(WORK, "-".join((f"base-of-{len(LIBRARIES)}-libraries", *tools)) + ".tar")
    plain = base_tar() if tools else None
    with Lock("-".join(("base", *tools))):
        if not os.path.exists(path) and tools:
            add_tools(path, plain, tools)
        elif not os.path.exists(path):
            make_base(path, LIBRARIES)
    return path


def add_tools(path, plain, tools):
    """debootstrap itself cannot configure some of what they need."""
    with tempfile.TemporaryDirectory(prefix="tsujiban-tools-") as where:
        subprocess.run(["tar", "-C", where, "-xpf", plain], check=True)
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
        for words in (("update",), ("install", "-y", "--no-install-recommends", *tools), ("clean",)):
            done = subprocess.run(["chroot", where, "apt-get", "-q", *words], env=env, capture_output=True, text=True,
                                  check=False)
            if done.returncode != 0:
                raise unittest.SkipTest("apt-get could not add to a tree (no network?): " + done.stderr[-300:])
        subprocess.run(["tar", "-C", where, "-cf", path + ".new", "."], check=True)
    os.rename(path + ".new", path)


def make_base(path, wanted):
    with tempfile.TemporaryDirectory(prefix="tsujiban-debootstrap-") as where:
        done = subprocess.run(["debootstrap", "--variant=minbase", f"--include={','.join(wanted)}", "bookworm", where],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise unittest.SkipTest("debootstrap could not make a tree (no network?): " + done.stdout[-300:])
        shutil.rmtree(os.path.join(where, "var/cache/apt"), ignore_errors=True)
        os.chmod(where, 0o755)
        subprocess.run(["tar", "-C", where, "-cf", path + ".new", "."], check=True)
    os.rename(path + ".new", path)


class Root:
    """A Debian of its own. What runs in it sees its own /proc in a mount namespace that ends with it."""

    MOUNT = ":"  # what a machine does with it before anything else
    ENTER = 'mount -t proc proc "$0/proc" && root=$0 && exec chroot "$root" "$@"'

    def __init__(self, folder, tools=()):
        self.path = os.path.join(folder, "root")
        os.makedirs(self.path, exist_ok=True)
        subprocess.run(["tar", "-C", self.path, "-xpf", base_tar(tools)], check=True)

    def mount_words(self):
        return [self.path]

    def is_seen_by(self, pid):
        """A process in whose mount namespace it is as it is meant to be."""

    def at(self, path):
        return os.path.join(self.path, path.lstrip("/"))

    def exists(self, path):
        return os.path.lexists(self.at(path))

    def read(self, path):
        return read(self.at(path))

    def write(self, path, text, mode="w"):
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        with open(self.at(path), mode, encoding="utf-8") as file:
            file.write(text)

    def owner(self, path):
        """The owner's name as this tree has it, and the mode."""
        facts = os.stat(self.at(path))
        names = {line.split(":")[2]: line.split(":")[0] for line in self.read("/etc/passwd").splitlines()}
        return names.get(str(facts.st_uid)), facts.st_mode & 0o7777

    def command(self, *words):
        return ["unshare", "-m", "sh", "-c", self.ENTER, self.path, *words]

    def run(self, *words, env=None, is_ok=True):
        base = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(self.command(*words), env={**base, **(env or {})}, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        if is_ok and done.returncode != 0:
            raise AssertionError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def take_in(self, path):
        """Copies a file into the tree's /tmp and says its name there."""
        shutil.copy(path, self.at("/tmp"))
        return "/tmp/" + os.path.basename(path)

    def unit(self, name):
        """A unit's settings; of several of a name the last."""
        for folder in ("/lib/systemd/system", "/usr/lib/systemd/system"):
            if self.exists(f"{folder}/{name}"):
                return dict(re.findall(r"^(\w+)=(.*)$", self.read(f"{folder}/{name}"), re.M))
        raise AssertionError(f"no unit {name}")

    def unit_command(self, name, setting="ExecStart"):
        """What systemd would run, as whom and with which capabilities: no systemd runs in here."""
        unit = self.unit(name)
        words = unit[setting].lstrip("+-!@:").split()
        if "User" in unit and not unit[setting].startswith("+"):
            caps = ",".join("+" + cap[len("CAP_"):].lower() for cap in unit.get("AmbientCapabilities", "").split())
            caps = f"-all,{caps}" if caps else "-all"
            words = ["setpriv", f"--reuid={unit['User']}", f"--regid={unit.get('Group', unit['User'])}", "--init-groups",
                     f"--inh-caps={caps}", f"--ambient-caps={caps}", "--", *words]
        return words

    def is_enabled(self, unit):
        return self.exists(f"/etc/systemd/system/multi-user.target.wants/{unit}")


class Layer(Root):
    """A tree that shares all it does not change with a Root. It is mounted by the machine that has it, and by no other."""

    MOUNT = 'mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$3" "$0"'

    def __init__(self, folder, base):  # pylint: disable=super-init-not-called
        self.base, self.parts = base, [os.path.join(folder, name) for name in ("root", "upper", "work")]
        self.path, self.seen_at = self.parts[0], None
        for part in self.parts:
            os.makedirs(part)

    def mount_words(self):
        return [self.path, self.base.path, *self.parts[1:]]

    def is_seen_by(self, pid):
        self.seen_at = f"/proc/{pid}/root{self.path}"

    def at(self, path):
        return os.path.join(self.seen_at, path.lstrip("/"))
