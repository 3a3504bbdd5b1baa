"""No text commits the provider to an outcome (Article 10), in either language, wherever it stands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.project import ROOMS, ROOT, SOURCES
from tests.commitments import ALLOWED, committing, plain, texts

# What people read, by where it stands: beside these, every literal of the product, with help, wording and errors.
PLACES = {
    "config": ("yaml", "md"),
    "docs": ("md",),
    **dict.fromkeys(ROOMS, ("yaml", "html", "txt", "md")),
}


def files() -> Iterator[Path]:
    yield from SOURCES
    yield from (ROOT / name for name in ("README.md", "SECURITY.md"))
    for folder, suffixes in PLACES.items():
        for suffix in suffixes:
            yield from sorted((ROOT / folder).rglob(f"*.{suffix}"))


@pytest.mark.parametrize(
    "text",
    [
        "検知を保証します",
        "設定の安全を保障する",
        "24時間以内の通知をお約\n    束します",
        "復旧を確約します",
        "必ずご連絡します",
        "絶対に漏れません",
        "万全の体制です",
        "攻撃を完全に防ぎます",
        "100 %の検知",
        "Your SLA is 99.9 %",
        "we guarantee an answer",
        "detection is Guaranteed",
        "no warranty but this one",
        "it promises\n  an answer within a day",
        "this ensures that you are safe",
        "you are fully protected",
    ],
)
def test_words_that_commit_are_found(text: str) -> None:
    assert len(committing(plain(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        *ALLOWED,
        "times are targets",
        "対応時間は目標です",
        "width: 1100px",
        "slack",
        "a compromised key",
        "an SLB",
        "保存",
    ],
)
def test_other_words_are_not(text: str) -> None:
    assert committing(text) == []


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.py", 'X = Text(en="we " "guarantee it", ja="保" "証")', 2),
        ("a.py", 'app = Typer(help=f"{name} promises it")\ndef guarantee() -> None: ...', 1),
        ("a.html", '<table width="100%"><td>{{ name }}を保証</td>', 1),
        ("a.yaml", "ja: >\n  すべてを保\n  証する", 1),
        ("a.md", "# A\n- no SLA\n", 1),
    ],
)
def test_they_are_found_wherever_they_stand(tmp_path: Path, name: str, content: str, found: int) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert sum(len(committing(plain(text))) for text in texts(tmp_path / name)) == found


@pytest.mark.article(10)
def test_no_text_commits_to_an_outcome() -> None:
    there, needed = [*files()], set[str]()
    found: dict[str, list[str]] = {}
    for file in there:
        lines = [plain(text) for text in texts(file)]
        needed |= {allowed for allowed in ALLOWED for line in lines if allowed in line}
        if words := [words for line in lines for words in committing(line)]:
            found[str(file.relative_to(ROOT))] = words
    assert len(there) > 1400
    assert found == {}
    assert needed == ALLOWED.keys(), "what is allowed stands somewhere"
