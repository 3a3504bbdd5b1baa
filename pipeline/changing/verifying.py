"""Judges a resource afresh by the policies that found its fault, with the inventory around it."""

import threading
from collections import defaultdict
from collections.abc import Callable

from msgspec.structs import replace

from detectors.posture.judge import Moment
from detectors.posture.posture import Posture
from model.asset import Asset
from model.clock import Clock
from model.fault import Refused
from model.plan import Plan, Step
from pipeline.assembly import Catalog
from pipeline.changing.plans import known_assets, playbook_of
from pipeline.world import Task
from remediation.applying import Judged
from remediation.playbook import Body, Playbook


class Judge:
    """Judges resources afresh by the policies that found their faults, with the inventory around them."""

    def __init__(self, clock: Clock, task: Task, plan: Plan) -> None:
        self._clock = clock
        self._task = task
        wanted = {policy for step in plan.steps for policy in step.policies}
        self._policies = {policy.id: policy for policy in task.catalog.policies if policy.id in wanted}
        self._playbook = playbook_of(plan.playbook)
        self._lock = threading.Lock()
        self._around: dict[str, list[Asset]] = defaultdict(list)
        kinds = {other.kind for policy in self._policies.values() for other in policy.compiled.others.values()}
        with task.store.read() as reader:
            uids = [row.uid for row in reader.current_assets(kinds)]
            for asset in known_assets(reader, uids):
                self._around[asset.scope].append(asset)

    def of(self, step: Step, asset: Asset) -> Callable[[Body], Judged]:
        """Return what judges a step's asset with a fresh body; raises `Refused` where a policy of it is gone."""
        if gone := [id_ for id_ in step.policies if id_ not in self._policies]:
            raise Refused(f"the policy {gone[0]} is not in the catalog any more")
        policies = [self._policies[id_] for id_ in step.policies]

        def judge(body: Body) -> Judged:
            moment = Moment(self._clock.now(), self._task.tenant.thresholds)
            posture = Posture(policies, moment)
            now = fresh(self._task.catalog, asset, self._playbook, body)
            with self._lock:  # one at a time: CEL holds the interpreter's lock anyway
                verdicts = posture.see(now)
                for other in self._around[asset.scope]:
                    if other.uid != asset.uid:
                        verdicts += posture.see(other)
                verdicts += posture.end()
            return Judged(now, [said for said in verdicts if said.asset_uid == asset.uid])

        return judge


def fresh(catalog: Catalog, asset: Asset, playbook: Playbook, body: Body) -> Asset:
    """Return an asset with the body that a playbook has read of it just now.

    Which fields do not count for its hash, the catalog says.
    """
    reported = {
        name: value for name, value in body.items() if not name.startswith("_")
    }  # handles are for the change only
    whole = {name: value for name, value in asset.body.items() if name not in playbook.fields} | reported
    unknown = {name: cause for name, cause in asset.unknown.items() if name not in playbook.fields}
    return replace(asset, body=whole, body_hash=catalog.kinds[asset.kind].hash_of(whole), unknown=unknown)
