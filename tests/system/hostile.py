"""A peer that speaks to the collector by hand: TLS from Python, frames and messages byte by byte.

It holds the certificate of a host that was enrolled like any other, and does with it what no agent would.
"""

import os
import re
import socket
import ssl
import struct

HELLO, WELCOME, BATCH, ACK, OFFER, WANT, BUCKET = 1, 2, 3, 4, 5, 6, 7
HEARTBEAT, REFUSED, ENROLL_REQUEST, RENEW_REQUEST = 10, 11, 12, 14
KIND_FILE, KIND_FACT = 1, 2
CREATED, INSTALLED, LIVE = 1, 10, 2


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def zigzag(number):
    return varint((number << 1) ^ (number >> 63) if number < 0 else number << 1)


def number(field, value):
    return varint(field << 3) + varint(value)


def text(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def frame(kind, payload=b"", flags=0):
    return struct.pack(">IBB", 2 + len(payload), kind, flags) + payload


def hello(stream, next_seq=1 << 40, root=b""):
    return frame(HELLO, text(1, stream.ljust(16, b"\0")) + number(2, 1) + number(3, next_seq) + text(4, "0.1.0") +
                 (text(6, root) if root else b""))


def file_event(path, time_ns=1):
    state = number(1, 1) + number(2, 3) + number(3, 0o644)
    return (b"\x08" + zigzag(time_ns) + number(2, KIND_FILE) + number(3, CREATED) + number(4, LIVE) + text(6, path) +
            text(10, state))


def fact_event(kind, *fields):
    fact = number(1, kind) + b"".join(text(2, field) for field in fields)
    return b"\x08\x02" + number(2, KIND_FACT) + number(3, INSTALLED) + number(4, LIVE) + text(12, fact)


def batch(first_seq, events, root=b""):
    return frame(BATCH, number(1, first_seq) + b"".join(text(2, event) for event in events) +
                 (text(5, root) if root else b""))


def zstd_bomb(declared, blocks=0):
    """A zstd frame that says it holds `declared` bytes, and holds so many blocks of 128 KiB of one letter."""
    body = b"".join(struct.pack("<I", (128 << 10) << 3 | 1 << 1 | (1 if i == blocks - 1 else 0))[:3] + b"A"
                    for i in range(blocks))
    return b"\x28\xb5\x2f\xfd" + b"\xc0\x58" + struct.pack("<Q", declared) + body


class Hostile:
    """Connections under the certificate of one enrolled host; `state` is its agent's directory."""

    def __init__(self, port, state):
        self.port = port
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self.context.set_alpn_protocols(["tsujiban/1"])
        self.context.load_cert_chain(os.path.join(state, "agent.crt"), os.path.join(state, "agent.key"))

    def tcp(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def connect(self):
        return Session(self.context.wrap_socket(self.tcp()))

    def session(self, stream=b"hostile", **more):
        session = self.connect()
        session.send(hello(stream, **more))
        session.await_kind(WELCOME)
        return session


def stranger(port):
    """As one that enrols: without a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["tsujiban-enroll/1"])
    return Session(context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=30)))


class Session:
    def __init__(self, tls):
        self.tls = tls
        self.rest = b""
        self.refusal = None

    def send(self, data):
        """False: the collector has closed."""
        try:
            self.tls.sendall(data)
            return True
        except OSError:
            return False

    def take(self):
        """(kind, payload, flags) of the next frame; None at the end of the connection."""
        while True:
            if len(self.rest) >= 6:
                length, kind, flags = struct.unpack(">IBB", self.rest[:6])
                if len(self.rest) >= 4 + length:
                    payload, self.rest = self.rest[6:4 + length], self.rest[4 + length:]
                    return kind, payload, flags
            try:
                data = self.tls.recv(65536)
            except OSError as failure:
                if isinstance(failure, TimeoutError):
                    raise
                return None
            if not data:
                return None
            self.rest += data

    def await_kind(self, wanted):
        """The payload of the next frame of that kind; None when the connection ended before."""
        while (got := self.take()) is not None:
            if got[0] == REFUSED:
                self.refusal = got
            if got[0] == wanted:
                return got[1]
        return None

    def await_refusal(self):
        """What the collector says, as far as it is not compressed; "" when it just closed."""
        got = self.await_kind(REFUSED)
        return re.sub(rb"[^ -~]", b".", got).decode() if got else ""

    def close(self):
        self.tls.close()
