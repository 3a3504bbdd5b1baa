"""A second implementation of the model of Article 11, as plain as it can be: for tests alone.

It is written from the page that defines the model, row by row, and shares nothing with the product.
"""

from typing import Any

DEFAULTS: dict[str, Any] = {
    "disk": 0, "spool": 1440, "refusal": 0.05, "keep": 1.0, "target_s": 60, "calm_p99_s": 0, "hot": 3, "cool": 1.2,
    "bucket": 5, "dwell": 10, "period": 1440, "automatic": True,
}  # fmt: skip
TINY = 1e-9
Line = tuple[int, str, str, str, str]


def water(capacity: float, wanted: dict[str, float], weight: dict[str, float]) -> dict[str, float]:
    """Weighted max-min: all levels rise together, whoever is full stops."""
    got = dict.fromkeys(wanted, 0.0)
    left = capacity
    while left > TINY:
        hungry = [k for k in wanted if wanted[k] - got[k] > TINY]
        if not hungry:
            break
        weights = sum(weight[k] for k in hungry)
        level = min(min((wanted[k] - got[k]) / weight[k] for k in hungry), left / weights)
        for k in hungry:
            got[k] += level * weight[k]
        left -= level * weights
    return got


def p99(ages: list[tuple[int, float]]) -> int:
    whole = sum(amount for _, amount in ages)
    if whole <= TINY:
        return 0
    for limit in sorted({age for age, _ in ages}):
        if sum(amount for age, amount in ages if age <= limit) >= 0.99 * whole - TINY:
            return limit
    return max(age for age, _ in ages)


def lines(minutes: list[dict[str, float]], settings: dict[str, Any]) -> list[Line]:
    s = DEFAULTS | settings
    c: dict[str, float] = s["committed"]
    free = float(s["disk"])
    tokens = {k: s["bucket"] * c[k] for k in c}
    queue: dict[str, list[list[float]]] = {k: [] for k in c}
    stage, changed = dict.fromkeys(c, "normal"), dict.fromkeys(c, -(10**9))
    share, quarter = dict.fromkeys(c, 0.0), dict[str, int]()
    proposed: dict[str, int] = {}
    rates: dict[str, list[float]] = {k: [] for k in c}
    grown: dict[str, list[float]] = {k: [] for k in c}
    late: dict[str, list[bool]] = {k: [] for k in c}
    dear: dict[str, list[bool]] = {k: [] for k in c}
    found: list[Line] = []

    def massive(k: str, last: int) -> int:
        return sum(r > s["hot"] * c[k] for r in rates[k][-last:])

    def calm(k: str) -> int:
        run = 0
        for r in reversed(rates[k]):
            if not r < s["cool"] * c[k]:
                break
            run += 1
        return run

    for m, arrived in enumerate(minutes):
        before = {k: sum(a for _, a in queue[k]) for k in c}
        green, yellow, refused, dry = {}, {}, {}, {}
        for k in c:
            r = arrived.get(k, 0.0)
            rates[k].append(r)
            tokens[k] = min(s["bucket"] * c[k], tokens[k] + c[k])
            taken = {"suspended": 0.0, "probing": min(r, c[k] * share[k])}.get(stage[k], r)
            green[k] = min(taken, tokens[k])
            tokens[k] -= green[k]
            rest = taken - green[k]
            dry[k] = tokens[k] < TINY and rest > TINY
            refused[k] = max(0.0, rest - max(0.0, s["spool"] * c[k] - before[k]))
            yellow[k] = before[k] + rest - refused[k]
            queue[k].append([m, taken - refused[k]])
        capacity = max(0.0, s["capacity"] - s["refusal"] * sum(refused.values()))
        first = water(capacity, green, c)
        second = water(capacity - sum(first.values()), {k: yellow[k] + green[k] - first[k] for k in c}, c)
        ages: dict[str, list[tuple[int, float]]] = {k: [] for k in c}
        for k in c:
            amount = first[k] + second[k]
            for one in queue[k]:
                part = min(one[1], amount)
                if part > 0:
                    ages[k].append((m - int(one[0]), part))
                one[1] -= part
                amount -= part
            queue[k] = [one for one in queue[k] if one[1] > TINY]
        backlog = {k: sum(a for _, a in queue[k]) for k in c}
        for k in c:
            served = sum(a for _, a in ages[k])
            grown[k].append(backlog[k] - before[k] + s["keep"] * served)
        free -= sum(grown[k][-1] for k in c)
        impact: dict[str, str] = {}
        n = min(30, m + 1)
        whole = sum(sum(grown[k][-30:]) for k in c) / n
        for k in c:
            others = [pair for j in c if j != k for pair in ages[j]]
            wait = p99(others) if any(backlog.values()) else 0
            demand = sum(rates[j][-1] for j in c if j != k) + c[k]
            late[k].append(wait * 60 > max(1.2 * s["calm_p99_s"], s["target_s"]) and demand <= s["capacity"])
            dear[k].append(refused[k] * s["refusal"] / s["capacity"] > 0.25)
            if len(dear[k]) >= 10 and all(dear[k][-10:]):
                impact[k] = "intake"
            if s["disk"] and whole > 0 and free / whole < 240 and sum(grown[k][-30:]) / n > 0.5 * whole:
                impact[k] = "disk"
            if len(late[k]) >= 5 and all(late[k][-5:]):
                impact[k] = "waiting"
        for k in c:
            now, to, reason = stage[k], "", ""
            stayed = m - changed[k] >= s["dwell"]
            hot = rates[k][-1] > s["hot"] * c[k]
            if now == "normal":
                if massive(k, 5) == 5 or (hot and dry[k]):
                    to, reason = "watch", "rate"
            elif now == "watch" and stayed:
                if calm(k) >= 30:
                    to, reason = "normal", "calm"
                elif massive(k, 20) >= 15:
                    to, reason = "limited", "rate"
            elif now == "limited" and stayed:
                if calm(k) >= 30 and not backlog[k]:
                    to, reason = "normal", "calm"
                elif m + 1 >= 60 and massive(k, 60) >= 54 and massive(k, 10) >= 8 and k in impact:
                    if s["automatic"]:
                        to, reason = "suspended", impact[k]
                    elif m >= proposed.get(k, -(10**9)) + 1440:
                        proposed[k] = m
                        found.append((m + 1, k, "limited", "proposed", impact[k]))
            elif now == "suspended":
                if m >= changed[k] + s["period"]:
                    to, reason = "probing", "period"
            elif now == "probing":
                if hot:
                    to, reason = "suspended", "massive"
                elif k not in quarter:
                    if calm(k) >= 30:
                        quarter[k], share[k] = m, 0.25
                elif m - quarter[k] >= 30:
                    to, reason = "normal", "calm"
                else:
                    share[k] = 1.0 if m - quarter[k] >= 20 else 0.5 if m - quarter[k] >= 10 else 0.25
            if to:
                found.append((m + 1, k, now, to, reason))
                stage[k], changed[k], share[k] = to, m, 0.0
                quarter.pop(k, None)
                proposed.pop(k, None)
    return found
