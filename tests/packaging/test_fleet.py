"""The small form of `make fleet`."""

import unittest

import fleet
import packages


class Fleet(unittest.TestCase):
    def test_three_hosts_are_installed_enrolled_upgraded_and_removed_while_files_change(self):
        packages.need_namespaces("ip link add name bridge0 type bridge && ip link add name host0 type veth peer name eth0")
        lines = []
        passed, failed = fleet.run(3, 4, lines.append)
        self.assertEqual(failed, 0, "\n".join(lines))
        self.assertGreater(passed, 20)
