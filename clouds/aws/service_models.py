"""What AWS's service models say: operations, their arguments, what they return (botocore's data files)."""

import gzip
from functools import lru_cache
from pathlib import Path
from typing import Any

import botocore
import botocore.loaders
import botocore.model
import botocore.paginate
import botocore.session
import msgspec
from msgspec import Struct

from clouds.aws.replies import root_of


class Operation(Struct, frozen=True):
    """One API operation: its name, its parameters, the IAM action that usually goes with it.

    `root` is the root element of its replies in XML, None where they are something else, empty where it is not known.
    """

    name: str
    parameters: frozenset[str]
    required: frozenset[str]
    action: str
    output: Any  # a botocore Shape, or None
    root: str | None


class _ModelFiles(botocore.loaders.JSONFileLoader):  # type: ignore[misc]  # botocore has no types
    """Reads model files in a fifth of the time that the SDK takes, and without their documentation.

    The texts are three quarters of a model, and nothing but the SDK's own manual reads them.
    """

    def load_file(self, file_path: str) -> Any:
        for ending, content in ((".json", Path.read_bytes), (".json.gz", _unpacked)):
            file = Path(file_path + ending)
            if file.is_file():
                return _slim(msgspec.json.decode(content(file)), {})
        return None


def _unpacked(file: Path) -> bytes:
    return gzip.decompress(file.read_bytes())


def _slim(model: Any, known: dict[tuple[Any, ...], Any]) -> Any:
    """Return a model without its documentation; of equal references to a shape, which is most of it, one is kept.

    Not of shapes: the SDK's own corrections change some in place.
    """
    if isinstance(model, list):
        return [_slim(part, known) for part in model]
    if not isinstance(model, dict):
        return model
    if isinstance(model.get("documentation"), str):  # a mapping would be a member of that name
        model["documentation"] = ""  # for parameters of endpoints the SDK wants to have it
    for key, part in model.items():
        if isinstance(part, dict | list):
            model[key] = _slim(part, known)
    if isinstance(model.get("shape"), str) and all(isinstance(part, str) for part in model.values()):
        return known.setdefault(tuple(model.items()), model)
    return model


@lru_cache(maxsize=1)
def shared_loader() -> Any:
    """Return the process's one loader: parsed models are shared by all sessions (12 ms a session instead of 208)."""
    return botocore.loaders.Loader(file_loader=_ModelFiles())


@lru_cache(maxsize=1)
def services() -> frozenset[str]:
    """Return the names of all services that the SDK knows."""
    return frozenset(shared_loader().list_available_services("service-2"))


@lru_cache(maxsize=64)
def _model(service: str) -> Any:
    description = shared_loader().load_service_model(service, "service-2")
    return botocore.model.ServiceModel(description, service)


@lru_cache(maxsize=64)
def operations(service: str) -> dict[str, str]:
    """Return a service's operations by their names in Python, `list_buckets` → `ListBuckets`."""
    return {botocore.xform_name(name): name for name in _model(service).operation_names}


@lru_cache(maxsize=1024)
def operation(service: str, python_name: str) -> Operation:
    """Return one operation; raises KeyError for a name that the service does not have."""
    name = operations(service)[python_name]
    model = _model(service)
    shape = model.operation_model(name)
    members = shape.input_shape.members if shape.input_shape else {}
    required = shape.input_shape.required_members if shape.input_shape else []
    return Operation(
        name=name,
        parameters=frozenset(members),
        required=frozenset(required),
        action=f"{model.signing_name}:{name}",
        output=shape.output_shape,
        root=root_of(shape),
    )


@lru_cache(maxsize=256)
def paging(service: str, name: str) -> Any:
    """Return how an operation's pages follow each other; raises ValueError where it has none."""
    description = shared_loader().load_service_model(service, "paginators-1")
    return botocore.paginate.PaginatorModel(description).get_paginator(name)


def step(shape: Any, path: str) -> Any:
    """Return the shape at a path such as `Reservations[].Instances[]`.

    Raises `KeyError` with the part of the path that the shape lacks, or that is no list.
    """
    for part in path.split("."):
        name, listed = part.removesuffix("[]"), part.endswith("[]")
        if getattr(shape, "type_name", "") == "map":  # any key may be there
            shape = shape.value
            continue
        members = getattr(shape, "members", {})
        if name not in members:
            raise KeyError(name)
        shape = members[name]
        if listed:
            if shape.type_name != "list":
                raise KeyError(part)
            shape = shape.member
    return shape


def fields_of(shape: Any) -> frozenset[str]:
    """Return the member names of a structure, the empty set for anything else."""
    return frozenset(getattr(shape, "members", {}))


def names_within(shape: Any, within: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the member names of a shape and of all that it holds, at every depth."""
    if shape is None or shape.name in within:  # shapes may hold themselves
        return frozenset()
    within |= {shape.name}
    held = [*getattr(shape, "members", {}).values(), getattr(shape, "member", None), getattr(shape, "value", None)]
    return fields_of(shape).union(*(names_within(inner, within) for inner in held))
