"""The clauses of the terms of service: what the program makes of each, and what a person decides."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from catalog.form import convert
from catalog.yaml_reader import Document, read
from model.fault import Fault, Refused
from model.text import Text

_ARTICLES = range(1, 15)
# An article, one of its paragraphs, or the supplementary provisions.
_Clause = Annotated[str, Meta(pattern=r"^(([1-9]|1[0-4])(\([1-9]\))?|附則)$(?!\n)")]


class RuleForm(Struct, frozen=True, forbid_unknown_fields=True):
    """What the program makes of clauses that belong together, what a person decides there, and how far it is there.

    `missing` is what is not there yet: of a rule that is `shown` by tests a part, of one that is not the whole.
    """

    clauses: Annotated[list[_Clause], Meta(min_length=1)]
    rule: Text
    state: Literal["shown", "not yet"]
    decides: Text | None = None
    missing: Text | None = None

    @property
    def articles(self) -> list[int]:
        """Return the numbers of the articles that the clauses belong to."""
        found = (re.match(r"[0-9]+", clause) for clause in self.clauses)
        return sorted({int(one.group()) for one in found if one})


class ClausesForm(Struct, frozen=True, forbid_unknown_fields=True):
    """All rules in the order of their clauses."""

    rules: Annotated[list[RuleForm], Meta(min_length=1)]


def load_clauses(config: Path) -> list[RuleForm]:
    """Return what a config folder says of the clauses; raises `Refused` with the place of each fault."""
    document = read(config / "terms" / "clauses.yaml")
    form: ClausesForm = convert(document, ClausesForm)
    if faults := [*_faults(document, form.rules)]:
        raise Refused(faults)
    return form.rules


def _faults(document: Document, rules: list[RuleForm]) -> Iterator[Fault]:
    seen = set[str]()
    for number, rule in enumerate(rules):
        for place, clause in enumerate(rule.clauses):
            if clause in seen:
                yield document.fault(("rules", number, "clauses", place), f"the clause {clause} stands twice")
            seen.add(clause)
        if rule.state == "not yet" and rule.missing is None:
            yield document.fault(("rules", number, "state"), "is not yet there: say under 'missing' what is missing")
    there = {article for rule in rules for article in rule.articles}
    if lacking := [str(article) for article in _ARTICLES if article not in there]:
        yield document.fault(("rules",), f"has no rule of the articles {', '.join(lacking)}")
