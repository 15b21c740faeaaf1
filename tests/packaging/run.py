#!/usr/bin/env python3
"""Runs the tests of the packages: run.py [NAME-PART...], as tests/system/run.py does. They build packages, which takes a
minute, and install them in trees of their own; nothing is installed on this machine. Ends with "packaging: N passed, …"."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))

import run  # noqa: E402  # of tests/system

if __name__ == "__main__":
    os.environ.setdefault("TSUJIBAN_PACKAGES", f"run-{os.getpid()}")
    sys.exit(run.main(HERE, "packaging"))
