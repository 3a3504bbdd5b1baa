"""`hinomi check`: one look at an account, a subscription, a project or a cluster, nothing kept."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.context import UNKNOWNS

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


@check_app.command("aws")
def aws(
    policy: PolicyOption = [],  # noqa: B006
    service: ServiceOption = [],  # noqa: B006
    severity: SeverityOption = [],  # noqa: B006
    region: Annotated[list[str], typer.Option(help="only this region; global services are always read")] = [],  # noqa: B006
    profile: Annotated[str, typer.Option(help="profile of the AWS configuration")] = "",
    role: Annotated[str, typer.Option(help="ARN of a role to assume")] = "",
    external_id: Annotated[str, typer.Option(help="external id for the role")] = "",
    settings: SettingsOption = None,
    now: NowOption = "",
    language: LanguageOption = "en",
    format: FormatOption = "table",
) -> None:
    """Judge one AWS account. Exit 0: all known; 3: some unknown; 2: could not run."""
    from pipeline.providers.aws.opening import one_look

    check = _Check("aws", (policy, service, severity), settings, now)
    check.run([one_look(profile, role, external_id, region, check.types, check.clock)], language, format)


@check_app.command("azure")
def azure(
    policy: PolicyOption = [],  # noqa: B006
    service: ServiceOption = [],  # noqa: B006
    severity: SeverityOption = [],  # noqa: B006
    region: Annotated[list[str], typer.Option(help="only this location, as japaneast")] = [],  # noqa: B006
    subscription: Annotated[
        list[str], typer.Option(help="only this subscription; else AZURE_SUBSCRIPTION_ID, else all that we see")
    ] = [],  # noqa: B006
    settings: SettingsOption = None,
    now: NowOption = "",
    language: LanguageOption = "en",
    format: FormatOption = "table",
) -> None:
    """Judge Azure subscriptions, and the directory where its policies are asked for. Exit codes as for AWS."""
    from pipeline.providers.azure.opening import looks

    check = _Check("azure", (policy, service, severity), settings, now)
    check.run(looks(subscription, region, check.types, check.clock), language, format)


@check_app.command("gcp")
def gcp(
    policy: PolicyOption = [],  # noqa: B006
    service: ServiceOption = [],  # noqa: B006
    severity: SeverityOption = [],  # noqa: B006
    region: Annotated[list[str], typer.Option(help="only this region with its zones, as asia-northeast1")] = [],  # noqa: B006
    project: Annotated[list[str], typer.Option(help="only this project; else GOOGLE_CLOUD_PROJECT, else our own")] = [],  # noqa: B006
    folder: Annotated[list[str], typer.Option(help="this folder's number: itself and all projects in it")] = [],  # noqa: B006
    organization: Annotated[list[str], typer.Option(help="this organisation's number: itself and all in it")] = [],  # noqa: B006
    impersonate: Annotated[str, typer.Option(help="e-mail of a service account to speak for")] = "",
    quota_project: Annotated[str, typer.Option(help="project that the calls count for")] = "",
    settings: SettingsOption = None,
    now: NowOption = "",
    language: LanguageOption = "en",
    format: FormatOption = "table",
) -> None:
    """Judge Google Cloud projects. Exit codes as for AWS."""
    from clouds.gcp.login import Login
    from pipeline.providers.gcp.opening import looks

    check = _Check("gcp", (policy, service, severity), settings, now)
    parents = [f"projects/{p}" for p in project]
    parents += [f"folders/{f}" for f in folder] + [f"organizations/{o}" for o in organization]
    login = Login(quota_project=quota_project, impersonate=impersonate)
    check.run(looks(parents, login, region, check.types, check.clock), language, format)


@check_app.command("kubernetes")
def kubernetes(
    policy: PolicyOption = [],  # noqa: B006
    service: ServiceOption = [],  # noqa: B006
    severity: SeverityOption = [],  # noqa: B006
    kubeconfig: Annotated[
        str, typer.Option(help="kubeconfig file; else KUBECONFIG, the pod's own, ~/.kube/config")
    ] = "",
    context: Annotated[str, typer.Option(help="context of the kubeconfig; else its current one")] = "",
    settings: SettingsOption = None,
    now: NowOption = "",
    language: LanguageOption = "en",
    format: FormatOption = "table",
) -> None:
    """Judge one Kubernetes cluster; nothing is written into it. Exit codes as for AWS."""
    from clouds.kubernetes.login import Login
    from pipeline.providers.kubernetes.opening import one_look

    check = _Check("kubernetes", (policy, service, severity), settings, now)
    check.run([one_look(Login(kubeconfig, context), check.types, check.clock)], language, format)


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
    from pipeline.scanning.checkov_process import checkov_worker
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
        self, provider: str, filters: tuple[list[str], list[str], list[str]], settings: Path | None, now: str
    ) -> None:
        from catalog.folder import config_folder
        from catalog.policies import load
        from detectors.posture.judge import Moment
        from pipeline.assembly import assemble, offered
        from pipeline.clock import SystemClock
        from pipeline.policies.choice import Choice, load_settings

        policy, service, severity = (tuple(names) for names in filters)
        self.clock = SystemClock()
        self._chosen, self._asked = Choice(provider, policy, service, severity).of(config_folder())
        catalog = assemble(config_folder(), self._chosen)
        # What needs an option is looked at where it is named.
        self.catalog = catalog if policy else offered(catalog, ())
        thresholds = load_settings(settings, load(config_folder() / "policies")) if settings else {}
        self.types: Any = self.catalog.types[provider]
        self._moment = Moment(_moment(now) or self.clock.now(), thresholds)

    def run(self, collectors: "Iterable[Collector]", language: "Language", format: str) -> None:
        """Print the verdicts; ends the command with the exit code."""
        from pipeline.scanning.checkov_process import kept
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
