"""What the library `requests` reports of a request that failed: whether it was sent at all."""

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError


def was_not_sent(problem: BaseException | None) -> bool:
    """Return whether a request certainly never left: there was no connection to send it by."""
    if isinstance(problem, NewConnectionError | ConnectTimeoutError | requests.ConnectTimeout):
        return True
    inner = problem.args[0] if isinstance(problem, requests.ConnectionError) and problem.args else None
    return isinstance(inner, MaxRetryError) and isinstance(inner.reason, NewConnectionError | ConnectTimeoutError)
