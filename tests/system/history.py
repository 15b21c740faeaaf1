"""What the events of a host say, one after the other, against the disk."""

import os

from disk import read_disk
from rig import RigTest


class Paths(dict):
    """Values by path. What lies below one is found without a look at all the others: with tens of thousands of files that
    would be most of a test's time."""

    def __init__(self):
        super().__init__()
        self.entries = {}  # of a directory: what is here of it, or leads to what is

    def __setitem__(self, path, value):
        super().__setitem__(path, value)
        parent = os.path.dirname(path)
        while parent != path and path not in self.entries.setdefault(parent, set()):
            self.entries[parent].add(path)
            path, parent = parent, os.path.dirname(parent)

    def __delitem__(self, path):
        super().__delitem__(path)
        parent = os.path.dirname(path)
        while parent != path and path not in self and not self.entries.get(path):
            self.entries.pop(path, None)
            self.entries[parent].discard(path)
            path, parent = parent, os.path.dirname(parent)

    def take(self, path):
        """Removes it; None: it is not here."""
        value = self.get(path)
        if path in self:
            del self[path]
        return value

    def below(self, path):
        found, left = [], list(self.entries.get(path, ()))
        while left:
            path = left.pop()
            left.extend(self.entries.get(path, ()))
            if path in self:
                found.append(path)
        return found


class History:
    """What the events say of each path, one after the other."""

    KEYS = ("type", "mode", "uid", "gid", "sha256", "target")

    def __init__(self):
        self.state = Paths()
        self.faults = []

    def comparable(self, state):
        if not state:
            return None
        kept = {key: state.get(key) for key in self.KEYS}
        kept["type"] = {"file": "regular"}.get(kept["type"], kept["type"])
        if kept["type"] != "directory":
            kept["size"] = state["size"]
        return kept

    def fault(self, event, text, path=None):
        line = f"seq {event['seq']} {event['action']} {event['path']}: {text}"
        self.faults.append((path or event["path"], event["seq"], line))

    def move_below(self, event):
        for other in self.state.below(event["path"]):
            self.fault(event, f"was moved over, and {other} is still there", other)
            del self.state[other]
        for other in self.state.below(event["old_path"]):
            self.state[event["path"] + other[len(event["old_path"]):]] = self.state.take(other)

    def take(self, event):
        if event["kind"] != "file" or event["action"] in ("gap", "degraded", "transient"):
            return
        path, before, after = event["path"], self.comparable(event["before"]), self.comparable(event["after"])
        if event["action"] == "retired":
            for other in self.state.below(path) + [path]:
                self.state.take(other)
            return
        origin = event["old_path"] if event["action"] == "moved" else path
        known = self.state.take(origin)
        if event["action"] == "moved" and path in self.state:
            self.fault(event, "something is there already")
        if known != before:
            self.fault(event, f"begins with {before}, but the last event ended with {known}")
        if (event["action"] == "created") != (before is None) or (event["action"] == "deleted") != (after is None):
            self.fault(event, "says another thing than its states")
        if event["action"] == "moved":
            self.move_below(event)
        elif not after or after["type"] != "directory":
            for other in self.state.below(path):
                self.fault(event, f"is no directory any more, and {other} is still there", other)
                del self.state[other]
        if after:
            self.state[path] = after


def faults_of_numbers(events):
    """(path, seq, text) of what is twice or missing in the stream."""
    ids, seqs, count = set(), [], 0
    for event in events:
        ids.add(event["id"])
        count += 1
        if not RigTest.is_collectors_own(event):
            seqs.append(event["seq"])
    faults = []
    if count != len(ids):
        faults.append((None, None, "an event id twice"))
    if seqs != list(range(1, len(seqs) + 1)):
        odd = next(at for at, seq in enumerate(seqs, 1) if at != seq)
        faults.append((None, None, f"sequence numbers with a hole or twice: {seqs[max(0, odd - 3):odd + 3]}"))
    return faults


def faults_of_history(events, *roots, ignore=()):
    """(path, seq, text) of each event that does not begin where the last one of its path ended, and of each path whose
    last event does not say what is on the disk."""
    history = History()
    for event in events:
        history.take(event)
    disk = {path: entry for root in roots for path, entry in read_disk(root).items()}
    faults = history.faults
    for path in sorted(set(disk) | set(history.state)):
        if disk.get(path) != history.state.get(path) and path not in ignore:
            faults.append((path, None, f"{path}: disk {disk.get(path)}, events {history.state.get(path)}"))
    return faults
