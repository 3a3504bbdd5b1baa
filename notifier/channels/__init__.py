"""Ways to people, one file each: a `Settings` form, and `send(message, settings, ways) -> Outcome`."""

import pkgutil
from importlib import import_module

from notifier.message import Way


def types() -> list[str]:
    """Return the channel types that there are files for."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def way(type_: str) -> Way:
    """Return the way of a channel type; raises `KeyError` for one without a file."""
    if type_ not in types():
        raise KeyError(type_)
    module = import_module(f"{__name__}.{type_}")
    return Way(module.Settings, module.send)
