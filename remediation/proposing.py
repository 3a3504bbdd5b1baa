"""Candidates into a plan; pure. Nothing is asked of any cloud: what is planned is checked again before it is done."""

import math
from collections.abc import Callable, Iterable, Sequence

from msgspec import UNSET, Struct

from model.asset import Asset
from model.canonical import digest, encode
from model.plan import LeftOut, Plan, Progress, State, Step, Target
from model.text import Text
from remediation.ownership import owner_of
from remediation.playbook import Faults, Playbook
from remediation.states import Conflict, bare, difference, rolled_back, same

AT_ONCE = 25
SHARE = 0.10


class Candidate(Struct, frozen=True):
    """A resource with the policies that it fails."""

    asset: Asset
    faults: Faults


class Terms(Struct, frozen=True):
    """Under which terms a plan is made: whose, for whom, how much at once.

    `of_kind` is how many resources of the kind there are. `most` allows more at once than the default does. `live`
    chooses to change also what infrastructure code owns. `never` states why a resource must not be touched, `users_of`
    names what uses it now.
    """

    tenant: str
    author: str
    requester: str
    created_at: str
    of_kind: int
    customer: bool = False
    most: int = 0
    live: bool = False
    order: str = ""
    never: Callable[[Asset], Text | None] = lambda _: None
    users_of: Callable[[Asset], Sequence[str]] = lambda _: ()


def usual_most(of_kind: int) -> int:
    """Return how many resources of a kind a plan changes by default: 25, or a tenth of them where that is more."""
    return max(AT_ONCE, math.ceil(of_kind * SHARE))


def propose(playbook: Playbook, candidates: Iterable[Candidate], terms: Terms) -> Plan:
    """Return a playbook's plan for candidates under these terms, in the order of their names; it may have no steps."""
    steps: list[Step] = []
    left_out: list[LeftOut] = []
    most = terms.most or usual_most(terms.of_kind)
    for candidate in sorted(candidates, key=lambda one: (one.asset.name, one.asset.uid)):
        step = _why_not(playbook, candidate.asset, terms) or _step(playbook, candidate, terms)
        if isinstance(step, Text):
            left_out.append(LeftOut(candidate.asset.resource, step))
        elif terms.order and step.cautions:  # what needs two persons is for people to plan
            left_out.append(LeftOut(candidate.asset.resource, step.cautions[0]))
        elif len(steps) == most:
            left_out.append(LeftOut(candidate.asset.resource, _too_many(most)))
        else:
            steps.append(step)
    reasons = _reasons(steps, terms)
    return Plan(
        id=digest(terms.tenant, playbook.id, terms.author, terms.created_at)[:12],
        tenant=terms.tenant,
        playbook=playbook.id,
        title=playbook.title,
        risk=playbook.risk,
        author=terms.author,
        requester=terms.requester,
        created_at=terms.created_at,
        steps=tuple(steps),
        needs=playbook.needs,
        approvals=2 if reasons else playbook.persons,
        customer=terms.customer,
        reasons=tuple(reasons),
        stays=playbook.stays,
        left_out=tuple(left_out),
        order=terms.order,
    )


class LeftStep(Struct, frozen=True):
    """A step that left something behind: how far it came, and what is there now."""

    step: Step
    progress: Progress
    now: State


def propose_rollback(playbook: Playbook, plan: Plan, done: Sequence[LeftStep], terms: Terms) -> Plan:
    """Return the plan that rolls back what a plan has `done`, on what is there now, by the same playbook.

    The terms are those of the new plan. What conflicts is left to a person.
    """
    steps: list[Step] = []
    left_out: list[LeftOut] = []
    for one in done:
        step = _rollback(playbook, one)
        if isinstance(step, Step):
            steps.append(step)
        else:
            left_out.append(LeftOut(one.step.target.resource, step))
    return Plan(
        id=digest(terms.tenant, playbook.id, terms.author, terms.created_at, plan.id)[:12],
        tenant=terms.tenant,
        playbook=playbook.id,
        title=Text(en=f"Roll back: {plan.title.en}", ja=f"ロールバック：{plan.title.ja}"),
        risk=_OPENS_AGAIN,
        author=terms.author,
        requester=terms.requester,
        created_at=terms.created_at,
        steps=tuple(steps),
        needs=playbook.needs,
        approvals=2,
        customer=terms.customer,
        reasons=(_OPENS_AGAIN,),
        stays=playbook.stays,
        left_out=tuple(left_out),
        undoes=plan.id,
    )


_EDITED = Text(
    en="what was kept of it is not what was planned: somebody has edited it",
    ja="保存されている変更前の値が計画時の値と一致しない（第三者により編集された可能性がある）",
)
_OPENS_AGAIN = Text(
    en="the fault that was remediated is there again afterwards", ja="実行後は、是正した不備が再び生じる"
)


def _why_not(playbook: Playbook, asset: Asset, terms: Terms) -> Text | None:
    for name in playbook.fields:
        if name in asset.unknown:
            return Text(en=f"{name} is not known: {asset.unknown[name]}", ja=f"{name}が不明：{asset.unknown[name]}")
    return terms.never(asset) or playbook.left_alone(asset)


def _step(playbook: Playbook, candidate: Candidate, terms: Terms) -> Step | Text:
    asset = candidate.asset
    before = playbook.state(asset.body)
    after = playbook.want(before, candidate.faults)
    if same(before, after):
        return Text(en="it is so already in the inventory", ja="台帳上は既に是正済み")
    back = playbook.back(before, after)
    owner = owner_of(asset)
    cautions = playbook.cautions(asset, terms.created_at)
    if back is UNSET or not same(back, before):
        cautions.append(
            Text(
                en="it cannot be rolled back, or not wholly",
                ja="ロールバックできない、または一部しかロールバックできない",
            )
        )
    if users := terms.users_of(asset):
        cautions.append(_in_use(users))
    return Step(
        target=target_of(asset, playbook),
        policies=tuple(sorted(candidate.faults)),
        before=bare(before),
        after=bare(after),
        changes=difference(before, after),
        calls=tuple(playbook.write(asset, before, after)),
        back=UNSET if back is UNSET else bare(back),
        inverse=() if back is UNSET else tuple(playbook.write(asset, after, back)),
        cautions=tuple(cautions),
        owner=str(owner or ""),
        patch=playbook.patch(owner.tool, asset, after) if owner else "",
        live=owner is None or terms.live,
    )


def _rollback(playbook: Playbook, one: LeftStep) -> Step | Text:
    before = one.step.before if one.progress.before is None else one.progress.before
    if not same(before, one.step.before):  # what was read before the first call was as planned, or it was not sent
        return _EDITED
    goal = playbook.back(before, one.step.after)
    if goal is UNSET:
        return playbook.stays or Text(en="it cannot be rolled back", ja="ロールバックできない")
    assert not isinstance(goal, type(UNSET)), "stated above"
    try:
        back = rolled_back(goal, one.step.after, one.now)
    except Conflict as conflict:
        return _three_values(conflict)
    if same(one.now, back):
        return Text(en="nothing of the change is there any more", ja="変更は既に残っていない")
    asset = one.step.target.asset
    return Step(
        target=one.step.target,
        policies=one.step.policies,
        before=bare(one.now),
        after=back,  # with its handles: texts are put back as they were
        changes=difference(one.now, back),
        calls=tuple(playbook.write(asset, one.now, back)),
        back=bare(one.now),
        inverse=tuple(playbook.write(asset, back, one.now)),
    )


def _three_values(conflict: Conflict) -> Text:
    """Return the three-way difference as a text: what it was, what we made of it, what it is now."""

    def said(absent: str) -> str:
        triples = ((change.path, (change.before, change.after, now)) for change, now in conflict.places)
        shown = ((path, [absent if v is UNSET else encode(v).decode() for v in values]) for path, values in triples)
        return "; ".join(f"{'.'.join(path)}: {old} → {ours} ≠ {now}" for path, (old, ours, now) in shown)

    return Text(
        en=f"changed by somebody else since (before → ours ≠ now): {said('absent')}",
        ja=f"その後、第三者により変更済み（変更前 → 当方の変更 ≠ 現在）：{said('なし')}",
    )


def _in_use(users: Sequence[str]) -> Text:
    shown, more = ", ".join(users[:3]), len(users) - 3
    return Text(
        en=f"in use by {shown}" + (f" and {more} more" if more > 0 else ""),
        ja=f"使用中：{shown}" + (f"、ほか{more}件" if more > 0 else ""),
    )


def _too_many(most: int) -> Text:
    return Text(
        en=f"beyond the {most} resources that one plan changes; make another one, or say how many by --most",
        ja=f"1件の計画で変更する上限（{most}件）を超過。別の計画とするか、--mostで件数を指定",
    )


def _reasons(steps: Sequence[Step], terms: Terms) -> list[Text]:
    """Return why two persons have to agree, each reason once."""
    reasons = {text.en: text for step in steps for text in step.cautions}
    if len(steps) > usual_most(terms.of_kind):
        many = Text(en=f"{len(steps)} resources at once", ja=f"{len(steps)}件を一括で変更")
        reasons[many.en] = many
    return list(reasons.values())


def target_of(asset: Asset, playbook: Playbook) -> Target:
    """Return an asset as the target of a playbook's step."""
    a = asset
    parts = {name: a.body[name] for name in playbook.parts if name in a.body} if playbook.parts else UNSET
    return Target(a.uid, a.kind, a.resource, a.name, a.scope, a.region, a.key, parts)
