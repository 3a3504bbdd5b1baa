"""The conditions of policy documents: their clauses, and what of a value a requester may choose.

Sources: IAM User Guide, «Condition operators», «Set operators for multivalued context keys», «Policy elements:
Variables and tags».
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from semantics.values import Document, listed

# Of the resource that is asked for, so the same for every request to it; data perimeters are written with them
# («AWS global condition context keys»: aws:ResourceAccount, aws:ResourceOrgID).
_OF_THE_RESOURCE = frozenset({"aws:resourceaccount", "aws:resourceorgid", "s3:resourceaccount"})
OWN = "=own="  # stands for them: the account or organisation of the resource
_LITERAL = "\N{REPLACEMENT CHARACTER}"  # stands for a character that is itself, and no wildcard

_NEGATIVE = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
}
_EXACT = frozenset({"stringequals", "stringequalsignorecase"})
# ArnEquals takes wildcards as ArnLike does.
_MATCHING = _EXACT | {"stringlike", "arnequals", "arnlike", "ipaddress"}
_SETS = ("foranyvalue:", "forallvalues:")
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")


class Clause(NamedTuple):
    """One operator on one key: the operator in its positive form, the key in lower case, and how they are qualified."""

    operator: str
    key: str
    values: tuple[str, ...]
    negated: bool = False
    if_exists: bool = False
    of_set: str = ""

    @property
    def matches(self) -> bool:
        """Return whether it compares with texts, ARNs or addresses, and so may say who asks."""
        return self.operator in _MATCHING

    @property
    def holds_without_key(self) -> bool:
        """Return whether it holds for a request that does not have the key."""
        if self.if_exists or self.of_set == "forallvalues":
            return True
        return self.negated and self.of_set != "foranyvalue"

    @property
    def patterns(self) -> tuple[str, ...]:
        """Return the values with `*` and `?` only where a requester chooses what stands there."""
        return tuple(_opened(value, self.operator in _EXACT) for value in self.values)


def clauses(condition: Document) -> Iterator[Clause]:
    """Yield a condition's clauses; all of them have to hold.

    Where one of them asks for the key to be there, the others on it no longer hold without.
    """
    read = [*_read(condition)]
    there = {clause.key for clause in read if clause.operator == "null" and _are(clause.values, "false")}
    for clause in read:
        yield clause._replace(if_exists=False, of_set="") if clause.key in there else clause


def _read(condition: Document) -> Iterator[Clause]:
    for operator, named in condition.items():
        if isinstance(named, Mapping):
            for key, values in named.items():
                yield _clause(str(operator).lower(), str(key).lower(), tuple(str(value) for value in listed(values)))


def _are(values: tuple[str, ...], word: str) -> bool:
    return bool(values) and all(value.lower() == word for value in values)


def _clause(operator: str, key: str, values: tuple[str, ...]) -> Clause:
    of_set = next((name for name in _SETS if operator.startswith(name)), "")
    plain = operator.removeprefix(of_set).removesuffix("ifexists")
    return Clause(
        operator=_NEGATIVE.get(plain, plain),
        key=key,
        values=values,
        negated=plain in _NEGATIVE,
        if_exists=operator.endswith("ifexists"),
        of_set=of_set.removesuffix(":"),
    )


def variable(value: str) -> str:
    """Return the name of the variable that a value wholly consists of, in lower case; else an empty text."""
    whole = _VARIABLE.fullmatch(value)
    return _name(whole[1]) if whole else ""


def _opened(value: str, exact: bool) -> str:
    """Return a value as a pattern: a variable that each requester fills is open, and `*` is not where it is itself.

    Documents of the version 2008-10-17 know no variables; there such a value matches nobody, and who wrote it meant
    one.
    """
    if "${" not in value:
        return _closed(value) if exact else value
    pieces = _VARIABLE.split(value)
    texts = [_closed(text) if exact else text for text in pieces[::2]]
    filled = [_filled(name) for name in pieces[1::2]]
    return "".join(text + insert for text, insert in zip(texts, [*filled, ""], strict=True))


def _closed(text: str) -> str:
    return text.replace("*", _LITERAL).replace("?", _LITERAL)


def _filled(inside: str) -> str:
    name = _name(inside)
    if name in {"*", "?", "$"}:
        return _LITERAL
    return OWN if name in _OF_THE_RESOURCE else "*"


def _name(inside: str) -> str:
    return inside.partition(",")[0].strip().lower()
