"""Adopted checks: one file each, for one check of checkov that we stand for (docs/checkov.md).

The check is checkov's, the words, the severity and the cases are ours.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from catalog.form import convert
from catalog.policies import Described, Id
from catalog.yaml_reader import Document, content, parse
from model.asset import Kind
from model.fault import Fault, Refused

CheckId = Annotated[str, Meta(pattern=r"^CKV2?_[A-Z0-9]+_[0-9]+$(?!\n)")]
# `spec.type`, `pod.containers[].image`; `pod` is the pod's spec, wherever a kind keeps it.
ReadPath = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9]*(\[\])?(\.[A-Za-z][A-Za-z0-9]*(\[\])?)*$(?!\n)")]
# Where a template has a value: `Properties.BucketEncryption`, `properties.subnets[].id`.
TemplatePath = Annotated[str, Meta(pattern=r"^[A-Za-z]+(\[\])?(\.[A-Za-z][A-Za-z0-9_]*(\[\])?)*$(?!\n)")]
TemplateType = Annotated[
    str, Meta(pattern=r"^(AWS::[A-Za-z0-9]+::[A-Za-z0-9]+|Microsoft\.[A-Za-z]+(/[A-Za-z]+)+)$(?!\n)")
]
Scalar = str | int | bool
_PROVIDER = re.compile(rb"id: ([a-z]+)\.")
Flag = Annotated[str, Meta(pattern=r"^--[a-z0-9-]+$(?!\n)")]
Release = Annotated[str, Meta(pattern=r"^1\.[0-9]{1,3}$(?!\n)")]
_CONTAINERS = re.compile(r"pod\.([A-Za-z]*[cC]ontainers)\[\]\.")
_REMEMBERED = 1_000
Sentence = Annotated[str, Meta(min_length=10)]


class Plugin(Struct, frozen=True, forbid_unknown_fields=True):
    """An admission plugin of the API server, and whether it runs unasked."""

    name: Annotated[str, Meta(pattern=r"^[A-Z][A-Za-z]*$(?!\n)")]
    unasked: bool = False


class Program(Struct, frozen=True, forbid_unknown_fields=True):
    """A check of a program's arguments: it is for pods that run the program, and can decide only with flags it `needs`.

    `absent` is what holds without them. `flags` are those that fields of a configuration file stand for: then it is for
    assets that have the file. `plugin` is the one that the check looks for among those that run. `written` says how
    checkov wants values written: a `time` in hours, minutes and seconds; that there is a `pem` by the file's name; of a
    `limit` that 0 is none. From the minor release `before` on, the check asks for what Kubernetes has removed.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z-]*$(?!\n)")]
    needs: list[Flag] = []
    absent: Literal["unknown", "pass", "fail", "not_applicable"] = "unknown"
    flags: dict[Flag, ReadPath] = {}
    plugin: Plugin | None = None
    written: dict[Flag, Literal["time", "pem", "limit"]] = {}
    before: Release | None = None


class Equals(Struct, frozen=True, forbid_unknown_fields=True, rename={"is_": "is"}):
    """True where the body's value is the one named, false where it is another, nothing where there is none."""

    of: ReadPath
    is_: Scalar


class TemplateMapping(Struct, frozen=True, forbid_unknown_fields=True):
    """The template's resource that a live one is shown as: its type, and for each place in it that of the body."""

    type: TemplateType
    values: Annotated[dict[TemplatePath, ReadPath | Equals], Meta(min_length=1)]

    @property
    def reads(self) -> list[str]:
        """Return what is taken of a body."""
        return [source.of if isinstance(source, Equals) else source for source in self.values.values()]

    @property
    def lists_agree(self) -> bool:
        """Return whether each list of the template is made of one list of the body, element by element."""
        placed = [*zip(self.values, self.reads, strict=True)]
        lists = {(path.rpartition("[]")[0], of.rpartition("[]")[0]) for path, of in placed}
        as_deep = all(path.count("[]") == of.count("[]") for path, of in placed)
        compared = any(isinstance(source, Equals) and "[]" in source.of for source in self.values.values())
        return as_deep and not compared and len(dict(lists)) == len(lists)


class Examples(Struct, frozen=True, forbid_unknown_fields=True, rename={"pass_": "pass"}):
    """Resources as the API returns them, by what the check says of each."""

    pass_: Annotated[list[dict[str, Any]], Meta(min_length=1)]
    fail: Annotated[list[dict[str, Any]], Meta(min_length=1)]


class AdoptedForm(Described, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"except_": "except"}):
    """An adopted check's file as it is written.

    `reads` names what the check looks at, `needs` what has to be there for its word to mean anything, `absent` what it
    makes of a value that is not there. `template` is what a check of templates is shown, and says itself what is read.
    `only` are the resources that the check is for, by a value of theirs, `except` those that it is not for; what does
    not state its value is. `lacking` is what holds of a resource that has nothing of what the check needs. `shape` is
    how checkov has to be shown the resource, where it overlooks something: each container as a `pod` of its own with
    all that the pod says for it, all of a role's rules in `one-rule`, its rules on roles `on-bindings`, the plugins
    that a server runs as its `admission-configuration`, annotations in `annotation-list`, users that are service
    accounts as `accounts`. `also` is our own policy that asks the same. `undecided` is what checkov's own «unknown»
    means, where it says that of what is not its matter.
    """

    check: CheckId
    runner: Literal["kubernetes", "cloudformation", "arm"]
    kinds: Annotated[list[Id], Meta(min_length=1)]
    reads: list[ReadPath] = field(default_factory=list)
    template: TemplateMapping | None = None
    only: dict[ReadPath, Annotated[list[Scalar], Meta(min_length=1)]] = field(default_factory=dict)
    except_: dict[ReadPath, Annotated[list[Scalar], Meta(min_length=1)]] = field(default_factory=dict)
    needs: Annotated[list[ReadPath], Meta(min_length=1)]
    lacking: Literal["unknown", "pass"] = "unknown"
    absent: Sentence
    cases: Examples
    also: Id | None = None
    shape: Literal[
        "as-it-is", "pod", "one-rule", "on-bindings", "admission-configuration", "annotation-list", "accounts"
    ] = "as-it-is"
    program: Program | None = None
    undecided: Literal["unknown", "pass", "not_applicable"] = "unknown"

    @property
    def looks_at(self) -> list[str]:
        """Return what the check looks at, wherever the file says it."""
        said_otherwise = (
            self.template.reads if self.template else [*self.program.flags.values()] if self.program else []
        )
        return [*self.reads, *said_otherwise]

    @property
    def container_lists(self) -> frozenset[str]:
        """Return the lists of a pod whose containers the check judges, each by itself; none where it judges the pod."""
        return frozenset() if self.program is not None else _container_lists(tuple(self.reads))


class Adopted(Struct, frozen=True):
    """A check that is adopted, with the document that says so."""

    form: AdoptedForm
    document: Document

    @property
    def id(self) -> str:
        """Return our id of the check."""
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
        """Return every kind, or family of kinds, that has to be collected for this check."""
        return frozenset(self.form.kinds)

    @property
    def fields(self) -> frozenset[str]:
        """Return the fields of a body that the check looks at."""
        return frozenset(
            _field(path) for path in (*self.form.looks_at, *self.form.needs, *self.form.only, *self.form.except_)
        )


def load(directory: Path, naming: Sequence[str] = (), provider: str = "") -> list[Adopted]:
    """Return the adopted checks of a directory by id; raises `Refused` with all faults of all files.

    With `naming`, only files in whose text one of these words stands; with `provider`, none that begin as another's.
    """
    faults: list[Fault] = []
    found: dict[str, Adopted] = {}
    for file in sorted(directory.glob("*.yaml")):
        name = str(file.relative_to(directory.parent))
        try:
            raw = content(file, name)
            if naming and not any(word.encode() in raw for word in naming):
                continue
            if provider and (begins := _PROVIDER.match(raw)) and begins[1] != provider.encode():
                continue
            adopted = _read(raw, name)
        except Refused as refused:
            faults += refused.faults
            continue
        faults += _faults(adopted, file.stem)
        if (first := found.get(adopted.id)) is not None:
            problem = f"the id {adopted.id!r} is taken by {first.document.file}"
            faults.append(adopted.document.fault(("id",), problem))
        found[adopted.id] = adopted
    if faults:
        raise Refused(faults)
    return [found[id_] for id_ in sorted(found)]


@lru_cache(_REMEMBERED)
def _read(raw: bytes, name: str) -> Adopted:
    """Return the adopted check of a file's text: the same text is parsed once in a process."""
    document = parse(raw, name)
    return Adopted(convert(document, AdoptedForm), document)


def _faults(adopted: Adopted, stem: str) -> Iterator[Fault]:
    form, document = adopted.form, adopted.document
    if form.check != stem:
        yield document.fault(("check",), f"the check {form.check!r} and the file's name disagree; it says {stem!r}")
    if f"checkov:{form.check}" not in form.same_as:
        yield document.fault(("same_as",), f"has to name the check: checkov:{form.check}")
    for number, kind in enumerate(form.kinds):
        if kind.split(".")[0] != adopted.provider:
            yield document.fault(("kinds", number), f"{kind!r} is of another provider than the id {form.id!r}")
    if (form.runner == "kubernetes") == (form.template is not None):
        yield document.fault((), "has to have a 'template' where the runner is one of templates, and there alone")
    elif not form.looks_at or (form.reads and form.looks_at != form.reads):
        yield document.fault((), "has to have 'reads' where no 'template' or 'flags' say what is read, and there alone")
    if form.template is not None and not form.template.lists_agree:
        yield document.fault(("template", "values"), "elements ([]) of one list have to come of elements of one list")
    if form.also is not None and form.also == form.id:
        yield document.fault(("also",), "names the check itself; leave it out")


def cross_check(adopted: Iterable[Adopted], kinds: Mapping[str, Kind], policies: Iterable[str]) -> Iterator[Fault]:
    """Yield what adopted checks say of kinds, their fields, and policies that do not exist.

    A provider none of whose kinds is there is not looked at yet: none of its checks is asked anything.
    """
    ours = set(policies)
    providers = {kind.split(".")[0] for kind in kinds}
    for one in adopted:
        if one.provider not in providers:
            continue
        for number, kind in enumerate(one.form.kinds):
            if kind not in kinds:
                yield one.document.fault(("kinds", number), f"there is no kind {kind!r}")
                continue
            for name in sorted(one.fields - kinds[kind].fields):
                yield one.document.fault(("kinds", number), f"{kind} has no field {name!r}")
        if one.form.also is not None and one.form.also not in ours:
            yield one.document.fault(("also",), f"there is no policy {one.form.also!r}")


@lru_cache
def _container_lists(paths: tuple[str, ...]) -> frozenset[str]:
    return frozenset(found[1] for path in paths if (found := _CONTAINERS.match(path)))


def _field(path: str) -> str:
    first = path.split(".")[0].removesuffix("[]")
    return "spec" if first == "pod" else first
