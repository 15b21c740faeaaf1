#!/usr/bin/env python3
"""Runs the system tests: run.py [NAME-PART...]. Ends with "system: N passed, N failed, N skipped"."""

import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


class OneLine(unittest.TextTestResult):
    """One line a test, with its time, so that a slow run shows where it is."""

    def startTest(self, test):
        self.began = time.monotonic()
        unittest.TestResult.startTest(self, test)

    def stopTest(self, test):
        unittest.TestResult.stopTest(self, test)
        self.stream.writeln(f"  {time.monotonic() - self.began:6.1f} s  {test.id()}")
        self.stream.flush()


def pick(suite, parts):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from pick(item, parts)
        elif not parts or any(part in item.id() for part in parts):
            yield item


def main():
    sys.path.insert(0, HERE)
    found = unittest.TestLoader().discover(HERE, pattern="test_*.py", top_level_dir=HERE)
    tests = unittest.TestSuite(pick(found, sys.argv[1:]))
    result = unittest.TextTestRunner(stream=sys.stdout, resultclass=OneLine, verbosity=0).run(tests)
    failed = len(result.failures) + len(result.errors)
    passed = result.testsRun - failed - len(result.skipped)
    print(f"system: {passed} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
