"""What becomes of the rows of a listing: whatever was received comes out again as something, or is named."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from msgspec import structs

from collectors.misshapen import MISSHAPEN
from model.asset import Listing

T = TypeVar("T")

MALFORMED = "malformed"


class Odd(Exception):
    """A row that no asset can be made of; `kind` is what it says it is, empty: it may be anything of its listing."""

    def __init__(self, kind: str = "", cause: str = MALFORMED) -> None:
        super().__init__(kind, cause)
        self.kind, self.cause = kind, cause


class Excluded(Exception):
    """A row that is left out on purpose, for the reason that it is given."""


class Count:
    """The count of one listing: something is `made` of its rows, or they are `odd` by kind, or `left_out` by reason."""

    def __init__(self) -> None:
        self.received = 0
        self.made = 0
        self.left_out = Counter[str]()
        self.odd = Counter[str]()
        self._causes: dict[str, str] = {}

    def of(self, rows: Iterable[Any], make: Callable[[Any], T]) -> Iterator[T]:
        """Yield what is made of each row: the one way from what was received to what is shown.

        `make` returns something for each, or raises `Odd` or `Excluded`: it cannot pass over one. What else an odd form
        raises is odd too.
        """
        for row in rows:
            self.received += 1
            try:
                made = make(row)
            except Excluded as reason:
                self.left_out[str(reason)] += 1
            except Odd as odd:
                self._note(odd)
            except MISSHAPEN as problem:  # one odd row must not end a look
                self._note(Odd(cause=f"{MALFORMED} ({type(problem).__name__})"))
            else:
                self.made += 1
                yield made

    @property
    def adds_up(self) -> bool:
        """Return whether everything that was received became something."""
        return self.received == self.made + self.odd.total() + self.left_out.total()

    def cause(self, kind: str) -> str:
        """Return why a kind was not listed whole, as far as its rows say so; the empty text where it was."""
        return self._causes.get(kind) or self._causes.get("", "")

    def completed(self, listing: Listing) -> Listing:
        """Return what is said of a listing, with the cause that its rows give where it has none of its own."""
        lost = "" if self.adds_up else "rows are unaccounted for"
        return structs.replace(listing, cause=listing.cause or self.cause(listing.kind) or lost)

    def _note(self, odd: Odd) -> None:
        self.odd[odd.kind] += 1
        self._causes.setdefault(odd.kind, odd.cause)
