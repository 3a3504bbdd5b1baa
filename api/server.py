"""The server of the API: how long it waits for whom, and how many it holds.

uvicorn limits neither how long a request may take to come nor how long its answer may take to be read; and where it has
a limit of connections, whoever holds them open keeps all others out.
"""

import asyncio
from collections import OrderedDict
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from model.installation import Installation

MOST_CONNECTIONS = 500
PEER_SECONDS = 10.0
_IDLE_SECONDS = 5
_LARGEST_HEAD_BYTES = 16 * 1024
# asyncio accepts the whole listening queue at once: with all connections fewer than the 1,024 files that a process has.
_BACKLOG = 200
_GRACE_SECONDS = 20
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


def make_server(app: FastAPI, installation: Installation) -> uvicorn.Server:
    """Return the server of an application; whom requests come from, the installation's proxies say, and nobody else."""
    config = uvicorn.Config(
        app,
        http=_limited(_Waiting()),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=list(installation.proxies),
        backlog=_BACKLOG,
        timeout_keep_alive=_IDLE_SECONDS,
        h11_max_incomplete_event_size=_LARGEST_HEAD_BYTES,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return uvicorn.Server(config)


class _Waiting:
    """The connections that wait for their peer, longest first."""

    def __init__(self) -> None:
        self._peers: OrderedDict[_Connection, asyncio.TimerHandle] = OrderedDict()

    def begin(self, connection: "_Connection", loop: asyncio.AbstractEventLoop) -> None:
        """Note that it is the peer's turn, for a while: not for each byte, nor for each part of a request."""
        if connection not in self._peers:
            self._peers[connection] = loop.call_later(PEER_SECONDS, connection.give_up)

    def end(self, connection: "_Connection") -> None:
        """Note that it is our turn, or nobody's any more."""
        if timer := self._peers.pop(connection, None):
            timer.cancel()

    def give_up_longest(self) -> bool:
        """Close the connection that has waited longest; return whether there was one."""
        if not self._peers:
            return False
        next(iter(self._peers)).give_up()
        return True


class _Connection(H11Protocol):
    """One connection. Its peer has ten seconds for its turn: to send a whole request, or to read what was sent."""

    waiting: _Waiting

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS and not self.waiting.give_up_longest():
            self.give_up()
            return
        self.waiting.begin(self, self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        self.waiting.end(self)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self._is_answering():
            self.waiting.end(self)

    def on_response_complete(self) -> None:
        self.waiting.begin(self, self.loop)
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.waiting.begin(self, self.loop)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._is_answering():
            self.waiting.end(self)

    def give_up(self) -> None:
        """Close at once; whoever has begun a request gets a status (RFC 9110, 15.5.9)."""
        self.waiting.end(self)
        if self._is_coming() and not self.transport.is_closing():
            self.transport.write(_TOO_SLOW)
            self.transport.close()
        else:
            self.transport.abort()

    def _is_coming(self) -> bool:
        """Return whether a request has begun to come of which nothing is answered yet."""
        if self.conn.their_state is h11.SEND_BODY:
            return not self.cycle.response_started
        return self.conn.our_state is h11.IDLE and bool(self.conn.trailing_data[0])

    def _is_answering(self) -> bool:
        """Return whether a whole request has come, and its answer is ours to make: the peer reads, if there is one."""
        if self.cycle is None or self.cycle.response_complete or self.flow.write_paused:
            return False
        return self.conn.their_state is not h11.SEND_BODY


def _limited(shared: _Waiting) -> type[Any]:
    """Return the connections of one server, which share what waits: uvicorn makes them from a class."""
    return type("_ServersConnection", (_Connection,), {"waiting": shared})
