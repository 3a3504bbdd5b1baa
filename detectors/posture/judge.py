"""One policy, one resource, one verdict."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from catalog.expression import EvaluationError, Expression
from catalog.policies import Compiled, MessageTemplate, Policy
from detectors.verdicts import LONGEST_REASON, verdict
from model.asset import Asset
from model.finding import Element, Verdict
from model.json_walk import Walk
from model.text import Text, printable
from semantics.shapes import Fit, FoundNull, Misfit

_SHOWN_ELEMENTS = 5
_SHOWN_CHARACTERS = 200
_TRIES = 500
_WITHOUT_NULLS = Walk(nulls=False)
_LONGEST_KEY, _LONGEST_MESSAGE = 200, 2_000


class Related(Struct, frozen=True):
    """The assets of another kind that a policy looks at; `cause` says why they are not all known.

    `understood` says that they have the shape that the policy reads them by: whoever finds them over and over knows.
    """

    assets: tuple[Asset, ...]
    cause: str = ""
    understood: bool = False


class Moment(Struct, frozen=True):
    """What a judgement depends on beside configurations: the time, and the tenant's thresholds by policy id.

    `regions` are those that were looked at, where the account has others; else none are named.
    """

    now: datetime
    settings: Mapping[str, Mapping[str, Any]] = {}
    regions: tuple[str, ...] = ()


class _Unknown(Exception):
    """The verdict cannot be known, for the reason given."""


class Known:
    """Verdicts by what they hang on: equal configurations are judged once. For one scope at one moment.

    At most `most` are kept, elements counted too, then all are forgotten: that bounds memory. What is unknown is not
    kept: it may have been an accident. A policy whose configurations turn out never to be equal is not looked up.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._weight = 0
        self._clean: dict[bytes, Verdict] = {}  # what passes or does not apply
        self._faulty: dict[bytes, Verdict] = {}
        self._in_vain: dict[str, int] = {}  # by policy, lookups before the first that found something; -1 after it

    def judge(self, policy: Policy, asset: Asset, related: Mapping[str, Related], moment: Moment) -> Verdict:
        """Return what `judge` says of a policy, an asset and what is related to it at a moment.

        It comes from memory where the same was asked before.
        """
        in_vain = self._in_vain.get(policy.id, 0)
        if in_vain >= _TRIES:
            return judge(policy, asset, related, moment)
        rule = policy.compiled
        key = whole = _key(policy, asset, related, rule.judged)
        before = self._clean.get(key)
        if before is None:
            if rule.judged != rule.reads:  # a fault's message hangs on more
                whole = _key(policy, asset, related, rule.reads)
            before = self._faulty.get(whole)
        if before is not None and _is_understood(rule, asset, related):
            self._in_vain[policy.id] = -1
            return verdict(policy, asset, before.status, before.reason, before.message, before.elements)
        said = judge(policy, asset, related, moment)
        if said.status == "unknown":
            return said
        if in_vain >= 0:
            self._in_vain[policy.id] = in_vain + 1
        self._weight += 1 + len(said.elements)
        if self._weight > self._most:
            self._clean, self._faulty, self._weight = {}, {}, 0
        if said.status == "fail":
            self._faulty[whole] = said
        else:
            self._clean[key] = said
        return said


def _key(policy: Policy, asset: Asset, related: Mapping[str, Related], reads: Mapping[str, frozenset[str]]) -> bytes:
    """Return what stands for all that a verdict can differ by, of these fields of the asset and its neighbours."""
    others: list[object] = []
    for name in policy.compiled.others:
        found, wanted = related[name], reads[name]
        bodies = [{k: a.body[k] for k in wanted if k in a.body} for a in found.assets]
        others += [found.cause, bodies, [(a.name, a.unknown) for a in found.assets if a.unknown]]
    own = {k: asset.body[k] for k in reads["r"] if k in asset.body}
    hangs_on = [policy.id, asset.scope, own, asset.unknown, others]
    return hashlib.blake2b(msgspec.json.encode(hangs_on), digest_size=16).digest()


def _is_understood(rule: Compiled, asset: Asset, related: Mapping[str, Related]) -> bool:
    """Return whether all that is read has its shape, what messages show too: else it is judged anew, to say what."""
    try:
        for root, fit in rule.fits.items():
            if root == "r":
                fit(asset.body)
            elif not related[root].understood:
                return False
    except (Misfit, FoundNull):
        return False
    return True


def judge(policy: Policy, asset: Asset, related: Mapping[str, Related], moment: Moment) -> Verdict:
    """Return the policy's verdict on an asset at a moment; `related` are the other names that it reads.

    Unknown is decided before evaluation, from what the expressions read; errors of evaluation are unknown too.
    """
    rule = policy.compiled
    try:
        variables = _variables(policy, asset, moment)
        if rule.when and not _is_true(rule.when, _readable(rule.when, policy, asset, related, variables)):
            return verdict(policy, asset, "not_applicable")
        _check_known(rule.reads, policy, asset, related)
        variables |= _related_bodies(rule.reads, policy, related)
        _check_understood(rule.fits, variables, related)
        if rule.elements is not None:
            return _judge_elements(policy, asset, variables)
        if _is_true(rule.passes, variables):
            return verdict(policy, asset, "pass")
        return verdict(policy, asset, "fail", message=_message(policy, variables))
    except _Unknown as cause:
        return unknown(policy, asset, str(cause))


def unknown(policy: Policy, asset: Asset, cause: str) -> Verdict:
    """Return a policy's verdict on an asset, with its cause, where nothing is evaluated.

    The place could not be listed, or there is no time left.
    """
    return verdict(policy, asset, "unknown", reason=cause)


def _judge_elements(policy: Policy, asset: Asset, variables: dict[str, Any]) -> Verdict:
    assert policy.compiled.elements is not None, "only called for policies with `each`"
    found = _value(policy.compiled.elements, variables)
    if not isinstance(found, list):
        raise _Unknown("each.list: not a list")
    narrow = _narrowed(variables, policy.compiled.element_reads)
    elements = [_element(policy, narrow | {"e": e}) for e in found]
    faulty = tuple(sorted((e for e in elements if e.status != "pass"), key=lambda e: e.key))
    failed = [e.message for e in faulty if e.status == "fail" and e.message]
    if failed:
        return verdict(policy, asset, "fail", message=_joined(failed), elements=faulty)
    if faulty:
        return verdict(policy, asset, "unknown", reason=f"element {faulty[0].key}: {faulty[0].reason}", elements=faulty)
    return verdict(policy, asset, "pass")


def _narrowed(variables: Mapping[str, Any], reads: Mapping[str, frozenset[str]]) -> dict[str, Any]:
    """Return the variables with resources cut to the fields read: binding the whole list for each element is n²."""
    narrow = dict(variables)
    for root, fields in reads.items():
        bound = narrow[root]
        bodies = bound if isinstance(bound, list) else [bound]
        cut = [{key: value for key, value in body.items() if key in fields} for body in bodies]
        narrow[root] = cut if isinstance(bound, list) else cut[0]
    return narrow


def _element(policy: Policy, variables: dict[str, Any]) -> Element:
    assert policy.compiled.element_key is not None, "a policy with `each` has a key"
    if fit := policy.compiled.element_fits:
        try:
            variables = variables | {"e": _fitting(fit, variables["e"])}
        except Misfit as problem:
            return Element("?", "unknown", reason=printable(str(problem)[:LONGEST_REASON]))
    key = printable(str(_value(policy.compiled.element_key, variables))[:_LONGEST_KEY])
    try:
        passes = _is_true(policy.compiled.passes, variables)
    except _Unknown as cause:
        return Element(key, "unknown", reason=printable(str(cause)[:LONGEST_REASON]))
    return Element(key, "pass") if passes else Element(key, "fail", _message(policy, variables))


def _variables(policy: Policy, asset: Asset, moment: Moment) -> dict[str, Any]:
    wanted = policy.compiled.reads["r"]
    return {
        "r": {key: value for key, value in asset.body.items() if key in wanted},
        "now": moment.now,
        "settings": policy.form.settings | dict(moment.settings.get(policy.id, {})),
        "scope": asset.scope,
        "regions": list(moment.regions),
    }


def _readable(
    expression: Expression, policy: Policy, asset: Asset, related: Mapping[str, Related], variables: dict[str, Any]
) -> dict[str, Any]:
    _check_known(expression.reads, policy, asset, related)
    readable = variables | _related_bodies(expression.reads, policy, related)
    _check_understood(policy.compiled.when_fits, readable, related)
    return readable


def _check_known(
    reads: Mapping[str, frozenset[str]], policy: Policy, asset: Asset, related: Mapping[str, Related]
) -> None:
    for field in sorted(reads.get("r", frozenset()) & asset.unknown.keys()):
        raise _Unknown(f"{field}: {asset.unknown[field]}")
    for name, other in policy.compiled.others.items():
        if name not in reads:
            continue
        if related[name].cause:
            raise _Unknown(f"{other.kind}: {related[name].cause}")
        for neighbour in related[name].assets:
            for field in sorted(reads[name] & neighbour.unknown.keys()):
                raise _Unknown(f"{other.kind} {neighbour.name}: {field}: {neighbour.unknown[field]}")


def _check_understood(fits: Mapping[str, Fit], variables: dict[str, Any], related: Mapping[str, Related]) -> None:
    """Make sure that all that is read has the shape that it is read by; a null is left out, as an absent field."""
    for root, fit in fits.items():
        if root in related and related[root].understood:
            continue
        bound = variables[root]
        try:
            variables[root] = [_fitting(fit, one) for one in bound] if isinstance(bound, list) else _fitting(fit, bound)
        except Misfit as problem:
            raise _Unknown(f"{problem}" if root == "r" else f"{root}: {problem}") from None


def _fitting(fit: Fit, value: Any) -> Any:
    try:
        fit(value)
    except FoundNull:
        value = _WITHOUT_NULLS.of(value)
        fit(value)
    return value


def _related_bodies(
    reads: Mapping[str, frozenset[str]], policy: Policy, related: Mapping[str, Related]
) -> dict[str, Any]:
    bodies: dict[str, Any] = {}
    for name, other in policy.compiled.others.items():
        if name in reads:
            wanted = reads[name]
            each = [{k: v for k, v in a.body.items() if k in wanted} for a in related[name].assets]
            bodies[name] = each if other.many else each[0]
    return bodies


def _value(expression: Expression, variables: Mapping[str, Any]) -> Any:
    try:
        return expression.evaluate(variables)
    except EvaluationError as problem:
        raise _Unknown(f"evaluation: {problem}") from None


def _is_true(expression: Expression, variables: Mapping[str, Any]) -> bool:
    value = _value(expression, variables)
    if not isinstance(value, bool):
        raise _Unknown(f"evaluation: {type(value).__name__} where true or false was expected")
    return value


def _message(policy: Policy, variables: Mapping[str, Any]) -> Text:
    shown: dict[str, str] = {}  # both languages mostly show the same values
    for template in policy.compiled.messages.values():
        for part in template.parts:
            if not isinstance(part, str) and part.source not in shown:
                shown[part.source] = _shown(part, variables)
    return Text(**{language: _cut(_render(template, shown)) for language, template in policy.compiled.messages.items()})


def _cut(message: str) -> str:
    return message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…"


def _render(template: MessageTemplate, shown: Mapping[str, str]) -> str:
    return "".join(part if isinstance(part, str) else shown[part.source] for part in template.parts)


def _shown(expression: Expression, variables: Mapping[str, Any]) -> str:
    try:
        value = expression.evaluate(variables)
    except EvaluationError:
        return "?"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _joined(messages: list[Text]) -> Text:
    shown, more = messages[:_SHOWN_ELEMENTS], len(messages) - _SHOWN_ELEMENTS
    en = "; ".join(m.en for m in shown) + (f"; and {more} more" if more > 0 else "")
    ja = "、".join(m.ja for m in shown) + (f"、ほか{more}件" if more > 0 else "")
    return Text(en=en, ja=ja)
