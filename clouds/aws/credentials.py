"""Credentials of an assumed role."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import botocore.credentials

from model.clock import Clock

_RENEWALS_APART = timedelta(minutes=1)


class AssumedRole(botocore.credentials.DeferredRefreshableCredentials):  # type: ignore[misc]  # the SDK has no types
    """A role's credentials: asked for at the first use, before they end, and when AWS says that they have ended."""

    def __init__(self, fetch: Callable[[], dict[str, Any]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._renewing = threading.Lock()
        self._renewed_at: datetime | None = None
        self._refused = False
        super().__init__(refresh_using=self._fetched, method="assume-role", time_fetcher=clock.now)

    def renew(self) -> None:
        """Ask for new credentials at the next use, whatever these say of their end; once a minute at most."""
        with self._renewing:
            now = self._clock.now()
            if self._renewed_at is None or now - self._renewed_at >= _RENEWALS_APART:
                self._renewed_at, self._refused = now, True

    def refresh_needed(self, refresh_in: float | None = None) -> bool:
        """Return whether the next use has to ask for new ones (the SDK's own question)."""
        return self._refused or bool(super().refresh_needed(refresh_in))

    def _fetched(self) -> dict[str, Any]:
        credentials = self._fetch()
        self._refused = False
        return credentials
