"""AWS's wildcards: `*` is any text, `?` any one character, everything else itself.

Source: IAM User Guide, «IAM JSON policy elements: Resource», «Action». Nothing here uses regular expressions: the
patterns are customers' texts, and these loops take no more than the product of two lengths.
"""


def includes(wide: str, narrow: str) -> bool:
    """Return whether every text that `narrow` means is meant by `wide` too; a plain text means itself.

    What is reported is true; a few inclusions that need two wildcards to be weighed together are not seen.
    """
    fixed = wide[:-1] if wide.endswith("*") else wide
    if "*" not in fixed and "?" not in fixed:  # most patterns are a name, or the beginning of one
        return narrow.startswith(fixed) if fixed is not wide else narrow == wide
    return _includes(wide, narrow)


def _includes(wide: str, narrow: str) -> bool:
    at = mark = restart = 0
    star = -1
    while mark < len(narrow):
        if at < len(wide) and wide[at] == "*":
            star, at, restart = at, at + 1, mark
        elif at < len(wide) and _takes(wide[at], narrow[mark]):
            at, mark = at + 1, mark + 1
        elif star >= 0:
            restart += 1
            at, mark = star + 1, restart
        else:
            return False
    return not wide[at:].strip("*")


def overlaps(one: str, other: str) -> bool:
    """Return whether some text is meant by both patterns."""
    reached = _behind_stars({0}, other)
    for character in one:
        if character == "*":
            reached = set(range(min(reached), len(other) + 1)) if reached else reached
            continue
        steps = {at + 1 for at in reached if at < len(other) and _may_be_the_same(character, other[at])}
        stay = {at for at in reached if at < len(other) and other[at] == "*"}
        reached = _behind_stars(steps | stay, other)
    return len(other) in reached


def _takes(wide: str, narrow: str) -> bool:
    return (wide == "?" and narrow != "*") or (wide == narrow and wide != "*")


def _may_be_the_same(one: str, other: str) -> bool:
    return one == other or "?" in (one, other) or other == "*"


def _behind_stars(reached: set[int], pattern: str) -> set[int]:
    """Add the places that are reached because a star may mean no text at all."""
    found = set(reached)
    for at in sorted(reached):
        while at < len(pattern) and pattern[at] == "*":
            at += 1
            found.add(at)
    return found
