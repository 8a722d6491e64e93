#!/usr/bin/env python3
"""A Sluice client written from the wire protocol alone, with pyzmq, struct and json.

As a module:

    from client import Sluice

    with Sluice() as sluice:
        decisions = sluice.watch("meter-")
        sluice.feed("meter-7", [0.25, 0.5], sequence=1)
        print(decisions.next())
        print(sluice.call("status"))

As a check of a running daemon that serves model2: `client.py check --help`.
"""

import argparse
import collections
import csv
import json
import math
import os
import struct
import sys
import time
import uuid

import zmq

RECORD = struct.Struct("<QQqHBB")  # sequence, step, time, flags, label, n; then n float32
HEADER = struct.Struct("<QII")  # sequence, flags, reserved
START, END = 1, 2  # what a producer says of a timestep
FINAL, FIRST, GAP, CHANGED = 1, 2, 4, 8  # what a decision says of itself

Decision = collections.namedtuple("Decision", "stream sequence step time flags label probabilities")


class ControlError(Exception):
    """The daemon's answer to a request that it did not carry out."""

    def __init__(self, code, message):
        super().__init__(f"{message} ({code})")
        self.code = code


class Sluice:
    """A daemon: feed it, watch it, control it. One object a thread. Sockets are opened when first used."""

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
        """A socket that is connected to the daemon's socket of that role."""
        socket = self.context.socket(kind)
        self.sockets.append(socket)
        socket.rcvtimeo = socket.sndtimeo = int(self.timeout * 1000)
        socket.sndhwm = socket.rcvhwm = 0
        socket.connect(self.endpoints[role].lstrip("@>"))
        return socket

    def feed(self, stream, values, sequence=0, start=False, end=False):
        """Send timesteps: their values, one timestep after another. With sequence 0 the daemon counts by itself."""
        header = HEADER.pack(sequence, START * start | END * end, 0)
        self.send([stream.encode(), struct.pack(f"<{len(values)}f", *values), header])

    def send(self, frames):
        """Send any message to ingest. The first waits until the daemon's subscription has come: before, it would be
        lost. (A PUB does as well where that does not matter.)"""
        if self.producer is None:
            self.producer = self.open(zmq.XPUB, "ingest")
            if self.producer.recv()[:1] != b"\x01":
                raise RuntimeError("the daemon's ingest socket did not subscribe")
        self.producer.send_multipart(frames)

    def watch(self, *prefixes):
        """Decisions of the streams whose ids begin so. All that is fed after the return will be seen."""
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
            self.requester.close(linger=0)  # a REQ that waits for an answer can ask nothing else
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
        """Cut a decision message into its records."""
        if topic.startswith(b"!sluice/"):
            return
        offset = 0
        while offset < len(frame):
            *fields, n = RECORD.unpack_from(frame, offset)
            outputs = struct.unpack_from(f"<{n}f", frame, offset + RECORD.size)
            self.waiting.append(Decision(topic.decode(), *fields, outputs))
            offset += RECORD.size + 4 * n

    def next(self, timeout=None):
        """The next decision, or None if there is none in time (seconds; by default the client's timeout)."""
        deadline = time.monotonic() + (self.socket.rcvtimeo / 1000 if timeout is None else timeout)
        while not self.waiting:
            if not self.socket.poll(max(0, int((deadline - time.monotonic()) * 1000))):
                return None
            self.unpack(*self.socket.recv_multipart())
        return self.waiting.popleft()


# The check of a running daemon.


class Failed(Exception):
    """What was not as the protocol says."""


def expect(condition, *said):
    if not condition:
        raise Failed(" ".join(str(part) for part in said))


def rows(path):
    """A reference file: for each stream the inputs and Keras' answers."""
    streams = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            inputs, answers = streams.setdefault(row["stream"], ([], []))
            expect(int(row["step"]) == len(inputs) + 1, path, "has its steps in another order")
            inputs.append(float(row["x0"]))
            answers.append(float(row["probability"]))
    return streams


def bits(decisions):
    """The probabilities as they came, to the bit."""
    return [struct.pack(f"<{len(d.probabilities)}f", *d.probabilities) for d in decisions]


class Check:
    """Each method `check_…` feeds streams of its own, and raises Failed at the first thing that is not right."""

    def __init__(self, sluice, model2, endless):
        self.sluice, self.model2 = sluice, rows(model2)
        (self.inputs, self.answers), = rows(endless).values()
        self.prefix = f"check-{uuid.uuid4().hex[:12]}-"
        self.decisions = sluice.watch(self.prefix)

    def run(self):
        """Runs all checks in order; one line each."""
        names = [name for name in vars(Check) if name.startswith("check_")]
        try:
            for name in names:
                title, start = name[6:].replace("_", " "), time.monotonic()
                try:
                    detail = getattr(self, name)()
                except (Failed, ControlError, zmq.ZMQError, struct.error, KeyError, ValueError) as error:
                    print(f"FAILED  {title}: {error if str(error) else repr(error)}")
                    return 1
                print(f"ok      {title}: {detail} ({time.monotonic() - start:.2f} s)", flush=True)
        finally:
            self.clean_up()
        print(f"{len(names)} checks passed")
        return 0

    def clean_up(self):
        try:
            self.sluice.call("remove", prefix=self.prefix)
            for snapshot in self.sluice.call("snapshots")["snapshots"]:
                if snapshot["name"].startswith(self.prefix):
                    self.sluice.call("delete_snapshot", name=snapshot["name"])
        except (ControlError, zmq.ZMQError) as error:
            print(f"could not clean up: {error}", file=sys.stderr)

    def take(self, count, stream=None):
        """The next decisions, all of one stream where it is named, in whole."""
        taken = []
        while len(taken) < count:
            decision = self.decisions.next()
            expect(decision is not None, f"{len(taken)} decisions came, not {count}")
            expect(stream is None or decision.stream == stream, "a decision on", decision.stream, "came, not", stream)
            expect(decision.label == (decision.probabilities[0] >= 0.5), "the label does not fit:", decision)
            expect(bool(decision.flags & FIRST) == (decision.step == 1), "the first flag does not fit:", decision)
            expect(abs(decision.time / 1e9 - time.time()) < 60, "the time does not fit:", decision)
            taken.append(decision)
        return taken

    def step(self, stream, values, **header):
        """Feed timesteps and take their decisions."""
        self.sluice.feed(self.prefix + stream, values, **header)
        return self.take(len(values), self.prefix + stream)

    def refused(self, code, method, about="", **params):
        """A request must be refused with that code and, where named, with a word about the parameter."""
        try:
            result = self.sluice.call(method, **params)
        except ControlError as error:
            expect(error.code == code, f"{method} {params} was refused with {error.code}, not {code}: {error}")
            expect(about in str(error), f"{method} {params} was refused without naming '{about}': {error}")
        else:
            raise Failed(f"{method} {params} was not refused but answered {result}")

    def silent(self, seconds=0.15):
        decision = self.decisions.next(timeout=seconds)
        expect(decision is None, "there should be no decision, but there is", decision)

    def compare(self, decisions, answers, what):
        """Steps and sequences count from 1, and each probability is Keras' to within 1e-5."""
        worst = 0.0
        for index, (decision, answer) in enumerate(zip(decisions, answers, strict=True)):
            expect(decision.sequence == decision.step == index + 1, what, "has at", index + 1, decision)
            worst = max(worst, abs(decision.probabilities[0] - answer))
            expect(worst <= 1e-5, f"{what} differs from Keras by {worst:.1e} at step {index + 1}")
        return worst

    def check_status(self):
        status = self.sluice.call("status")
        keys = ("version uptime_s endpoints models streams paused timesteps decisions duplicates gaps dropped "
                "checkpoint").split()
        expect(all(key in status for key in keys), "status lacks", [key for key in keys if key not in status])
        expect(status["models"][0]["features"] == 1, "the model does not take one feature a timestep")
        return f"version {status['version']}, {status['models'][0]['name']} of {status['models'][0]['file']}"

    def check_all_streams_interleaved_equal_keras(self):
        decided = {self.prefix + name: [] for name in self.model2}
        for step in range(max(len(inputs) for inputs, _ in self.model2.values())):
            for name, (inputs, _) in self.model2.items():
                if step < len(inputs):
                    self.sluice.feed(self.prefix + name, inputs[step:step + 1], sequence=step + 1)
        for decision in self.take(sum(len(inputs) for inputs, _ in self.model2.values())):
            decided[decision.stream].append(decision)
        worst = max(self.compare(decided[self.prefix + name], answers, name)
                    for name, (_, answers) in self.model2.items())
        for decisions in decided.values():
            labels = [None] + [decision.label for decision in decisions]
            for before, decision in zip(labels, decisions):
                expect(bool(decision.flags & CHANGED) == (before != decision.label), "changed is wrong:", decision)
        return f"{len(decided)} streams, worst difference {worst:.1e}"

    def check_endless_stream_equals_keras_however_it_is_cut(self):
        single, cut = self.prefix + "endless-single", self.prefix + "endless-cut"
        for index, value in enumerate(self.inputs):
            self.sluice.feed(single, [value], sequence=index + 1)
        one = self.take(len(self.inputs), single)
        worst = self.compare(one, self.answers, "the endless stream")
        begin, size = 0, 1
        while begin < len(self.inputs):
            self.sluice.feed(cut, self.inputs[begin:begin + size], sequence=begin + 1)
            begin, size = begin + size, size % 37 + 1
        expect(bits(self.take(len(self.inputs), cut)) == bits(one), "cut into messages, the answers differ")
        return f"{len(one)} timesteps, worst difference {worst:.1e}, bit for bit the same when cut"

    def check_streams_in_pages(self):
        names, after = [], None
        while True:
            cursor = {"after": after} if after else {}
            page = self.sluice.call("streams", prefix=self.prefix, limit=7, **cursor)
            expect(len(page["streams"]) <= 7, "a page is longer than its limit")
            names += [stream["stream"] for stream in page["streams"]]
            after = page["next"]
            if after is None:
                break
        expect(names == sorted(names) and len(names) == len(self.model2) + 2, "the pages hold", names)
        one = self.sluice.call("stream", stream=self.prefix + "endless-cut")
        expect(one["sequence"] == one["step"] == len(self.inputs), "the stream stands at", one)
        expect(abs(one["probability"] - self.answers[-1]) <= 1e-5, "the stream's probability is", one)
        return f"{len(names)} streams"

    def check_numbering_without_header(self):
        name = self.prefix + "counted"
        for value in self.inputs[:5]:
            self.sluice.send([name.encode(), struct.pack("<f", value)])
        self.compare(self.take(5, name), self.answers[:5], name)
        return "the daemon counts by itself"

    def check_duplicates_and_gaps(self):
        before = self.sluice.call("status")
        name, inputs = self.prefix + "numbered", self.inputs
        one = self.step("numbered", inputs[:5], sequence=1)
        self.sluice.feed(name, inputs[2:5], sequence=3)  # all of it consumed before
        self.sluice.feed(name, inputs[3:7], sequence=4)  # 4 and 5 consumed before
        one += self.take(2, name)
        self.compare(one, self.answers[:7], name)
        self.sluice.feed(name, inputs[7:9], sequence=11)  # 8 to 10 are missing
        gap = self.take(2, name)
        expect([d.sequence for d in gap] == [11, 12] and gap[0].flags & GAP and not gap[1].flags & GAP,
               "after the gap came", gap)
        expect(not any(d.flags & GAP for d in one), "a gap is flagged where there is none")
        self.silent()
        after = self.sluice.call("status")
        expect(after["duplicates"] - before["duplicates"] == 5, "5 duplicates were counted otherwise")
        expect(after["gaps"] - before["gaps"] == 1, "1 gap was counted otherwise")
        return "5 skipped, 1 flagged, both counted"

    def check_start_and_end(self):
        fresh = self.step("marked", self.inputs[:4], sequence=1)
        ended = self.step("marked", self.inputs[:4], sequence=5, start=True, end=True)
        again = self.step("marked", self.inputs[:4], sequence=9)
        expect(bits(fresh) == bits(ended) == bits(again), "a state was not reset")
        expect([d.flags & FINAL for d in fresh + ended + again] == [0] * 7 + [FINAL] + [0] * 4, "final is wrong")
        expect([d.step for d in ended + again] == [1, 2, 3, 4] * 2, "steps do not begin anew")
        expect([d.sequence for d in fresh + ended + again] == list(range(1, 13)), "sequences do not go on")
        return "reset before the first, final and reset after the last"

    def check_reset(self):
        fresh = self.step("reset", self.inputs[:9], sequence=1)
        expect(self.sluice.call("reset", stream=self.prefix + "reset") == {"reset": 1}, "one stream was not reset")
        again = self.step("reset", self.inputs[:9], sequence=10)
        expect(bits(fresh) == bits(again), "the state was not reset")
        expect([d.step for d in again] == list(range(1, 10)), "steps do not begin anew")
        expect([d.sequence for d in again] == list(range(10, 19)), "sequences do not go on")
        return "step 1 again, the sequence goes on"

    def check_snapshot_and_restore(self):
        name, snapshot = self.prefix + "kept", self.prefix + "snapshot"
        self.step("kept", self.inputs[:50], sequence=1)
        taken = self.sluice.call("snapshot", name=snapshot, stream=name)
        expect(taken["name"] == snapshot and taken["streams"] == 1 and taken["bytes"] > 0, "the snapshot is", taken)
        once = self.step("kept", self.inputs[50:150], sequence=51)
        listed = [s for s in self.sluice.call("snapshots")["snapshots"] if s["name"] == snapshot]
        expect(len(listed) == 1 and listed[0]["streams"] == 1 and len(listed[0]["models"]) == 1, "listed is", listed)
        expect(self.sluice.call("restore", name=snapshot) == {"restored": 1}, "one stream was not restored")
        twice = self.step("kept", self.inputs[50:150], sequence=51)
        expect(bits(once) == bits(twice), "the answers after a restore differ")
        expect([(d.step, d.sequence) for d in once] == [(d.step, d.sequence) for d in twice], "steps differ")
        self.sluice.call("remove", stream=name)
        self.sluice.call("restore", name=snapshot, stream=name)
        thrice = self.step("kept", self.inputs[50:150], sequence=51)
        expect(bits(once) == bits(thrice), "the answers of a stream removed and restored differ")
        expect(self.sluice.call("delete_snapshot", name=snapshot) == {"deleted": True}, "it was not deleted")
        self.refused(1002, "restore", name=snapshot)
        return "100 timesteps, three times, bit for bit the same"

    def check_pause_and_resume(self):
        name = self.prefix + "paused"
        one = self.step("paused", self.inputs[:5], sequence=1)
        expect(self.sluice.call("pause", stream=name) == {"paused": 1}, "one stream was not paused")
        for index in range(5, 10):
            self.sluice.feed(name, self.inputs[index:index + 1], sequence=index + 1)
        self.silent()
        expect(self.sluice.call("stream", stream=name)["sequence"] == 5, "it went on while paused")
        expect(self.sluice.call("status")["paused"] >= 1, "status counts no paused stream")
        expect(self.sluice.call("resume", stream=name) == {"resumed": 1}, "one stream was not resumed")
        one += self.take(5, name)
        self.compare(one + self.step("paused", self.inputs[10:15], sequence=11), self.answers[:15], name)
        return "5 timesteps waited"

    def check_remove(self):
        one = self.step("removed", self.inputs[:5], sequence=1)
        expect(self.sluice.call("remove", stream=self.prefix + "removed") == {"removed": 1}, "it was not removed")
        self.refused(1001, "stream", stream=self.prefix + "removed")
        again = self.step("removed", self.inputs[:5], sequence=1)
        expect(bits(one) == bits(again) and again[0].sequence == 1, "something was kept:", again)
        return "forgotten, and new under the same id"

    def check_checkpoint(self):
        result = self.sluice.call("checkpoint")
        expect(result["streams"] >= 0 and result["duration_ms"] >= 0, "the result is", result)
        return f"{result['streams']} streams in {result['duration_ms']:.1f} ms"

    def check_requests_that_are_refused(self):
        nobody = self.prefix + "nobody"
        for method in ("stream", "reset", "remove", "pause", "resume"):
            self.refused(1001, method, stream=nobody)
        self.refused(1002, "restore", name=nobody)
        self.refused(1002, "delete_snapshot", name=nobody)
        bad = [("stream", "stream", {}), ("stream", "stream", {"stream": 7}), ("streams", "limit", {"limit": 0}),
               ("streams", "limit", {"limit": 10_001}), ("streams", "limit", {"limit": "7"}),
               ("streams", "prefix", {"prefix": 7}), ("reset", "all", {"all": False}), ("reset", "stream", {}),
               ("reset", "all", {"all": True, "stream": nobody}), ("remove", "prefix", {"prefix": None}),
               ("snapshot", "name", {"all": True}), ("snapshot", "name", {"name": "", "all": True}),
               ("restore", "name", {}), ("delete_snapshot", "name", {"name": []}), ("pause", "prefix", {}),
               ("resume", "everything", {"everything": True})]
        for method, about, params in bad:
            self.refused(-32602, method, about, **params)
        for method in ("", "Status", "no such method", "\u0000", "x" * 10_000):
            self.refused(-32601, method)
        return f"{len(bad) + 12} requests"

    def check_garbage_on_the_control_socket(self):
        def request(**members):
            return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "status"} | members).encode()
        garbage = [(code, text) for code, texts in {
            -32700: [b"", b" ", b"{", b"}", b"\xff\xfe\xfd", b"\xc3(", b"\x00", b'{"jsonrpc": "2.0"', request() + b"x",
                     request() + request(), b"status", b"[" * 5000, os.urandom(1000), b"'" * 100_000,
                     request()[:-1] + b', "note": "\xff"}'],
            -32600: [b"null", b"7", b'"status"', b"true", b"[]", b"{}", b"[" + request() + b"]", request(jsonrpc="1.0"),
                     request(jsonrpc=2), request(method=7), request(method=None), b'{"jsonrpc": "2.0", "id": 1}',
                     b'{"method": "status", "id": 1}', request(id={}), request(id=[]), request(id=True)],
            -32602: [request(params=[]), request(params="all"), request(params=7), request(params={"a": 1})],
        }.items() for text in texts]
        for code, text in garbage:
            reply = self.raw(zmq.REQ, [text])
            expect(len(reply) == 1, "the reply has", len(reply), "frames")
            error = json.loads(reply[0])["error"]
            expect(error["code"] == code and error["message"], f"{text[:60]} was answered {error}, not {code}")
        for frames in ([b"", b""], [request(), request()], [b"a", b"b", b"c"], [b"\xff"] * 20):
            error = json.loads(self.raw(zmq.REQ, frames)[-1])["error"]
            expect(error["code"] in (-32600, -32700), f"{len(frames)} frames were answered {error}")
        for frames in ([b""], [b"", b""], [b"", b"", b""], [b"{"], [b"", b"{"], [b"x", b"y"]):
            expect("error" in json.loads(self.raw(zmq.DEALER, frames)[-1]), f"{frames} of a DEALER were not refused")
        for envelope in ([], [b""]):
            *mirrored, reply = self.raw(zmq.DEALER, [*envelope, request(id="as I was")])
            expect(mirrored == envelope, "the envelope came back as", mirrored)
            expect(json.loads(reply)["id"] == "as I was" and "result" in json.loads(reply), "the reply was", reply)
        reply = json.loads(self.raw(zmq.REQ, [b'{"jsonrpc": "2.0", "method": "status"}'])[0])
        expect("result" in reply and reply["id"] is None, "without an id the reply was", reply)
        return f"{len(garbage) + 10} bad messages, each answered"

    def raw(self, kind, frames):
        """Send frames from a socket of their own and return what is answered."""
        socket = self.sluice.open(kind, "control")
        try:
            socket.send_multipart(frames)
            return socket.recv_multipart()
        except zmq.Again:
            raise Failed(f"no answer to {[frame[:60] for frame in frames]}") from None
        finally:
            self.sluice.sockets.remove(socket)
            socket.close(linger=0)

    def check_malformed_timesteps_are_dropped_and_counted(self):
        name, twin = (self.prefix + "harassed").encode(), self.step("twin", self.inputs[:20], sequence=1)
        good = struct.pack("<f", 0.5)
        malformed = [
            [name], [name, good, HEADER.pack(0, 0, 0), b""], [b"", good], [name + b"x" * (256 - len(name)), good],
            [name + b"\xff", good], [name + b"\xc3(", good], [name + b"\xed\xa0\x80", good], [name + b"\x00", good],
            [name + b"\n", good], [name + b"\x7f", good], [name + b"\xc2\x85", good], [name, b""], [name, good[:3]],
            [name, good + b"\x00"], *([name, struct.pack("<f", bad)] for bad in (math.nan, math.inf, -math.inf)),
            [name, good + struct.pack("<f", math.nan)], [name, good, b""], [name, good, HEADER.pack(1, 0, 0)[:15]],
            [name, good, HEADER.pack(1, 0, 0) + b"\x00"], [name, good, HEADER.pack(1, 0, 1)],
            *([name, good, HEADER.pack(1, 1 << bit, 0)] for bit in (2, 3, 7, 31)),
        ]
        before, decided, sent = self.sluice.call("status"), [], 0
        for index, value in enumerate(self.inputs[:20]):
            for frames in (malformed + malformed)[index % len(malformed):][:len(malformed) // 2]:
                self.sluice.send(frames)
                sent += 1
            decided += self.step("harassed", [value], sequence=index + 1)
        for frames in malformed:
            self.sluice.send(frames)
            sent += 1
        decided += self.step("harassed", self.inputs[20:21], sequence=21)  # whatever was sent before has arrived
        after = self.sluice.call("status")
        rise = sum(after["dropped"].values()) - sum(before["dropped"].values())
        expect(sent >= 100 and rise == sent, f"{sent} messages were malformed, {rise} were counted")
        expect(after["streams"] - before["streams"] == 1, "malformed messages made streams")
        expect(bits(decided[:20]) == bits(twin), "malformed messages changed a state")
        self.compare(decided, self.answers[:21], "the stream between them")
        causes = [cause for cause, count in after["dropped"].items() if count > before["dropped"].get(cause, 0)]
        return f"{sent} messages of {len(malformed)} kinds, by cause: {', '.join(sorted(causes))}"

    def check_longest_and_strangest_ids(self):
        for name in ("x" * (255 - len(self.prefix)), " ü 電 \U0001f50c ", "a/b:c*?#"):
            self.compare(self.step(name, self.inputs[:3], sequence=1), self.answers[:3], name)
        return "255 bytes, spaces, any script"


def main():
    parser = argparse.ArgumentParser(description="A Sluice client in Python; `from client import Sluice` uses it.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="check that a running daemon that serves model2 keeps to the protocol")
    for role, port in (("ingest", 5550), ("decisions", 5551), ("control", 5552)):
        check.add_argument(f"--{role}", default=f"tcp://127.0.0.1:{port}", metavar="ENDPOINT")
    check.add_argument("--model2-csv", required=True, metavar="FILE", help="inputs and Keras' answers")
    check.add_argument("--endless-csv", required=True, metavar="FILE", help="the same, of one stream")
    options = parser.parse_args()
    with Sluice(options.ingest, options.decisions, options.control) as sluice:
        try:
            return Check(sluice, options.model2_csv, options.endless_csv).run()
        except (Failed, zmq.Again) as error:
            print(f"FAILED  to begin: no answer from the daemon in time ({error})")
            return 1


if __name__ == "__main__":
    sys.exit(main())
