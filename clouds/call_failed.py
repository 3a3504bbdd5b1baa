"""A call to a cloud that gave no answer, whichever cloud it is."""


class CallFailed(Exception):
    """A call that gave no answer; `code` is the provider's error code or the SDK's exception name, without any message.

    Messages are left out: they name principals and resources.
    """

    def __init__(self, code: str, *, unreachable: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.unreachable = unreachable


class InDoubt(CallFailed):
    """A writing call of which nobody knows whether it took effect: no answer, or one that says neither."""


class Forbidden(CallFailed):
    """What was asked for is not allowed: asking again changes nothing, until somebody allows it."""


class Foreign(Forbidden):
    """What was asked for lies where nothing of the tenant's does: it is not even asked for."""


class Replaced(CallFailed):
    """What is at a path has another content than the one that was asked for."""


class NotThere(CallFailed):
    """There is nothing at a path: the object does not exist, or the server does not know its type."""
