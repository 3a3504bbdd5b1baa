"""`docs/optional-fields.md`: fields that policies read and of which no source says that they are always there.

`python -m tests.catalog.optional_fields` writes it anew.
"""

from collections import defaultdict
from pathlib import Path

from semantics.shapes import ANYTHING
from tests.recorded_clouds import catalog

FILE = Path(__file__).parent.parent.parent / "docs" / "optional-fields.md"
_HEAD = """\
# Fields that may be absent

Policies read these fields, and nothing that we know of says that the API always gives them: they count as optional, and
a body without one is judged as its provider's documentation says of a resource that does not state it. What is always
there stands in the type's file under `always`, with its source ([types.md](types.md#what-is-always-there)); a body
without that is unknown. Made from the catalog by `python -m tests.catalog.optional_fields`.

| type | fields |
|---|---|
"""


def written() -> str:
    """Return the whole file."""
    known, found = catalog().kinds, defaultdict[str, set[str]](set)
    for policy in catalog().policies:
        roots = {"r": policy.form.kind} | {name: other.kind for name, other in policy.compiled.others.items()}
        for root, kind in roots.items():
            found[kind] |= policy.compiled.shapes.get(root, ANYTHING).fields.keys()
    optional = {kind: fields - known[kind].always - known[kind].named for kind, fields in found.items()}
    rows = (f"| `{kind}` | {', '.join(sorted(fields))} |\n" for kind, fields in sorted(optional.items()) if fields)
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
