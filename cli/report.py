"""`hinomi report`: what a customer reads."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.context import DEFAULT_HOME, HomeOption, open_authorizer, write_page

app = typer.Typer()


@app.command()
def report(
    tenant: Annotated[str, typer.Argument(help="a tenant's id")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the HTML file to write")],
    language: Annotated[Literal["en", "ja"] | None, typer.Option(help="else the tenant's own")] = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Write the report of the last scan as one HTML file."""
    from catalog.folder import config_folder
    from pipeline.clock import SystemClock
    from pipeline.installation import settings
    from pipeline.notifying.reporting import make_report
    from pipeline.policies.texts import shipped
    from reports.html import render

    authorizer = open_authorizer(home)
    spec = authorizer.file("reports.read", tenant)
    known = shipped(config_folder())
    among = settings(home).service_providers
    made = make_report(authorizer.service("reports.read"), spec, known, SystemClock(), among)
    write_page(output, render(made, language or spec.language))
    print(f"The report is {output}.")
