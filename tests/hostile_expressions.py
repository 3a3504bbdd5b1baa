"""Expressions that mean harm, by what they try; each with the way it has to end."""

from collections.abc import Iterator

_TEN = "[1,2,3,4,5,6,7,8,9,0]"
_NAMES = "abcdfghijklm"


def loops(depth: int, macro: str, last: str) -> str:
    return "".join(f"{_TEN}.{macro}({name}, " for name in _NAMES[:depth]) + last + ")" * depth


def grown(first: str, times: int, rounds: int, end: str) -> str:
    """Bind a value, then `rounds` times what `times` of the one before are together; `end` says `big` for the last."""
    text, before = "", first
    for number in range(rounds):
        text += f"cel.bind(big{number}, {before}, "
        before = " + ".join([f"big{number}"] * times)
    return f"{text}cel.bind(big, {before}, {end})" + ")" * rounds


def _alternatives(number: int) -> str:
    return "{" + " && ".join(f"(($.a{n} = 1) || ($.b{n} = 2))" for n in range(number)) + "}"


# What it tries, the text, and how it ends: `value` (harmless after all), `refused` when it is compiled, `error` of
# evaluation inside the process, `killed`: by the limits, or because it broke the process.
def expressions() -> Iterator[tuple[str, str, str]]:
    yield "loops in loops, 6 deep", loops(6, "all", "true"), "error"
    yield "loops in loops, 12 deep", loops(12, "all", "true"), "error"
    yield "loops that make lists", loops(6, "map", "1"), "error"
    yield "loops that never find", loops(7, "exists", "false"), "error"
    yield "loops that count", loops(6, "exists_one", "true"), "error"
    yield "a loop over what is read", "r.Many.all(x, r.Many.all(y, r.Many.all(z, x + y + z >= 0)))", "error"
    yield "text that doubles", grown("'xxxxxxxx'", 10, 9, "big == 'x'"), "killed"
    yield "text that doubles slowly", grown("'x'", 2, 12, "size(big) > 1"), "value"
    yield "lists that double", grown(_TEN, 10, 9, "size(big) > 1"), "killed"
    yield "bytes that double", grown("b'xxxxxxxx'", 10, 9, "size(big) > 1"), "killed"
    yield "a value too long to return", grown("'xxxxxxxx'", 10, 6, "big"), "killed"
    yield "a list too long to return", grown(_TEN, 10, 6, "big"), "killed"
    yield "comparing long lists again and again", grown(_TEN, 10, 4, loops(4, "all", "big == big")), "killed"
    yield "looking in vain in long texts", grown("'xxxxxxx'", 10, 6, loops(3, "all", "!big.contains('xy')")), "killed"
    yield "matching long texts", grown("'xxxxxxx'", 10, 6, loops(3, "all", "!big.matches('(x+x+)+y')")), "killed"
    yield "finding in vain in long lists", grown(_TEN, 10, 4, loops(4, "all", "!(77 in big)")), "killed"
    yield (
        "replacing nothing by much",
        f"'x'.replace('', '{'y' * 30_000}').replace('', '{'z' * 20_000}')",
        "killed",
    )
    yield "replacing each by much", grown("'xxxxxxxx'", 10, 4, f"big.replace('x', '{'y' * 20_000}')"), "killed"
    yield "splitting into letters", grown("'xxxxxxxx'", 10, 6, "big.split('').size() > 1"), "killed"
    yield (
        "joining",
        "[" + ",".join(["'" + "x" * 1_000 + "'"] * 50) + "].join('" + "y" * 9_000 + "').size() > 1",
        "value",
    )
    yield "a pattern that goes back", f"'{'a' * 5_000}!'.matches('^(a+)+$')", "value"
    yield "a pattern of patterns", "'a'.matches('((((a{1,100}){1,100}){1,100}){1,100})')", "error"
    yield "a pattern of many states", "'a'.matches('(x+x+)+y(.*.*.*.*)=.*')", "value"
    yield "brackets, 50,000 deep", "(" * 30_000 + "1" + ")" * 30_000, "refused"
    yield "lists, 10,000 deep", "[" * 10_000 + "]" * 10_000, "refused"
    yield "maps, 5,000 deep", "{'a':" * 5_000 + "1" + "}" * 5_000, "refused"
    yield "nots, 30,000 of them", "!" * 30_000 + "true", "value"
    yield "minuses, 30,000 of them", "-" * 30_000 + "1", "value"
    yield "choices, 5,000 deep", "true ? " * 5_000 + "1" + " : 1" * 5_000, "refused"
    yield "an endless «or»", " || ".join(["r.A == 2"] * 5_000), "value"
    yield "an endless sum", "+".join(["1"] * 20_000), "refused"
    yield "a list of 20,000", "size([" + ",".join(["1"] * 20_000) + "]) > 1", "value"
    yield "fields of fields", "r.A" + ".b" * 10_000, "refused"
    yield "calls of calls", "size(" * 5_000 + "'a'" + ")" * 5_000, "refused"
    yield (
        "the smallest number by -1",
        "-9223372036854775807 - 1 - (1 - 1) / -1 == (-9223372036854775807 - 1) / -1",
        "error",
    )
    yield "the rest of the smallest number", "(-9223372036854775807 - 1) % -1 == 0", "error"
    yield "one more than the largest", "9223372036854775807 + r.A > 0", "error"
    yield "nothing to divide by", "r.A / (r.A - r.A) == 1", "error"
    yield "a moment after all moments", "timestamp('9999-12-31T23:59:59Z') + duration('87600000h') > now", "error"
    yield (
        "a duration without end",
        "duration('9223372036854775807s') + duration('9223372036854775807s') > duration('1s')",
        "error",
    )
    yield "no number", "double('NaN') == double('NaN')", "value"
    yield "a value that is no number", "double('NaN')", "value"
    yield "a value that is a type", "type(r.A)", "error"
    yield "a value that is bytes", r"b'\xff\xfe'", "value"
    yield "half a character", r"'\ud800'", "refused"
    yield "nothing in a text", r"'a\u0000b' == r.A", "value"
    yield "an optional of an optional", "optional.of(optional.of(optional.none()))", "error"
    yield "an optional for a document", "statements(optional.none())", "error"
    yield "an optional for anything", "flat(dyn([optional.of(1)]))", "error or killed"
    yield "a number for a document", "statements(dyn(1))", "error"
    yield "a name that binds itself", "cel.bind(x, x, x)", "refused"
    yield "the loop's own name", "[1].all(__result__, __result__ > 0) && __result__", "refused"
    yield "a macro for a name", "has(has(r.A))", "refused"
    yield "alternatives of alternatives", f"pattern_alternatives('{_alternatives(40)}').size() > 1", "error"
    yield "what a pattern catches", f"pattern_catches('{_alternatives(16)}', '{_alternatives(16)}')", "error"
    yield "a pattern in brackets", f"pattern_alternatives('{{{'(' * 20_000}') == []", "error"
    yield "a query in brackets", f"query_alternatives('{'(' * 15_000}') == []", "error"
    yield "a query of dashes", f"query_catches('{'-' * 15_000}', 'a=1')", "value"
    yield "an address of 50,000 digits", f"is_any_address('{'1' * 50_000}/0')", "value"
    yield (
        "a document of much",
        "statements({'Statement': " + grown("[{'Effect': 'Allow', 'Action': '*'}]", 10, 7, "big") + "}).size() > 1",
        "killed",
    )
    yield "an age in words", "age_days('" + "9" * 30_000 + "', now) > 1.0", "error"
    yield "the whole of what is read", "r == r", "refused"
    yield "a way out", "__import__('os').system('id') == 0", "refused"
    yield "a way out by attributes", "r.A.__class__.__mro__", "error"
