"""What the commands share: where the home is, who runs them, what they may."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from pipeline.access.authorization import Authorizer
    from pipeline.access.sign_in import Gate
    from pipeline.world import World

HomeOption = Annotated[
    Path,
    typer.Option("--home", envvar="HINOMI_HOME", help="folder of the stores"),
]
# What many commands take.
TenantName = Annotated[str, typer.Argument(help="a tenant's id")]
LanguageOption = Annotated[Literal["en", "ja"], typer.Option(help="language of texts")]
TextOrJson = Annotated[Literal["text", "json"], typer.Option("--format", help="what to print")]
TextOrJsonl = Annotated[Literal["text", "jsonl"], typer.Option("--format", help="what to print")]
DEFAULT_HOME = Path(os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")) / "hinomi"

UNKNOWNS = 3  # exit status: ran whole, but not everything could be known


def open_authorizer(home: Path) -> "Authorizer":
    """Return the stores as whoever runs the command may use them; raises `Refused` for a token that does not hold."""
    from catalog import access
    from catalog.folder import config_folder
    from pipeline.access.authorization import Authorizer
    from pipeline.access.sign_in import actor_at_the_shell
    from pipeline.clock import SystemClock
    from pipeline.installation import open_home

    stores = open_home(home)
    stores.check()
    actor = actor_at_the_shell(open_gate(home), present_token(home))
    return Authorizer(stores, access.load(config_folder()), actor, SystemClock())


def open_gate(home: Path) -> "Gate":
    """Return where people come in."""
    from pipeline.access.sign_in import Gate
    from pipeline.clock import SystemClock
    from pipeline.installation import open_home, service_key

    stores = open_home(home)
    stores.check()
    return Gate(stores.service, lambda: service_key(home), SystemClock())


@contextmanager
def open_world(home: Path, authorizer: "Authorizer", action: str) -> "Iterator[World]":
    """Yield what this process has of the world, for an action that the authorizer allows; people see the terminal.

    The home's file says the rest (`pipeline/world.py`).
    """
    from notifier.message import Ways
    from pipeline.clock import SystemClock
    from pipeline.logs import quiet
    from pipeline.world import world_in

    quiet()  # people read what is printed, not the log
    clock = SystemClock()
    yield world_in(home, authorizer.service(action), clock, Ways(sys.stdout, clock.now))


def token_file(home: Path) -> Path:
    """Return where the token of whoever signed in to a home is kept, readable by them alone."""
    from model.canonical import digest

    config = Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"))
    return config / "hinomi" / f"token-{digest(str(home.resolve()))}"


def write_page(file: Path, page: str) -> None:
    """Write a page to a file; raises `Refused` where it cannot be written."""
    from model.fault import Fault, Refused

    try:
        file.write_text(page, encoding="utf-8")
    except OSError as problem:
        raise Refused([Fault(str(file), 0, 0, f"cannot be written: {problem.strerror}")]) from None


def present_token(home: Path) -> str:
    """Return the token of the environment or of the last `hinomi login`, the empty text where there is none."""
    if token := os.environ.get("HINOMI_TOKEN", ""):
        return token
    return kept_token(home)


def kept_token(home: Path) -> str:
    """Return the token of the last `hinomi login`, the empty text where there is none."""
    file = token_file(home)
    return file.read_text(encoding="utf-8", errors="replace").strip() if file.is_file() else ""
