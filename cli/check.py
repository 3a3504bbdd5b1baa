"""`hinomi check`: one look at an account, nothing kept."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.context import UNKNOWNS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from model.finding import Verdict

app = typer.Typer()
check_app = typer.Typer(help="Judge an account once; nothing is kept.", no_args_is_help=True)
app.add_typer(check_app, name="check")


@check_app.command("aws")
def aws(
    policy: Annotated[list[str], typer.Option(help="only this policy: our id, or a peer's (prowler:…)")] = [],  # noqa: B006
    service: Annotated[list[str], typer.Option(help="only policies of this service, as in their ids")] = [],  # noqa: B006
    severity: Annotated[list[str], typer.Option(help="only policies of this severity")] = [],  # noqa: B006
    region: Annotated[list[str], typer.Option(help="only this region; global services are always read")] = [],  # noqa: B006
    profile: Annotated[str, typer.Option(help="profile of the AWS configuration")] = "",
    role: Annotated[str, typer.Option(help="ARN of a role to assume")] = "",
    external_id: Annotated[str, typer.Option(help="external id for the role")] = "",
    settings: Annotated[Path | None, typer.Option(help="YAML file of thresholds by policy id")] = None,
    now: Annotated[str, typer.Option(help="judge as of this moment (RFC 3339)")] = "",
    language: Annotated[Literal["en", "ja"], typer.Option(help="language of the table")] = "en",
    format: Annotated[Literal["table", "jsonl"], typer.Option(help="what to print")] = "table",
) -> None:
    """Judge one AWS account. Exit 0: all known; 3: some unknown; 2: could not run."""
    from catalog.folder import config_folder
    from catalog.policies import load
    from clouds.aws import AwsDoor
    from clouds.aws_login import Login, locate, session
    from collectors.aws.sight import AwsSight
    from detectors.posture.judge import Moment
    from pipeline.assembly import assemble
    from pipeline.choice import Choice, load_settings
    from pipeline.clock import SystemClock
    from pipeline.survey import survey

    clock = SystemClock()
    choice = Choice("aws", tuple(policy), tuple(service), tuple(severity))
    chosen, asked = choice.of(config_folder())
    house = assemble(config_folder(), chosen)
    moment = Moment(
        _moment(now) or clock.now(), load_settings(settings, load(config_folder() / "policies")) if settings else {}
    )
    door = AwsDoor(session(Login(profile, role, external_id), clock), clock)
    sight = AwsSight(door, locate(door, tuple(region)), house.aws)
    verdicts = (v for observation in survey(sight, house, moment) for v in observation.verdicts)
    if format == "jsonl":
        unknowns = _print_lines(verdicts, asked)
    else:
        from cli.tables import print_verdicts

        unknowns = print_verdicts(list(verdicts), {p.id: p for p in chosen}, language)
    raise typer.Exit(UNKNOWNS if unknowns else 0)


def _print_lines(verdicts: "Iterable[Verdict]", asked: dict[str, list[str]]) -> int:
    import msgspec

    unknowns = 0
    for verdict in verdicts:
        unknowns += verdict.status == "unknown"
        for name in asked.get(verdict.policy, [""]):
            line: dict[str, object] = {"policy": verdict.policy}
            if name:
                line["asked"] = name
            line |= {k: getattr(verdict, k) for k in ("kind", "resource", "name", "region", "status")}
            if verdict.elements:
                line["elements"] = [{"key": e.key, "status": e.status} for e in verdict.elements]
            if verdict.reason:
                line["reason"] = verdict.reason
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()
    return unknowns


def _moment(text: str) -> "datetime | None":
    from model.canonical import parse_instant
    from model.fault import Refused

    if not text:
        return None
    try:
        return parse_instant(text)
    except ValueError:
        raise Refused(f"--now: {text!r} is no moment; write it as 2026-01-31T09:00:00Z") from None
