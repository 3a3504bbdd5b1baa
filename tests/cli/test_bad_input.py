"""Bad input: one clear line for each fault with its place, exit 2, nothing changed."""

from pathlib import Path

import pytest

from catalog import policies
from catalog.folder import config_folder
from catalog.yaml_reader import parse
from collectors.aws import resource_types
from demo.stand_ins.aws_emulator import Emulator
from detectors.posture import cases
from model.fault import Fault, Refused
from pipeline.assembly import assemble
from tests.commands import said as run
from tests.homes import home_at
from tests.tenant_text import TENANT

POLICY = """\
id: aws.s3.x
kind: aws.s3.bucket
severity: high
title: {en: t, ja: 題}
risk: {en: r, ja: 危}
fix: {en: f, ja: 直}
effort_hours: 1
pass: has(r.Policy)
cases: {pass: [{r: {Policy: {}}}], fail: [{r: {}}]}
"""

TYPE = """\
kind: aws.s3.bucket
service: s3
scope: global
list: {op: list_buckets, rows: Buckets}
arn: "arn:aws:s3:::$Name"
name: $Name
details:
  Policy: {op: get_bucket_policy, args: {Bucket: $Name}, get: Policy, absent: [NoSuchBucketPolicy]}
"""


@pytest.mark.parametrize(
    ("before", "after", "place", "problem"),
    [
        ("contract:", "kontract:", "3:1", "'kontract' is not known here; did you mean 'contract'?"),
        ('aws: "123456789012"', "aws: 123456789012", "5:11", "has to be text; put it in quotes"),
        ("2026-04-01", "2026-02-30", "3:19", "does not fit"),
        ("{start: 2026-04-01}", "{start: 2026-04-01, last_day: 2026-03-31}", "3:41", "lies before the start"),
        (
            "{start: 2026-04-01}",
            "{start: 2026-04-01, suspended: [{first_day: 2026-05-02, reason: a, last_day: 2026-05-01}]}",
            "3:88",
            "lies before the first day",
        ),
        ("tenant: aozora\n", "tenant: Aozora Foods\n", "1:9", "does not fit the pattern"),
        ("tenant: aozora\n", "tenant: ../../etc\n", "1:9", "does not fit the pattern"),
        ("channels:\n", "scopes: []\nchannels:\n", "6:1", "stands twice"),
        ("ap-northeast-1", "tokyo", "5:37", "does not fit the pattern"),
        ("type: console", "type: pigeon", "7:28", "'pigeon' is no type of channel; known are console, email, webhook"),
        ("type: console}", "type: webhook}", "7:5", "lacks 'settings'"),
        (
            "type: console}",
            "type: webhook, settings: {url: ftp://x, secret: env:A}}",
            "7:53",
            "does not fit the pattern",
        ),
        (
            "type: console}",
            "type: webhook, settings: {url: https://x.example, secret: hunter2}}",
            "7:80",
            "does not fit",
        ),
        ("type: console}", "type: console, settings: {colour: red}}", "7:48", "'colour' is not known here"),
        ("channels:\n", "thresholds: {aws.s3.nothing: {x: 1}}\nchannels:\n", "6:30", "no policy is called"),
        ("channels:\n", "thresholds: {aws.ec2.ssh-open-to-internet: {prt: 1}}\nchannels:\n", "6:50", "has no 'prt'"),
        (
            "channels:\n",
            "thresholds: {aws.ec2.ssh-open-to-internet: {port: many}}\nchannels:\n",
            "6:51",
            "of the kind of 22",
        ),
        ("channels:\n", '  - {aws: "123456789012"}\nchannels:\n', "6:11", "stands twice"),
        ('"123456789012",', '"123456789012", external_id: abc,', "5:40", "goes with a role"),
        ('"123456789012",', '"123456789012", write: {external_id: abc},', "5:48", "goes with a role"),
        (
            '"123456789012",',
            '"123456789012", write: {role: "arn:aws:iam::210987654321:role/r"},',
            "5:41",
            "is not a role of the account 123456789012",
        ),
        (
            '"123456789012",',
            '"123456789012", role: "arn:aws:iam::210987654321:role/r",',
            "5:33",
            "is not a role of the account 123456789012",
        ),
        ("  - {name: terminal", "  - &c {name: terminal", "8:5", "aliases"),
    ],
)
def test_tenant_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, place: str, problem: str
) -> None:
    home, file = tmp_path / "home", tmp_path / "t.yaml"
    home_at(str(home)).create()
    text = TENANT.replace(before, after)
    assert text != TENANT
    file.write_text(text + ("  - *c\n" if "&c" in after else ""), encoding="utf-8")
    status, out, err = run(capsys, "apply", str(file), "--home", str(home))
    assert (status, out) == (2, "")
    assert [line for line in err if line.startswith(f"hinomi: {file}:{place}: ") and problem in line], err
    assert len(err) == 1
    assert home_at(str(home)).tenants() == []


LOGS = """\
logs:
  - source: aws.cloudtrail
    aws: "123456789012"
    queue: https://sqs.ap-northeast-1.amazonaws.com/123456789012/trail
    buckets: [aozora-trail, aozora-more]
    role: arn:aws:iam::123456789012:role/hinomi-logs
"""


@pytest.mark.parametrize(
    ("before", "after", "place", "problem"),
    [
        ("aws.cloudtrail", "aws.trail", "9:13", "there is no source 'aws.trail'; known are aws.cloudtrail"),
        ("aws.cloudtrail", "gcp.audit", "9:13", "'gcp.audit' is a source of another cloud's; known here are aws.clo"),
        ("/123456789012/", "/210987654321/", "11:12", "is not a queue of the account 123456789012"),
        ("::123456789012:", "::210987654321:", "13:11", "is not a role of the account 123456789012"),
        ("hinomi-logs", "hinomi-read", "13:11", "reads or changes resources already"),
        ("hinomi-logs", "hinomi-write", "13:11", "reads or changes resources already"),
        ("role:", "external_id:", "13:18", "goes with a role"),
        ("https", "http", "11:12", "does not fit the pattern"),
        ("amazonaws.com/", "amazonaws.com.example/", "11:12", "does not fit the pattern"),
        ("/trail\n", "/trail/more\n", "11:12", "does not fit the pattern"),
        ("[aozora-trail, aozora-more]", "[]", "12:14", "non-empty"),
        ("aozora-more", "aozora-trail", "12:29", "the bucket aozora-trail stands twice"),
        ("aozora-more", "xx", "12:29", "does not fit the pattern"),
        ("aozora-more", "Aozora", "12:29", "does not fit the pattern"),
        ("aozora-more", "10.20.30.40", "12:29", "does not fit the pattern"),
        ("aozora-more", "aozora..more", "12:29", "does not fit the pattern"),
        ("aozora-more", "aozora-s3alias", "12:29", "does not fit the pattern"),
        ("aozora-more", "arn:aws:s3:::aozora", "12:29", "does not fit the pattern"),
        ("    role", "    regions: [us-east-1]\n    role", "13:5", "the key 'regions' is not known here"),
        (LOGS, LOGS + LOGS.removeprefix("logs:\n"), "16:12", "amazonaws.com/123456789012/trail stands twice"),
    ],
)
def test_logs_of_tenant_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, place: str, problem: str
) -> None:
    home, file = tmp_path / "home", tmp_path / "t.yaml"
    home_at(str(home)).create()
    role = "arn:aws:iam::123456789012:role/hinomi"
    tenant = TENANT.replace("regions:", f'role: "{role}-read", write: {{role: "{role}-write"}}, regions:')
    file.write_text(tenant + LOGS, encoding="utf-8")
    assert run(capsys, "apply", str(file), "--home", str(home), "--dry-run")[0] == 0
    text = LOGS.replace(before, after, 1)
    assert text != LOGS
    file.write_text(tenant + text, encoding="utf-8")
    status, out, err = run(capsys, "apply", str(file), "--home", str(home))
    assert (status, out) == (2, "")
    assert [line for line in err if line.startswith(f"hinomi: {file}:{place}: ") and problem in line], err
    assert len(err) == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"tenant: \xff\n", ":1:9: is not UTF-8"),
        (b"#" * 1_000_001, ": is larger than 1,000,000 bytes"),
        (b"", "has to be a mapping"),
        (b"[" * 100_000, "nested deeper"),
    ],
)
def test_files_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, problem: str) -> None:
    home, file = tmp_path / "home", tmp_path / "t.yaml"
    home_at(str(home)).create()
    file.write_bytes(content)
    status, _, err = run(capsys, "apply", str(file), "--home", str(home))
    assert status == 2
    assert problem in err[0]
    assert len(err) == 1


def test_files_and_homes_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "missing")
    for arguments, problem in (
        (("apply", missing, "--home", missing), "run `hinomi init` first"),
        (("scan", "aozora", "--home", missing), "run `hinomi init` first"),
        (("init", "--home", "/dev/null/home"), "cannot be made"),
        (("check", "aws", "--settings", missing), "cannot be read: No such file"),
    ):
        status, out, err = run(capsys, *arguments)
        assert (status, out, len(err)) == (2, "", 1)
        assert problem in err[0]
    assert not Path(missing).exists()
    run_init = tmp_path / "home"
    main_status = run(capsys, "init", "--home", str(run_init))[0]
    assert main_status == 0
    assert (
        "there is no tenant 'aozora'; known are none yet"
        in run(capsys, "scan", "aozora", "--home", str(run_init))[2][0]
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--policy", "prowler:nothing"), "no policy is called 'prowler:nothing'"),
        (("--service", "s4"), "no policy is of 's4'"),
        (("--severity", "huge"), "'huge' is none of"),
        (("--now", "tomorrow"), "--now: 'tomorrow' is no moment"),
        (("--profile", "nobody"), "the AWS profile 'nobody' does not exist"),
        (("--region", "eu-nowhere-1"), "the region 'eu-nowhere-1' "),
        (
            ("--role", "arn:aws:iam::123456789012:role/x", "--external-id", "yy", "--region", "xx"),
            "the region 'xx' does not answer",
        ),
    ],
)
def test_options(
    emulator: Emulator, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], problem: str
) -> None:
    status, out, err = run(capsys, "check", "aws", *arguments)
    assert (status, out, len(err)) == (2, "", 1)
    assert problem in err[0]


def test_wrong_credentials(
    monkeypatch: pytest.MonkeyPatch, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    status, _, err = run(capsys, "check", "aws")
    assert (status, err) == (
        2,
        ["hinomi: no AWS credentials were found; set AWS_PROFILE or AWS_ACCESS_KEY_ID, or pass --profile"],
    )


def test_an_address_where_nobody_answers(
    monkeypatch: pytest.MonkeyPatch, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    status, _, err = run(capsys, "check", "aws", "--region", "ap-northeast-1")
    assert (status, len(err)) == (2, 1)
    assert "does not answer in the region 'ap-northeast-1'" in err[0]


@pytest.mark.parametrize(
    ("before", "after", "place", "problem"),
    [
        ("severity: high", "severity: hihg", "3:11", "did you mean 'high'?"),
        ("kind:", "kined:", "2:1", "'kined' is not known"),
        ("title: {en: t, ja: 題}", "title: {en: t}", "4:8", "lacks 'ja'"),
        ("effort_hours: 1", "effort_hours: 0", "7:15", "0"),
        ("has(r.Policy)", "has(r.Policy", "8:19", "Syntax error"),
        ("has(r.Policy)", "size(r) > 0", "8:12", "stands alone"),
        ("has(r.Policy)", "r.Policy + 1", "8:7", "yields"),
        ("has(r.Policy)", "'\"text\"'", "8:7", "yields string, bool is needed"),
        ("has(r.Policy)", "1 + 'a' == 2", "8:9", "no matching overload"),
        ("pass: has", "with: {now: aws.s3.account-block}\npass: has", "8:13", "has a meaning of its own"),
        (
            "pass: has",
            "with: {k: {all: aws.kms.key, key: KeyId, of: 'l.map(x, x.Name)'}, l: {all: aws.s3.bucket}}\npass: has",
            "8:47",
            "'l' is not known here yet",
        ),
        (
            "pass: has",
            "with: {k: {all: aws.kms.key, key: KeyId, by: o.KeyId, of: '[]'}}\npass: has",
            "8:11",
            "'of' goes with either 'key' or 'by'",
        ),
        ("pass: has", "with: {k: {all: aws.kms.key, by: r.Name, of: '[]'}}\npass: has", "8:35", "undeclared reference"),
        ("pass: has", "with: {k: {all: aws.kms.key, by: '1 == 1', of: '[]'}}\npass: has", "8:34", "string is needed"),
        ("pass: has", "message: {en: 'a {{ r.x + }}', ja: い}\npass: has", "8:21", "Syntax error"),
        ("pass: has", "each: {list: '1 + 1', key: '2'}\npass: has", "8:14", "list is needed"),
    ],
)
def test_policies(before: str, after: str, place: str, problem: str) -> None:
    text = POLICY.replace(before, after, 1)
    assert text != POLICY
    with pytest.raises(Refused) as refused:
        policies.compile_policy(parse(text.encode(), "p.yaml"))
    lines = [str(fault) for fault in refused.value.faults]
    assert any(line.startswith(f"p.yaml:{place}: ") and problem in line for line in lines), lines


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = folder / "policies" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def test_all_faults_of_a_load_come_at_once(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "aws/s3/x.yaml": POLICY.replace("severity: high", "severity: hihg").replace("effort_hours: 1\n", ""),
            "aws/s3/y.yaml": POLICY.replace("has(r.Policy)", "zzz && yyy"),
            "aws/s3/z.yaml": POLICY,
        },
    )
    with pytest.raises(Refused) as refused:
        assemble(folder)
    assert [(Path(f.file).name, f.line) for f in refused.value.faults] == [
        ("x.yaml", 1),
        ("x.yaml", 3),
        ("y.yaml", 1),  # the id is not the path's
        ("y.yaml", 8),
        ("z.yaml", 1),  # neither is this one's
        ("z.yaml", 1),  # and it is taken
    ]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            {"aws/s3/x.yaml": POLICY.replace("aws.s3.bucket", "aws.s3.bukket")},
            "policies/aws/s3/x.yaml:2:7: there is no kind 'aws.s3.bukket'",
        ),
        (
            {"aws/s3/x.yaml": POLICY.replace("r.Policy", "r.Polizy")},
            "policies/aws/s3/x.yaml:8:13: aws.s3.bucket has no field 'Polizy'",
        ),
        (
            {"aws/ec2/x.yaml": POLICY},
            "policies/aws/ec2/x.yaml:1:5: the id 'aws.s3.x' and the path disagree; the path says 'aws.ec2.x'",
        ),
        (
            {"aws/s3/x.yaml": POLICY, "aws/s3/y.yaml": POLICY},
            "policies/aws/s3/y.yaml:1:5: the id 'aws.s3.x' is taken by policies/aws/s3/x.yaml",
        ),
        (
            {
                "aws/s3/x.yaml": POLICY.replace(
                    "pass: has", "with: {k: {all: aws.kms.key, key: Nope, of: '[]'}}\npass: has"
                )
            },
            "aws.kms.key has no field 'Nope'",
        ),
    ],
)
def test_what_policies_say_of_other_rooms(tmp_path: Path, files: dict[str, str], problem: str) -> None:
    with pytest.raises(Refused) as refused:
        assemble(write(tmp_path, files))
    assert any(problem in str(fault) for fault in refused.value.faults), refused.value


@pytest.mark.parametrize(
    ("before", "after", "place", "problem"),
    [
        ("service: s3", "service: s4", "2:10", "the SDK knows no service 's4'"),
        ("list_buckets", "list_bukkets", "4:12", "s3 has no operation 'list_bukkets'"),
        ("list_buckets", "list_directory_buckets", "4:12", "the root element of ListDirectoryBuckets's replies is not"),
        ("rows: Buckets", "rows: Bukkets", "4:32", "ListBuckets returns no 'Bukkets'"),
        ("list: {op: list_buckets, rows: Buckets}", "scope2: 1", "4:1", "'scope2' is not known"),
        ("list: {op: list_buckets, rows: Buckets}", "", "1:1", "either 'list' or 'one: true'"),
        ("{Bucket: $Name}", "{Bukket: $Name}", "8:50", "GetBucketPolicy has no parameter 'Bukket'"),
        ("args: {Bucket: $Name}, ", "", "8:16", "GetBucketPolicy needs the parameter 'Bucket'"),
        ("$Name}", "$Nam}", "8:41", "$Nam is not known before this call"),
        ("get: Policy", "get: Polizy", "8:63", "GetBucketPolicy returns no 'Polizy'"),
        ("[NoSuchBucketPolicy]", "[AccessDenied]", "8:80", "AccessDenied is a refusal; it cannot mean absent"),
        ("[NoSuchBucketPolicy]", "[InvalidAccessKeyId]", "8:80", "InvalidAccessKeyId is a refusal"),
        ("name: $Name", "name: $Name\ngone: [AccessDenied]", "7:8", "AccessDenied is a refusal; it cannot mean gone"),
        ("[NoSuchBucketPolicy]", "[SlowDown]", "8:80", "SlowDown is a refusal"),
        ("  Policy:", "  Name:", "8:9", "is a field of the listed row already"),
        ('$Name"', '$Nam"', "5:6", "$Nam is no field of the row and no detail"),
        ("name: $Name", "name: $Name\nvolatile: [Size]", "7:12", "'Size' is no field"),
        ("name: $Name", "name: $Name\nregion: {of: Where, default: us-east-1}", "7:14", "'Where' is no detail"),
        ("name: $Name", "name: $Name\nomit: [Nmae]", "7:8", "there is no field 'Nmae' at any depth"),
        ("name: $Name", "name: $Name\nsecrets: {Nmae: lines}", "7:17", "there is no field 'Nmae' at any depth"),
        ("name: $Name", "name: $Name\nsecrets: {Name: line}", "7:17", "'line'"),
        ("get: Policy, ", "secrets: {Polizy: lines}, ", "8:76", "there is no field 'Polizy' at any depth"),
        ("get: Policy, ", "only: {Where: $account}, ", "8:64", "Where is not known before this call"),
        (
            "rows: Buckets",
            "rows: Buckets, within: {op: list_bukkets, rows: B, as: b}",
            "4:54",
            "no operation 'list_bukkets'",
        ),
        (
            "rows: Buckets",
            "rows: Buckets, within: {op: list_buckets, rows: B, as: b}",
            "4:74",
            "ListBuckets returns no 'B'",
        ),
    ],
)
def test_types(before: str, after: str, place: str, problem: str) -> None:
    text = TYPE.replace(before, after, 1)
    assert text != TYPE
    with pytest.raises(Refused) as refused:
        _ = resource_types.read(parse(text.encode(), "t.yaml")).kind
    lines = [str(fault) for fault in refused.value.faults]
    assert any(line.startswith(f"t.yaml:{place}: ") and problem in line for line in lines), lines


@pytest.mark.parametrize(
    "case", ["{r: 5}", "{r: {}, unknown: 5}", "{r: {}, now: xyz}", "{r: {}, settings: 5}", "{q: {}}"]
)
def test_cases_that_are_none(tmp_path: Path, case: str) -> None:
    text = POLICY.replace("fail: [{r: {}}]", f"fail: [{case}]")
    catalog = assemble(write(tmp_path, {"aws/s3/x.yaml": text}))
    faults = list(cases.faults(catalog.policies[0], catalog.kinds))
    assert [(fault.line, fault.column) for fault in faults] == [(9, 43)]


def test_the_texts_above_are_right_as_they_stand() -> None:
    policies.compile_policy(parse(POLICY.encode(), "p.yaml"))
    assert resource_types.read(parse(TYPE.encode(), "t.yaml")).kind.name == "aws.s3.bucket"
    assert assemble(config_folder()).policies
    assert str(Fault("f", 1, 2, "p")) == "f:1:2: p"
