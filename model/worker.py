"""The port to a child process that answers questions, one line each."""

from typing import Protocol


class NoAnswer(Exception):
    """The child gave no answer; the text says why, in words that the question's author may read."""


class Worker(Protocol):
    """Answers questions. Whatever a question does to it, the next one is answered again."""

    spent: float
    """The seconds of CPU that the last question has taken."""

    def ready(self) -> None:
        """See to it that the next question is answered at once; raises `NoAnswer`."""
        ...

    def ask(self, question: bytes, seconds: float) -> bytes:
        """Return the answer to a question, both one line without its end; raises `NoAnswer` after so much CPU."""
        ...
