"""Where secrets seem to be in the files of a program: by known formats, and by texts under names that tell of them.

In source code most of what stands under a telling name is an expression, a label or another name: only quoted texts
count there, and not those that are names themselves. What was measured is in docs/decisions/0014.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from collectors.secret_signs import NAMED, Sign, always_tells, format_of, line_sign, tells, windows

_CODE = re.compile(r".*\.(?:[cm]?jsx?|cs|go|groovy|java|json|kt|lua|php|pl|ps1|py|rb|rs|scala|swift|[cm]?tsx?|vb)")
# Files that say things rather than do them: their lines are read as those of any text.
_SETTINGS = re.compile(
    r"(?:.*\.(?:cfg|conf|config|env|ini|key|pem|properties|sh|tfvars|toml|txt|xml|ya?ml)|\.env.*|\.npmrc|\.netrc|\.pypirc)"
)

# What a line has to have before it is looked at closer: a telling word, an address, or a long run as tokens are.
_HINT = re.compile(
    r"(?i)pass|pwd|\bpw|secret|token|key|credential|auth|contrase|account|connection|://|begin|a[ks]ia|[\w+/=.-]{32}"
)
_QUOTED = r"""(?P<quote>["'`])(?P<value>(?:(?!(?P=quote))[^\\\n]|\\.){4,512}?)(?P=quote)"""
_GIVEN = (
    # password = "…", "password": "…", config["password"] => "…", password: str = "…"
    re.compile(
        r"""(?<![\w$])(?P<name>[A-Za-z_$][\w$-]{0,127})["'`]?\]?"""
        r"""(?:\s{0,8}:\s{0,8}[A-Za-z_][\w.<>\[\]|? ]{0,64}?)?\s{0,8}(?::=|=>|=(?![=>~])|:)\s{0,8}[bru@]{0,2}"""
        + _QUOTED
    ),
    # setPassword("…"), .password("…")
    re.compile(r"""(?:\bset|\.with|\.)(?P<name>(?i:pass(?:word|wd|phrase)))\(\s{0,8}""" + _QUOTED + r"""\s{0,8}\)"""),
    # What is taken where the environment has nothing: getenv("PASSWORD", "…"), env.PASSWORD || "…"
    re.compile(
        r"""(?:getenv|environ\.get|fetch)\(\s{0,8}["'](?P<name>\w{1,128})["']\s{0,8}(?:,|\)\s{0,8}or\b)\s{0,8}"""
        + _QUOTED
    ),
    re.compile(r"""env(?:\.|\[["'])(?P<name>\w{1,128})(?:["']\])?\s{0,8}(?:\|\||\?\?)\s{0,8}""" + _QUOTED),
    # A part of a text: "Server=db;Password=…;", "jdbc:…?user=u&password=…"
    re.compile(r"""[;?&"'`](?P<name>[A-Za-z][\w-]{0,127})=(?P<value>[^;&"'`\s=]{4,256})(?=[;&"'`])"""),
)
# A text that other values are put into, a sentence, a version of a package.
_NO_VALUE = re.compile(r"\s|^[\^~]?\d+(?:\.\d+)+$|[$#%]\{|\{[\w.]*\}|\{\{|%[sdv(]|<[\w ]+>|^\$|\\")
_WORDS = re.compile(r"[A-Za-z_.:/-]+")
# Tokens that are no secrets: for the next page, and against forged requests.
_HARMLESS_TOKEN = re.compile(r"(?i)next|continuation|page|paging|cursor|marker|input|output|csrf|xsrf")
# As documentation writes addresses.
_EXAMPLE = re.compile(r"(?i)://[^\s/:@\"']{0,128}:[\[<{(:]{0,2}(?:pass\w{0,16}|pwd?|secret)[\]>})]{0,2}@")
_KEY = "Private Key"
_BEGIN = re.compile(r"BEGIN[A-Z ]{0,16} PRIVATE KEY(?: BLOCK)?-----(.*)")
_ENCODED = re.compile(r"(?:\\n|\s|[\"'+])*[\w+/=]{40}")


def is_looked_at(path: str) -> bool:
    """Return whether a file is of a kind that is read; others are compiled, pictures, data or prose."""
    return _is(_CODE, path) or _is(_SETTINGS, path)


def file_signs(path: str, text: str) -> Iterator[Sign]:
    """Yield the lines, counted from 1, where secrets seem to be, and what each looks like."""
    look = _code_sign if _is(_CODE, path) else line_sign
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        kinds = (look(window) for window in windows(line) if _HINT.search(window))
        kind = next(filter(None, kinds), "")
        if kind and not (kind == _KEY and _is_header_alone(line, lines[number : number + 1])):
            yield {"line": number, "looks_like": kind}


def _is(kind: re.Pattern[str], path: str) -> bool:
    return bool(kind.fullmatch(PurePosixPath(path).name.lower()))


def _code_sign(line: str) -> str:
    """Return the kind of secret that a line of source code seems to hold, else the empty text."""
    if kind := format_of(_EXAMPLE.sub("://", line)):
        return kind
    found = (match for pattern in _GIVEN for match in pattern.finditer(line))
    return NAMED if any(_is_secret(match["name"], match["value"]) for match in found) else ""


def _is_secret(name: str, value: str) -> bool:
    if _NO_VALUE.search(value) or not tells(name, value):
        return False
    if always_tells(name):
        return not (_WORDS.fullmatch(value) and (always_tells(value) or (value.isupper() and "_" in value)))
    return any(map(str.isdigit, value)) and not _HARMLESS_TOKEN.search(name)


def _is_header_alone(line: str, following: list[str]) -> bool:
    """Return whether only the header of a key stands there, as programs compare and build it."""
    begun = _BEGIN.search(line)
    return not any(_ENCODED.match(part) for part in (begun[1] if begun else "", *following))
