"""What the commands on tenants share: where the home is, who runs them."""

import os
from pathlib import Path
from typing import Annotated

import typer

HomeOption = Annotated[
    Path,
    typer.Option("--home", envvar="HINOMI_HOME", help="folder of the stores"),
]
DEFAULT_HOME = Path(os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")) / "hinomi"

UNKNOWNS = 3  # exit status: ran whole, but not everything could be known


def person() -> str:
    """Return who runs the command: the host's shell proves no more than itself, so it is never a second person."""
    return "operator@host"
