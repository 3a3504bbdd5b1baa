"""Real and published logs are read whole: each line is an event."""

import re
from pathlib import Path

import pytest
import yaml

from intake.events import Event
from tests.intake.sources import events, shipped

pytestmark = pytest.mark.shared

# The lines of each file, as `wc -l` counts them.
FILES = [
    ("aws/cloudtrail-panther-tests.jsonl", "aws.cloudtrail", 246),
    ("aws/cloudtrail-plaso.jsonl", "aws.cloudtrail", 6),
    ("aws/cloudtrail-stratus-detonation.jsonl", "aws.cloudtrail", 310),
    ("azure/activitylogs-panther-tests.jsonl", "azure.activity", 98),
    ("azure/activitylogs-plaso.jsonl", "azure.activity", 4),
    ("azure/auditlogs-panther-tests.jsonl", "azure.audit", 7),
    ("azure/signinlogs-panther-tests.jsonl", "azure.signin", 14),
    ("gcp/audit-panther-tests.jsonl", "gcp.audit", 65),
    ("gcp/audit-plaso.jsonl", "gcp.audit", 11),
    ("gcp/gke-audit-panther-tests.jsonl", "gcp.audit", 15),
    ("kubernetes/aks-wrapped-panther-tests.jsonl", "kubernetes.audit", 21),
    ("kubernetes/audit-panther-tests.jsonl", "kubernetes.audit", 77),
]


def test_all_files_are_listed(shared_folder: Path) -> None:
    logs = shared_folder / "logs"
    assert sorted(str(file.relative_to(logs)) for file in logs.rglob("*.jsonl")) == [name for name, _, _ in FILES]
    assert sum(count for _, _, count in FILES) == 874


@pytest.mark.parametrize(("name", "source", "count"), FILES)
def test_each_line_is_an_event(shared_folder: Path, name: str, source: str, count: int) -> None:
    found = events(source, (shared_folder / "logs" / name).read_bytes())
    assert [one.position for one in found] == [str(number) for number in range(1, count + 1)]
    assert len(found) == count


@pytest.mark.parametrize("name", ["aws/cloudtrail-stratus-detonation.jsonl", "aws/cloudtrail-plaso.jsonl"])
def test_ids_are_the_providers_and_unique(shared_folder: Path, name: str) -> None:
    data = (shared_folder / "logs" / name).read_bytes()
    given = re.findall(rb'\\?"eventID\\?":\\?"([0-9a-f-]{36})\\?"', data)
    found = [one.id.encode() for one in events("aws.cloudtrail", data)]
    assert found == given
    assert len(set(found)) == len(found)


def test_entries_of_google_have_ids_of_their_own(shared_folder: Path) -> None:
    found = events("gcp.audit", (shared_folder / "logs" / "gcp" / "audit-plaso.jsonl").read_bytes())
    assert len({one.id for one in found}) == len(found) == 11


@pytest.mark.parametrize("wrap", [b'{"records":[%s]}', b"[%s]"])
def test_wrapped_lines_give_the_same_events(shared_folder: Path, wrap: bytes) -> None:
    data = (shared_folder / "logs" / "azure" / "auditlogs-panther-tests.jsonl").read_bytes()
    wrapped: list[Event] = events("azure.audit", wrap % b",".join(data.splitlines()))
    assert wrapped == events("azure.audit", data)


def test_rules_named_beside_critical_types_say_so(shared_folder: Path) -> None:
    """The rule is there, and the technique is one of its tags."""
    rules = {}
    for file in (shared_folder / "sigma" / "rules").rglob("*.yml"):
        head = file.read_text(encoding="utf-8").split("\nlogsource:")[0] + "\n"
        if found := re.search(r"^id: (\S+)$", head, re.MULTILINE):
            tags = re.search(r"^tags:\n((?: +- .*\n)+)", file.read_text(encoding="utf-8"), re.MULTILINE)
            rules[found[1]] = set(yaml.safe_load(tags[1])) if tags else set()
    named = [one for source in shipped().values() for one in source.critical if one.rule]
    assert len(named) > 50
    assert [one.rule for one in named if one.rule not in rules] == []
    wrong = [one.type for one in named if one.technique and f"attack.{one.technique.lower()}" not in rules[one.rule]]
    assert wrong == []
