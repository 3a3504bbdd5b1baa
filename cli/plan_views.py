"""Plans as people read them in the terminal."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import UNSET
from rich.console import Console
from rich.text import Text as Styled

from cli.tables import plain_table
from model.order import Order
from model.plan import Plan, Progress, Sent, Step
from model.text import Language, Text, printable
from remediation.approval import Standing
from reports.plan_page import STANDINGS, WORDS, call_text, lines

_GOOD = frozenset({"verified", "unchanged", "undone"})
_STYLES = {"verified": "green", "unchanged": "green", "undone": "cyan", "patch": "cyan", "planned": "dim"}


def print_plan(plan: Plan, stands: Standing, language: Language) -> None:
    """Print a plan: what it is, where it `stands`, each difference, what is called and what rolls it back.

    Texts are in the language.
    """
    console = Console(highlight=False, soft_wrap=True)
    word = {name: text.of(language) for name, text in WORDS.items()}
    console.print(Styled(plan.title.of(language), style="bold"))
    console.print(f"{word['plan']}: {plan.id}  {plan.playbook}\n{word['hash']}: {plan.hash}")
    made_for = f" ({word['made_for']} {plan.requester})" if plan.requester != plan.author else ""
    console.print(Styled(printable(f"{word['made_by']}: {plan.author}{made_for}, {plan.created_at}")))
    reason = f" ({stands.reason})" if stands.reason else ""
    console.print(Styled(printable(f"{word['standing']}: {STANDINGS[stands.state].of(language)}{reason}")))
    customer = f" + {word['customer']}" if plan.customer else ""
    console.print(f"{word['approvals']}: {plan.approvals}{customer}")
    reported: Sequence[tuple[str, Text | None]] = [
        ("risk", plan.risk),
        ("stays", plan.stays),
        *(("why_two", why) for why in plan.reasons),
    ]
    for name, text in reported:
        if text:
            console.print(Styled(f"{word[name]}: {printable(text.of(language))}"))
    console.print(f"{word['needs']}: {', '.join(plan.needs)}")
    for step in plan.steps:
        _print_step(console, step, word)
    for one in plan.left_out:
        console.print(Styled(printable(f"{word['left_out']}: {one.resource}: {one.reason.of(language)}"), style="dim"))


def _print_step(console: Console, step: Step, word: Mapping[str, str]) -> None:
    console.print()
    console.print(Styled(printable(f"{step.target.name}  {step.target.region}"), style="bold"))
    console.print(Styled(printable(step.target.resource), style="dim"))
    for line in lines(step):
        console.print(Styled(printable(f"  - {line.path}: {_or_absent(line.before, word)}"), style="red"))
        console.print(Styled(printable(f"  + {line.path}: {_or_absent(line.after, word)}"), style="green"))
    if step.owner:
        console.print(
            Styled(
                printable(f"  {word['owner']}: {step.owner}: {word['live' if step.live else 'proposal']}"),
                style="yellow",
            )
        )
    for text in step.patch.splitlines():
        console.print(Styled(printable(f"    {text}"), style="cyan"))
    if not step.live:
        return
    for call in step.calls:
        console.print(Styled(printable(f"  {word['calls']}: {call_text(call)}")))
    if step.back is UNSET:
        console.print(Styled(f"  {word['no_way_back']}", style="bold red"))
    for call in step.inverse:
        console.print(Styled(printable(f"  {word['inverse']}: {call_text(call)}"), style="dim"))


def _or_absent(value: str | None, word: Mapping[str, str]) -> str:
    return f"({word['absent']})" if value is None else value


def print_progress(plan: Plan, progress: Mapping[str, Progress], journal: Sequence[Sent]) -> bool:
    """Print how far each step of a plan is, with its calls; return whether everything came out well.

    `progress` is by the uid of the step's asset; `journal` are the calls in the order in which they were sent.
    """
    table = plain_table("resource", "state", "why", "calls")
    calls = defaultdict[str, list[str]](list)
    for one in journal:
        calls[one.uid].append(f"{one.state}{f' ({one.code})' if one.code else ''}")
    well = True
    for step in plan.steps:
        done = progress.get(step.target.uid)
        state = done.state if done else "planned" if step.live else "patch"
        style = _STYLES.get(state, "red")
        table.add_row(
            Styled(printable(step.target.name)),
            Styled(state, style=style),
            Styled(printable(done.reason if done else "")),
            Styled(", ".join(calls[step.target.uid])),
        )
        well = well and (state in _GOOD or state == "patch")
    Console(highlight=False).print(table)
    return well


def print_plans(rows: Sequence[tuple[Plan, Standing, Mapping[str, Progress]]]) -> None:
    """Print plans, a line each."""
    table = plain_table("plan", "made", "by", "playbook", "standing", "resources")
    for plan, stands, progress in rows:
        states = [progress[s.target.uid].state if s.target.uid in progress else "planned" for s in plan.steps]
        count = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
        name = plan.playbook + (f" (rolls back {plan.undoes})" if plan.undoes else "")
        table.add_row(plan.id, plan.created_at[:16], Styled(plan.author), name, stands.state, count)
    Console(highlight=False).print(table)


def print_orders(orders: Sequence[Order]) -> None:
    """Print standing orders, a line each."""
    table = plain_table("order", "playbook", "scope", "until", "by", "reason")
    for one in orders:
        until = f"withdrawn {one.withdrawn_at[:16]}" if one.withdrawn_at else one.expires_at[:16]
        table.add_row(one.id, one.playbook, one.scope or "all", until, one.author, Styled(printable(one.reason)))
    Console(highlight=False).print(table)
