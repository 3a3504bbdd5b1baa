"""Clocks that tests move."""


class Ticking:
    """A clock that each look at it moves by a second."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1.0
        return self.seconds
