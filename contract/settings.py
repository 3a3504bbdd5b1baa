"""Settings resolved: of the layers that say something of one, the strongest wins, and the rest is shown. Pure.

Individual conditions go before the specification, this before the terms, these before the base terms; the program's
default comes last (Articles 1(2)(3) and 6(1)).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from contract.days import begins
from model.contract_record import ContractRecord, Effective, JudgementRecord, SettingRecord
from model.fault import Refused
from model.text import Text, clause_ja

Value: TypeAlias = bool | int | str
EditionLayer: TypeAlias = Literal["specification", "terms", "base-terms"]
Layer: TypeAlias = Literal["individual", EditionLayer, "default"]

_INDIVIDUAL_CLAUSE = "6(1)"
# Strongest first, each with the clause by which it counts.
_EDITION_CLAUSES: dict[EditionLayer, str] = {"specification": "6(1)", "terms": "1(1)", "base-terms": "1(2)"}
LAYERS: Mapping[str, Text] = {
    "individual": Text(en="individual conditions", ja="個別条件"),
    "specification": Text(en="specification", ja="仕様書"),
    "terms": Text(en="terms of service", ja="約款"),
    "base-terms": Text(en="base terms", ja="基本約款"),
    "default": Text(en="default of the program", ja="プログラムの既定値"),
}
_COUNTED = {
    "days": ("day", "日"),
    "hours": ("hour", "時間"),
    "megabytes": ("megabyte", "メガバイト"),
    "minutes": ("minute", "分"),
    "records": ("record", "件"),
    "seconds": ("second", "秒"),
    "times": ("time", "回"),
}


class EditionValue(Struct, frozen=True):
    """What an edition of a layer says of one setting from a day on; None where it says nothing of it."""

    layer: EditionLayer
    edition: str
    effective: date
    value: Value | None


class Definition(Struct, frozen=True):
    """A setting: its unit, the clause that it belongs to, the program's default if there is one, and the editions."""

    unit: str
    clause: str
    default: Value | None
    editions: Sequence[EditionValue] = ()


class LayerValue(Struct, frozen=True):
    """What one layer says of a setting, with the clause by which it counts, and where it stands."""

    layer: Layer
    clause: str
    value: Value
    effective: Effective | None = None
    record: int | None = None
    edition: str | None = None


class Explained(Struct, frozen=True):
    """A setting's value, where it comes from, and what it overrides, strongest first.

    Without a value, nothing says anything of it, and a person decides. The `conflict` is what the specification says
    where the individual conditions say something else and nobody has settled it.
    """

    value: Value | None
    unit: str
    layer: Layer
    clause: str
    record: int | None = None
    edition: str | None = None
    effective: Effective | None = None
    overrides: Sequence[LayerValue] = ()
    conflict: LayerValue | None = None


def explain(
    key: str, definitions: Mapping[str, Definition], records: Sequence[ContractRecord], at: datetime
) -> Explained:
    """Return what holds of the setting of a key `at` an instant, by the definitions and a contract's records.

    Raises `Refused` for a key that is none of the definitions'.
    """
    if key not in definitions:
        raise Refused(f"there is no setting {key!r}; known are {', '.join(sorted(definitions))}")
    definition = definitions[key]
    found = list(_layers(key, definition, records, at))
    if not found:
        return Explained(None, definition.unit, "default", definition.clause)
    first, *weaker = found
    return Explained(
        first.value,
        definition.unit,
        first.layer,
        first.clause,
        first.record,
        first.edition,
        first.effective,
        weaker,
        _conflict(definition, found, records, at),
    )


def lines(name: str, text: Text, said: Explained, filed: Value | None = None) -> list[Text]:
    """Return in plain words what is `said` of a setting, by its name and what it is in a `text`.

    Where the tenant's file is what the service goes by today, what is `filed` there is said too if it is another value.
    """
    shown = _shown(said.value, said.unit)
    found = [Text(en=f"{name}: {shown.en} ({text.en})", ja=f"{name}：{shown.ja}（{text.ja}）"), _from(said)]
    for one in said.overrides:
        value, source = _shown(one.value, said.unit), _source(one)
        found.append(Text(en=f"Overrides: {value.en}, {source.en}", ja=f"上書きされた値：{value.ja}、{source.ja}"))
    if said.conflict:
        found.append(_conflict_shown(said, said.conflict))
    if filed is not None and filed != said.value:
        value = _shown(filed, said.unit)
        found.append(
            Text(
                en=f"The service goes by the tenant's file today, which says {value.en}",
                ja=f"現在、サービスはテナントのファイルの値（{value.ja}）に従って動作しています",
            )
        )
    return found


def _from(said: Explained) -> Text:
    if said.value is None and said.unit == "provider":
        return Text(
            en=f"Without a record the default provider of installation.yaml holds (Article {said.clause})",
            ja=f"記録がない場合は、installation.yamlの既定の提供者によります（{clause_ja(said.clause)}）",
        )
    if said.value is None:
        return Text(
            en=f"A person decides (Article {said.clause})", ja=f"担当者が判断します（{clause_ja(said.clause)}）"
        )
    source = _source(said)
    return Text(en=f"From: {source.en}", ja=f"根拠：{source.ja}")


def _conflict_shown(said: Explained, against: LayerValue) -> Text:
    value, number = _shown(against.value, said.unit), said.record
    return Text(
        en=f"Conflict: the specification says {value.en}; a person has to judge on record {number} "
        f"(`hinomi contract record`: judgement of {number}, confirmed)",
        ja=f"矛盾：仕様書の定めは{value.ja}です。記録{number}について担当者の判断が必要です"
        f"（`hinomi contract record`：judgement、of: {number}、confirmed）",
    )


def _layers(key: str, definition: Definition, records: Sequence[ContractRecord], at: datetime) -> Iterator[LayerValue]:
    """Yield what each layer says at an instant, the strongest first; those that say nothing are left out."""
    if individual := _individual(key, records, at):
        yield individual
    for layer in _EDITION_CLAUSES:
        if stated := _stated(definition, layer, at):
            yield stated
    if definition.default is not None:
        yield LayerValue("default", definition.clause, definition.default)


def _individual(key: str, records: Sequence[ContractRecord], at: datetime) -> LayerValue | None:
    """Return the condition of this contract alone: the newest by its effect, of several the one recorded last."""
    found = [
        (begins(one.effective), one.number, one, one.what.value)
        for one in records
        if isinstance(one.what, SettingRecord) and one.what.key == key and begins(one.effective) <= at
    ]
    if not found:
        return None
    _, number, one, value = max(found, key=lambda each: each[:2])
    return LayerValue("individual", _INDIVIDUAL_CLAUSE, value, one.effective, number)


def _stated(definition: Definition, layer: EditionLayer, at: datetime) -> LayerValue | None:
    """Return what the edition of a layer says that is in force at an instant."""
    in_force = [one for one in definition.editions if one.layer == layer and _begins(one) <= at]
    newest = max(in_force, key=lambda one: one.effective, default=None)
    if newest is None or newest.value is None:
        return None
    clause, day = _EDITION_CLAUSES[layer], newest.effective.isoformat()
    return LayerValue(layer, clause, newest.value, day, edition=newest.edition)


def _begins(one: EditionValue) -> datetime:
    return begins(one.effective.isoformat())


def _conflict(
    definition: Definition, found: Sequence[LayerValue], records: Sequence[ContractRecord], at: datetime
) -> LayerValue | None:
    """Return what the specification says against the individual conditions, None where a person has settled it."""
    own, against = (
        next((one for one in found if one.layer == layer), None) for layer in ("individual", "specification")
    )
    if own is None or against is None or own.value == against.value:
        return None
    for judged in _confirmed(records, own.record, at):
        # Whoever judged knew what the specification said then: another value of a later edition is another conflict.
        then = _stated(definition, "specification", judged)
        if then is not None and then.value == against.value:
            return None
    return against


def _confirmed(records: Sequence[ContractRecord], number: int | None, at: datetime) -> Iterator[datetime]:
    """Yield since when the record of a number is confirmed, by each judgement that is effective at an instant."""
    for one in records:
        match one.what:
            case JudgementRecord(of=of, decision="confirmed") if of == number and begins(one.effective) <= at:
                yield begins(one.effective)


def _shown(value: Value | None, unit: str) -> Text:
    """Return a value with its unit, as people read it."""
    if value is None:
        return Text(en="not set", ja="未設定")
    if isinstance(value, bool):
        return Text(en="yes" if value else "no", ja="はい" if value else "いいえ")
    if unit == "percent":
        return Text(en=f"{value} %", ja=f"{value}％")
    if unit in _COUNTED:
        english, japanese = _COUNTED[unit]
        return Text(en=f"{value} {english}{'' if value == 1 else 's'}", ja=f"{value}{japanese}")
    return Text(en=str(value), ja=str(value))


def _source(one: LayerValue | Explained) -> Text:
    """Return where a value comes from: its layer, the record or the edition, from when, and the clause."""
    english, japanese = [LAYERS[one.layer].en], [LAYERS[one.layer].ja]
    if one.record is not None:
        english.append(f"record {one.record}")
        japanese.append(f"記録{one.record}")
    if one.edition is not None:
        english.append(f"edition {one.edition}")
        japanese.append(f"{one.edition}版")
    if one.effective is not None:
        english.append(f"effective from {one.effective}")
        japanese.append(f"{one.effective}発効")
    return Text(
        en=f"{', '.join(english)} (Article {one.clause})", ja=f"{'、'.join(japanese)}（{clause_ja(one.clause)}）"
    )
