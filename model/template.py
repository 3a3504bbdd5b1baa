"""What is found in templates of infrastructure: in a file, before anything of it exists."""

from msgspec import Struct

from model.finding import Severity
from model.text import Text


class TemplateFinding(Struct, frozen=True):
    """One fault in a template. `policy` is our id of the check where we adopted it, else checkov's own.

    `severity` is empty where nobody has weighed the check: checkov itself states none.
    """

    policy: str
    check: str
    title: Text
    resource: str
    file: str
    line: int
    end_line: int
    severity: Severity | None = None


class TemplateLook(Struct, frozen=True):
    """What one look at a folder came to; `unread` are files and runners of which nothing is known, with the reason."""

    found: tuple[TemplateFinding, ...]
    passed: int
    skipped: int
    unread: dict[str, str]
