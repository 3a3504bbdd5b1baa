"""The API's real server in a thread."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi import FastAPI
from msgspec import Struct

from api.server import make_server
from model.installation import Installation


class HurriedLoop(asyncio.SelectorEventLoop):
    """An event loop to which a second is half a minute; what waits for sockets is as ever."""

    def time(self) -> float:
        return super().time() * 30


class Answering(Struct, frozen=True):
    """A server, and how many connections it holds."""

    url: str
    held: Callable[[], int]

    def connect(self) -> socket.socket:
        """Return a connection of a stranger's own making."""
        host, _, port = self.url.rpartition("/")[2].partition(":")
        return socket.create_connection((host, int(port)), timeout=30)


@contextmanager
def answering_on_loopback(
    app: FastAPI,
    installation: Installation = Installation(),
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> Iterator[Answering]:
    """Run the server of an application until the end of the context."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = make_server(app, installation)

        def run() -> None:
            with asyncio.Runner(loop_factory=loop) as runner:
                runner.run(server.serve([listening]))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        yield Answering(url, lambda: len(server.server_state.connections))
        server.should_exit = True
        thread.join(30)
