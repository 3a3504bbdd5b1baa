"""Sources of logs are files: each fault of one is a line with its place."""

from pathlib import Path

import pytest

from catalog import sources
from catalog.folder import config_folder
from model.fault import Refused
from model.log_source import Part, parts_of

IDS = ["aws.cloudtrail", "azure.activity", "azure.audit", "azure.signin", "gcp.audit", "kubernetes.audit"]
GOOD = """\
id: aws.trail
text: {en: Trail, ja: 証跡}
provider: aws
event:
  id: [id]
  time: [time]
  type: ['{verb} {what}']
  principal: [who.name]
envelopes: [cloudtrail-records]
critical:
  - {type: delete logs, why: ends it}
"""


def load(tmp_path: Path, **files: str) -> list[str]:
    """Return the faults of a folder of files, by their names with `_` for the dot."""
    folder = tmp_path / "sources"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name.replace('_', '.')}.yaml").write_text(text, encoding="utf-8")
    try:
        sources.load(tmp_path)
    except Refused as refused:
        return [str(fault).removeprefix(f"{folder}/") for fault in refused.faults]
    return []


def test_the_sources_are_there() -> None:
    shipped = sources.load(config_folder())
    assert list(shipped) == IDS
    assert [source.id for source in shipped.values() if not 1 <= len(source.critical) <= 25] == []


def test_a_good_one_has_no_faults(tmp_path: Path) -> None:
    assert load(tmp_path, aws_trail=GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("cloudtrail-records]", "cloudtrail-record]", "aws.trail.yaml:9:13: 'cloudtrail-record' has to be one of"),
        (
            "cloudtrail-records]",
            "cloudtrail-records, cloudtrail-records]",
            "aws.trail.yaml:9:33: 'cloudtrail-records' stands there twice",
        ),
        ("id: aws.trail", "id: aws.trails", "aws.trail.yaml:1:5: 'aws.trails' has to be the file's name, 'aws.trail'"),
        ("id: aws.trail", "id: AWS", "aws.trail.yaml:1:5: 'AWS' does not fit the pattern"),
        ("provider: aws", "provider: aw", "aws.trail.yaml:3:11: 'aw' has to be one of"),
        ("ja: 証跡", "ja: ''", "aws.trail.yaml:2:23: is empty; name the source"),
        ("text: {en: Trail, ja: 証跡}", "text: {en: Trail}", "aws.trail.yaml:2:7: lacks 'ja'"),
        ("  id: [id]", "  id: []", "aws.trail.yaml:5:7: "),
        ("  id: [id]", "  ids: [id]", "aws.trail.yaml:5:3: the key 'ids' is not known here; did you mean 'id'?"),
        ("[time]", "[5]", "aws.trail.yaml:6:10: 5 has to be text"),
        ("[time]", "[a..b]", "aws.trail.yaml:6:10: 'a..b' is no place"),
        ("{verb} {what}", "{verb {what}", "aws.trail.yaml:7:10: '{verb {what}' is no place"),
        ("{verb} {what}", "x {verb} {what}", "aws.trail.yaml:7:10: 'x {verb} {what}' is no place"),
        (
            "[who.name]",
            "[Records.name]",
            "aws.trail.yaml:8:15: 'Records' is what the envelope 'cloudtrail-records' is known by",
        ),
        (
            "delete logs",
            "deleteLogs",
            "aws.trail.yaml:11:12: 'deleteLogs' is no type of this source, which is written {verb} {what}",
        ),
        ("delete logs", "delete * logs", "aws.trail.yaml:11:12: 'delete * logs' does not fit the pattern"),
        (", why: ends it", "", "aws.trail.yaml:11:5: lacks a reason"),
        ("why: ends it", "technique: T1", "aws.trail.yaml:11:36: 'T1' does not fit the pattern"),
        (
            "it}\n",
            "it}\n  - {type: DELETE logs, why: again}\n",
            "aws.trail.yaml:12:12: 'DELETE logs' stands there twice",
        ),
    ],
)
def test_faults_have_their_places(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    faults = load(tmp_path, aws_trail=GOOD.replace(old, new, 1))
    assert [fault.startswith(expected) for fault in faults] == [True], faults


def test_an_id_stands_in_one_file(tmp_path: Path) -> None:
    faults = load(tmp_path, aws_trail=GOOD, aws_twin=GOOD)
    assert [fault.split(": ", 1)[1] for fault in faults] == [
        "'aws.trail' has to be the file's name, 'aws.twin'; rename one of them",
        "the id 'aws.trail' stands in two files; rename one",
    ]


def test_a_folder_without_sources_is_refused(tmp_path: Path) -> None:
    assert [fault.endswith("holds no source (*.yaml)") for fault in load(tmp_path)] == [True]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("a", [Part("", ("a",))]),
        ("a.b-c", [Part("", ("a", "b-c"))]),
        ('a."http://x.y/z".c', [Part("", ("a", "http://x.y/z", "c"))]),
        ("{a.b} {c}/{d}", [Part("", ("a", "b")), Part(" ", ("c",)), Part("/", ("d",))]),
        ("{a}", [Part("", ("a",))]),
        ("a b", []),
        ("{a}b", []),
        ("b{a}", []),
        (".a", []),
        ("", []),
    ],
)
def test_places_are_paths_or_composed(place: str, expected: list[Part]) -> None:
    assert parts_of(place) == expected
