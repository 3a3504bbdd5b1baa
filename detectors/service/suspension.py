"""That a tenant's logs are not taken in because of a suspension, as a finding of category service (Article 11)."""

from detectors.service.finding import Change, begun, is_active, opened
from model.finding import Finding, resolve
from model.text import Text

POLICY = "service.log-suspension"


def suspension(said: Text | None, before: Finding | None, at: str) -> Change | None:
    """Return what is to be written of a suspension at the moment `at` (RFC 3339), None where nothing is.

    What is `said` of it, or None once it is over; `before` is the finding as it was.
    """
    if said is None:
        if before is None or not is_active(before):
            return None
        return resolve(before, "monitoring logs are taken in again", at)
    if before is not None and is_active(before):
        return None
    return begun(before, opened(POLICY, "", "high", said, at))
