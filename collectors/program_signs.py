"""Where secrets seem to be in the files of a program: by known formats, and by texts under names that suggest them.

In source code most of what stands under a suggestive name is an expression, a label or another name: only quoted texts
count there, and not those that are names themselves. What was measured is in docs/decisions/0014.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from collectors.secret_signs import NAMED, Sign, always_reveals, format_of, line_sign, reveals, windows

_CODE = re.compile(
    r".*\.(?:[cm]?jsx?|cs|erb|go|groovy|java|json|kt|lua|php|phtml|pl|ps1|py|rb|rs|scala|swift|[cm]?tsx?|vb)"
)
# Files that say things rather than do them: their lines are read as those of any text.
_SETTINGS = re.compile(
    r".*\.(?:bash|cfg|cnf|conf|config|env|ini|key|pem|properties|sh|tf|tfvars|toml|txt|xml|ya?ml)"
    r"|\.env.*|\.npmrc|\.netrc|\.pypirc|\.git-credentials|credentials|id_(?:rsa|dsa|ecdsa|ed25519)"
)
_KEY_FILE = re.compile(r".*\.(?:pem|key)|id_\w+")

# What a line has to have before it is looked at closer: a suggestive word, an address, a command that takes a password,
# or a long run as tokens are.
_HINT = re.compile(
    r"(?i)pass|pwd|\bpw|secret|token|key|credential|auth|contrase|://|@(?:tcp|udp|unix)\(|\bmysql|\bcurl\b|\bdocker\b"
    r"|a[ks]ia|[\w+/=.-]{32}"
)
_QUOTED = r"""(?P<quote>["]{3}|[']{3}|["'`])(?P<value>(?:(?!(?P=quote))[^\\\n]|\\.){4,512}?)(?P=quote)"""
_WORD = r"[A-Za-z_$][\w$-]{0,127}"
# {"name": "DB_PASSWORD", "value": "…"}, <add key="Password" value="…"/>
_PAIR = re.compile(
    r"""(?i:\b(?:key|name))["']?\s{0,8}[=:]\s{0,8}["'](?P<name>[\w.:-]{1,128})["'][\s,]{1,8}["']?(?i:value)["']?"""
    r"""\s{0,8}[=:]\s{0,8}""" + _QUOTED
)
_GIVEN = (
    _PAIR,
    # password = "…", "password": "…", config["password"] => "…", password: str = "…", String password = "…"
    re.compile(
        rf"""(?<![\w$-])(?P<name>{_WORD})["'`]?\]?\??"""
        r"""(?:(?:\s{0,8}:\s{0,8}|\s{1,8})(?P<type>[A-Za-z_][\w.<>\[\]|?]{0,64}))?(?:\s{0,8}\{[^{}]{0,40}\})?"""
        r"""\s{0,8}(?::=|=>|=(?![=>~])|:)\s{0,8}\(?[bruf@]{0,2}""" + _QUOTED
    ),
    # setPassword("…"), .password("…")
    re.compile(r"""(?:\bset|\.with|\.)(?P<name>(?i:pass(?:word|wd|phrase)))\(\s{0,8}""" + _QUOTED + r"""\s{0,8}\)"""),
    # What is taken where the environment has nothing: getenv("PASSWORD", "…"), env.PASSWORD || "…"
    re.compile(
        r"""(?i:getenv|environ\.get|fetch|\benv|environmentvariable)\(\s{0,8}["'](?P<name>\w{1,128})["']\s{0,8}"""
        r"""(?:,|\)\s{0,8}(?:or\b|\?:|\?\?|\|\|))\s{0,8}""" + _QUOTED
    ),
    re.compile(r"""(?i:env)(?:\.|\[["'])(?P<name>\w{1,128})(?:["']\])?\s{0,8}(?:\|\||\?\?)\s{0,8}""" + _QUOTED),
    # A part of a text: "Server=db;Password=…;", "jdbc:…?user=u&password=…"
    re.compile(r"""[;?&"'`](?P<name>[A-Za-z][\w-]{0,127})=(?P<value>[^;&"'`\s=]{4,256})(?=[;&"'`])"""),
)
# put("password", "…"): the second text may be anything, so it has to have a digit.
_ARGUMENTS = re.compile(r"""\(\s{0,8}["'](?P<name>[\w.-]{1,128})["']\s{0,8},\s{0,8}""" + _QUOTED + r"""\s{0,8}[,)]""")
# machine shop.example.com login bot password …
_NETRC = re.compile(r"^\s*(?:machine|default|login)\b.{0,256}\s(?P<name>password)[ \t]{1,8}(?P<value>\S{4,256})")
# A text that other values are put into, a sentence, a version of a package, rules of a form, a selector, a reference to
# where something is, a file's name, what stands for something.
_NO_VALUE = re.compile(
    r"\s|[$#%]\{|\{[\w.]*\}|%[sdv(]|\\|\||^[$#.]|^[\^~]?\d+(?:\.\d+)+$|^[a-z][a-z0-9+-]{1,15}:[\w/]"
    r"|\.(?:pem|key|crt|json|ya?ml)$|(?i:^(?:redacted|your[-_].*|x{4,}|\W+)$)"
)
_WORDS = re.compile(r"[A-Za-z_.:/-]+")
_STORED_NAME = re.compile(r"(?:[a-z]{2,}|\d{1,4})(?:[-_](?:[a-z]{2,}|\d{1,4}))+")
# Names of what goes wrong with a password, and of what is done with it.
_ACTION = re.compile(r"(?i:^(?:invalid|wrong|incorrect|missing|forgot|reset|change|bad|no))(?:[_.-]|(?=[A-Z][a-z]))")
# Keys by whatever name, if the text looks random.
_KEYS = re.compile(r"(?i)(?:api|access|auth|encryption|master|private|service|signing)[_.-]?key$")
# Tokens that are no secrets: for the next page, and against forged requests.
_HARMLESS_TOKEN = re.compile(r"(?i)next|continuation|page|paging|cursor|marker|input|output|csrf|xsrf")
# As documentation writes addresses.
_EXAMPLE = re.compile(r"(?i)://[^\s/:@\"']{0,128}:[\[<{(:]{0,2}(?:pass|password|passwd|pwd?|secret)[\]>})]{0,2}@")
_KEY = "Private Key"
_BEGIN = re.compile(r"BEGIN[A-Z ]{0,16} PRIVATE KEY(?: BLOCK)?-----(.*)")
_ENCODED = re.compile(r"(?:\\+[nr]|\s|[\"'+])*[\w+/=]{40}")
_NOT_YET = re.compile(r"\s*(?:[\w-]+: .*)?$")  # headers of PEM and PGP, and the empty line behind them
_HEADERS = 6
_OTHER_SCRIPT = re.compile(r"[^\x00-\x7f]")


def is_looked_at(path: str) -> bool:
    """Return whether a file is of a kind that is read; others are compiled, pictures, data or prose."""
    return _is(_CODE, path) or _is(_SETTINGS, path)


def file_signs(path: str, text: str) -> Iterator[Sign]:
    """Yield the lines, counted from 1, where secrets seem to be, and what each looks like."""
    look = _code_sign if _is(_CODE, path) else _settings_sign
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        # Words of other scripts are labels; no key or password that somebody has to type in has them.
        kinds = (look(_OTHER_SCRIPT.sub("$", window)) for window in windows(line) if _HINT.search(window))
        kind = next(filter(None, kinds), "")
        if kind == _KEY and not _is(_KEY_FILE, path) and _is_header_alone(line, lines[number : number + _HEADERS]):
            continue
        if kind:
            yield {"line": number, "looks_like": kind}


def _is(kind: re.Pattern[str], path: str) -> bool:
    return bool(kind.fullmatch(PurePosixPath(path).name.lower()))


def _settings_sign(line: str) -> str:
    """Return the kind of secret that a line of a settings file seems to hold, else the empty text."""
    if kind := line_sign(line):
        return kind
    found = [match for pattern in (_PAIR, _NETRC) for match in pattern.finditer(line)]
    return NAMED if any(_is_secret(match["name"], match["value"]) for match in found) else ""


def _code_sign(line: str) -> str:
    """Return the kind of secret that a line of source code seems to hold, else the empty text."""
    if kind := format_of(_EXAMPLE.sub("://", line)):
        return kind
    return NAMED if any(_is_secret(name, value) for name, value in _given(line)) else ""


def _given(line: str) -> Iterator[tuple[str, str]]:
    """Yield the texts that a line of source code gives, each with the name that it is given to.

    What stands before it may be its type or its name: `password: str`, `String password`.
    """
    for match in (match for pattern in _GIVEN for match in pattern.finditer(line)):
        names = (match["name"], match.groupdict().get("type"))
        yield from ((name, match["value"]) for name in names if name)
    for match in _ARGUMENTS.finditer(line):
        if any(map(str.isdigit, match["value"])):
            yield match["name"], match["value"]


def _is_secret(name: str, value: str) -> bool:
    name = name.replace("-", "_")
    if _NO_VALUE.search(value) or _ACTION.match(name):
        return False
    if always_reveals(name) and not _KEYS.search(name):
        return reveals(name, value) and not _is_name(name, value)
    is_random = any(map(str.isdigit, value)) and reveals("token", value)
    return is_random and (bool(_KEYS.search(name)) or (reveals(name, value) and not _HARMLESS_TOKEN.search(name)))


def _is_name(name: str, value: str) -> bool:
    """Return whether a value is itself the name of something: of a field, of a constant, of a secret in a store."""
    if _WORDS.fullmatch(value) and (always_reveals(value) or "_" in value):
        return True
    return "secret" in name.lower() and bool(_STORED_NAME.fullmatch(value))


def _is_header_alone(line: str, following: list[str]) -> bool:
    """Return whether only the header of a key stands there, as programs compare and build it."""
    begun = _BEGIN.search(line)
    rest = begun[1] if begun else ""
    after = [part for part in following if not _NOT_YET.fullmatch(part)]
    return not any(_ENCODED.match(part) for part in (rest, *after[:1]))
