"""Requests to the daemon."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import zmq

from .connection import Connection, Keys, NoAnswer

Result = dict[str, Any]


class ControlError(Exception):
    """The daemon's refusal of a request. The protocol lists the codes."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message


class Control(Connection):
    """A controller of the daemon. The protocol describes the results.

    Each method raises `ControlError` if the daemon refuses the request, and `NoAnswer` if the daemon does not answer in time.
    Methods on many streams take exactly one of `stream`, `prefix` and `all`.
    """

    def __init__(self, control: str = "tcp://127.0.0.1:5552", *, keys: Keys | None = None, timeout: float = 5.0) -> None:
        """Prepare a connection. The first request opens it.

        :param control: The daemon's control endpoint.
        :param keys: The keys, if the daemon requires them.
        :param timeout: The maximum wait for an answer, in seconds.
        """
        super().__init__(control, keys, timeout)
        self._socket: zmq.Socket[Any] | None = None

    def call(self, method: str, **params: object) -> Any:
        """Make any request of the protocol and return its result."""
        request = {"jsonrpc": "2.0", "id": uuid.uuid4().hex, "method": method, "params": params}
        if self._socket is None:
            self._socket = self._open(zmq.REQ)
        try:
            self._socket.send(json.dumps(request).encode())
            reply = json.loads(self._socket.recv())
        except zmq.Again:
            self._socket.close(linger=0)  # a REQ that waits for an answer cannot send another request
            self._socket = None
            raise self._no_answer(f"the daemon did not answer '{method}'") from None
        if reply.get("id") != request["id"]:
            raise RuntimeError(f"the reply is to another request: {reply}")
        if "error" in reply:
            raise ControlError(reply["error"]["code"], reply["error"]["message"])
        return reply["result"]

    def status(self) -> Result:
        """Return the daemon's counters, endpoints and models."""
        return dict(self.call("status"))

    def stream(self, stream: str) -> Result:
        """Return one stream's position, decision and counters."""
        return dict(self.call("stream", stream=stream))

    def streams(self, prefix: str = "") -> Iterator[Result]:
        """Return all streams with a prefix, ordered by the bytes of their ids. Reads them page by page."""
        after: str | None = None
        while True:
            page = self.call("streams", prefix=prefix, **({} if after is None else {"after": after}))
            yield from page["streams"]
            after = page["next"]
            if after is None:
                return

    def history(
        self, streams: Sequence[str] | None = None, *, recent: int | None = None, search: str | None = None,
        model: str | None = None, points: int | None = None, since: float | None = None,
    ) -> list[Result]:
        """Return the last decisions of the named streams, or of those that decided most recently.

        Each result has the decisions' `times` and `probabilities`, and `marks`. `since` leaves out decisions up to a time
        in seconds since the Unix epoch.
        """
        given = {"streams": streams, "recent": recent, "search": search, "model": model, "points": points, "since": since}
        return list(self.call("history", **{name: value for name, value in given.items() if value is not None})["streams"])

    def wait_for(self, sequences: Mapping[str, int], timeout: float | None = None) -> None:
        """Wait until the daemon has consumed timesteps.

        :param sequences: For each stream, the sequence number of the last timestep that was sent.
        :param timeout: The maximum wait in seconds; by default, the timeout of a request.
        :raises NoAnswer: If a stream does not reach its number in time. The message names the stream and its position.
        """
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        missing, pause = dict(sequences), 0.001
        while True:
            ids = list(missing)[:1000]
            at = {one["stream"]: one["sequence"] for one in self.call("streams", ids=ids)["streams"]}
            for stream in ids:
                if at.get(stream, 0) >= missing[stream]:
                    del missing[stream]
            if not missing:
                return
            if time.monotonic() > deadline:
                stream, last = next(iter(missing.items()))
                raise NoAnswer(
                    f"{len(missing)} of {len(sequences)} streams have not consumed everything; '{stream}' is at "
                    f"{at.get(stream, 0)} of {last}: see 'dropped' in the status")
            time.sleep(pause)
            pause = min(2 * pause, 0.1)

    def reset(self, stream: str | None = None, *, prefix: str | None = None, all: bool = False) -> int:
        """Reset the state of streams to zero, and return the number of streams."""
        return int(self.call("reset", **_which(stream, prefix, all))["reset"])

    def remove(self, stream: str | None = None, *, prefix: str | None = None, all: bool = False) -> int:
        """Remove streams with their stored state, and return the number of streams."""
        return int(self.call("remove", **_which(stream, prefix, all))["removed"])

    def pause(self, stream: str | None = None, *, prefix: str | None = None, all: bool = False) -> int:
        """Pause streams, and return the number of streams. Timesteps of a paused stream wait."""
        return int(self.call("pause", **_which(stream, prefix, all))["paused"])

    def resume(self, stream: str | None = None, *, prefix: str | None = None, all: bool = False) -> int:
        """Resume paused streams, and return the number of streams."""
        return int(self.call("resume", **_which(stream, prefix, all))["resumed"])

    def snapshot(self, name: str, stream: str | None = None, *, prefix: str | None = None, all: bool = True) -> Result:
        """Save the state of streams, by default all streams, under a name."""
        selected = stream is not None or prefix is not None
        return dict(self.call("snapshot", name=name, **_which(stream, prefix, all and not selected)))

    def snapshots(self) -> list[Result]:
        """Return the snapshots, oldest first."""
        return list(self.call("snapshots")["snapshots"])

    def restore(self, name: str, stream: str | None = None, *, prefix: str | None = None, all: bool = True) -> int:
        """Restore streams, by default all streams, from a snapshot. Return the number of streams."""
        selected = stream is not None or prefix is not None
        return int(self.call("restore", name=name, **_which(stream, prefix, all and not selected))["restored"])

    def delete_snapshot(self, name: str) -> None:
        """Delete a snapshot."""
        self.call("delete_snapshot", name=name)

    def export_stream(self, stream: str) -> Result:
        """Return a stream's state, for `import_stream`."""
        return dict(self.call("export", stream=stream))

    def import_stream(self, exported: Result, as_stream: str | None = None) -> str:
        """Create a stream from an exported state, under its own or another id, and return the id."""
        params = exported if as_stream is None else {**exported, "as": as_stream}
        return str(self.call("import", **params)["stream"])

    def reload(self, model: str, *, reset: bool = False) -> Result:
        """Read a model's file again and apply its weights to the running streams."""
        return dict(self.call("reload", model=model, reset=reset))

    def checkpoint(self) -> Result:
        """Write all changed state to the disk now."""
        return dict(self.call("checkpoint"))

    def shutdown(self) -> None:
        """Stop the daemon cleanly."""
        self.call("shutdown")


def _which(stream: str | None, prefix: str | None, all_streams: bool) -> dict[str, object]:
    """Return the parameters that select streams."""
    chosen: dict[str, object] = {}
    if stream is not None:
        chosen["stream"] = stream
    if prefix is not None:
        chosen["prefix"] = prefix
    if all_streams:
        chosen["all"] = True
    if len(chosen) != 1:
        raise ValueError(f"give exactly one of stream, prefix and all, not {sorted(chosen) or 'none'}")
    return chosen
