"""The stores: two kinds of session, fence, audit chain, slowly changing rows, versions."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, select, text

from model.asset import Asset
from model.canonical import digest
from model.fault import Refused
from model.finding import Fact
from pipeline.audit_keys import ArchivedKeys
from store import schema
from store.audit import GENESIS, NOTHING, Entry, Sealer
from store.home import Home
from store.rows import Run
from store.tenant import Fenced, TenantStore
from tests.homes import KEYS, home_at, stores_at, tamper

AT = "2026-06-01T00:00:00.000000Z"
LATER = "2026-06-02T00:00:00.000000Z"


@pytest.fixture
def store(home: Home) -> TenantStore:
    home.apply("aozora", {"tenant": "aozora"}, AT, "operator@host")
    return home.tenant("aozora")


def asset(name: str, **body: object) -> Asset:
    return Asset("aws.s3.bucket", f"arn:aws:s3:::{name}", name, "1", "global", body, digest(body))


def test_of_those_who_apply_at_once_each_is_recorded_or_refused(home: Home) -> None:
    home.apply("aozora", {"tenant": "aozora"}, AT, "p")

    def apply(number: int) -> int:
        try:
            return home.apply("aozora", {"tenant": "aozora", "by": number}, AT, "p").number
        except Refused:
            return 0

    with ThreadPoolExecutor(8) as pool:
        made = [number for number in pool.map(apply, range(8)) if number]
    assert sorted(made) == list(range(2, 2 + len(made)))
    store = home.tenant("aozora")
    assert store.audit_fault() == ""
    with store.read() as reader:
        assert home.edition_fault("aozora", reader.recorded("tenant.applied")) == ""


@pytest.mark.process
def test_an_unchanged_asset_writes_no_row_and_a_changed_one_exactly_one(store: TenantStore) -> None:
    with store.write(AT, "p") as writer:
        assert writer.put_assets([asset("a", x=1), asset("b", x=1)], AT) == 2
    with store.write(LATER, "p") as writer:
        assert writer.put_assets([asset("a", x=1), asset("b", x=2)], LATER) == 1
    with store.read() as reader:
        assert reader.asset_rows() == 3
        assert len(list(reader.current_assets())) == 2


@pytest.mark.process
def test_what_fails_in_the_middle_leaves_nothing(store: TenantStore) -> None:
    def break_off() -> None:
        with store.write(AT, "p") as writer:
            writer.put_assets([asset("a")], AT)
            writer.record("x", "y")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        break_off()
    with store.read() as reader:
        assert reader.asset_rows() == 0
    assert store.audit_fault() == ""


@pytest.mark.process
def test_the_reader_cannot_write(store: TenantStore) -> None:
    with pytest.raises(Refused, match="readonly"), store.read() as reader:
        reader._connection.execute(schema.fence.insert().values(job="j", number=1))


@pytest.mark.process
def test_a_worker_that_wakes_up_late_is_fenced_off(home: Home, store: TenantStore) -> None:
    early, late = home.take("scan", "r1"), home.take("scan", "r2")
    with store.write(AT, "p", early) as writer:
        writer.put_assets([asset("a")], AT)
    with store.write(AT, "p", late) as writer:
        writer.put_assets([asset("b")], AT)
    with pytest.raises(Fenced, match="a later run"), store.write(AT, "p", early) as writer:
        writer.put_assets([asset("c")], AT)
    with store.read() as reader:
        assert reader.asset_rows() == 2


@pytest.mark.process
def test_a_repeated_run_is_a_no_op(store: TenantStore) -> None:
    run = Run("id", "job", "slot", AT, "", {})
    with store.write(AT, "p") as writer:
        assert writer.start_run(run)
    with store.write(AT, "p") as writer:
        assert not writer.start_run(run)


@pytest.mark.process
def test_facts_without_their_finding_are_not_reported(store: TenantStore) -> None:
    with store.write(AT, "p") as writer:
        writer.put_facts([Fact("nobody", "open", AT)], "run")
    with store.read() as reader:
        assert reader.unnotified() == []


COLUMNS = "at, person, action, subject, detail, previous, hash, key, session"
# Records 2 and 3 change places.
SWAP = (
    "UPDATE audit SET seq = seq + 100 WHERE seq IN (2, 3)",
    "UPDATE audit SET seq = 3 WHERE seq = 102",
    "UPDATE audit SET seq = 2 WHERE seq = 103",
)


def rewritten(sealer: Sealer) -> tuple[str, ...]:
    """An attacker who knows the program, and has keys of their own or another store's records, makes a new chain."""
    statements, last = ["DELETE FROM audit"], None
    for _ in range(6):
        last = sealer.sealed(last, Entry("invented", "x"), AT, "p", 1)
        values = ", ".join(f"'{getattr(last, name)}'" for name in COLUMNS.split(", "))
        made = f"INSERT INTO audit (seq, {COLUMNS}) VALUES ({last.seq}, {values})"
        statements.append(made.replace(":", "\\:"))
    return tuple(statements)


OWN_KEY = Sealer("tenant aozora", ArchivedKeys({"1": b"x" * 32}))
NO_SUCH_KEY = Sealer("tenant aozora", ArchivedKeys({"7": b"x" * 32}))
OTHERS = Sealer("tenant midori", KEYS)


@pytest.mark.process
@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (("UPDATE audit SET person = 'somebody else' WHERE seq = 3",), "record 3 was changed"),
        (("UPDATE audit SET detail = '{}' WHERE seq = 5",), "record 5 was changed"),
        (("DELETE FROM audit WHERE seq = 3",), "record 3 is missing"),
        (SWAP, "record 2 does not follow record 1"),
        (("DELETE FROM audit WHERE seq >= 4",), "the chain ends at record 3; the service store knows 6"),
        (("DELETE FROM audit",), "the chain ends at record 0"),
        (rewritten(OWN_KEY), "record 1 was changed"),
        (rewritten(NO_SUCH_KEY), "record 1 was sealed by the key '7', which is not here"),
        (rewritten(OTHERS), "record 1 was changed"),
        (rewritten(Sealer("tenant aozora", KEYS)), "record 6 differs from the copy"),  # whoever has the key
        (("UPDATE audit SET session = session + 1 WHERE seq = 3",), "record 3 was changed"),
        (("UPDATE audit SET key = '' WHERE seq = 3",), "record 3 is not sealed by a key"),
    ],
)
def test_the_audit_chain_shows_what_was_done_to_it(
    store: TenantStore, address: str, statements: tuple[str, ...], fault: str
) -> None:
    for number in range(5):
        with store.write(AT, "p") as writer:
            writer.record("did", "something", number=number)
    assert store.audit_fault() == ""
    tamper(address, "aozora", *statements)
    assert fault in store.audit_fault()


@pytest.mark.process
def test_nothing_is_appended_to_a_chain_that_was_cut(store: TenantStore, address: str) -> None:
    for number in range(5):
        with store.write(AT, "p") as writer:
            writer.record("did", "something", number=number)
    tamper(address, "aozora", "DELETE FROM audit WHERE seq >= 4")

    def go_on() -> None:
        with store.write(AT, "p") as writer:
            writer.put_assets([asset("a")], AT)
            writer.record("did", "more")

    with pytest.raises(Refused, match="the audit chain cannot be trusted: the chain ends at record 3"):
        go_on()
    with store.read() as reader:
        assert reader.asset_rows() == 0


@pytest.mark.process
def test_a_copy_of_the_head_is_one_that_was_made_here(store: TenantStore, address: str) -> None:
    copies = []
    for number in range(4):
        with store.write(AT, "p") as writer:
            writer.record("did", "something", number=number)
        with stores_at(address).service().read() as connection:
            copies.append(connection.execute(select(schema.audit_head)).one())
    tamper(address, "", "UPDATE audit_head SET hash = 'x'")
    assert "differs from the copy" in store.audit_fault()
    one_behind, older = copies[-2], copies[0]
    for copy, fault in ((one_behind, ""), (older, "the chain is 3 transactions ahead of the copy"), (copies[-1], "")):
        with stores_at(address).service().write() as connection:
            connection.execute(schema.audit_head.update().values(**copy._mapping))
        assert store.audit_fault().startswith(fault)
        assert bool(store.audit_fault()) == bool(fault)


@pytest.mark.process
def test_whoever_died_before_the_first_copy_is_followed(store: TenantStore, address: str) -> None:
    code = Sealer("tenant aozora", KEYS).head(NOTHING).replace(":", "\\:")
    tamper(address, "", f"UPDATE audit_head SET seq = 0, hash = '{GENESIS}', code = '{code}'")
    assert store.audit_fault() == ""
    with store.write(AT, "p") as writer:
        writer.record("did", "something")
    assert store.audit_fault() == ""


@pytest.mark.process
def test_a_copy_that_was_removed_is_no_proof(store: TenantStore, address: str) -> None:
    with store.write(AT, "p") as writer:
        writer.record("did", "something")
    tamper(address, "", "DELETE FROM audit_head")
    with store.observe(AT, "p") as writer:
        writer.record("saw", "something")
    assert "no copy of this chain's last hash" in store.audit_fault(), "what was seen since makes no new copy"


def append(address: str, worker: int, times: int) -> None:
    store = home_at(address).tenant("aozora")
    for number in range(times):
        with store.write(AT, f"worker{worker}") as writer:
            writer.record("appended", f"{worker}-{number}")
            writer.put_assets([asset(f"{worker}-{number}")], AT)


@pytest.mark.process
def test_several_processes_append_and_nothing_is_lost(store: TenantStore, address: str) -> None:
    workers, times = 4, 15
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=append, args=(address, w, times)) for w in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    with stores_at(address).tenant("aozora").read() as connection:
        subjects = set(connection.execute(text("SELECT subject FROM audit WHERE action = 'appended'")).scalars())
        rows = connection.execute(text("SELECT count(*) FROM asset")).scalar()
    assert subjects == {f"{w}-{n}" for w in range(workers) for n in range(times)}
    assert rows == workers * times
    assert store.audit_fault() == ""


@pytest.mark.process
@pytest.mark.parametrize(("kind", "metadata"), [("tenant", schema.tenant), ("service", schema.service)])
def test_migrations_make_what_the_schema_says(kind: str, metadata: MetaData, store: TenantStore, address: str) -> None:
    stores = stores_at(address)
    with (stores.tenant("aozora") if kind == "tenant" else stores.service()).read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    config = Config()
    folder = Path(schema.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    config.set_main_option("version_locations", str(folder / kind / "versions"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == schema.VERSIONS[kind]


@pytest.mark.process
@pytest.mark.parametrize("name", ["", "aozora"])
def test_a_store_of_a_newer_version_is_refused_and_left_alone(
    home: Home, store: TenantStore, address: str, name: str
) -> None:
    tamper(address, name, "UPDATE alembic_version SET version_num = '9999'")
    before = rows_of(address, name)
    for act in (home.create, lambda: home.tenant("aozora")):
        with pytest.raises(Refused, match="newer version"):
            act()
    assert rows_of(address, name) == before


def rows_of(address: str, name: str) -> dict[str, list[object]]:
    stores = stores_at(address)
    with (stores.tenant(name) if name else stores.service()).read() as connection:
        tables = (schema.tenant if name else schema.service).sorted_tables
        return {table.name: [tuple(row) for row in connection.execute(select(table))] for table in tables}


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    home = home_at(str(tmp_path))
    home.create()
    home.apply("aozora", {"tenant": "aozora"}, AT, "p")
    (tmp_path / "tenants" / "aozora.sqlite").write_bytes(
        b"something else entirely, and long enough to be read as a header" * 20
    )
    with pytest.raises(Refused, match="no Hinomi store"):
        home.tenant("aozora")


@pytest.mark.process
def test_applying_the_same_file_again_adds_no_edition(home: Home, store: TenantStore) -> None:
    assert home.apply("aozora", {"tenant": "aozora"}, LATER, "p").number == 1
    assert home.apply("aozora", {"tenant": "aozora", "language": "en"}, LATER, "p").number == 2


@pytest.mark.process
def test_a_changed_edition_of_a_file_shows(home: Home, store: TenantStore, address: str) -> None:
    home.apply("aozora", {"tenant": "aozora", "language": "en"}, LATER, "p")

    def fault() -> str:
        with store.read() as reader:
            return home.edition_fault("aozora", reader.recorded("tenant.applied"))

    assert fault() == ""
    tamper(address, "", "UPDATE edition SET document = '{}' WHERE number = 2")
    assert fault() == "edition 2 of its file is not the one that was recorded"


def test_stores_are_for_their_owner_only(tmp_path: Path) -> None:
    home = home_at(str(tmp_path / "home"))
    home.create()
    home.apply("aozora", {"tenant": "aozora"}, AT, "p")
    for part in ("service.sqlite", "tenants", "tenants/aozora.sqlite"):
        assert (tmp_path / "home" / part).stat().st_mode & 0o077 == 0
