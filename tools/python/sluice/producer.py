"""Sends timesteps."""

from __future__ import annotations

import struct
import unicodedata
from typing import Any

import numpy as np
import numpy.typing as npt
import zmq

from .connection import Connection, Keys

HEADER = struct.Struct("<QII")  # sequence, flags, reserved
START, END = 1, 2
MAX_ID = 255


class Producer(Connection):
    """A sender of timesteps.

    For a SUB endpoint (the default), the producer waits until the daemon has subscribed. The first messages are thus not lost.
    If the network is full, the producer blocks instead of dropping messages. For a PULL endpoint, put `pull:` before the
    endpoint. The producer then uses a PUSH socket.
    """

    def __init__(self, ingest: str = "tcp://127.0.0.1:5550", *, keys: Keys | None = None, timeout: float = 5.0) -> None:
        """Connect to the daemon.

        :param ingest: The daemon's ingest endpoint.
        :param keys: The keys, if the daemon requires them.
        :param timeout: The maximum wait for the daemon, in seconds.
        :raises NoAnswer: If a SUB endpoint does not subscribe in time.
        """
        super().__init__(ingest, keys, timeout)
        try:
            if ingest.startswith("pull:"):
                self._socket = self._open(zmq.PUSH)
            else:
                self._socket = self._open(zmq.XPUB)
                self._socket.setsockopt(zmq.XPUB_NODROP, 1)
                self._await_subscription()
        except BaseException:
            super().close()
            raise

    def send(self, stream: str, values: npt.ArrayLike, *, sequence: int = 0, start: bool = False, end: bool = False) -> None:
        """Send one or more consecutive timesteps of a stream as one message.

        :param stream: The stream's id.
        :param values: The timesteps, shape (timesteps, features), or (timesteps,) for models with one feature. A single
            timestep with several features has the shape (1, features).
        :param sequence: The sequence number of the first timestep. If 0, the daemon continues its own count.
        :param start: Whether to reset the state before the first timestep.
        :param end: Whether the last timestep ends its sequence.
        :raises ValueError: If a value is not finite, the message has no values, or the id is invalid.
        :raises NoAnswer: If the daemon accepts no message in time.
        """
        with np.errstate(over="ignore"):
            array = np.ascontiguousarray(values, dtype="<f4")
        if not np.isfinite(array).all():
            raise ValueError(f"a value for '{stream}' is NaN, infinite or too large for float32")
        self._send(stream, array, sequence, start, end)

    def send_tokens(
        self, stream: str, tokens: npt.ArrayLike, *, sequence: int = 0, start: bool = False, end: bool = False
    ) -> None:
        """Send one or more consecutive tokens of a stream, for a model that begins with an Embedding. See `send`."""
        array = np.asarray(tokens)
        if array.dtype.kind not in "iu" or array.size and (array.min() < 0 or array.max() > 2**31 - 1):
            raise ValueError(f"a token for '{stream}' is not a whole number from 0 to 2147483647")
        self._send(stream, np.ascontiguousarray(array, dtype="<i4"), sequence, start, end)

    def send_frames(self, frames: list[bytes]) -> None:
        """Send frames unchanged, for example to an endpoint with the codec `json`."""
        try:
            self._socket.send_multipart(frames)
        except zmq.Again:
            raise self._no_answer("the daemon took no message") from None

    def close(self) -> None:
        """Wait for the network to accept all messages, at most until the timeout, and disconnect."""
        if not self._context.closed:
            self._context.destroy(linger=self._milliseconds)

    def _send(self, stream: str, array: npt.NDArray[Any], sequence: int, start: bool, end: bool) -> None:
        frames = [_id_frame(stream), array.tobytes()]
        if array.size == 0:
            raise ValueError(f"the message for '{stream}' has no timestep")
        if not 0 <= sequence < 2**64:
            raise ValueError(f"the sequence {sequence} of '{stream}' is not a number from 0 to 2^64 - 1")
        if sequence or start or end:
            frames.append(HEADER.pack(sequence, START * start | END * end, 0))
        self.send_frames(frames)

    def _await_subscription(self) -> None:
        try:
            while self._socket.recv()[:1] != b"\x01":
                pass
        except zmq.Again:
            raise self._no_answer("the daemon did not subscribe to timesteps") from None


def _id_frame(stream: str) -> bytes:
    frame = stream.encode()
    if not 1 <= len(frame) <= MAX_ID:
        raise ValueError(f"the stream id {stream[:40]!r} has {len(frame)} bytes of UTF-8; an id has 1 to {MAX_ID}")
    if stream.startswith("!") or any(unicodedata.category(character) == "Cc" for character in stream):
        raise ValueError(f"the stream id {stream[:40]!r} begins with '!' or has a control character")
    return frame
