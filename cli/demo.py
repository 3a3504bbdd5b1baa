"""`hinomi demo`: the whole loop on local clouds."""

from pathlib import Path
from typing import Annotated

import typer

from model.fault import Refused
from model.text import Language

app = typer.Typer()

_PROGRAM = Path(__file__).parent.parent / "demo" / "steps.py"


@app.command()
def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="leave the local servers running, to change something by hand")
    ] = False,
    language: Annotated[Language, typer.Option(help="language of what is shown")] = "en",
) -> None:
    """Build a small company in local clouds, find its planted faults, remediate a third, look again."""
    if not _PROGRAM.is_file():
        raise Refused("the demonstration is part of a checkout: run `make demo` there")
    from cli.tables import STYLES
    from demo.steps import run

    raise typer.Exit(0 if run(language, STYLES, keep=keep) else 1)
