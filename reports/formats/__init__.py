"""Formats that programs read, one file each: `write(findings, export)` yields text with its line ends, to be UTF-8."""

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.export import Write


def types() -> list[str]:
    """Return the formats that there are files for."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def writer(type_: str) -> "Write":
    """Return how a format is written; raises `KeyError` for one without a file."""
    if type_ not in types():
        raise KeyError(type_)
    write: Write = import_module(f"{__name__}.{type_}").write
    return write
