"""Documents and files that somebody has made to keep whoever reads them busy for ever."""

from collections.abc import Mapping

# By what is done. None is larger than a megabyte.
YAML: Mapping[str, str] = {
    "explicit keys in keys": "? " * 50_000 + "a",
    "explicit keys in keys, by lines": "".join(" " * depth + "?\n" for depth in range(1200)),
    "mappings as keys": "{" * 400_000,
    "mappings as explicit keys": "{? " * 300_000,
    "lists as keys": "? " + "[" * 100_000,
    "lists in mappings in lists": "[{a: " * 150_000,
    "mappings in lists as keys": "[{" * 400_000,
    "lists in lists": "[" * 100_000,
    "lists in lists, by lines": "[\n" * 300_000,
    "items in items": "- " * 400_000 + "a",
    "blocks in blocks": "\n".join(" " * depth + "a:" for depth in range(1300)),
    "ten of ten of ten": "a: &a [x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(9)),
    "merges of merges": "a: &a {x: 1}\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} {{<<: [{', '.join([f'*{chr(97 + n)}'] * 10)}]}}\n" for n in range(9)),
    "itself in itself": "a: &a [*a]\n",
    "tag directives": "".join(f"%TAG !a{n}! b\n" for n in range(60_000)) + "--- a\n",
    "one key again and again": "a: 1\n" * 190_000,
}
JSON: Mapping[str, bytes] = {
    "lists in lists": b"[" * 1_000_000,
    "objects in objects": b'{"a":' * 200_000,
    "closed": b"[" * 5000 + b"]" * 5000,
    "quotes that never end": b'"\\' * 500_000,
    "quotes": b'"a' * 500_000,
}
