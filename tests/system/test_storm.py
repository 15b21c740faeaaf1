"""Short storms of random operations and faults; `make storm` runs longer ones of other seeds, `make storms` many."""

import storm
from rig import RigTest
from scenario import both_sources, heavy

# What once showed a fault: (seed, source, seconds).
REGRESSIONS = ((26, "inotify", 12), (47, "inotify", 12), (64, "fanotify", 12), (79, "fanotify", 12))


@both_sources
class Storms(RigTest):
    def setUp(self):
        pass  # a storm has a rig of its own

    def blow(self, seed, seconds=8):
        _, events = storm.run(seed, seconds, self.source)
        self.assertTrue(events, "a storm without events")

    @heavy(2)
    def test_storm_of_seed_1_ends_with_the_picture_of_the_disk(self):
        self.blow(1)

    @heavy(2)
    def test_storm_of_seed_2_ends_with_the_picture_of_the_disk(self):
        self.blow(2)

    @heavy(2)
    def test_storm_of_seed_3_ends_with_the_picture_of_the_disk(self):
        self.blow(3)

    @heavy(2)
    def test_storm_of_seed_4_ends_with_the_picture_of_the_disk(self):
        self.blow(4)

    @heavy(2)
    def test_storms_that_once_showed_a_fault_end_with_the_picture_of_the_disk(self):
        for seed, source, seconds in REGRESSIONS:
            if source == self.source:
                with self.subTest(seed=seed):
                    self.blow(seed, seconds)
