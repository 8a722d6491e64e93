"""Sends timesteps."""

from __future__ import annotations

import hashlib
import struct
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import zmq

from .connection import Connection, Keys

HEADER = struct.Struct("<QII")  # sequence, flags, reserved
BATCH_HEADER = struct.Struct("<BBBBIQ")  # version, kind, type, reserved, entries, dictionary
IDS, NUMBERS, DICTIONARY = 0, 1, 2
FLOATS, TOKENS = 0, 1
START, END = 1, 2
MAX_ID = 255
MAX_ENTRIES = 65_536


class Dictionary:
    """A fixed list of stream ids. A batch then names a stream by its index in the list.

    Send the dictionary with `Producer.announce` before the first batch, and again from time to time: the daemon drops batches
    whose dictionary it does not have.
    """

    def __init__(self, streams: Sequence[str]) -> None:
        """Create a dictionary.

        :param streams: The ids, without repetitions.
        :raises ValueError: If an id is invalid or repeated, or there are none or more than 65,536.
        """
        self.ids = np.array([_id_frame(stream) for stream in streams])
        if not 1 <= len(self.ids) <= MAX_ENTRIES or len(set(streams)) != len(streams):
            raise ValueError(f"a dictionary has 1 to {MAX_ENTRIES} different ids")
        names = b"".join(id + b"\0" for id in self.ids.tolist())
        self.hash = int.from_bytes(hashlib.sha256(names).digest()[:8], "little")

    def __len__(self) -> int:
        """Return the number of ids."""
        return len(self.ids)


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

    def announce(self, dictionary: Dictionary) -> None:
        """Send a dictionary to an endpoint with the codec `batch`."""
        header = BATCH_HEADER.pack(1, DICTIONARY, 0, 0, len(dictionary), dictionary.hash)
        self.send_frames([header, dictionary.ids.tobytes()])

    def send_batch(
        self, streams: Sequence[str] | npt.NDArray[np.bytes_] | Dictionary, values: npt.ArrayLike, *,
        numbers: npt.ArrayLike | None = None, sequences: npt.ArrayLike | None = None, flags: npt.ArrayLike | None = None,
    ) -> None:
        """Send timesteps of many streams as one message, to an endpoint with the codec `batch`.

        :param streams: The streams of the entries: ids, ids as a NumPy array of the type `S`, or an announced dictionary.
        :param values: The values of the entries, shape (entries, values) or (entries,). Integers are sent as tokens, other
            numbers as float32. An entry has one or more consecutive timesteps of its stream.
        :param numbers: With a dictionary: the number of each entry's stream; by default all streams in order.
        :param sequences: The sequence number of each entry's first timestep; by default, the daemon continues its own count.
        :param flags: The flags of each entry: 1 resets the state before the first timestep, 2 ends the sequence.
        :raises ValueError: If the columns do not have the same number of entries, a value is not finite, or an id is invalid.
        :raises NoAnswer: If the daemon accepts no message in time.
        """
        array = np.asarray(values)
        are_tokens = array.dtype.kind in "iu"
        with np.errstate(over="ignore"):
            array = np.ascontiguousarray(array, dtype="<i4" if are_tokens else "<f4")
        if not are_tokens and not np.isfinite(array).all():
            raise ValueError("a value of the batch is NaN, infinite or too large for float32")
        kind, names, count, dictionary = _names(streams, numbers)
        columns = [array]
        if sequences is not None or flags is not None:
            columns.append(np.asarray([] if sequences is None else sequences, dtype="<u8"))
        if flags is not None:
            columns.append(np.asarray(flags, dtype="u1"))
        if not 1 <= count <= MAX_ENTRIES or array.size == 0 or any(len(column) not in (0, count) for column in columns):
            raise ValueError(f"a batch has 1 to {MAX_ENTRIES} entries, and a value, a sequence and flags for each of them")
        header = BATCH_HEADER.pack(1, kind, TOKENS if are_tokens else FLOATS, 0, count, dictionary)
        self.send_frames([header, names, *(column.tobytes() for column in columns)])

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


def _names(
    streams: Sequence[str] | npt.NDArray[np.bytes_] | Dictionary, numbers: npt.ArrayLike | None
) -> tuple[int, bytes, int, int]:
    """Return the kind of a batch, its second frame, its number of entries, and the hash of its dictionary."""
    if isinstance(streams, Dictionary):
        if numbers is None:
            return NUMBERS, b"", len(streams), streams.hash
        column = np.asarray(numbers, dtype="<u4")
        return NUMBERS, column.tobytes(), len(column), streams.hash
    ids = streams if isinstance(streams, np.ndarray) else np.array([_id_frame(stream) for stream in streams], dtype="S")
    return IDS, ids.tobytes(), len(ids), 0


def _id_frame(stream: str) -> bytes:
    frame = stream.encode()
    if not 1 <= len(frame) <= MAX_ID:
        raise ValueError(f"the stream id {stream[:40]!r} has {len(frame)} bytes of UTF-8; an id has 1 to {MAX_ID}")
    if stream.startswith("!") or any(unicodedata.category(character) == "Cc" for character in stream):
        raise ValueError(f"the stream id {stream[:40]!r} begins with '!' or has a control character")
    return frame
