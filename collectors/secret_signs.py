"""What a configuration's texts look like: where a secret seems to be, and of which kind; never the text itself.

The known formats are detect-secrets' (Yelp), asked one line at a time. Its settings are global to a process, and its
way to scan a file can try secrets out over the network: neither is used.
"""

import base64
import binascii
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, Literal

from collectors.build_specification import stored_spans
from model.json_walk import Walk, leaves

# Said of what no format gives away, but the name does.
NAMED = "named"

# How a field holds texts: as values under their names, as pairs of a name and a value, as the lines of a text, as those
# of a build specification, as those of a text in Base64 (and perhaps gzip, as cloud-init takes it).
Shape = Literal["values", "pairs", "lines", "buildspec", "base64"]
Sign = dict[str, Any]

# Left out of the library's formats: public addresses are no secrets, nor are Twilio's SIDs; «AP» with a hexadecimal
# digit begins plain words too, and an ARN with a name of 35 characters is a token of Telegram's. Its plugins for
# entropy alone are no formats: every commit and checksum is a secret to them.
_NOT_ASKED = frozenset({"ArtifactoryDetector", "IPPublicDetector", "TelegramBotTokenDetector", "TwilioKeyDetector"})

# A reference to where the secret is, a placeholder, a type, or a switch: nothing that opens anything.
_REFERENCE = re.compile(
    r"(?i)arn:|[a-z][a-z0-9+.-]*://|(?:~|\.\.?)?/|[$`]|\*+$|<[^<>]*>$|%\w+%|!(?:ref|sub|getatt|importvalue|secret|vault)\b"
    r"|[][{}()]+$|\{\{|\{[^{}:\"']*\}$|\{\s*(?:\"[^\"]*\"|'[^']*'|\w+)\s*:|(?:id|type)=|(?:var|local|data|module|aws_\w+)\.\w"
    r"|(?:true|false|yes|no|on|off|none|null|enabled|disabled|string|str|securestring|boolean|integer|number)$"
)
# The name of a secret or parameter in a hierarchy, as `prod/shop/db`, perhaps with the key within; words, so that
# random texts with slashes are none.
_PATH_WORD = r"(?:(?:[a-z]+|[A-Z]+|(?:[A-Z][a-z]+)+|[a-z]+(?:[A-Z][a-z]+)+)\d*|\d+)"
_PATH_STEP = rf"{_PATH_WORD}(?:[._-]{_PATH_WORD})*"
_STORED_NAME = re.compile(rf"{_PATH_STEP}(?:/{_PATH_STEP})+(?::[\w:-]*)?")
_LONGEST_STORED_NAME = 512
# The last word of a name that suggests a secret without holding it.
_ABOUT = re.compile(
    r"(?i)algorithm|alias|arn|at|attempts|audience|backend|bits|bucket|charset|class|columns?|connections|count|date|days|dir"
    r"|directory|enabled|encoding|endpoint|engine|expir(?:es|y)|fields?|file|folder|format|hasher|header|host|hours|ids?"
    r"|interval|issuer|iterations|keyspace|length|level|limit|manager|max|millis|min|minutes|mode|ms|names?|param|parameters?"
    r"|path|pattern|policy|port|prefix|provider|ref|regex|region|required|retries|rotation|rounds|scopes?|seconds|size|source"
    r"|ssm|stdin|store|strategy|suffix|table|template|time|timeout|ttl|type|uri|url|used|version"
)
# The key of a parameter is its name.
_PARAMETERS_KEY = re.compile(r"(?i)(?:ssm|parameter)[_.-]?key$")
# What begins the names of settings of AWS's extension and of clients: their own names are what follows.
_SETTING = re.compile(r"(?i)(?:PARAMETERS_)?SECRETS_(?:EXTENSION|MANAGER)_")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
# Formats that the library lacks. A port before a path, a digest of an image and a reference are no passwords.
_NEITHER = r"(?!\d{1,5}(?:[/?#]|$)|[$<{*`]|%s)"
_OWN_FORMATS = (
    ("Anthropic API Key", re.compile(r"sk-ant-(?:api|admin)\d\d-[\w-]{20}")),
    (
        "Basic Auth Credentials",
        re.compile(
            rf"""://[^\s/:@?#]{{0,128}}:{_NEITHER}[^\s@"'<>]{{1,256}}@(?!sha256:)"""
            rf"""|(?<![\w.-])[\w.-]{{1,128}}:{_NEITHER}[^\s@"'<>]{{1,256}}@(?:tcp|udp|unix)\("""
        ),
    ),
    ("Google API Key", re.compile(r"(?<![\w-])AIza[\w-]{35}(?![\w-])")),
)
# The last word of a name that is a password's, where detect-secrets has it after a few words only.
_PASS = re.compile(r"(?i)pass|pw|passcode")
# The names that detect-secrets' keyword plugin goes by mean a secret whatever the value; these only where the value
# looks random: as long and as mixed as gitleaks' rule generic-api-key wants it.
_MAYBE = re.compile(r"(?i)token(?!iz)|credential|(?:^|[_.-])auth$")
# Security Hub's controls CodeBuild.2 and ECS.8 go by these names, beside AWS_SECRET_ACCESS_KEY.
_CREDENTIALS = frozenset({"AWS_ACCESS_KEY_ID", "ECS_ENGINE_AUTH_DATA"})
_UUID = re.compile(r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# What is kept of names: those that AWS allows for variables and the like. Others may be anything, and formats take
# longer than linear time on them.
_KEPT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_LONGEST_NAME = 256
_RANDOM_BITS, _RANDOM_LENGTH = 3.5, 10
_SHORTEST = 4

# Values are looked ahead at, because they may hold assignments themselves.
_VALUE = r"""(?="([^"]{0,256})"|'([^']{0,256})'|(<[^<>]{0,256}>)|["']?([^\s"',;&|)]{1,256}))"""
_NAMINGS = (
    re.compile(r"""(?<![\w.-])-{0,2}([A-Za-z_][\w.-]*+)["']?\s*(?::?=|:(?=[\s"']))\s*""" + _VALUE),
    re.compile(r"(?<!\S)--?([A-Za-z][\w-]{0,128})[ \t]{1,8}(?!-)" + _VALUE),
    re.compile(r"(?:^\s*(?:ENV|ARG|setx)|\bconfigure\s+set)[ \t]{1,8}([A-Za-z_][\w.-]{0,128})[ \t]{1,8}" + _VALUE),
)
# Commands that take a password in a place of its own.
_ARGUMENTS = (
    (
        "Password Argument",
        re.compile(
            r"(?:sshpass\s{1,8}-p|docker\s{1,8}login\b[^|;&]{0,256}?\s-p|mysql(?:dump|admin)?\b[^|;&]{0,256}?\s-p(?=\S))"
            r"(?:=|[ \t]{1,8})?" + _VALUE
        ),
    ),
    (
        "Basic Auth Credentials",
        re.compile(r"""\bcurl\b[^|;&]{0,256}?\s(?:-u|--user)[ =]?["']?[^\s:"']{1,128}:""" + _VALUE),
    ),
)
# A pipeline's own words for variables that are read from a store.
_STORED = frozenset({"PARAMETER_STORE", "SECRETS_MANAGER"})
_GZIP = b"\x1f\x8b"
_LONGEST_UNPACKED = 1 << 20
_MOST_SIGNS = 100
# Patterns take longer than linear time on hostile lines, so they see a window at a time.
_WINDOW, _OVERLAP = 4096, 1024


class Unreadable(ValueError):
    """A text that cannot be looked at."""


def looks_like(name: str, value: str) -> str:
    """Return the kind of secret that a value resembles, `NAMED` where only its name says so, else the empty text."""
    name = name[:_LONGEST_NAME]
    for line in windows(value):
        if kind := format_of(line) or format_of(f'{name} = "{line}"') or _handed(line):
            return kind
    return NAMED if _is_named(name, value.strip()) else ""


def reveals(name: str, value: str) -> bool:
    """Return whether the name alone says that a value is a secret, and the value is no reference to one."""
    name = name[:_LONGEST_NAME]
    return _may_reveal(name) and _is_named(name, value.strip())


def always_reveals(name: str) -> bool:
    """Return whether a name says so of any value, as `password` does, and `token` of random ones only."""
    return name in _CREDENTIALS or _is_passwords(_SETTING.sub("", name, count=1))


@lru_cache(maxsize=4096)
def _may_reveal(name: str) -> bool:
    """Return whether a name could say so of any value: the same few names stand in thousands of resources."""
    return always_reveals(name) or bool(_MAYBE.search(name))


def signs(shape: Shape, value: Any) -> list[Sign]:
    """Return where secrets seem to be in a field: `name` (or its position, `#3`) or `line`, and what it `looks_like`.

    After a hundred, one `more` counts the rest. Raises `Unreadable` for what is not of the shape.
    """
    return first_signs(list(_READERS[shape](value)))


def first_signs(found: list[Sign]) -> list[Sign]:
    """Return a hundred signs; one `more` counts the rest."""
    rest = len(found) - _MOST_SIGNS
    return [*found[:_MOST_SIGNS], {"more": rest}] if rest > 0 else found


def replaced(shapes: Mapping[str, Shape], value: Any) -> Any:
    """Return a JSON value in which the fields of these names, at every depth, hold their signs and nothing else."""
    return _replacing(frozenset(shapes.items())).of(value)


@lru_cache(maxsize=1024)  # one for each type of resources
def _replacing(shapes: frozenset[tuple[str, Shape]]) -> Walk:
    return Walk(fields={name: partial(_signs_if_any, shape) for name, shape in shapes})


def _signs_if_any(shape: Shape, value: Any) -> list[Sign] | None:
    return None if value is None else signs(shape, value)


@lru_cache(maxsize=1)
def _formats() -> tuple[tuple[str, Callable[[str], Iterable[str]]], ...]:
    """Return the formats by their names; loaded when first needed, because the library takes 0.2 s."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    plugins: dict[str, Any] = get_mapping_from_secret_type_to_class()
    return tuple(
        (kind, plugin().analyze_string)
        for kind, plugin in sorted(plugins.items())
        if issubclass(plugin, RegexBasedDetector) and plugin.__name__ not in _NOT_ASKED
    )


def format_of(line: str) -> str:
    """Return the known format of a secret that stands in a line of at most a window, else the empty text."""
    own = (kind for kind, pattern in _OWN_FORMATS if pattern.search(line))
    return next((kind for kind, found in _formats() if any(found(line))), "") or next(own, "")


@lru_cache(maxsize=1)
def _names() -> re.Pattern[str]:
    from detect_secrets.plugins.keyword import DENYLIST

    return re.compile("|".join((*DENYLIST, "passphrase")), re.IGNORECASE)


def _is_named(name: str, value: str) -> bool:
    if not _opens(value):
        return False
    if name in _CREDENTIALS:
        return True
    name = _SETTING.sub("", name, count=1)
    if _is_about(name):
        return False
    return _is_passwords(name) or bool(_MAYBE.search(name) and _is_random(value))


def _is_passwords(name: str) -> bool:
    return bool(_names().search(name) or _PASS.fullmatch((_WORD.findall(name) or [""])[-1]))


def _opens(value: str) -> bool:
    """Return whether a value is long enough to open something, and refers to nothing."""
    return len(value) >= _SHORTEST and not _is_reference(value)


def _is_reference(value: str) -> bool:
    return bool(_REFERENCE.match(value)) or (len(value) <= _LONGEST_STORED_NAME and bool(_STORED_NAME.fullmatch(value)))


def _is_about(name: str) -> bool:
    words = _WORD.findall(name)
    return bool(words and _ABOUT.fullmatch(words[-1])) or bool(_PARAMETERS_KEY.search(name))


def _is_random(value: str) -> bool:
    return len(value) >= _RANDOM_LENGTH and _bits(value) >= _RANDOM_BITS and not _UUID.fullmatch(value)


def _bits(value: str) -> float:
    """Return Shannon's entropy, in bits per character."""
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares)


def _values(value: Any) -> Iterator[Sign]:
    stated = ((name, str(leaf)) for name, leaf in leaves(value) if leaf is not None)
    for position, (name, text) in enumerate(stated, 1):
        if kind := looks_like(name, text):
            yield {"name": _kept_name(name, position), "looks_like": kind}


def _kept_name(name: str, position: int) -> str:
    """Return a name that is surely none but a name, else the position: a misplaced secret is not kept either."""
    return name if _KEPT_NAME.fullmatch(name) and not format_of(name) else f"#{position}"


def kept_path(path: str, position: int) -> str:
    """Return a file's path if all its steps are surely names, else its position among the files that were read."""
    return path if all(_kept_name(step, 0) == step for step in path.split("/")) else f"#{position}"


def _pairs(value: Any) -> Iterator[Sign]:
    if not isinstance(value, list):
        raise Unreadable
    for position, pair in enumerate(value, 1):
        name, text = _pair(pair)
        if pair.get("type") not in _STORED and (kind := looks_like(name, text)):
            yield {"name": _kept_name(name, position), "looks_like": kind}


def _pair(pair: Any) -> tuple[str, str]:
    """Return a pair's name and value: `name` and `value`, `OutputKey` and `OutputValue`, whatever AWS calls them."""
    if not isinstance(pair, dict):
        raise Unreadable
    stem = next((key[:-5] for key in pair if key.lower().endswith("value")), "")
    words = {key.lower(): str(text) for key, text in pair.items()}
    names = (f"{stem}name".lower(), f"{stem}key".lower())
    return next((words[name] for name in names if name in words), ""), words.get(f"{stem}value".lower(), "")


def _lines(value: Any) -> Iterator[Sign]:
    """Yield lines by their numbers only: in free text, names may be part of a secret."""
    if not isinstance(value, str):
        raise Unreadable
    for number, line in enumerate(value.splitlines(), 1):
        kinds = (line_sign(window) for window in windows(line))
        if kind := next(filter(None, kinds), ""):
            yield {"line": number, "looks_like": kind}


def _buildspec(value: Any) -> Iterator[Sign]:
    """Yield lines as of any text, but for the references to stores; a text that is no YAML has none."""
    if not isinstance(value, str):
        raise Unreadable
    text, done = [], 0
    for start, end in stored_spans(value):
        text += [value[done:start], re.sub(r"\S", "$", value[start:end])]
        done = end
    yield from _lines("".join([*text, value[done:]]))


def windows(text: str) -> Iterator[str]:
    """Yield the lines of a text, long ones in pieces that overlap by more than a token is long."""
    for line in text.splitlines():
        for start in range(0, max(len(line) - _OVERLAP, 1), _WINDOW - _OVERLAP):
            yield line[start : start + _WINDOW]


def line_sign(line: str) -> str:
    """Return the kind of secret that a line of at most a window seems to hold, else the empty text."""
    return format_of(line) or _handed(line)


def _handed(line: str) -> str:
    """Return the kind of secret that a line assigns to a name or hands to a command, else the empty text."""
    for naming in _NAMINGS:
        if any(_is_named(name, "".join(value)) for name, *value in naming.findall(line)):
            return NAMED
    for kind, argument in _ARGUMENTS:
        if any(_opens("".join(value)) for value in argument.findall(line)):
            return kind
    return ""


def _base64(value: Any) -> Iterator[Sign]:
    try:
        data = base64.b64decode(value, validate=True)
        if data.startswith(_GZIP):
            data = _unpacked(data)
        text = data.decode("utf-8")
    except (binascii.Error, TypeError, ValueError, OSError, EOFError, zlib.error):
        raise Unreadable from None
    yield from _lines(text)


def _unpacked(data: bytes) -> bytes:
    """Return what all members hold; raises for one that is broken, for more than the bound, for a rest that is none."""
    unpacked = b""
    while data:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        unpacked += unpacker.decompress(data, _LONGEST_UNPACKED + 1 - len(unpacked))  # never 0, which means no bound
        if len(unpacked) > _LONGEST_UNPACKED or not unpacker.eof:
            raise Unreadable
        data = unpacker.unused_data
    return unpacked


_READERS: dict[Shape, Callable[[Any], Iterator[Sign]]] = {
    "values": _values,
    "pairs": _pairs,
    "lines": _lines,
    "buildspec": _buildspec,
    "base64": _base64,
}
