"""Every row of the table of scenarios has its test."""

import os
import re
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, "..", "..", "..", "shared", "data", "fim-scenarios.tsv")


class Table(unittest.TestCase):
    @unittest.skipUnless(os.path.exists(TABLE), "the table of scenarios is not here")
    def test_every_scenario_has_a_test_that_is_named_after_it(self):
        with open(TABLE, encoding="utf-8") as lines:
            wanted = {line.split("\t")[0] for line in lines if re.match(r"[A-Z]\d\d\t", line)}
        found = set()
        for name in os.listdir(HERE):
            if name.startswith("test_") and name.endswith(".py"):
                with open(os.path.join(HERE, name), encoding="utf-8") as text:
                    found.update(re.findall(r"def test_([A-Z]\d\d)_", text.read()))
        self.assertFalse(sorted(wanted - found), "scenarios without a test")
