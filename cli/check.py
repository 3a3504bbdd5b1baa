"""`hinomi check`: one look at an account, a subscription, a project or a cluster, nothing kept."""

import sys
from functools import partial
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.context import UNKNOWNS
from cli.parameters import command, parameter
from pipeline.providers.provider import CheckOption, Provider, Providers
from pipeline.providers.registry import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from model.collector import Collector
    from model.finding import Verdict
    from model.template import TemplateLook
    from model.text import Language

app = typer.Typer()
check_app = typer.Typer(help="Judge an account once; nothing is kept.", no_args_is_help=True)
app.add_typer(check_app, name="check")


PolicyOption = Annotated[list[str], typer.Option("--policy", help="only this policy: our id, or a peer's (prowler:…)")]
ServiceOption = Annotated[list[str], typer.Option("--service", help="only policies of this service, as in their ids")]
SeverityOption = Annotated[list[str], typer.Option("--severity", help="only policies of this severity")]
SettingsOption = Annotated[Path | None, typer.Option("--settings", help="YAML file of thresholds by policy id")]
NowOption = Annotated[str, typer.Option("--now", help="judge as of this moment (RFC 3339)")]
LanguageOption = Annotated[Literal["en", "ja"], typer.Option("--language", help="language of the table")]
FormatOption = Annotated[Literal["table", "jsonl"], typer.Option("--format", help="what to print")]


_BEFORE = (
    parameter("policy", PolicyOption, []),
    parameter("service", ServiceOption, []),
    parameter("severity", SeverityOption, []),
)
_AFTER = (
    parameter("settings", SettingsOption, None),
    parameter("now", NowOption, ""),
    parameter("language", LanguageOption, "en"),
    parameter("format", FormatOption, "table"),
)


def add_commands(group: typer.Typer, providers: Providers = PROVIDERS, config: Path | None = None) -> None:
    """Add to a `group` a command for each provider that can be looked at once.

    Its policies are those of a config folder, else ours.
    """
    for provider in providers:
        if provider.check:
            own = [_own(option) for option in provider.check.options]
            made = command(partial(_look, provider, config), provider.check.help, [*_BEFORE, *own, *_AFTER])
            group.command(provider.name)(made)


def _own(option: CheckOption) -> Parameter:
    if option.many:
        return parameter(option.name, Annotated[list[str], typer.Option(help=option.help)], [])
    return parameter(option.name, Annotated[str, typer.Option(help=option.help)], "")


def _look(provider: Provider, config: Path | None, **asked: Any) -> None:
    filters = asked["policy"], asked["service"], asked["severity"]
    check = _Check(provider, config, filters, asked["settings"], asked["now"])
    collectors = provider.opening().looks(asked, check.catalog.types[provider.name], check.clock)
    check.run(collectors, asked["language"], asked["format"])


add_commands(check_app)


@check_app.command("iac")
def iac(
    folder: Annotated[Path, typer.Argument(help="a folder of Terraform, CloudFormation, ARM, Kubernetes, Dockerfiles")],
    language: LanguageOption = "en",
    format: Annotated[Literal["table", "jsonl", "sarif"], typer.Option("--format", help="what to print")] = "table",
) -> None:
    """Judge the templates of a folder by checkov's checks; nothing of them is executed or downloaded.

    Exit 0: all was read; 3: files could not be read, or checkov is not installed; 2: could not run.
    """
    from catalog.checkov import load
    from catalog.folder import config_folder
    from model.worker import NoAnswer
    from pipeline.checkov_process import checkov_worker
    from pipeline.scanning.templates import LIMITS, look

    adopted = load(config_folder() / "checkov")
    try:
        with checkov_worker(LIMITS) as child:
            looked = look(folder, child, adopted)
    except NoAnswer as problem:
        print(f"hinomi: {problem}", file=sys.stderr)
        raise typer.Exit(UNKNOWNS) from None
    _print_look(looked, language, format)
    for name, reason in looked.unread.items():
        print(f"hinomi: {name}: {reason}", file=sys.stderr)
    raise typer.Exit(UNKNOWNS if looked.unread else 0)


def _print_look(looked: "TemplateLook", language: "Language", format: str) -> None:
    from importlib.metadata import version

    import msgspec

    from cli.tables import print_look
    from reports import sarif

    if format == "table":
        print_look(looked, language)
        return
    if format == "sarif":
        unread = [f"{name}: {reason}" for name, reason in looked.unread.items()]
        lines = [sarif.write(looked.found, unread, language, version("hinomi"))]
    else:
        lines = [msgspec.json.encode({"status": "fail", **msgspec.to_builtins(one)}).decode() for one in looked.found]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


class _Check:
    """What is asked for, and the one look at each place."""

    def __init__(
        self,
        provider: Provider,
        config: Path | None,
        filters: tuple[list[str], list[str], list[str]],
        settings: Path | None,
        now: str,
    ) -> None:
        from catalog.folder import config_folder
        from catalog.policies import load
        from detectors.posture.judge import Moment
        from pipeline.assembly import assemble, offered
        from pipeline.clock import SystemClock
        from pipeline.policies.choice import Choice, load_settings

        config = config or config_folder()
        policy, service, severity = (tuple(names) for names in filters)
        self.clock = SystemClock()
        self._chosen, self._asked = Choice(provider.name, policy, service, severity).of(config)
        catalog = assemble(config, self._chosen, providers=[provider])
        # What needs an option is looked at where it is named.
        self.catalog = catalog if policy else offered(catalog, ())
        thresholds = load_settings(settings, load(config / "policies")) if settings else {}
        self._moment = Moment(_moment(now) or self.clock.now(), thresholds)

    def run(self, collectors: "Iterable[Collector]", language: "Language", format: str) -> None:
        """Print the verdicts; ends the command with the exit code."""
        from pipeline.checkov_process import kept
        from pipeline.scanning.survey import survey

        verdicts = (
            verdict
            for collector in collectors
            for observation in survey(collector, self.catalog, self._moment, kept())
            for verdict in observation.verdicts
        )
        if format == "jsonl":
            unknowns = _print_lines(verdicts, self._asked)
        else:
            from cli.tables import print_verdicts

            unknowns = print_verdicts(list(verdicts), [p.id for p in self._chosen], language)
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
            if verdict.sources:
                line["sources"] = msgspec.to_builtins(verdict.sources)
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
