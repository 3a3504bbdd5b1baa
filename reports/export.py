"""What is handed to a format beside the findings themselves."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from catalog.policies import Described
from model.finding import Finding
from model.text import Language, Text
from store.rows import Run


class Export(Struct, frozen=True):
    """Whose findings are written, in which language, with which policies' texts, as of which scan, by which version.

    `provider` is the name of the company that the contract is with, where the installation has one.
    """

    tenant: str
    language: Language
    policies: Mapping[str, Described]
    run: Run | None
    version: str
    provider: Text | None = None

    def last_seen(self, finding: Finding) -> str:
        """Return when a finding was last known to be there, the empty text where that is not recorded.

        That is the beginning of the last whole scan, as it looked at some moment after it. What that scan could not
        verify, or what is resolved, was last seen in an earlier one, and which one is not kept.
        """
        if finding.state == "resolved" or finding.unverified_since:
            return ""
        return max(finding.opened_at, self.run.started_at) if self.run else finding.opened_at


Write = Callable[[Iterable[Finding], Export], Iterator[str]]
