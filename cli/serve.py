"""`hinomi serve`: the schedule, the workers, the API, the intake of logs, the dispatcher."""

import os
import socket
import sys
from typing import Annotated

import typer

from cli.context import DEFAULT_HOME, HomeOption

app = typer.Typer()


@app.command()
def serve(
    listen: Annotated[
        str, typer.Option(help="where the API answers; TLS is a reverse proxy's work")
    ] = "127.0.0.1:8420",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Scan all tenants on their schedules and answer the API, until SIGTERM or Ctrl-C."""
    from pipeline.installation import open_home, service_key, settings
    from pipeline.logs import set_up
    from pipeline.serving.supervisor import ServeSettings, Supervisor

    set_up()
    stores = open_home(home)
    stores.check()
    service_key(home)  # refuses now rather than at the first sign-in
    with _bound(listen) as listening:
        console = (sys.executable, "-m", "api", str(home), str(listening.fileno()), str(os.getpid()))
        wanted = ServeSettings(home, settings(home).workers, console, listening.fileno())
        print(f"hinomi: answering on http://{listen}", file=sys.stderr)
        Supervisor(stores, wanted).run()


def _bound(listen: str) -> socket.socket:
    """Return a listening socket; raises `Refused` where the address is none or is taken."""
    from model.fault import Refused

    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()):
        raise Refused(f"--listen: {listen!r} is no address; write it as 127.0.0.1:8420")
    try:
        return socket.create_server(
            (host.strip("[]"), int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except (OSError, OverflowError) as problem:
        raise Refused(f"--listen: {listen} cannot be used: {getattr(problem, 'strerror', None) or problem}") from None
