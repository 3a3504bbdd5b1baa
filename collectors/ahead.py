"""Pages fetched ahead of their use."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(pages: Iterator[T]) -> Iterator[T]:
    """Yield what an iterator yields, never None; the next is fetched while the one before is used."""
    fetching = ThreadPoolExecutor(1, thread_name_prefix="page")
    try:
        waiting = fetching.submit(next, pages, None)
        while (page := waiting.result()) is not None:
            waiting = fetching.submit(next, pages, None)
            yield page
    finally:  # also when the reader walks away in the middle
        fetching.shutdown(wait=False, cancel_futures=True)
