"""The process that answers requests, on a socket that its parent has bound: `python -m console HOME FD`."""

import socket
import sys
from pathlib import Path

import httpx
import uvicorn

from catalog import access
from catalog.folder import config_folder
from console.app import make_app
from console.doors import Service
from pipeline.clock import SystemClock
from pipeline.installation import open_home, service_key, settings
from pipeline.logs import set_up
from pipeline.sign_in import Gate

_GRACE_SECONDS = 20


def main(folder: Path, fd: int) -> None:
    """Answer until SIGTERM; requests under way are answered still."""
    set_up()
    home, clock = open_home(folder), SystemClock()
    gate = Gate(home.service, lambda: service_key(folder), clock)
    with httpx.Client(timeout=10.0) as http, socket.socket(fileno=fd) as listening:
        service = Service(home, gate, access.load(config_folder()), clock, settings(folder), http)
        config = uvicorn.Config(
            make_app(service),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
