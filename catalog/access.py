"""Reads the table of roles and actions (`config/access.yaml`)."""

from pathlib import Path

from catalog.form import convert
from catalog.yaml_reader import read
from model.access import Access
from model.fault import Refused


def load(config: Path) -> Access:
    """Return the table; raises `Refused` where a role may do what is no action."""
    document = read(config / "access.yaml")
    access: Access = convert(document, Access)
    faults = [
        document.fault(("roles", name, "may", number), f"there is no action {action!r}")
        for name, role in access.roles.items()
        for number, action in enumerate(role.may)
        if action not in access.actions
    ]
    if faults:
        raise Refused(faults)
    return access
