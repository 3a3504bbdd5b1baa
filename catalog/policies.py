"""Policies: one file each, with its cases (docs/policies.md)."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from catalog.expectations import ELEMENT
from catalog.expression import Compile, Expression, ExpressionFault, compiled
from catalog.fields_read import Roots
from catalog.form import convert
from catalog.yaml_reader import Document, KeyPath, content, parse
from model.fault import Fault, Refused
from model.finding import Severity
from model.text import LANGUAGES, Language, Text
from semantics.shapes import ANYTHING, Fit, Shape, fit_of

Id = Annotated[str, Meta(pattern=r"^[a-z0-9]+(\.[a-z0-9]+(-[a-z0-9]+)*){2}$(?!\n)", max_length=120)]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z_]*$(?!\n)")]
Control = Annotated[str, Meta(pattern=r"^[A-Z][A-Za-z0-9.-]*:[A-Za-z0-9._-]+$(?!\n)")]
PeerCheck = Annotated[str, Meta(pattern=r"^[a-z0-9]+:[A-Za-z0-9_.-]+$(?!\n)")]
Hours = Annotated[float, Meta(gt=0, le=400)]

_LONGEST_MESSAGE = 2_000
_REMEMBERED = 2_000
_RESERVED = frozenset({"r", "e", "o", "now", "settings", "scope", "regions"})
_MESSAGES = frozenset({"message", "title"})
_THE_OTHER = Roots(one=frozenset({"o"}))


class Each(Struct, frozen=True, forbid_unknown_fields=True):
    """Elements that are judged one at a time, and what identifies one by its content."""

    list: str
    key: str


class Many(Struct, frozen=True, forbid_unknown_fields=True):
    """All assets of a kind in the scope, or only those that belong to what the list `of` names.

    With `key`, those whose field of that name is in the list: what is referred to and not found is unknown. With `by`,
    an expression on the other asset `o`, those for which it yields a text of the list, or several: none is an answer.
    """

    all: Id
    key: str = ""
    by: str = ""
    of: str = ""


class Cases(Struct, frozen=True, forbid_unknown_fields=True, rename={"pass_": "pass"}):
    """Bodies with the status that is expected of each."""

    pass_: Annotated[list[dict[str, Any]], Meta(min_length=1)]
    fail: Annotated[list[dict[str, Any]], Meta(min_length=1)]
    unknown: list[dict[str, Any]] = []
    not_applicable: list[dict[str, Any]] = []


class Described(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What people read of whatever yields verdicts: a policy, or a check of somebody else's that we adopted."""

    id: Id
    severity: Severity
    title: Text
    risk: Text
    fix: Text
    effort_hours: Hours
    remedy: Id | None = None
    controls: list[Control] = []
    same_as: list[PeerCheck] = []
    part_of: list[PeerCheck] = []


class PolicyForm(
    Described, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"pass_": "pass", "with_": "with"}
):
    """A policy file as it is written."""

    kind: Id
    pass_: str
    cases: Cases
    message: Text | None = None
    with_: dict[Name, Id | Many] = field(default_factory=dict)
    settings: dict[Name, Any] = field(default_factory=dict)
    when: str = ""
    each: Each | None = None


class MessageTemplate(Struct, frozen=True):
    """A message: literal texts and expressions by turns."""

    parts: tuple[str | Expression, ...]


class Other(Struct, frozen=True):
    """Another kind that a policy looks at beside its own."""

    kind: str
    many: bool
    key: str = ""
    by: Expression | None = None
    of: Expression | None = None


class Compiled(Struct, frozen=True):
    """A policy's expressions. `reads` names the fields that they look at, by root (`r` and those of `others`).

    `judged` are those that a verdict hangs on where it names no fault: not what messages show, nor what only finds
    others. `element_reads` are those read while one element is judged: not what only lists the elements. `shapes` are
    what all expressions together expect of each root and of an element (`e`); `fits` checks it, `when_fits` what `when`
    expects alone, `element_fits` an element.
    """

    passes: Expression
    when: Expression | None
    elements: Expression | None
    element_key: Expression | None
    messages: dict[Language, MessageTemplate]
    others: dict[str, Other]
    reads: dict[str, frozenset[str]]
    judged: dict[str, frozenset[str]]
    element_reads: dict[str, frozenset[str]]
    shapes: dict[str, Shape]
    fits: dict[str, Fit]
    when_fits: dict[str, Fit]
    element_fits: Fit | None
    expressions: tuple[tuple[KeyPath, Expression], ...]

    @property
    def judging(self) -> list[tuple[KeyPath, Expression]]:
        """Return the expressions that a verdict hangs on, which those of messages do not."""
        return [(path, expression) for path, expression in self.expressions if path[0] not in _MESSAGES]

    @property
    def minds_regions(self) -> bool:
        """Return whether the policy asks itself which regions were looked at: then it says what it misses."""
        return any("regions" in expression.names for _, expression in self.judging)


class Policy(Struct, frozen=True, dict=True):
    """A policy file that fits its form. Its expressions are compiled when they are first needed: texts need none.

    `compile_` says where they are compiled and evaluated: in this process, unless they are somebody else's.
    """

    form: PolicyForm
    document: Document
    compile_: Compile = compiled

    @property
    def id(self) -> str:
        """Return the policy's id."""
        return self.form.id

    @property
    def provider(self) -> str:
        """Return the provider's name, the first part of the id."""
        return self.form.id.split(".")[0]

    @property
    def service(self) -> str:
        """Return the service's name, the second part of the id."""
        return self.form.id.split(".")[1]

    @property
    def kinds(self) -> frozenset[str]:
        """Return every kind that has to be collected for this policy."""
        others = (other if isinstance(other, str) else other.all for other in self.form.with_.values())
        return frozenset({self.form.kind, *others})

    @cached_property
    def compiled(self) -> Compiled:
        """Return the expressions; raises `Refused` with every fault in them."""
        return _Compiler(self.document, self.form, self.compile_).compiled()


def load(directory: Path, provider: str = "", naming: Sequence[str] = ()) -> list[Policy]:
    """Return the policies of a directory, or only a provider's, by id; raises `Refused` with all faults of all files.

    What is wrong with expressions alone is found when they are compiled. With `naming`, only files in whose text one of
    these words stands: one policy need not wait for hundreds.
    """
    faults: list[Fault] = []
    policies: dict[str, Policy] = {}
    read: list[Policy] = []
    for file in sorted((directory / provider).rglob("*.yaml")):
        name = str(file.relative_to(directory.parent))
        try:
            raw = content(file, name)
            if naming and not any(word.encode() in raw for word in naming):
                continue
            policy = _read(raw, name)
        except Refused as refused:
            faults += refused.faults
            continue
        faults += _misplaced(policy, file.relative_to(directory))
        if (first := policies.get(policy.id)) is not None:
            faults.append(policy.document.fault(("id",), f"the id {policy.id!r} is taken by {first.document.file}"))
        policies[policy.id] = policy
        read.append(policy)
    if faults:
        faults += [fault for policy in read for fault in expression_faults(policy)]
        raise Refused(sorted(faults, key=lambda fault: (fault.file, fault.line, fault.column)))
    return [policies[key] for key in sorted(policies)]


def expression_faults(policy: Policy) -> Sequence[Fault]:
    """Return every fault in a policy's expressions."""
    try:
        _ = policy.compiled
    except Refused as refused:
        return refused.faults
    return ()


@lru_cache(_REMEMBERED)
def _read(raw: bytes, name: str) -> Policy:
    """Return the policy of a file's text: the same text is parsed, and later compiled, once in a process."""
    document = parse(raw, name)
    return Policy(convert(document, PolicyForm), document)


def _misplaced(policy: Policy, file: Path) -> Iterable[Fault]:
    says = file.with_suffix("").as_posix().replace("/", ".")
    if says != policy.id:
        yield policy.document.fault(("id",), f"the id {policy.id!r} and the path disagree; the path says {says!r}")


def compile_policy(document: Document, compile_: Compile = compiled) -> Policy:
    """Return the policy of a document, compiled; raises `Refused` with every fault in it."""
    policy = Policy(convert(document, PolicyForm), document, compile_)
    _ = policy.compiled
    return policy


def _shapes(expressions: Iterable[tuple[KeyPath, Expression]]) -> dict[str, Shape]:
    """Return what expressions together expect of each root.

    A field is needed where it is judged by, and is read plainly everywhere; a message goes without it.
    """
    shapes: dict[str, Shape] = {}
    asked: dict[str, set[str]] = defaultdict(set)
    for path, expression in expressions:
        for root, shape in expression.expects.items():
            if path[0] in _MESSAGES:
                shape = replace(shape, needed=frozenset())
            else:
                asked[root] |= shape.fields.keys() - shape.needed
            shapes[root] = shapes.get(root, ANYTHING) | shape
    return {root: replace(shape, needed=shape.needed - asked[root]) for root, shape in shapes.items()}


class _Compiler:
    """Compiles a policy's expressions and gathers the faults of all of them."""

    def __init__(self, document: Document, form: PolicyForm, compile_: Compile) -> None:
        self.document = document
        self.form = form
        self.compile = compile_
        self.faults: list[Fault] = []
        self.expressions: list[tuple[KeyPath, Expression]] = []
        many = frozenset(name for name, other in form.with_.items() if isinstance(other, Many))
        self.roots = Roots(one=frozenset({"r", *form.with_}) - many, many=many)

    def compiled(self) -> Compiled:
        form = self.form
        self._check_names()
        passes = self.expression(("pass",), form.pass_, ("BOOL", "DYN"))
        when = self.expression(("when",), form.when, ("BOOL", "DYN")) if form.when else None
        elements = key = None
        if form.each:
            elements = self.expression(("each", "list"), form.each.list, ("LIST", "DYN"))
            key = self.expression(("each", "key"), form.each.key, ("STRING", "DYN"))
        messages = {language: self._template(language) for language in LANGUAGES}
        others = {name: self._other(name, other) for name, other in form.with_.items()}
        if self.faults or passes is None:
            raise Refused(self.faults)
        reads = self._reads(frozenset())
        aside = {path for path, _ in self.expressions if path[0] in _MESSAGES or path[0] == "with"}
        judged = self._reads(frozenset(aside))
        placing = frozenset[KeyPath](("with", name, "by") for name in form.with_)
        within = self._reads(placing | {("each", "list"), ("when",)})
        expressions = tuple(self.expressions)
        shapes = _shapes(expressions)
        fits = {root: fit_of(shape) for root, shape in shapes.items() if root != ELEMENT}
        element_fits = fit_of(shapes[ELEMENT]) if ELEMENT in shapes else None
        when_fits = {root: fit_of(shape) for root, shape in when.expects.items()} if when else {}
        return Compiled(
            passes=passes,
            when=when,
            elements=elements,
            element_key=key,
            messages=messages,
            others=others,
            reads=reads,
            judged=judged,
            element_reads=within,
            shapes=shapes,
            fits=fits,
            when_fits=when_fits,
            element_fits=element_fits,
            expressions=expressions,
        )

    def expression(
        self, path: KeyPath, source: str, types: tuple[str, ...] = (), roots: Roots | None = None
    ) -> Expression | None:
        try:
            expression = self.compile(source, roots or self.roots)
        except ExpressionFault as fault:
            self.faults.append(self.document.fault_in_text(path, fault.line, fault.column, fault.problem))
            return None
        if types and not expression.type_name.startswith(types):
            problem = f"yields {expression.type_name.lower()}, {types[0].lower()} is needed"
            self.faults.append(self.document.fault(path, problem))
        if roots is _THE_OTHER:  # what is read of `o` is read of the asset that the path names
            shape = expression.expects.get("o", ANYTHING)
            read = expression.reads.get("o", frozenset())
            expression = replace(expression, reads={path[1]: read}, expects={path[1]: shape})
        self.expressions.append((path, expression))
        return expression

    def _reads(self, without: frozenset[KeyPath]) -> dict[str, frozenset[str]]:
        looking = [expression.reads for path, expression in self.expressions if path not in without]
        roots = self.roots.one | self.roots.many
        return {root: frozenset().union(*(reads.get(root, frozenset()) for reads in looking)) for root in roots}

    def _check_names(self) -> None:
        for name in self.form.with_:
            if name in _RESERVED:
                self.faults.append(self.document.fault(("with", name), f"the name {name!r} has a meaning of its own"))

    def _other(self, name: str, other: str | Many) -> Other:
        if isinstance(other, str):
            return Other(other, many=False)
        if bool(other.key) + bool(other.by) != bool(other.of):
            self.faults.append(self.document.fault(("with", name), "'of' goes with either 'key' or 'by'"))
        place = ("with", name, "by")
        by = self.expression(place, other.by, ("STRING", "LIST", "DYN"), _THE_OTHER) if other.by else None
        of = self.expression(("with", name, "of"), other.of, ("LIST", "DYN")) if other.of else None
        if of is not None:
            self.faults += self._unknown_names(name, of)
        return Other(other.all, many=True, key=other.key, by=by, of=of)

    def _unknown_names(self, name: str, of: Expression) -> Iterable[Fault]:
        known = {"r", *itertools.takewhile(lambda earlier: earlier != name, self.form.with_)}
        for later in sorted(of.reads.keys() - known):
            line, column = of.place_of(later)
            problem = f"{later!r} is not known here yet; 'of' goes by r and by the names before its own"
            yield self.document.fault_in_text(("with", name, "of"), line, column, problem)

    def _template(self, language: Language) -> MessageTemplate:
        """Return the message as literal and expression parts: `{{ expression }}` stands for its value."""
        source = (self.form.message or self.form.title).of(language)
        if len(source) > _LONGEST_MESSAGE:
            place = ("message" if self.form.message else "title", language)
            self.faults.append(self.document.fault(place, f"is longer than {_LONGEST_MESSAGE:,} characters"))
            return MessageTemplate(())
        parts: list[str | Expression] = []
        while (begin := source.find("{{")) >= 0 and (end := source.find("}}", begin)) >= 0:
            parts.append(source[:begin])
            if (expression := self.expression(("message", language), source[begin + 2 : end].strip())) is not None:
                parts.append(expression)
            source = source[end + 2 :]
        return MessageTemplate((*parts, source))
