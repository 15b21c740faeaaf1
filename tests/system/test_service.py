"""What a service manager is told by the collector."""

import os
import signal
import socket

from rig import RigTest


class Service(RigTest):
    def setUp(self):
        super().setUp()
        self.rig.collector.stop()
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(os.path.join(self.rig.dir, "notify"))
        self.manager.settimeout(60)
        self.rig.collector.env = {**os.environ, "NOTIFY_SOCKET": self.manager.getsockname()}

    def told(self):
        return self.manager.recv(4096).decode().splitlines()

    def test_ready_is_who_answers(self):
        self.rig.collector.start()
        self.assertIn("READY=1", self.told())
        self.assertEqual(self.rig.cli("status").returncode, 0, "at once")
        self.rig.collector.signal(signal.SIGTERM)
        self.assertEqual(self.told(), ["STOPPING=1"])
        self.rig.collector.stop()

    def test_a_manager_that_went_away_costs_nothing(self):
        self.rig.collector.start()
        self.told()
        self.manager.close()
        self.assertEqual(self.rig.cli("status").returncode, 0)
        self.rig.collector.stop()
        self.rig.start_collector()

    def test_without_a_port_it_is_never_ready(self):
        with socket.create_server(("127.0.0.1", self.rig.port)):
            self.rig.collector.start()
            self.rig.collector.child.wait(60)
        self.manager.settimeout(0.1)
        with self.assertRaises(TimeoutError):
            self.told()
        self.rig.start_collector()
