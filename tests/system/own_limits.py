#!/usr/bin/env python3
"""Runs a command where fewer inotify watches are allowed: own_limits.py WATCHES COMMAND...

The limit is that of a user namespace of its own in which every user is himself: the machine's limit stays as it is."""

import ctypes
import os
import sys

CLONE_NEWUSER = 0x10000000


def map_everybody(pid):
    """Only from outside, by root."""
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/{pid}/{name}", "w", encoding="ascii") as out:
            out.write("0 0 4294967295")


def main():
    pid = os.getpid()
    is_apart, apart = os.pipe()
    is_mapped, mapped = os.pipe()
    if os.fork() == 0:
        os.read(is_apart, 1)
        map_everybody(pid)
        os.write(mapped, b"x")
        os._exit(0)
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        sys.exit(f"cannot have a user namespace: {os.strerror(ctypes.get_errno())}")
    os.write(apart, b"x")
    os.read(is_mapped, 1)
    os.wait()
    with open("/proc/sys/user/max_inotify_watches", "w", encoding="ascii") as out:
        out.write(sys.argv[1])
    for descriptor in (is_apart, apart, is_mapped, mapped):
        os.close(descriptor)
    os.execvp(sys.argv[2], sys.argv[2:])


main()
