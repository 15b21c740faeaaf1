"""A file that changes all the time: one event for many changes, with their number, and the last state is never missing."""

import os
import time

from rig import wait_until
from scenario import Scenario, both_sources

CONFIG = "limits: {busy_per_min: 5}\n"


@both_sources
class Busy(Scenario):
    def changing(self, change):
        """Changes it until an event stands for many changes; the events of the path then."""
        done = [0]

        def is_gathered():
            for _ in range(10):
                done[0] += 1
                change(done[0])
                time.sleep(0.02)
            return [e for e in self.news(self.busy) if (e.get("count") or 0) > 20]

        self.busy = self.path("busy")
        self.watching(config=CONFIG)
        gathered = wait_until(is_gathered, "an event that stands for many changes")
        self.assertLess(len(self.news(self.busy)), done[0] / 5)
        return gathered[0]

    def test_changes_gather_in_one_event_with_a_count(self):
        event = self.changing(lambda number: self.write("busy", content=f"line {number}\n"))
        self.assertEqual((event["action"], event["cause"]), ("modified", "live"))
        listed = self.rig.cli("events", "--host", "web01", self.busy).stdout
        self.assertIn(f" x{event['count']}", listed)
        self.wait_content(self.busy)

    def test_saving_by_rename_gathers_as_well(self):
        def save(number):
            self.write("busy.new", content=f"line {number}\n")
            os.rename(self.path("busy.new"), self.busy)

        self.changing(save)
        self.wait_content(self.busy)

    def test_a_lock_that_comes_and_goes_gathers_as_well(self):
        def lock(_):
            self.write("busy")
            os.unlink(self.busy)

        self.assertEqual(self.changing(lock)["action"], "transient")

    def test_others_do_not_wait_for_it_and_status_counts_it(self):
        self.changing(lambda number: self.write("busy", content=f"line {number}\n"))

        def is_put_off():
            self.write("busy", content=str(time.monotonic()))
            return self.host.status().get("busy_paths") == 1

        wait_until(is_put_off, "status says that a path is busy")
        self.write("other")
        self.host.wait_event(path=self.path("other"), action="created")
        self.wait_content(self.busy)

    def test_what_was_put_off_when_the_agent_was_killed_is_told_by_the_next(self):
        self.changing(lambda number: self.write("busy", content=f"line {number}\n"))
        self.write("busy", content="the last word")
        self.host.kill()
        self.host.start()
        self.started()
        self.wait_content(self.busy)
