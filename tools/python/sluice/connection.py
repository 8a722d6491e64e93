"""Sockets connected to a daemon."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, TypeVar

import zmq
import zmq.auth

Self = TypeVar("Self", bound="Connection")


class NoAnswer(TimeoutError):
    """The daemon did not answer in time."""


class Keys:
    """The daemon's public key and the client's own keys, from the files that `sluice keygen` writes."""

    def __init__(self, server: str | os.PathLike[str], client: str | os.PathLike[str]) -> None:
        """Read the keys.

        :param server: The daemon's public key, such as `daemon.pub`.
        :param client: The client's secret key, such as `alice.key`.
        :raises ValueError: If `client` has no secret key.
        :raises OSError: If a file cannot be read.
        """
        self.server_public, _ = zmq.auth.load_certificate(os.fspath(server))
        self.public, secret = zmq.auth.load_certificate(os.fspath(client))
        if secret is None:
            raise ValueError(f"{os.fspath(client)} has no secret key; name the .key file that 'sluice keygen' wrote")
        self.secret: bytes = secret


class Connection:
    """A connection to one of the daemon's endpoints. As a context manager, it closes its sockets."""

    def __init__(self, endpoint: str, keys: Keys | None, timeout: float) -> None:
        self.endpoint = endpoint.removeprefix("pull:").lstrip("@>")
        self.timeout = timeout
        self._keys = keys
        # Each object has its own context. Closing the context then waits only for this object's unsent messages.
        self._context = zmq.Context()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets. The call is safe to repeat."""
        if not self._context.closed:
            self._context.destroy(linger=0)

    def _open(self, kind: int) -> zmq.Socket[Any]:
        """Return a socket that is connected to the endpoint. Its queues have no limit."""
        socket: zmq.Socket[Any] = self._context.socket(kind)
        socket.setsockopt(zmq.RCVTIMEO, self._milliseconds)
        socket.setsockopt(zmq.SNDTIMEO, self._milliseconds)
        socket.setsockopt(zmq.SNDHWM, 0)
        socket.setsockopt(zmq.RCVHWM, 0)
        if self._keys is not None:
            socket.setsockopt(zmq.CURVE_SERVERKEY, self._keys.server_public)
            socket.setsockopt(zmq.CURVE_PUBLICKEY, self._keys.public)
            socket.setsockopt(zmq.CURVE_SECRETKEY, self._keys.secret)
        try:
            socket.connect(self.endpoint)
        except zmq.ZMQError as error:
            socket.close()
            raise ValueError(f"'{self.endpoint}' is no endpoint ({error}); give tcp://HOST:PORT or ipc://PATH") from None
        return socket

    @property
    def _milliseconds(self) -> int:
        return int(self.timeout * 1000)

    def _no_answer(self, missing: str) -> NoAnswer:
        return NoAnswer(
            f"{missing} at {self.endpoint} within {self.timeout:g} s; check the endpoint with 'sluice status', and the keys "
            "if the daemon has some")
