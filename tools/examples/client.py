#!/usr/bin/env python3
"""A Sluice client that is based on the wire protocol alone, with pyzmq, struct and json.

    from client import Sluice

    with Sluice() as sluice:
        decisions = sluice.watch("meter-")
        sluice.feed("meter-7", [0.25, 0.5], sequence=1)
        print(decisions.next())
        print(sluice.call("status"))

`tools/check/protocol` uses it to check a running daemon.
"""

import collections
import json
import struct
import time
import uuid

import zmq

RECORD = struct.Struct("<QQqHBB")  # sequence, step, time, flags, label, n; then n float32
HEADER = struct.Struct("<QII")  # sequence, flags, reserved
START, END = 1, 2  # a producer's flags
FINAL, FIRST, GAP, CHANGED, REPLAYED = 1, 2, 4, 8, 16  # a decision's flags

Decision = collections.namedtuple("Decision", "stream sequence step time flags label probabilities")


class ControlError(Exception):
    """The daemon's refusal of a request."""

    def __init__(self, code, message):
        super().__init__(f"{message} ({code})")
        self.code = code


class Sluice:
    """A connection to a daemon, for feeding, watching and control. Use one object per thread. Sockets open on first use."""

    def __init__(self, ingest="tcp://127.0.0.1:5550", decisions="tcp://127.0.0.1:5551",
                 control="tcp://127.0.0.1:5552", timeout=3.0):
        self.context = zmq.Context()
        self.endpoints = {"ingest": ingest, "decisions": decisions, "control": control}
        self.timeout = timeout
        self.sockets = []
        self.producer = self.requester = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for socket in self.sockets:
            socket.close(linger=0)
        self.context.term()

    def open(self, kind, role):
        """Return a socket that is connected to the daemon's socket with this role."""
        socket = self.context.socket(kind)
        self.sockets.append(socket)
        socket.rcvtimeo = socket.sndtimeo = int(self.timeout * 1000)
        socket.sndhwm = socket.rcvhwm = 0
        socket.connect(self.endpoints[role].lstrip("@>"))
        return socket

    def feed(self, stream, values, sequence=0, start=False, end=False):
        """Send the values of consecutive timesteps. With sequence 0, the daemon continues its own count."""
        header = HEADER.pack(sequence, START * start | END * end, 0)
        self.send([stream.encode(), struct.pack(f"<{len(values)}f", *values), header])

    def send(self, frames):
        """Send any message to ingest. The first call waits for the daemon's subscription, because an earlier message would be
        lost. (If this does not matter, a PUB is sufficient.)"""
        if self.producer is None:
            self.producer = self.open(zmq.XPUB, "ingest")
            if self.producer.recv()[:1] != b"\x01":
                raise RuntimeError("the daemon's ingest socket did not subscribe")
        self.producer.send_multipart(frames)

    def watch(self, *prefixes):
        """Subscribe to decisions by a prefix of stream ids. The subscription receives all decisions on later timesteps."""
        return Decisions(self.open(zmq.SUB, "decisions"), prefixes)

    def call(self, method, **params):
        """Make a control request and return its result, or raise ControlError."""
        request = {"jsonrpc": "2.0", "id": uuid.uuid4().hex, "method": method, "params": params}
        if self.requester is None:
            self.requester = self.open(zmq.REQ, "control")
        try:
            self.requester.send_string(json.dumps(request))
            reply = json.loads(self.requester.recv())
        except zmq.Again:
            self.requester.close(linger=0)  # a REQ that waits for an answer cannot send another request
            self.requester = None
            raise
        if reply["jsonrpc"] != "2.0" or reply["id"] != request["id"]:
            raise RuntimeError(f"the reply is to another request: {reply}")
        if "error" in reply:
            raise ControlError(reply["error"]["code"], reply["error"]["message"])
        return reply["result"]


class Decisions:
    """A subscription."""

    def __init__(self, socket, prefixes):
        self.socket, self.waiting = socket, collections.deque()
        in_force = f"!sluice/subscribed/{uuid.uuid4().hex}"
        for topic in (*(prefixes or [""]), in_force):
            socket.subscribe(topic)
        while True:
            topic, content = socket.recv_multipart()
            if topic.decode() == in_force:
                break
            self.unpack(topic, content)
        socket.unsubscribe(in_force)

    def unpack(self, topic, frame):
        """Split a decision message into its records."""
        if topic.startswith(b"!sluice/"):
            return
        offset = 0
        while offset < len(frame):
            *fields, n = RECORD.unpack_from(frame, offset)
            outputs = struct.unpack_from(f"<{n}f", frame, offset + RECORD.size)
            self.waiting.append(Decision(topic.decode(), *fields, outputs))
            offset += RECORD.size + 4 * n

    def next(self, timeout=None):
        """Return the next decision, or None if none arrives in time (seconds; by default the client's timeout)."""
        deadline = time.monotonic() + (self.socket.rcvtimeo / 1000 if timeout is None else timeout)
        while not self.waiting:
            if not self.socket.poll(max(0, int((deadline - time.monotonic()) * 1000))):
                return None
            self.unpack(*self.socket.recv_multipart())
        return self.waiting.popleft()
