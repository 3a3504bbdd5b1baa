"""What is kept of a resource's own fields: nothing that may be a secret."""

import re
from functools import partial
from typing import Any

from collectors.gcp.resource_types import TypeForm
from collectors.kept import without_passwords
from collectors.secret_signs import NAMED, Unreadable, reveals, signs
from model.canonical import encode
from model.json_walk import Made, Walk

Row = dict[str, Any]

_UNREADABLE = "unreadable text"
_KEPT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_SWITCH = re.compile(r"(?i)true|false|yes|no|y|n|on|off|0|1|enabled|disabled")
# Within these, names are the customer's: a label called `env` holds no environment.
_CUSTOMERS_OWN = frozenset({"labels", "annotations", "userLabels", "resourceLabels"})
# An address in JSON with what may be a password or a token, or one that is too long to decide.
_IN_ADDRESS = re.compile(rb'://(?:[^"\\@=]|\\.){0,2000}+[^"]')


class Keeper:
    """Keeps what a type file lets it keep; safe to share between threads."""

    def __init__(self, form: TypeForm) -> None:
        self._form = form
        fields: dict[str, Made] = {
            **dict.fromkeys(_CUSTOMERS_OWN, self._customers_own),
            **dict.fromkeys(form.switches, _metadata),
            **{name: partial(signs, shape) for name, shape in form.secrets.items()},
        }
        self._looked_at = Walk(fields=fields, without=form.omit).of
        self._names = [f'"{name}":'.encode() for name in [*form.omit, *form.secrets, *form.switches]]

    def kept(self, body: Row) -> tuple[Row, dict[str, str]]:
        """Return what is kept, and why a field that cannot be looked at is unknown.

        Most bodies have nothing that has to be left out: a search through their JSON says so, at a tenth of the cost.
        """
        encoded, unknown = encode(body), dict[str, str]()
        if self._names and self._reveals(encoded):
            body, unknown = self._without_secrets(body)
        return without_passwords(body) if _IN_ADDRESS.search(encoded) else body, unknown

    def _without_secrets(self, body: Row) -> tuple[Row, dict[str, str]]:
        whole, unknown = Row(), dict[str, str]()
        for name, value in body.items():
            if not self._reveals(encode({name: value})):
                whole[name] = value
                continue
            try:
                whole |= self._looked_at({name: value})
            except Unreadable:
                unknown[name] = _UNREADABLE
        return whole, unknown

    def _reveals(self, encoded: bytes) -> bool:
        return any(name in encoded for name in self._names)

    def _customers_own(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: inner for name, inner in value.items() if name not in self._form.omit}
        return self._looked_at(value)


def _metadata(value: Any) -> Row:
    """Return what is kept of metadata: pairs under `items`, as Compute Engine has it, or values under their names."""
    if not isinstance(value, dict):
        raise Unreadable
    if "items" in value:
        return value | {"items": [_pair(pair, number) for number, pair in enumerate(_list(value["items"]), 1)]}
    return {_name(key, number): _switch(key, inner) for number, (key, inner) in enumerate(value.items(), 1)}


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable
    return value


def _pair(pair: Any, number: int) -> Row:
    if not isinstance(pair, dict) or not isinstance(pair.get("key"), str):
        raise Unreadable
    key = {"key": _name(pair["key"], number)}
    return key | ({"value": _switch(pair["key"], pair["value"])} if pair.get("value") is not None else {})


def _switch(name: str, value: Any) -> Any:
    """Return a switch as it is; of any other text, in its place, only the lines where a secret seems to be."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if _SWITCH.fullmatch(text):
        return text
    named = [{"looks_like": NAMED}] if reveals(name, text) else []
    return {"signs": signs("lines", text) or named}


def _name(name: str, number: int) -> str:
    return name if _KEPT_NAME.fullmatch(name) else f"#{number}"
