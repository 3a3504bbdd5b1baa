"""Which provider a contract is with, and how an installation names its providers."""

from datetime import datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from catalog.folder import config_folder
from catalog.terms import load_settings
from contract import provider
from contract.days import end_of
from contract.provider import PROVIDER, provider_on
from contract.records import Book
from contract.settings import explain, lines
from contract.showing import lines as shown_lines
from contract.showing import summary
from model.canonical import parse_instant
from model.contract_record import ContractRecord, SettingRecord
from model.fault import Refused
from model.installation import Installation
from model.service_provider import ServiceProvider, ServiceProviders
from model.text import Text
from pipeline.installation import settings
from pipeline.tenants.terms import definitions, terms

HINOMI = ServiceProvider(Text(en="Hinomi K.K.", ja="株式会社火の見"), "T1234567890123", "みずほ銀行 本店 普通 1234567")
GROUP = ServiceProvider(Text(en="Hinomi Group K.K.", ja="火の見グループ株式会社"))
KNOWN = ServiceProviders({"hinomi": HINOMI, "group-co": GROUP}, "hinomi")


def at(day: str) -> datetime:
    return parse_instant(end_of(datetime.fromisoformat(day).date()))


def record(number: int, value: str, day: str) -> ContractRecord:
    return ContractRecord(number, SettingRecord(PROVIDER, value), day, "2026-01-01T00:00:00.000000Z", "mori")


RECORDS = [record(1, "group-co", "2026-10-01"), record(2, "hinomi", "2027-04-01")]


@pytest.mark.article(1)
@pytest.mark.parametrize(
    ("records", "day", "among", "found"),
    [
        ([], "2026-10-01", KNOWN, HINOMI),
        (RECORDS, "2026-09-30", KNOWN, HINOMI),
        (RECORDS, "2026-10-01", KNOWN, GROUP),
        (RECORDS, "2027-03-31", KNOWN, GROUP),
        (RECORDS, "2027-04-01", KNOWN, HINOMI),
        (RECORDS[:1], "2027-04-01", ServiceProviders({"group-co": GROUP}, "group-co"), GROUP),
        (RECORDS, "2026-10-01", ServiceProviders(), None),
        ([], "2026-10-01", ServiceProviders(), None),
    ],
)
def test_the_contract_s_own_provider_goes_before_the_default(
    records: list[ContractRecord], day: str, among: ServiceProviders, found: ServiceProvider | None
) -> None:
    assert provider_on(records, at(day), among) == found


def test_a_provider_that_is_not_there_is_no_other() -> None:
    with pytest.raises(Refused, match=r"cannot be named: there is no provider 'group-co' in installation\.yaml"):
        provider_on(RECORDS, at("2026-10-01"), ServiceProviders({"hinomi": HINOMI}, "hinomi"))


def test_it_is_the_setting_that_is_shipped() -> None:
    shipped = definitions(load_settings(config_folder()))[PROVIDER]
    assert {one.value for one in shipped.editions} == {None}, "no edition says it of all contracts"
    assert {PROVIDER: replace(shipped, editions=())} == provider._DEFINITIONS


def test_where_nothing_is_recorded_the_explanation_leads_to_the_file() -> None:
    known, text = definitions(load_settings(config_folder())), Text(en="x", ja="x")
    unset, own = (lines("t", text, explain(PROVIDER, known, RECORDS, at(day))) for day in ("2026-09-30", "2026-10-01"))
    assert unset[1].en == "Without a record the default provider of installation.yaml holds (Article 1(1))"
    assert unset[1].ja == "記録がない場合は、installation.yamlの既定の提供者によります（第1条第1項）"
    assert (own[0].en, own[1].en) == (
        "t: group-co (x)", "From: individual conditions, record 1, effective from 2026-10-01 (Article 6(1))",
    )  # fmt: skip


@pytest.mark.article(1)
@pytest.mark.parametrize(
    ("among", "english", "japanese"),
    [
        (
            KNOWN,
            "Provider: Hinomi K.K., registration number T1234567890123 (Article 1(1))",
            "提供者：株式会社火の見、登録番号T1234567890123（第1条第1項）",
        ),
        (
            ServiceProviders({"g": GROUP}, "g"),
            "Provider: Hinomi Group K.K. (Article 1(1))",
            "提供者：火の見グループ株式会社（第1条第1項）",
        ),
        (
            ServiceProviders(),
            "Provider: not set (installation.yaml, providers)",
            "提供者：未設定（installation.yamlのproviders）",
        ),
    ],
)
def test_a_contract_shows_its_provider(among: ServiceProviders, english: str, japanese: str) -> None:
    last = shown_lines("aozora", summary(Book([], terms()), at("2026-06-01"), among))[-1]
    assert (last.en, last.ja) == (english, japanese)


# The installation's file.

TWO = "providers:\n  hinomi: {name: {en: A, ja: ア}}\n  group-co: {name: {en: B, ja: イ}}\n"


def read(folder: Path, text: str) -> Installation:
    (folder / "installation.yaml").write_text(text, encoding="utf-8")
    return settings(folder)


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("workers: 2\n", ""),
        ("providers: {hinomi: {name: {en: A, ja: ア}}}\n", "hinomi"),
        (f"{TWO}provider: group-co\n", "group-co"),
        (f"{TWO}provider: hinomi\n", "hinomi"),
    ],
)
def test_the_default_provider_is_the_one_that_is_named_or_alone(tmp_path: Path, text: str, default: str) -> None:
    found = read(tmp_path, text).service_providers
    assert (found.default, found.default in found.known) == (default, bool(default))


def test_a_provider_has_a_name_a_number_a_bank_and_a_rounding(tmp_path: Path) -> None:
    text = (
        'providers: {h: {name: {en: "A & B <Co>", ja: "株式会社\u3000火の見"}, registration_number: T1234567890123, '
        "bank: みずほ銀行, rounding: half-up}}\n"
    )
    one = read(tmp_path, text).service_providers.known["h"]
    assert one == ServiceProvider(
        Text(en="A & B <Co>", ja="株式会社\u3000火の見"), "T1234567890123", "みずほ銀行", "half-up"
    )


NAMED = "name: {en: A, ja: ア}"


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        (TWO, "1:1", "are several: say which one a contract has that names none (provider: hinomi)"),
        (f"{TWO}provider: groupco\n", "4:11", "there is no provider 'groupco'; known are hinomi, group-co"),
        ("provider: hinomi\n", "1:11", "there is no provider 'hinomi'; known are none: add it under 'providers'"),
        ("providers: {h: {}}\n", "1:16", "lacks 'name'"),
        ("providers: {h: {name: {en: A}}}\n", "1:23", "lacks 'ja'"),
        ('providers: {h: {name: {en: "A\\r\\nBcc: x@y.example", ja: ア}}}\n', "1:28", "has to be one line"),
        ('providers: {h: {name: {en: A, ja: "ア\\u2028イ"}}}\n', "1:35", "has to be one line"),
        ('providers: {h: {name: {en: A, ja: "ア\\u202eイ"}}}\n', "1:35", "visible characters"),
        ('providers: {h: {name: {en: " A", ja: ア}}}\n', "1:28", "without blanks before and after it"),
        ('providers: {h: {name: {en: "", ja: ア}}}\n', "1:28", "has to be one line"),
        (f"providers: {{h: {{name: {{en: {'A' * 101}, ja: ア}}}}}}\n", "1:28", "at most 100"),
        (f"providers: {{h: {{{NAMED}, registration_number: T123456789012}}}}\n", "1:60", "does not fit the pattern"),
        (f"providers: {{h: {{{NAMED}, registration_number: 1234567890123}}}}\n", "1:60", "1234567890123 is none of"),
        (f"providers: {{h: {{{NAMED}, registration_number: Ｔ1234567890123}}}}\n", "1:60", "does not fit the pattern"),
        (f"providers: {{h: {{{NAMED}, rounding: none}}}}\n", "1:49", "has to be one of down, half-up, up"),
        (f"providers: {{h: {{{NAMED}, bnak: x}}}}\n", "1:39", "did you mean 'bank'?"),
        (f"providers: {{H: {{{NAMED}}}}}\n", "1:", "H"),
    ],
)
def test_a_fault_of_the_file_is_one_line_with_its_place(tmp_path: Path, text: str, place: str, problem: str) -> None:
    with pytest.raises(Refused) as refused:
        read(tmp_path, text)
    (fault,) = refused.value.faults
    assert str(fault).startswith(f"{tmp_path / 'installation.yaml'}:{place}")
    assert problem in fault.problem
