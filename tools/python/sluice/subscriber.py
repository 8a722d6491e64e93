"""Receives decisions."""

from __future__ import annotations

import collections
import enum
import functools
import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import zmq

from .connection import Connection, Keys

Event = dict[str, Any]
EVENT = b"!sluice/event"
SUBSCRIBED = b"!sluice/subscribed/"
BATCH_FRAMES = 3  # topic, ids, records
FIXED_BYTES = 28  # the bytes of a record before its outputs


class Flag(enum.IntFlag):
    """The flags of a decision."""

    FINAL = 1
    FIRST = 2
    GAP = 4
    CHANGED = 8
    REPLAYED = 16


class Decision(NamedTuple):
    """The model's output on one timestep."""

    stream: str
    sequence: int
    """The sequence number of the timestep in its stream."""
    step: int
    """The timesteps since the last reset, including this one."""
    time: int
    """Nanoseconds since the Unix epoch."""
    flags: Flag
    label: int
    probabilities: npt.NDArray[np.float32]
    """The model's outputs, shape (outputs,)."""


@functools.cache
def record_type(outputs: int) -> np.dtype[np.void]:
    """Return the NumPy type of a record with this number of outputs, as laid out in a message."""
    return np.dtype([
        ("sequence", "<u8"), ("step", "<u8"), ("time", "<i8"), ("flags", "<u2"), ("label", "u1"), ("n", "u1"),
        ("probabilities", "<f4", (outputs,))])


class _Receiver(Connection):
    """A socket that is subscribed to decisions, and perhaps to events."""

    def __init__(
        self, topics: list[bytes], decisions: str, keys: Keys | None, timeout: float, on_event: Callable[[Event], None] | None
    ) -> None:
        """Subscribe, and wait until the daemon confirms the subscription."""
        super().__init__(decisions, keys, timeout)
        self._on_event = on_event
        self._unread: collections.deque[list[bytes]] = collections.deque()
        try:
            self._socket = self._open(zmq.SUB)
            self._subscribe(topics)
        except BaseException:
            self.close()
            raise

    def _next_message(self, timeout: float | None) -> list[bytes] | None:
        """Return the frames of the next message of decisions; None if none arrives in time."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not self._unread:
            if not self._socket.poll(max(0, round((deadline - time.monotonic()) * 1000))):
                return None
            self._take(self._socket.recv_multipart())
        return self._unread.popleft()

    def _subscribe(self, topics: list[bytes]) -> None:
        in_force = SUBSCRIBED + uuid.uuid4().hex.encode()
        if self._on_event is not None:
            topics = [*topics, EVENT]
        for topic in [*topics, in_force]:
            self._socket.setsockopt(zmq.SUBSCRIBE, topic)
        try:
            while True:
                frames = self._socket.recv_multipart()
                if frames[0] == in_force:
                    break
                self._take(frames)
        except zmq.Again:
            raise self._no_answer("the daemon did not confirm the subscription") from None
        self._socket.setsockopt(zmq.UNSUBSCRIBE, in_force)

    def _take(self, frames: list[bytes]) -> None:
        if frames[0] == EVENT and self._on_event is not None:
            self._on_event(json.loads(frames[1]))
        if self._has_decisions(frames):
            self._unread.append(frames)

    def _has_decisions(self, frames: list[bytes]) -> bool:
        """Return whether a message has decisions. Other topics that begin with `!` are ignored, because later daemons may
        add some.
        """
        return not frames[0].startswith(b"!")


class Subscriber(_Receiver):
    """A receiver of decisions. From its creation on, it receives every decision on later timesteps."""

    def __init__(
        self, *prefixes: str, decisions: str = "tcp://127.0.0.1:5551", keys: Keys | None = None, timeout: float = 5.0,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        """Subscribe, and wait until the daemon confirms the subscription.

        :param prefixes: The beginnings of the stream ids. Without prefixes, all streams are received.
        :param decisions: The daemon's decisions endpoint.
        :param keys: The keys, if the daemon requires them.
        :param timeout: The maximum wait for the confirmation and, by default, for a decision, in seconds.
        :param on_event: Called with each event, such as a reset, in order with the decisions.
        :raises NoAnswer: If the daemon does not confirm in time.
        """
        super().__init__([prefix.encode() for prefix in prefixes or ("",)], decisions, keys, timeout, on_event)
        self._waiting: collections.deque[Decision] = collections.deque()

    def next(self, timeout: float | None = None) -> Decision | None:
        """Return the next decision; None if none arrives in time.

        :param timeout: The maximum wait in seconds; by default, the subscriber's timeout.
        """
        if not self._waiting:
            batch = self.next_batch(timeout)
            if batch is None:
                return None
            stream, records = batch
            self._waiting.extend(
                Decision(stream, int(record["sequence"]), int(record["step"]), int(record["time"]), Flag(int(record["flags"])),
                         int(record["label"]), record["probabilities"]) for record in records)
        return self._waiting.popleft()

    def __iter__(self) -> Iterator[Decision]:
        """Yield decisions endlessly, as they arrive."""
        while True:
            decision = self.next(self.timeout)
            if decision is not None:
                yield decision

    def next_batch(self, timeout: float | None = None) -> tuple[str, npt.NDArray[np.void]] | None:
        """Return a stream and the decisions of its next message; None if no message arrives in time.

        The decisions are a structured array with the fields `sequence`, `step`, `time`, `flags`, `label`, `n` and
        `probabilities`. Decisions that `next` has read but not returned yet are left to `next`.
        """
        frames = self._next_message(timeout)
        if frames is None:
            return None
        stream = frames[0].decode()
        return stream, _records(frames[1], f"the message on '{stream}' at {self.endpoint}")

    def batches(self) -> Iterator[tuple[str, npt.NDArray[np.void]]]:
        """Yield the decisions of each message endlessly, as messages arrive. See `next_batch`."""
        while True:
            batch = self.next_batch(self.timeout)
            if batch is not None:
                yield batch


class BatchSubscriber(_Receiver):
    """A receiver of decisions from an endpoint with the codec `batch`: one message for many streams of a model."""

    def __init__(
        self, *models: str, decisions: str = "tcp://127.0.0.1:5561", topic_prefix: str = "!sluice/batch/",
        keys: Keys | None = None, timeout: float = 5.0, on_event: Callable[[Event], None] | None = None,
    ) -> None:
        """Subscribe, and wait until the daemon confirms the subscription.

        :param models: The beginnings of the models' names. Without names, the decisions of all models are received.
        :param decisions: The daemon's decisions endpoint with the codec `batch`.
        :param topic_prefix: The prefix of the topics, as the daemon's `status` shows it.
        :param keys: The keys, if the daemon requires them.
        :param timeout: The maximum wait for the confirmation and, by default, for a message, in seconds.
        :param on_event: Called with each event, such as a reset, in order with the decisions.
        :raises NoAnswer: If the daemon does not confirm in time.
        """
        topics = [f"{topic_prefix}{model}".encode() for model in models or ("",)]
        super().__init__(topics, decisions, keys, timeout, on_event)

    def next(self, timeout: float | None = None) -> tuple[npt.NDArray[np.bytes_], npt.NDArray[np.void]] | None:
        """Return the next message as two arrays of equal length; None if none arrives in time.

        The first array has the stream ids as bytes, the second the decisions as in `Subscriber.next_batch`. A stream with
        several decisions appears once for each of them.
        """
        frames = self._next_message(timeout)
        if frames is None:
            return None
        topic, ids, content = frames
        records = _records(content, f"the message on '{topic.decode()}' at {self.endpoint}")
        return np.frombuffer(ids, f"S{len(ids) // len(records)}"), records

    def _has_decisions(self, frames: list[bytes]) -> bool:
        return len(frames) == BATCH_FRAMES

    def __iter__(self) -> Iterator[tuple[npt.NDArray[np.bytes_], npt.NDArray[np.void]]]:
        """Yield messages endlessly, as they arrive. See `next`."""
        while True:
            message = self.next(self.timeout)
            if message is not None:
                yield message


def _records(content: bytes, name: str) -> npt.NDArray[np.void]:
    """Return the records of a frame as a structured array."""
    if len(content) < FIXED_BYTES or len(content) % (FIXED_BYTES + 4 * content[FIXED_BYTES - 1]) != 0:
        raise ValueError(
            f"{name} has no binary records; publish the decisions with the codec binary, not json, or read the JSON with pyzmq")
    return np.frombuffer(content, record_type(content[FIXED_BYTES - 1]))
