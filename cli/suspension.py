"""`hinomi suspension`: Article 11, from the flood to the suspension."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()
suspension_app = typer.Typer(help="Suspension because of massive logs (Article 11).", no_args_is_help=True)
app.add_typer(suspension_app, name="suspension")


@suspension_app.command()
def simulate(
    volume: Annotated[Path, typer.Argument(help="CSV: minute,tenant,records,bytes[,cause], from minute 0 on")],
    settings: Annotated[Path, typer.Option(help="JSON: committed, capacity and what else the stages go by")],
) -> None:
    """Show how stages would change with these volumes: a line of JSON for each change."""
    from pipeline.intake.simulation import changes, settings_in, volumes_in

    wanted = settings_in(settings)
    for one in changes(volumes_in(volume, list(wanted.committed)), wanted):
        said = {
            "minute": one.minute,
            "tenant": one.tenant,
            "from": one.before,
            "to": one.after,
            "reason": one.reason,
        }
        print(json.dumps(said, ensure_ascii=False))
