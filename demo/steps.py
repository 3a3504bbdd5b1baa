"""The demonstration, step by step: build, scan, notify, change, report."""

import io
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from catalog import access
from catalog.folder import config_folder
from demo.change import Story, remediate_and_roll_back, sign_in
from demo.company import DATA, Neighbours, Planted, Stage, keys, load_company
from demo.flood import TIMES, flood
from demo.stand_ins.aws_emulator import Emulator
from demo.stand_ins.process import StandIns
from model.person import HOST
from model.text import LANGUAGES, Language, Text
from notifier.message import Ways
from pipeline.access.sign_in import Gate
from pipeline.assembly import assemble, offered
from pipeline.changing.plans import Wanted
from pipeline.clock import SystemClock
from pipeline.installation import grant, make, open_home, service_key
from pipeline.notifying.notify import Notified, notify
from pipeline.notifying.reporting import make_report
from pipeline.scanning.scan import Summary, scan
from pipeline.tenants.contracts import evidence_of
from pipeline.tenants.files import carry_out, load_tenant, plan
from pipeline.tenants.references import used_references
from pipeline.world import Task, World, take_task, world_in
from reports.html import render
from reports.report import Report
from reports.wording import SEVERITY

TENANT = "aozora-foods"

_SAYS = {
    "emulator": Text(
        en="Start a local AWS emulator, and stand-ins for Azure, Google Cloud and a cluster",
        ja="ローカルのAWSエミュレーターと、Azure・Google Cloud・Kubernetesの模擬サーバーを起動",
    ),
    "build": Text(en="Build the company Aozora Foods, faults and all", ja="不備のある環境（アオゾラ食品）を構築"),
    "apply": Text(en="Take it on as a tenant", ja="テナントとして登録"),
    "scan": Text(en="Scan it: collect, judge, record", ja="診断（収集・判定・記録）"),
    "notify": Text(en="Notify people", ja="通知"),
    "remediate": Text(en="Remediate a third of the faults", ja="不備の3分の1を是正"),
    "again": Text(en="Scan again, and notify", ja="再診断と通知"),
    "change": Text(
        en="Three people sign in, remediate one more by a plan, and roll it back",
        ja="担当者3名がサインインし、変更計画で1件を是正してからロールバック",
    ),
    "report": Text(en="Write the reports", ja="レポートを作成"),
    "flood": Text(
        en="Let one of two other customers flood the service with logs, by a clock of its own",
        ja="別の2社のうち1社から大量のログを送信（仮想の時計を使用）",
    ),
    "suspended": Text(
        en="{0} times the committed rate: suspended after {1} minutes, by the real settings, for the disk of all",
        ja="基準レートの{0}倍：実際の設定値で{1}分後に停止（共用ディスクへの影響のため）",
    ),
    "evidence": Text(en="Evidence of the suspension", ja="停止の根拠資料"),
    "found": Text(
        en="{0} planted faults, found {1}; nothing else was found",
        ja="仕込んだ不備{0}件のうち{1}件を検出、それ以外の検出なし",
    ),
    "remediated": Text(
        en="{0} remediated, resolved {1}; no other finding moved",
        ja="是正した{0}件のうち{1}件が解消、それ以外の変化なし",
    ),
    "alerts": Text(en="{0} alerts for the findings, all delivered", ja="検出結果を{0}件の通知にまとめ、すべて送信"),
    "seen": Text(en="{0} resources seen, everything was read", ja="{0}件のリソースを確認、読み取り漏れなし"),
    "others": Text(
        en="{0} more, of policies that no fault is planted for", ja="ほかに、不備を仕込んでいないポリシーの{0}件"
    ),
    "changed": Text(
        en="{0}: planned by aki, approved by {1} others, remediated, verified by its policy; rolled back, found again",
        ja="{0}：akiが計画、ほか{1}名が承認、是正してポリシーで確認。その後にロールバックし、再検出を確認",
    ),
    "audit": Text(en="the audit chain is whole", ja="監査記録の連鎖に欠けなし"),
    "differs": Text(en="This differs from what was planted:", ja="仕込んだ内容と一致しません:"),
    "worth": Text(en="Most worthwhile now", ja="次に着手したい改善"),
    "reports": Text(en="Reports", ja="レポート"),
    "kept": Text(
        en="The emulator and the stand-ins go on. To change something by hand, and look again:",
        ja="エミュレーターと模擬サーバーは動作中です。設定を変更して再診断するには:",
    ),
    "ended": Text(
        en="The emulator and the stand-ins have ended. To look around in them: hinomi demo --keep",
        ja="エミュレーターと模擬サーバーは終了しました。操作を試すには: hinomi demo --keep",
    ),
}


def run(language: Language, styles: Mapping[str, str], *, keep: bool) -> bool:
    """Build a small company in local clouds, find its planted faults, remediate a third, look again.

    Return whether all went as planned. Texts are in the language; `styles` are the terminal's, by severity. With
    `keep`, the clouds stay there at the end.
    """
    show, folder = _Show(language, styles), Path(tempfile.mkdtemp(prefix="hinomi-demo-"))
    neighbours = Neighbours(folder / "clouds")
    neighbours.build()
    with ExitStack() as at_the_end:
        with show.step("emulator"):
            emulator = Emulator()
            at_the_end.callback(emulator.stop)
            stand_ins = StandIns(folder / "clouds")
            at_the_end.callback(stand_ins.stop)
        environment = {**emulator.environment(), **stand_ins.environment}
        os.environ.clear()  # nothing of this machine's own configuration of clouds is visible from here on
        os.environ.update(environment)
        went_well = show.run(emulator, neighbours, folder)
        if keep:
            at_the_end.pop_all()
    if keep:
        show.kept(emulator, stand_ins, folder)
    else:
        show.console.print(f"\n[dim]{show.says('ended')}[/dim]")
    return went_well


class _Show:
    """Runs the demonstration and shows it."""

    def __init__(self, language: Language, styles: Mapping[str, str]) -> None:
        self.language = language
        self.styles = styles
        self.console = Console(highlight=False)
        self.policies: set[str] = set()

    def says(self, key: str) -> str:
        return _SAYS[key].of(self.language)

    @contextmanager
    def step(self, key: str) -> Iterator[None]:
        """Show a step while it runs, then how long it took."""
        began = time.monotonic()
        with self.console.status(f"{self.says(key)} …"):
            yield
        self.console.print(f" [green]✓[/green] {self.says(key)} [dim]{time.monotonic() - began:.1f} s[/dim]")

    def run(self, emulator: Emulator, neighbours: Neighbours, folder: Path) -> bool:
        """Run all steps; return whether findings and planted faults agreed both ways, both times."""
        stage, world, task = self._prepare(emulator, neighbours, folder)
        with self.step("scan"):
            summary = scan(world, task)
        first = _findings(task)
        with self.step("notify"):
            notified = notify(world, task)
        with self.step("remediate"):
            remediated = stage.remediate() | neighbours.remediate()
        with self.step("again"):
            task = take_task(world, "scan", task.tenant, task.catalog, HOST.name)
            scan(world, task)
            notify(world, task)
        second = _findings(task)
        with self.step("change"):
            story = self._change(world, task, folder)
        third = _findings(task)
        with self.step("report"):
            report = make_report(world.home, task.tenant, task.catalog.judging, world.clock, world.service_providers())
            files = _write_reports(report, folder)
        with self.step("flood"):
            flooded = flood(folder / "flood")
        self.console.print()
        resolved = first - second
        planted = stage.planted() | neighbours.planted()
        self.policies = {policy for policy, _, _ in planted}
        others = sum(policy not in self.policies for policy, _, _ in first)
        agrees = self._compare("found", planted, first) & self._compare("remediated", remediated, resolved)
        if others:
            self._line("others", others)
        well = (story.remediated, story.rolled_back) == ("verified", "verified") and third == second
        if well:
            self._line("changed", story.plan.title.of(self.language), story.plan.approvals)
        self._facts(summary, notified, whole := task.store.audit_fault() == "")
        if flooded:
            self._line("suspended", TIMES, flooded.minutes)
        self._proposals(report, files)
        if flooded:
            self._files("evidence", flooded.pages)
        return agrees and whole and well and second <= first and flooded is not None

    def _change(self, world: World, task: Task, folder: Path) -> Story:
        table = access.load(config_folder())
        gate = Gate(world.home.service, lambda: service_key(folder / "home"), world.clock)
        wanted = Wanted("aws.s3.block-public-access", "", ("aozora-dropbox",))
        return remediate_and_roll_back(world, task, sign_in(world, task.tenant.tenant, table, gate), wanted)

    def _prepare(self, emulator: Emulator, neighbours: Neighbours, folder: Path) -> tuple[Stage, World, Task]:
        stage = Stage(emulator, load_company())
        with self.step("build"):
            stage.build()
        with self.step("apply"):
            make(folder / "home", DATA / "installation.yaml")
            home, catalog, clock = open_home(folder / "home"), assemble(config_folder()), SystemClock()
            tenant = load_tenant(DATA / "tenant.yaml", catalog.policies)
            tenant = neighbours.of(tenant)
            grant(folder / "home", {tenant.tenant: sorted({used.reference for used in used_references(tenant)})})
            carry_out(home, plan(home, tenant), clock, HOST.name, evidence_of(DATA / "tenant.yaml"))
        # Alerts go to a terminal that nobody reads: the demonstration has its own words.
        ways = Ways(io.StringIO(), clock.now)
        world = world_in(folder / "home", home, clock, ways)
        offer = offered(catalog, tenant.agreed.options)
        return stage, world, take_task(world, "scan", tenant, offer, HOST.name)

    def _compare(self, key: str, expected: Planted, found: Planted) -> bool:
        """Say whether what was expected came, and nothing else of the policies that faults are planted for."""
        got = {finding for finding in found if finding[0] in self.policies}
        if expected == got:
            self._line(key, len(expected), len(got))
            return True
        self.console.print(f" [red]✗ {self.says('differs')}[/red]")
        for sign, differing in (("-", expected - got), ("+", got - expected)):
            for policy, resource, region in sorted(differing):
                self.console.print(f"   {sign} {policy} {resource} {region}", markup=False)
        return False

    def _facts(self, summary: Summary, notified: Notified, whole: bool) -> None:
        if not summary.gaps:
            self._line("seen", summary.assets)
        if set(notified.deliveries) == {"sent"}:
            self._line("alerts", notified.alerts)
        if whole:
            self._line("audit")

    def _line(self, key: str, *numbers: object) -> None:
        self.console.print(f" [green]✓[/green] {self.says(key).format(*(f'[bold]{n}[/bold]' for n in numbers))}")

    def _proposals(self, report: Report, files: list[Path]) -> None:
        table = Table(title=self.says("worth"), title_justify="left", title_style="bold", box=None, show_header=False)
        for proposal in report.proposals[:5]:
            severity = proposal.lead.severity
            name = Styled(SEVERITY[severity].of(self.language), style=self.styles[severity])
            table.add_row(f"{proposal.score:g}", name, Styled(proposal.lead.title.of(self.language)))
        self.console.print()
        self.console.print(table)
        self._files("reports", files)

    def _files(self, key: str, files: list[Path]) -> None:
        self.console.print(f"\n[bold]{self.says(key)}[/bold]")
        for file in files:
            self.console.print(f"  {file}", soft_wrap=True, markup=False)

    def kept(self, emulator: Emulator, stand_ins: StandIns, folder: Path) -> None:
        """Say how to go on by hand."""
        remove = "import boto3; boto3.client('s3').delete_public_access_block(Bucket='aozora-ledger')"
        lines = (
            f"export AWS_ENDPOINT_URL={emulator.url} HINOMI_HOME={folder / 'home'}",
            "export " + " ".join(f"{name}={value}" for name, value in stand_ins.environment.items()),
            "export AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo AWS_DEFAULT_REGION=ap-northeast-1",
            f'.venv/bin/python -c "{remove}"',
            "$EDITOR "
            + " ".join(str(folder / "clouds" / f"{name}.json") for name in ("azure", "google", "kubernetes")),
            f".venv/bin/hinomi scan {TENANT}",
            f".venv/bin/hinomi findings {TENANT}",
            f".venv/bin/hinomi status {TENANT}",
            f"kill {emulator.pid} {stand_ins.pid}",
        )
        self.console.print(f"\n[bold]{self.says('kept')}[/bold]")
        for line in lines:
            self.console.print(f"  {line}", soft_wrap=True, markup=False)


def _findings(task: Task) -> Planted:
    with task.store.read() as reader:
        return keys(reader.findings())


def _write_reports(report: Report, folder: Path) -> list[Path]:
    files = []
    for language in LANGUAGES:
        file = folder / f"report.{language}.html"
        file.write_text(render(report, language), encoding="utf-8")
        files.append(file)
    return files
