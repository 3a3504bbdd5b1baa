"""What an option of the contract opens is looked at with it, and nowhere else."""

import pytest

from catalog.folder import config_folder
from catalog.yaml_reader import read
from collectors.aws import resource_types
from collectors.aws.permissions import Trust
from contract.menus import capabilities
from demo.company import DATA
from demo.stand_ins.aws_emulator import Emulator
from pipeline.assembly import offered
from pipeline.onboarding.aws import documents
from pipeline.policies.own_policies import catalog_of
from pipeline.tenants.terms import terms
from store.home import Home
from tests.commands import lines, run
from tests.contracts import known
from tests.own_policy import FORM
from tests.recorded_clouds import TENANT, catalog, types_of

POLICY = "aws.lambda.code-holds-secret"
AT = "2026-06-01T00:00:00.000000Z"
OWN = "aws.lambda.own-code"


def having(*options: str) -> frozenset[str]:
    menu = terms().menus[0]
    return capabilities(menu, ["base", *options])


@pytest.fixture
def store(home: Home) -> Home:
    known(home, "aozora", AT)
    return home


def test_without_the_option_neither_the_policy_nor_what_it_reads_is_there() -> None:
    narrow, whole = offered(catalog(), ()), catalog()
    assert {p.id for p in whole.policies} - {p.id for p in narrow.policies} == {POLICY}
    assert whole.kinds["aws.lambda.function"].fields - narrow.kinds["aws.lambda.function"].fields == {"Code"}
    assert offered(whole, having("function-code")).policies == whole.policies


@pytest.mark.parametrize(("options", "there"), [((), False), (("own-policies",), False), (("function-code",), True)])
def test_a_scan_follows_the_contract(store: Home, options: tuple[str, ...], there: bool) -> None:
    with catalog_of(catalog(), having(*options), store.tenant("aozora")) as known:
        assert (POLICY in {policy.id for policy in known.policies}) is there


@pytest.mark.process
@pytest.mark.parametrize(("options", "works"), [((), False), (("function-code",), True)])
def test_a_customers_policy_on_it_needs_the_option_too(store: Home, options: tuple[str, ...], works: bool) -> None:
    form = FORM.format(id=OWN, pass_="r.?Code.?files.orValue(0) == 0").replace("aws.s3.bucket", "aws.lambda.function")
    with store.tenant("aozora").write(AT, "p") as writer:
        writer.policies.add({OWN: form}, AT, "p")
    with catalog_of(catalog(), having("own-policies", *options), store.tenant("aozora")) as known:
        assert (OWN in {policy.id for policy in known.policies}) is works
        assert (OWN in known.broken) is not works


@pytest.mark.parametrize(
    ("filters", "reported"),
    [
        (["--service", "lambda"], []),
        (["--policy", "prowler:awslambda_function_no_secrets_in_code"], ["fail"]),
        (["--policy", POLICY, "--service", "lambda"], ["fail"]),
    ],
)
@pytest.mark.usefixtures("company")
def test_one_look_takes_it_where_it_is_named(
    filters: list[str], reported: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    said = lines(run(capsys, "check", "aws", "--format", "jsonl", "--region", "ap-northeast-1", *filters)[1])
    found = [line for line in said if line["policy"] == POLICY]
    assert [line["status"] for line in found] == reported
    assert [line["elements"] for line in found] == [[{"key": "pay/__init__.py:1", "status": "fail"}] for _ in reported]


def test_what_the_customer_gets_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "lambda:GetFunction" in run(capsys, "permissions", "aws", "--option", "function-code")[1]
    assert '"lambda:GetFunction"' not in run(capsys, "permissions", "aws")[1]
    assert run(capsys, "permissions", "aws", "--option", "functions")[0] == 2
    trust = Trust("arn:aws:iam::111122223333:role/hinomi", "xx")
    options: tuple[str, ...]
    for options, there in (((), False), (("function-code",), True)):
        types = [type_.offered(having(*options)) for type_ in resource_types.load()]
        made = documents(TENANT, types, trust, config_folder(), organization=False)
        assert len(made) == 3
        assert all(
            ("`lambda:GetFunction`" in text or '"lambda:GetFunction"' in text) is there for text in made.values()
        )


def test_whatever_an_option_lets_us_read_stands_in_the_guide() -> None:
    needed = {
        detail.capability
        for type_ in types_of(catalog(), "aws")
        for detail in type_.form.details.values()
        if detail.capability
    }
    assert needed == set(read(config_folder() / "onboarding" / "options.yaml").value)


def test_the_check_of_a_new_customer_goes_by_the_contract(
    emulator: Emulator, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("home")
    file = folder / "tenant.yaml"
    role = emulator.client("iam", "us-east-1").create_role(RoleName="a", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    emulator.client("lambda", "ap-northeast-1").create_function(
        FunctionName="f", Role=role, Runtime="python3.13", Handler="a.b", Code={"ZipFile": b"nothing"}
    )
    spec = (DATA / "tenant.yaml").read_text(encoding="utf-8")
    for text, reported in ((spec, True), (spec.replace(", options: [function-code]", ""), False)):
        home = ("--home", str(folder / f"home-{reported}"))
        assert run(capsys, "init", *home)[0] == 0
        file.write_text(text, encoding="utf-8")
        assert run(capsys, "apply", str(file), *home)[0] == 0
        out = run(capsys, "onboard", "check", "aozora-foods", *home)[1]
        assert ("lambda:GetFunction package that cannot be read" in out) is reported
