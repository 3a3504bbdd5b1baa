"""May something be done for a tenant on a day? The contract's term, as far as its file states it."""

from datetime import date

from msgspec import Struct

from model.tenant import Contract, Suspension
from model.text import Text


class Decision(Struct, frozen=True):
    """A decision with its reason and the clause that it comes from; `until` when it holds, where that is known."""

    allowed: bool
    reason: Text
    clause: str
    until: str = ""


def decide(contract: Contract, day: date) -> Decision:
    """Return whether the service runs on a day (Asia/Tokyo).

    The start day and the last day both count; without a last day the contract renews year by year (Article 7). Within
    the term it may be suspended (Article 11); fees go on.
    """
    if day < contract.start:
        return Decision(
            False,
            Text(
                en=f"the contract's term begins on {contract.start}; today is {day}",
                ja=f"契約期間の開始日は{contract.start}です(本日は{day})",
            ),
            "7(1)",
        )
    if contract.last_day is not None and day > contract.last_day:
        return Decision(
            False,
            Text(
                en=f"the contract's term ended on {contract.last_day}; today is {day}",
                ja=f"契約期間は{contract.last_day}に終了しています(本日は{day})",
            ),
            "7(2)",
        )
    suspension = next((one for one in contract.suspended if one.holds(day)), None)
    if suspension is not None:
        return Decision(False, _suspended(suspension), "11")
    return Decision(True, Text(en="within the contract's term", ja="契約期間内"), "7(1)")


def _suspended(suspension: Suspension) -> Text:
    until, reason = suspension.last_day, suspension.reason
    return Text(
        en=f"the service is suspended {f'until {until}' if until else 'until further notice'}: {reason}",
        ja=f"サービスは{f'{until}まで' if until else '当面の間'}停止中です({reason})",
    )
