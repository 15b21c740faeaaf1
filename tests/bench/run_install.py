"""From the end of a package manager's run to the operator's feed, and to a search that finds the new version."""

import os
import random
import re
import time

from feed import Feed
from measure import percentile, rig, say, wait
from table import Note, Table
from test_sync import RUN, Database

ABOUT = ("One package of this machine's dpkg database gets another version, as dpkg writes it: a new status file in place "
         "of the old. How long until the event comes out of the event stream; after that a search finds the version.")
SAMPLES = 40
PACKAGE = "dpkg"


def upgrade(database, version):
    def change(parts):
        return [re.sub(r"^Version: .*$", f"Version: {version}", part, flags=re.M)
                if part.startswith(f"Package: {PACKAGE}\n") else part for part in parts]
    database.replace(change)


def run():
    pair = rig.Rig()
    feed = None
    try:
        pair.init_collector().start_collector()
        database = Database(os.path.join(pair.dir, "dpkg-quick"))
        host = pair.host("quick", [pair.make_dir("watched")], "inventory: {interval: 1h, apps: []}\n")
        host.process.command = ("unshare", "-m", "sh", "-c", RUN, "sh", database.path, rig.program("tsujiban-agent"),
                                host.config)
        host.start()
        wait(lambda: pair.json("search", f"package:{PACKAGE}"), "the inventory is there", every_s=0.2)
        feed = Feed(pair, host="quick")
        say(f"{SAMPLES} upgrades of one package")
        chance = random.Random(1)
        taken, found = [], 0
        for number in range(SAMPLES):
            version = f"9.{number}"
            time.sleep(chance.uniform(0.5, 1.5))
            upgrade(database, version)
            ended_ns = time.monotonic_ns()
            taken.append((feed.wait(version) - ended_ns) / 1e6)
            found += len(pair.json("search", f'package:{PACKAGE} version:{version}')) == 1
    finally:
        if feed:
            feed.close()
        pair.close()
    table = Table("ms", "p50", "p90", "most", "budget")
    table.add("end of the run to feed", *(f"{percentile(taken, percent):.0f}" for percent in (50, 90)),
              f"{max(taken):.0f}", "2000")
    return [table, Note(f"Of that 300 ms are waited for quiet. {found} of {SAMPLES} searches right behind the event found the "
                        f"version.")]
