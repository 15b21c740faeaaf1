"""Short storms of random operations and faults; `make storm` runs longer ones of other seeds."""

import unittest

import storm


class Storms(unittest.TestCase):
    def blow(self, seed):
        self.assertTrue(storm.run(seed, 8), "a storm without events")

    def test_storm_of_seed_1_ends_with_the_picture_of_the_disk(self):
        self.blow(1)

    def test_storm_of_seed_2_ends_with_the_picture_of_the_disk(self):
        self.blow(2)

    def test_storm_of_seed_3_ends_with_the_picture_of_the_disk(self):
        self.blow(3)
