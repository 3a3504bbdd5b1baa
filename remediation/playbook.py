"""What a playbook is: read, want, write. Plan, snapshot, apply, verify and rollback are made of them by the engine."""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from msgspec import UnsetType

from clouds.call_failed import NotThere
from model.asset import Asset
from model.call import Call, WriteCloud
from model.plan import State
from model.text import Text

Body = dict[str, Any]
# The policies that a resource fails, each with the keys of the elements that do (none where it judges the whole).
Faults = Mapping[str, tuple[str, ...]]


class Gone(Exception):
    """The resource is not there any more."""


class Playbook(ABC):
    """Remediates one fault of resources of one kind, by as narrow a change as there is.

    `closes` names the policies that pass afterwards, `needs` the permissions of all its calls, of the way back too.
    `fields` are those of the asset's body that it is about. `risk` states what the change may break.
    `parts` are the fields of the body by which `read` finds what it is about; a plan keeps them, and `read` and `write`
    get no others. `persons` is how many have to approve where nothing else asks for more: two where one of the kinds
    `users` mentions the resource, by its field `known_as`. `settle_seconds` is how long a change may take to show.
    """

    id: ClassVar[str]
    kind: ClassVar[str]
    closes: ClassVar[tuple[str, ...]]
    needs: ClassVar[tuple[str, ...]]
    fields: ClassVar[tuple[str, ...]]
    title: ClassVar[Text]
    risk: ClassVar[Text]
    persons: ClassVar[int] = 1
    parts: ClassVar[tuple[str, ...]] = ()
    users: ClassVar[tuple[str, ...]] = ()
    known_as: ClassVar[str] = ""
    stays: ClassVar[Text | None] = None
    settle_seconds: ClassVar[float] = 60.0

    @abstractmethod
    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        """Return the fields as they are now, in the collector's form.

        Raises `Gone` where the resource is not there any more, and `CallFailed` where it cannot be read.
        """

    def state(self, body: Mapping[str, Any]) -> State:
        """Return what of a body is compared and changed: the fields themselves, where nothing else is said."""
        return {name: body[name] for name in self.fields if name in body}

    @abstractmethod
    def want(self, before: State, faults: Faults) -> State:
        """Return the state in which the policies pass that fail now, and nothing else differs; pure."""

    @abstractmethod
    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        """Return the calls that bring an asset from the state `before` to the state `after`, either way; pure."""

    def back(self, before: State, after: State) -> State | UnsetType:
        """Return the state that a rollback reaches; unset where there is no way back."""
        return before

    def cautions(self, asset: Asset, at: str) -> list[Text]:
        """Return why two persons have to agree to this resource, as of a moment; nothing where one is enough."""
        return []

    def left_alone(self, asset: Asset) -> Text | None:
        """Return why this resource is none for a plan; None where it is."""
        return None

    def patch(self, tool: str, asset: Asset, after: State) -> str:
        """Return what brings an asset to the state `after` as a text for infrastructure code, if there is one.

        The tool is `cloudformation`, `terraform`, ….
        """
        return ""


def found(cloud: WriteCloud, call: Call) -> Body:
    """Return the document that a call returns; raises `Gone` where there is none, and `CallFailed`."""
    try:
        returned: Body = cloud.ask(call)
    except NotThere:
        raise Gone from None
    return returned


@cache
def playbooks() -> dict[str, Playbook]:
    """Return every playbook by id: one for each file of `remediation/playbooks/`."""
    from remediation import playbooks as folder

    names = [f"{folder.__name__}.{one.name}" for one in pkgutil.iter_modules(folder.__path__)]
    found: list[Playbook] = [importlib.import_module(name).PLAYBOOK for name in names]
    return {playbook.id: playbook for playbook in sorted(found, key=lambda playbook: playbook.id)}
