"""`hinomi catalog`: what the program knows."""

import sys
from typing import Annotated, Literal

import typer

app = typer.Typer()
catalog_app = typer.Typer(help="What the program knows: policies and resource types.", no_args_is_help=True)
app.add_typer(catalog_app, name="catalog")


@catalog_app.command("list")
def list_(
    format: Annotated[Literal["table", "jsonl"], typer.Option(help="what to print")] = "table",
) -> None:
    """List every policy, type and channel."""
    import msgspec

    from catalog.folder import config_folder
    from pipeline.assembly import assemble
    from pipeline.policies.listing import entries

    for entry in entries(assemble(config_folder())):
        if format == "jsonl":
            sys.stdout.write(msgspec.json.encode(entry).decode() + "\n")
        else:
            title = entry.get("title") or {}
            text = title.get("en", "") if isinstance(title, dict) else ""
            sys.stdout.write(f"{entry['what']:8} {entry['id']:60} {text}\n")


@catalog_app.command("test")
def test() -> None:
    """Judge every policy's own cases; exit 2 where one is judged otherwise than its author expects."""
    from catalog.folder import config_folder
    from detectors.posture import cases
    from model.fault import Refused
    from pipeline.assembly import assemble, misread

    catalog = assemble(config_folder())
    faults = [fault for policy in catalog.policies for fault in cases.faults(policy, catalog.kinds)]
    faults += [fault for policy in catalog.policies for fault in misread(policy, catalog.kinds)]
    if faults:
        raise Refused(faults)
    print(f"{len(catalog.policies)} policies: every case is judged as its author expects")
