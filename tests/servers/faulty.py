"""A real server of an account's recorded replies that breaks those it is asked to, each in its own way."""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate

from msgspec import Struct

from bench.replay import Player, Reply, Request, Tape, error_reply

Act = Callable[[Request, Reply, asyncio.StreamWriter], Awaitable[None]]


class Fault(Struct):
    """What befalls requests to a service (empty: any) whose `METHOD path?query action` contains a text.

    The first `spared` of them are answered as they should be, then `times` are not; None means all.
    """

    service: str
    needle: str
    act: Act
    spared: int = 0
    times: int | None = None

    def befalls(self, request: Request) -> bool:
        said = f"{request.method} {request.target} {request.action}"
        if self.service not in ("", request.region_and_service[1]) or self.needle not in said:
            return False
        if self.spared:
            self.spared -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return self.times is None or self.times >= 0


class FaultyPlayer(Player):
    """Plays a tape with faults."""

    def __init__(self, tape: Tape) -> None:
        super().__init__(tape)
        self.faults: list[Fault] = []

    async def respond(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.calls[f"{request.region_and_service[1]}:{request.action}"] += 1
        reply = self.refusal(request) or await self.reply(request)
        for fault in self.faults:
            if fault.befalls(request):
                await fault.act(request, reply, writer)
                return
        writer.write(reply.head() + reply.body)


@contextmanager
def playing(player: Player) -> Iterator[str]:
    """Run a player in a thread of its own; yields its address."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(player.converse, "127.0.0.1", 0, limit=1 << 20))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def error(status: int, code: str, hours_off: float = 0) -> Act:
    """Answer with an error in the service's own form; the clock of the server may be off."""

    async def act(request: Request, reply: Reply, writer: asyncio.StreamWriter) -> None:
        date = formatdate(time.time() + hours_off * 3600, usegmt=True)
        said = error_reply(request, status, code)
        writer.write(Reply(status, [*said.headers, ("date", date)], said.body).head() + said.body)

    return act


def answer(status: int, body: bytes, content_type: str = "text/html") -> Act:
    """Answer with what is no reply of the service."""

    async def act(request: Request, reply: Reply, writer: asyncio.StreamWriter) -> None:
        said = Reply(status, [("content-type", content_type)], body)
        writer.write(said.head() + said.body)

    return act


def swap(old: bytes, new: bytes) -> Act:
    """Answer with the true reply but for one text in it."""

    async def act(request: Request, reply: Reply, writer: asyncio.StreamWriter) -> None:
        assert old in reply.body, "nothing would be changed"
        said = Reply(reply.status, reply.headers, reply.body.replace(old, new))
        writer.write(said.head() + said.body)

    return act


async def reset_before_the_reply(request: Request, reply: Reply, writer: asyncio.StreamWriter) -> None:
    _reset(writer)


async def reset_within_the_body(request: Request, reply: Reply, writer: asyncio.StreamWriter) -> None:
    writer.write(reply.head() + reply.body[: len(reply.body) // 2])
    await writer.drain()
    await asyncio.sleep(0.02)
    _reset(writer)


async def end_within_the_body(request: Request, reply: Reply, writer: asyncio.StreamWriter) -> None:
    """Announce more than is sent, and say goodbye politely."""
    writer.write(reply.head() + reply.body[: len(reply.body) // 2])
    await writer.drain()
    writer.close()


async def cut_off(request: Request, reply: Reply, writer: asyncio.StreamWriter) -> None:
    """Send half of the body as if it were all."""
    half = reply.body[: len(reply.body) // 2]
    writer.write(reply.head(len(half)) + half)


async def stay_silent(request: Request, reply: Reply, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


def _reset(writer: asyncio.StreamWriter) -> None:
    own: socket.socket = writer.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close sends a reset
    writer.transport.abort()
