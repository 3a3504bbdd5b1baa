"""Exceptions: by our own records only, with reason, author and an end; Prowler's mute lists come in."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from demo.company import DATA
from model.asset import Asset
from model.canonical import digest, instant
from model.fault import Refused
from model.finding import ACTIVE, Fact, JudgedFinding, Verdict, advance
from model.suppression import Suppression, suppressing
from model.tenant import Channel
from model.text import Text
from pipeline.assembly import Catalog
from pipeline.scanning.scan import Summary
from pipeline.tenants.exceptions import expiry, grant, named, tag, withdraw
from pipeline.tenants.mute_lists import Grant, load
from store.home import Home
from store.tenant import TenantStore
from tests.commands import run
from tests.conftest import MovingClock
from tests.contracts import known
from tests.recorded_clouds import TENANT, Replies, catalog, catalog_of_services
from tests.worlds import entered, scanned_in, seeing, world_of

AT, END, LATER = (f"2026-06-0{day}T00:00:00.000000Z" for day in (1, 3, 4))
BASE = Suppression("s", "accepted risk", "sato", AT, END)
VERDICT = Verdict(
    policy="aws.s3.open", severity="high", kind="aws.s3.bucket", resource="arn:aws:s3:::logs-1", name="logs-1",
    scope="123456789012", region="us-east-1", status="fail", message=Text(en="open", ja="公開"),
)  # fmt: skip
PASSED = replace(VERDICT, status="pass", message=None)
TAGGED = {VERDICT.asset_uid: frozenset({"stage=test"})}


@pytest.mark.parametrize(
    ("given_", "matches"),
    [
        ({"policy": "aws.s3.open"}, True),
        ({"policy": "aws.s3"}, False),
        ({"scope": "123456789012"}, True),
        ({"scope": "210987654321"}, False),
        ({"region": "us-east-1", "policy": "aws.s3.open"}, True),
        ({"region": "us-east-2", "policy": "aws.s3.open"}, False),
        ({"resource": "logs-1"}, True),
        ({"resource": "arn:aws:s3:::logs-1"}, True),
        ({"resource": "logs-*"}, True),
        ({"resource": "*"}, True),
        ({"resource": "logs"}, False),
        ({"resource": "logs-?"}, False),
        ({"resource": "logs-[0-9]"}, False),
        ({"resource": "LOGS-1"}, False),
        ({"resource": "arn:aws:s3:::logs-*"}, True),
        ({"tag": "stage=test"}, True),
        ({"tag": "stage=production"}, False),
        ({"policy": "aws.s3.open", "tag": "stage=production"}, False),
    ],
)
def test_everything_that_is_given_has_to_match(given_: dict[str, str], matches: bool) -> None:
    assert bool(suppressing([replace(BASE, **given_)], VERDICT, TAGGED)) is matches


@pytest.mark.parametrize(
    ("change", "at", "holds"),
    [({}, AT, True), ({}, END, False), ({}, "2026-05-31T23:59:59.999999Z", False), ({"withdrawn_at": AT}, AT, False)],
)
def test_an_exception_has_an_end(change: dict[str, str], at: str, holds: bool) -> None:
    assert replace(BASE, **change).holds(at) is holds


@given(st.lists(st.tuples(st.sampled_from(["fail", "pass", "unknown"]), st.booleans()), max_size=8))
def test_whatever_comes_a_finding_is_suppressed_only_while_an_exception_holds(steps: list[tuple[str, bool]]) -> None:
    finding: JudgedFinding | None = None
    for number, (status, accepted) in enumerate(steps):
        verdict = VERDICT if status == "fail" else replace(VERDICT, status=status, message=None)
        before = finding
        finding, fact = advance(finding, verdict, f"t{number}", "s" if accepted else "")
        if finding and status == "fail":
            assert (finding.state == "suppressed") is accepted
        if finding and status == "pass":
            assert finding.state == "resolved"
        if status == "unknown":
            assert (finding.state if finding else None) == (before.state if before else None)
        changed = (before.state if before else None) != (finding.state if finding else None)
        assert bool(fact) == changed, "each change of state is reported once, and nothing else is"


def facts(steps: list[tuple[Verdict, str]]) -> list[str]:
    finding: JudgedFinding | None = None
    found: list[str] = []
    for number, (verdict, by) in enumerate(steps):
        finding, fact = advance(finding, verdict, f"t{number}", by)
        found += [fact.became] if fact else []
    return found


def test_the_life_of_a_suppressed_finding() -> None:
    assert facts([(VERDICT, ""), (VERDICT, "s"), (VERDICT, "s"), (VERDICT, "")]) == ["open", "suppressed", "reopened"]
    assert facts([(VERDICT, "s"), (PASSED, "s"), (VERDICT, "")]) == ["suppressed", "resolved", "reopened"]


@pytest.fixture
def store(home: Home, clock: MovingClock) -> TenantStore:
    known(home, "aozora", AT)
    return home.tenant("aozora")


def look(home: Home, clock: MovingClock, replies: Replies, only: Catalog | None = None) -> Summary:
    clock.sleep(60)
    world = world_of(home, clock, seeing(replies, replies.place))
    return scanned_in(world, TENANT, only or catalog_of_services("ec2", "s3"))


def states(store: TenantStore, policy: str) -> dict[str, str]:
    with store.read() as reader:
        return {finding.name: finding.state for finding in reader.findings(None) if finding.policy == policy}


SSH = "aws.ec2.ssh-open-to-internet"


def granted(store: TenantStore, clock: MovingClock, days: int = 2, **criteria: str) -> str:
    now = clock.now()
    end = expiry(date.fromordinal(now.date().toordinal() + days), clock)
    wanted = Suppression("", "accepted risk", "sato", instant(now), end, **criteria)
    made = named(wanted, {policy.id for policy in catalog().policies})
    grant(store, [made], "sato", clock)
    return made.id


def test_an_exception_counts_at_once_and_ends_at_the_next_scan_after_its_day(
    home: Home, store: TenantStore, clock: MovingClock, replies: Replies
) -> None:
    look(home, clock, replies)
    before = states(store, SSH)
    assert set(before.values()) == {"open"}
    granted(store, clock, policy=SSH)
    assert set(states(store, SSH).values()) == {"suppressed"}
    summary = look(home, clock, replies)
    assert summary.facts == {}
    with store.read() as reader:
        assert not [f for f in reader.findings() if f.policy == SSH]
        assert len(list(reader.findings(ACTIVE))) > 30
    clock.sleep(3 * 86400)
    summary = look(home, clock, replies)
    assert summary.facts == {"reopened": len(before)}
    assert set(states(store, SSH).values()) == {"reopened"}
    assert store.audit_fault() == ""


def test_an_exception_ends_also_where_nothing_can_be_looked_at(
    home: Home, store: TenantStore, clock: MovingClock, replies: Replies
) -> None:
    look(home, clock, replies)
    granted(store, clock, policy=SSH)
    clock.sleep(3 * 86400)

    def closed(*_: object) -> Any:
        raise Refused("AWS does not accept the credentials")

    summary = scanned_in(world_of(home, clock, entered(closed)), TENANT, catalog())
    assert [gap.cause for gap in summary.gaps] == ["AWS does not accept the credentials"]
    assert set(states(store, SSH).values()) == {"reopened"}


def test_what_is_new_while_an_exception_holds_notifies_nobody(
    home: Home, store: TenantStore, clock: MovingClock, replies: Replies
) -> None:
    from notifier import stages
    from notifier.stages import Context

    channel = Channel(name="soc", type="console")
    granted(store, clock, policy=SSH)
    look(home, clock, replies)
    assert set(states(store, SSH).values()) == {"suppressed"}
    with store.read() as reader:
        news = reader.unnotified()
    flow = stages.run(news, Context("aozora", [channel], {}, frozenset(), AT))
    assert not [alert for alert, _ in flow.alerts if alert.policy == SSH]
    assert dict(flow.dropped)["suppressed by an exception"]


def test_a_withdrawn_exception_reopens_at_once(
    home: Home, store: TenantStore, clock: MovingClock, replies: Replies
) -> None:
    look(home, clock, replies)
    id_ = granted(store, clock, policy=SSH)
    clock.sleep(1)
    assert withdraw(store, id_, "suzuki", clock) == len(states(store, SSH))
    assert set(states(store, SSH).values()) == {"reopened"}
    with pytest.raises(Refused, match="no exception"):
        withdraw(store, id_, "suzuki", clock)


def test_one_resource_by_our_own_tag(home: Home, store: TenantStore, clock: MovingClock, replies: Replies) -> None:
    look(home, clock, replies)
    name, *others = sorted(states(store, SSH))
    with store.read() as reader:
        resource = next(f.resource for f in reader.findings() if f.policy == SSH and f.name == name)
    granted(store, clock, tag="stage=test")
    assert set(states(store, SSH).values()) == {"open"}
    assert tag(store, resource, "stage=test", "sato", clock, there=True) >= 1
    assert states(store, SSH)[name] == "suppressed"
    assert {states(store, SSH)[other] for other in others} <= {"open"}
    look(home, clock, replies)
    assert states(store, SSH)[name] == "suppressed"
    clock.sleep(1)
    assert tag(store, resource, "stage=test", "sato", clock, there=False) >= 1
    assert states(store, SSH)[name] == "reopened"


def test_nothing_in_the_customers_account_suppresses(home: Home, store: TenantStore, clock: MovingClock) -> None:
    """A resource whose own tags, names and descriptions say what our exceptions say."""
    body: dict[str, Any] = {
        "Tags": [{"Key": "stage", "Value": "test"}, {"Key": "suppressed_by", "Value": "s"}],
        "tag": "stage=test",
    }
    seen = Asset("aws.s3.bucket", VERDICT.resource, VERDICT.name, VERDICT.scope, VERDICT.region, body, digest(body))
    with store.write(AT, "p") as writer:
        writer.put_assets([seen], AT)
        finding, fact = advance(None, VERDICT, AT)
        assert finding
        assert isinstance(fact, Fact)
        writer.put_findings([finding])
    granted(store, clock, tag="stage=test")
    assert states(store, VERDICT.policy) == {"logs-1": "open"}
    assert suppressing([replace(BASE, tag="stage=test")], VERDICT, {}) is None


def test_a_name_that_looks_like_a_full_id_is_none() -> None:
    """A security group may be called so by whoever may make one."""
    named_so = replace(
        VERDICT, resource="arn:aws:ec2:us-east-1:123456789012:security-group/sg-1", name=VERDICT.resource
    )
    assert suppressing([replace(BASE, resource="arn:aws:s3:::logs-*")], named_so, {}) is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"reason": "  "}, "needs a reason"),
        ({"policy": ""}, "names at least"),
        ({"policy": "", "region": "us-east-1"}, "names at least"),
        ({"policy": "aws.s3.nothing"}, "no policy is called"),
        ({"tag": "stage"}, "is no tag"),
        ({"policy": "", "resource": "*"}, "names at least"),
        ({"policy": "", "resource": "bastion"}, "goes with a policy or an account"),
        ({"policy": "", "resource": "arn:*"}, "names at least"),
        ({"policy": "", "resource": "arn:aws:*"}, "names at least"),
        ({"policy": "", "resource": "arn:aws:s3:::*"}, "names at least"),
        ({"tag": "="}, "is no tag"),
        ({"tag": "stage="}, "is no tag"),
    ],
)
def test_exceptions_that_are_none(change: dict[str, str], problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        named(replace(BASE, policy=SSH, **{k: v for k, v in change.items() if k != "policy"}) if "policy" not in change
              else replace(BASE, **change), {SSH})  # fmt: skip


def test_an_end_is_neither_past_nor_far(clock: MovingClock) -> None:
    assert expiry(date(2026, 6, 1), clock) == "2026-06-01T14:59:59.999999Z"
    for day, problem in ((date(2026, 5, 31), "ended already"), (date(2027, 6, 3), "at most 366 days")):
        with pytest.raises(Refused, match=problem):
            expiry(day, clock)


LIST = """\
Mutelist:
  Accounts:
    "*":
      Checks:
        s3_bucket_level_public_access_block:
          Regions: ["*"]
          Resources: ["^logs-.*", "plain", "(a|b)+"]
          Description: public by design
        no_such_check:
          Regions: ["*"]
          Resources: ["*"]
        iam_root_mfa_enabled:
          Regions: ["us-east-1"]
          Resources: ["*"]
          Tags: ["stage=test"]
    "123456789012":
      Checks:
        "*":
          Regions: ["eu-west-1", "us-east-1"]
          Resources: ["test-bucket"]
        kms_cmk_rotation_enabled:
          Regions: ["*"]
          Resources: ["*"]
          Exceptions: {Resources: ["important"]}
"""


def test_prowlers_mute_lists_come_in(tmp_path: Path) -> None:
    """The form of Prowler's own documentation of mute lists."""
    file = tmp_path / "mutelist.yaml"
    file.write_text(LIST)
    found, left = load(file, catalog().policies, Grant("sato", "taken over", AT, END))
    assert [(s.policy, s.scope, s.region, s.resource, s.reason) for s in found] == [
        ("aws.s3.public-access-block-off", "", "", "logs-*", "public by design"),
        ("aws.s3.public-access-block-off", "", "", "plain", "public by design"),
        ("", "123456789012", "eu-west-1", "test-bucket", "taken over"),
        ("", "123456789012", "us-east-1", "test-bucket", "taken over"),
    ]
    assert [(fault.line, fault.problem.split(";")[0][:60]) for fault in sorted(left)] == [
        (7, "left out: '(a|b)+' is a regular expression"),
        (10, "left out: no policy here is the same as that check"),
        (13, "left out: tags of the customer's account suppress nothing he"),
        (22, "left out: it has exceptions of its own"),
    ]


TWICE = """\
Mutelist:
  Accounts:
    "*":
      Checks:
        s3_bucket_level_public_access_block:
          Resources: ["logs", "^logs$", "logs"]
          Description: first
          Exceptions: {Accounts: [], Tags: []}
        "s3_bucket_level_*":
          Resources: ["logs"]
          Description: second
"""


def test_what_a_mute_list_says_twice_comes_in_once(tmp_path: Path) -> None:
    file = tmp_path / "mutelist.yaml"
    file.write_text(TWICE)
    found, left = load(file, catalog().policies, Grant("sato", "x", AT, END))
    assert [(s.policy, s.resource, s.reason) for s in found] == [("aws.s3.public-access-block-off", "logs", "first")]
    assert left == []


def test_a_file_that_is_no_mute_list(tmp_path: Path) -> None:
    file = tmp_path / "mutelist.yaml"
    file.write_text("Accounts: {}\n")
    with pytest.raises(Refused, match="Mutelist"):
        load(file, catalog().policies, Grant("sato", "x", AT, END))


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.homes import home_at

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "160")
    home = ("--home", str(tmp_path / "home"))
    run(capsys, "init", *home)
    run(capsys, "apply", str(DATA / "tenant.yaml"), *home)
    at = AT
    with home_at(str(tmp_path / "home")).tenant("aozora-foods").write(at, "p") as writer:
        finding, _ = advance(None, replace(VERDICT, policy=SSH), at)
        assert finding
        writer.put_findings([finding])
        body: dict[str, Any] = {}
        seen = Asset("aws.s3.bucket", VERDICT.resource, "logs-1", VERDICT.scope, VERDICT.region, body, digest(body))
        writer.put_assets([seen], at)
    day = str(date.today().replace(year=date.today().year + 1))  # noqa: DTZ011 - a day to type, not a moment
    status, out = run(
        capsys, "exceptions", "add", "aozora-foods", "--policy", SSH, "--region", VERDICT.region, "--reason", "bastion",
        "--expires", day, *home,
    )  # fmt: skip
    assert (status, "1 findings are suppressed" in out) == (0, True)
    listed = run(capsys, "exceptions", "list", "aozora-foods", *home)[1]
    assert all(said in listed for said in ("bastion", VERDICT.region))
    assert run(capsys, "findings", "aozora-foods", "--format", "jsonl", *home)[1] == ""
    status, out = run(capsys, "exceptions", "withdraw", "aozora-foods", out.split(":")[0], *home)
    assert (status, out) == (0, "1 findings are reopened.\n")
    (tmp_path / "m.yaml").write_text(LIST)
    status, out = run(
        capsys,
        "exceptions",
        "import",
        "aozora-foods",
        str(tmp_path / "m.yaml"),
        "--expires",
        day,
        "--reason",
        "x",
        *home,
    )
    assert (status, "4 exceptions; 0 findings are suppressed" in out) == (0, True)
    assert run(capsys, "exceptions", "add", "aozora-foods", "--policy", SSH, "--reason", "x", *home)[0] == 2
    assert "logs-1" in run(capsys, "assets", "list", "aozora-foods", *home)[1]
    assert run(capsys, "assets", "tag", "aozora-foods", "logs-1", "stage=test", *home)[0] == 0
    assert '"tags":["stage=test"]' in run(capsys, "assets", "show", "aozora-foods", "logs-1", *home)[1]
    assert run(capsys, "assets", "list", "aozora-foods", "--on", "2020-01-01", "--format", "jsonl", *home) == (0, "")
    nothing = "No scan had come to its end by then: nothing is known of that day.\n"
    beside = "coverage: nothing was scanned yet; logs: no source is set up\n"
    for what, coverage in ((("findings",), beside), (("assets", "list"), "")):
        assert run(capsys, *what, "aozora-foods", "--on", "2020-01-01", *home) == (0, nothing + coverage)
