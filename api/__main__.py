"""The process that answers requests, on a socket that its parent has bound: `python -m api HOME FD PARENT`."""

import os
import socket
import sys
import threading
import time
from pathlib import Path

import httpx
import uvicorn

from api.app import make_app
from api.dependencies import Service
from api.server import make_server
from catalog import access
from catalog.folder import config_folder
from pipeline.access.sign_in import Gate
from pipeline.clock import SystemClock
from pipeline.installation import open_home, service_key, settings
from pipeline.log_spool import spools_in
from pipeline.logs import set_up

_LOOK_SECONDS = 0.5


def main(folder: Path, fd: int, parent: int) -> None:
    """Answer until SIGTERM, or until the parent is gone; requests under way are answered still.

    `folder` is the home, `fd` the socket that listens already, `parent` the id of the process that started this one.
    """
    set_up()
    home, clock = open_home(folder), SystemClock()
    gate = Gate(home.service, lambda: service_key(folder), clock)
    with httpx.Client(timeout=10.0) as http, socket.socket(fileno=fd) as listening:
        service = Service(home, gate, access.load(config_folder()), clock, settings(folder), http, spools_in(folder))
        server = make_server(make_app(service), service.installation)
        threading.Thread(target=_end_with_parent, args=(server, parent), daemon=True).start()
        server.run(sockets=[listening])


def _end_with_parent(server: uvicorn.Server, parent: int) -> None:
    """Stop answering when the parent was killed: the port is its successor's."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    server.should_exit = True


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
