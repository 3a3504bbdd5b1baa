"""Which policies are asked for, and the thresholds that go with them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from catalog import checkov as adopted_files
from catalog import policies as policy_files
from catalog.checkov import Adopted
from catalog.policies import Policy
from catalog.yaml_reader import Document, read
from model.fault import Fault, Refused
from model.finding import SEVERITIES


class Choice(Struct, frozen=True):
    """Filters of a check; an empty one lets everything pass. `policies` are our ids or peers' names (`prowler:…`)."""

    provider: str
    policies: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()

    def of(self, config: Path) -> tuple[list[Policy | Adopted], dict[str, list[str]]]:
        """Return the chosen policies and adopted checks, and for each the names by which it was asked for.

        Raises `Refused` for names, services and severities that do not exist, and for broken policy files.
        """
        named_only = () if self.services or self.severities else self.policies
        known: list[Policy | Adopted] = [*policy_files.load(config / "policies", self.provider, named_only)]
        adopted = adopted_files.load(config / "checkov", named_only, self.provider)
        known += [one for one in adopted if one.provider == self.provider]
        self._check(known)
        asked: dict[str, list[str]] = defaultdict(list)
        for name in self.policies:
            for policy in known:
                if name == policy.id or name in policy.form.same_as:
                    asked[policy.id].append(name)
        chosen = [
            p
            for p in known
            if (not self.policies or p.id in asked)
            and (not self.services or p.service in self.services)
            and (not self.severities or p.form.severity in self.severities)
        ]
        if not chosen:
            raise Refused("no policy fits all of --policy, --service and --severity")
        return chosen, dict(asked)

    def _check(self, known: Sequence[Policy | Adopted]) -> None:
        names = {p.id for p in known} | {name for p in known for name in p.form.same_as}
        services = {p.service for p in known}
        faults = [
            f"--policy: no policy is called {n!r}; see `hinomi catalog list`" for n in self.policies if n not in names
        ]
        faults += [
            f"--service: no policy is of {s!r}; known are {', '.join(sorted(services))}"
            for s in self.services
            if s not in services
        ]
        faults += [
            f"--severity: {s!r} is none of {', '.join(SEVERITIES)}" for s in self.severities if s not in SEVERITIES
        ]
        if faults:
            raise Refused([Fault("", 0, 0, fault) for fault in faults])


def load_settings(file: Path, policies: Sequence[Policy]) -> dict[str, dict[str, Any]]:
    """Return a file's thresholds by policy id; raises `Refused` where one fits no policy."""
    document = read(file)
    value = document.value if document.value is not None else {}
    faults = list(check_settings(document, (), value, policies))
    if faults:
        raise Refused(faults)
    return dict(value)


def check_settings(document: Document, path: tuple[str, ...], value: Any, policies: Sequence[Policy]) -> list[Fault]:
    """Return the faults of thresholds, the value at a path of a document: a policy or name that the policies lack.

    So is a value of another type than the policy's own.
    """
    by_id = {policy.id: policy for policy in policies}
    if not isinstance(value, Mapping):
        return [document.fault(path, "has to be a mapping from policy ids to their thresholds")]
    faults = []
    for policy_id, names in value.items():
        policy = by_id.get(policy_id)
        if policy is None:
            faults.append(document.fault((*path, policy_id), f"no policy is called {policy_id!r}"))
            continue
        if not isinstance(names, Mapping):
            faults.append(document.fault((*path, policy_id), "has to be a mapping from names to values"))
            continue
        for name, given in names.items():
            own = policy.form.settings.get(name)
            if own is None:
                known = ", ".join(policy.form.settings) or "none"
                faults.append(document.fault((*path, policy_id, name), f"{policy_id} has no {name!r}; it has {known}"))
            elif not _is_of_kind(given, own):
                faults.append(document.fault((*path, policy_id, name), f"{given!r} has to be of the kind of {own!r}"))
    return faults


def _is_of_kind(given: Any, own: Any) -> bool:
    """Return whether a value has the type of the policy's own, element by element in lists."""
    if type(given) is not type(own):
        return False
    return not (isinstance(own, list) and own) or all(type(element) is type(own[0]) for element in given)
