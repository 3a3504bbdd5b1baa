"""A call to a cloud that gave no answer."""


class CallFailed(Exception):
    """A call that gave no answer; `code` is the provider's error code or the SDK's exception name, without any message.

    Messages are left out: they name principals and resources.
    """

    def __init__(self, code: str, *, unreachable: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.unreachable = unreachable
