"""A cloud more is a folder (`tiny/`) and a line (`EVERY` here, PROVIDERS in the program): nothing else is edited."""

import json
from pathlib import Path

import pytest
import typer
from msgspec.structs import replace
from typer.testing import CliRunner

from catalog import policies
from cli import check, permissions
from detectors.posture import cases
from model.fault import Refused
from pipeline.assembly import Catalog, assemble, kinds
from pipeline.providers.provider import opening_of, provider_of
from pipeline.providers.recordings import parse
from pipeline.providers.registry import PROVIDERS
from pipeline.tenants.files import load_tenant
from pipeline.tenants.scopes import discovered
from pipeline.world import World
from store.home import Home
from tests.conftest import MovingClock
from tests.contracts import known as known_tenant
from tests.pipeline.providers.tiny.provider import FOLDER, PROVIDER
from tests.recorded_clouds import TENANT
from tests.worlds import scanned_in, world_of

EVERY = (*PROVIDERS, PROVIDER)
ELSEWHERE = replace(TENANT, scopes=[])
CONFIG = FOLDER / "config"


@pytest.fixture(scope="module")
def known() -> Catalog:
    return assemble(CONFIG, policies.load(CONFIG / "policies"), providers=EVERY)


@pytest.fixture
def world(home: Home, clock: MovingClock) -> World:
    known_tenant(home, TENANT.tenant, "2026-06-01T00:00:00.000000Z")
    return world_of(home, clock, EVERY)


def test_its_type_and_policy_stand_in_the_catalog(known: Catalog) -> None:
    assert [type_.kind.name for type_ in known.every_type] == ["tiny.attic.box"]
    assert "tiny.attic.box" in kinds(EVERY)
    assert "tiny.attic.box" not in kinds()
    assert list(cases.faults(known.policies[0], known.kinds)) == []


def test_a_tenant_is_scanned_in_it(world: World, known: Catalog) -> None:
    summary = scanned_in(world, ELSEWHERE, known)
    assert (summary.assets, summary.gaps) == (3, [])
    with world.home.tenant(TENANT.tenant).read() as reader:
        found = {(finding.policy, finding.scope, finding.resource) for finding in reader.findings()}
    assert found == {("tiny.attic.box-unlocked", "north", "cash"), ("tiny.attic.box-unlocked", "south", "shoes")}


def test_what_changes_is_refused_by_it_alone(clock: MovingClock) -> None:
    south = next(scope for scope in discovered(ELSEWHERE, "", clock, EVERY).found if scope.id == "south")
    with pytest.raises(Refused, match="nothing can be changed in south"):
        opening_of(south, EVERY).connect_write(south, [], clock)


def test_one_look_at_it_is_a_command() -> None:
    group = typer.Typer()
    check.add_commands(group, EVERY, CONFIG)
    done = CliRunner().invoke(group, ["tiny", "--attic", "north", "--attic", "west", "--format", "jsonl"])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 0, done.output
    assert {(line["resource"], line["status"]) for line in lines} == {
        ("letters", "pass"),
        ("cash", "fail"),
        ("toys", "fail"),
    }


def test_what_it_has_not_is_no_command() -> None:
    group = typer.Typer()
    permissions.add_commands(group, EVERY)
    assert {command.name for command in group.registered_commands} == {one.name for one in PROVIDERS} | {"changes"}
    with pytest.raises(Refused, match="tiny has no recordings"):
        list(parse([], PROVIDER))


def test_a_tenants_file_has_to_lead_to_places_of_some_provider(tmp_path: Path) -> None:
    file = tmp_path / "tenant.yaml"
    file.write_text("tenant: aozora\nname: {en: Aozora, ja: 青空}\ncontract: {start: 2026-06-01}\n", encoding="utf-8")
    with pytest.raises(Refused, match="'google' or 'kubernetes'"):
        load_tenant(file, [])
    assert load_tenant(file, [], EVERY).tenant == "aozora", "it has places of its own"


def test_one_that_nobody_has_registered_is_refused() -> None:
    with pytest.raises(Refused, match="there is no provider 'tiny'"):
        provider_of("tiny", PROVIDERS)
