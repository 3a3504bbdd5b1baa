"""Stores that are kept open: SQLite writes its log back into the file whenever the last connection closes."""

from collections import OrderedDict
from contextlib import ExitStack, suppress

from model.fault import Refused
from store.tenant import TenantStore

_MOST_OPEN = 64  # SQLite has three files open of each


class KeptOpen:
    """The stores of those tenants of whom something came lately: each transaction would open its own otherwise."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, ExitStack] = OrderedDict()

    def keep(self, name: str, store: TenantStore) -> None:
        """Keep a tenant's store open; one that cannot be opened now is opened by whoever needs it."""
        if name not in self._held:
            with suppress(Refused), ExitStack() as stack:
                stack.enter_context(store.held())
                self._held[name] = stack.pop_all()
        if name in self._held:
            self._held.move_to_end(name)
        if len(self._held) > _MOST_OPEN:
            self._held.popitem(last=False)[1].close()

    def close(self) -> None:
        """Close all of them."""
        while self._held:
            self._held.popitem()[1].close()
