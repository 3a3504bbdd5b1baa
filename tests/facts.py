"""Facts, and whom to notify of them."""

from model.alert import News
from model.finding import Category, Fact, Finding, Severity, State
from model.tenant import Channel
from model.text import Text
from notifier.stages import Context, Wording

TEXT = Text(en="t", ja="題")


def news(
    number: int,
    finding: str = "f",
    became: State = "open",
    policy: str = "p",
    severity: Severity = "high",
    category: Category = "posture",
) -> News:
    value = Finding(
        uid=finding, asset_uid="a", policy=policy, severity=severity, kind="k", resource=f"r{finding}", name="n",
        scope="1", region="global", state=became, message=TEXT, elements=(), opened_at="t", changed_at="t",
        category=category,
    )  # fmt: skip
    return News(number, Fact(finding, became, f"t{number}"), value)


def context(*severities: Severity, notified: frozenset[str] = frozenset()) -> Context:
    channels = [Channel(name=f"c{n}", type="console", severity=s) for n, s in enumerate(severities)]
    return Context("aozora", channels, {"p": Wording(TEXT, TEXT)}, notified, "now")
