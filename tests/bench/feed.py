"""A reader of the collector's event stream (server-sent events over TLS) that notes when each path arrived."""

import http.client
import json
import socket
import ssl
import threading
import time
import urllib.parse


class Feed:
    def __init__(self, rig, **parameters):
        with open(rig.env["TSUJIBAN_TOKEN_FILE"], encoding="utf-8") as text:
            token = text.read().strip()
        address, _, port = rig.env["TSUJIBAN_SERVER"].rpartition(":")
        trust = ssl.create_default_context(cafile=rig.env["TSUJIBAN_CA"])
        self.link = http.client.HTTPSConnection(address, int(port), context=trust)
        self.link.request("GET", "/api/v1/events/stream?" + urllib.parse.urlencode(parameters),
                          headers={"Authorization": "Bearer " + token})
        self.answer = self.link.getresponse()
        if self.answer.status != 200:
            raise RuntimeError(f"the event stream: {self.answer.status} {self.answer.read(500)}")
        self.arrived_ns = {}
        self.events = 0
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    @staticmethod
    def key_of(event):
        """What it is waited for by: the path, or of a package its version."""
        return event.get("path") or (event.get("after") or {}).get("version")

    def _read(self):
        rest = b""
        while True:
            try:
                got = self.answer.read1(65536)
            except (OSError, ValueError, http.client.HTTPException):
                return
            now_ns = time.monotonic_ns()
            if not got:
                return
            *lines, rest = (rest + got).split(b"\n")
            paths = [self.key_of(json.loads(line[5:])) for line in lines if line.startswith(b"data:")]
            with self.changed:
                self.events += len(paths)
                for path in paths:
                    self.arrived_ns.setdefault(path, now_ns)
                self.changed.notify_all()

    def wait(self, path, patience_s=60):
        """When the first event of this path arrived (monotonic, ns)."""
        with self.changed:
            if not self.changed.wait_for(lambda: path in self.arrived_ns, patience_s):
                raise RuntimeError(f"no event of '{path}' within {patience_s} s")
            return self.arrived_ns[path]

    def forget(self):
        with self.changed:
            self.arrived_ns.clear()

    def close(self):
        self.link.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.link.close()
