"""What is wrong with an input, said so that its author can correct it."""

from collections.abc import Sequence

from msgspec import Struct


class Fault(Struct, frozen=True, order=True):
    """One thing wrong at one place; `line` and `column` count from 1, 0 means the whole file or no place."""

    file: str
    line: int
    column: int
    problem: str

    def __str__(self) -> str:
        place = [self.file] if self.file else []
        if self.line:
            place += [str(self.line), str(self.column)]
        return ":".join([*place, f" {self.problem}"]) if place else self.problem


class Refused(Exception):
    """The input or the request cannot be taken; nothing was changed. Shown as one line per fault, exit 2."""

    def __init__(self, faults: Sequence[Fault] | str) -> None:
        self.faults: list[Fault] = [Fault("", 0, 0, faults)] if isinstance(faults, str) else sorted(set(faults))
        super().__init__("\n".join(map(str, self.faults)))
