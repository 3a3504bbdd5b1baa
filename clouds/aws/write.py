"""The client that sends approved changes to one AWS account."""

from typing import Any

import botocore.exceptions

from clouds.aws.faults import THROTTLED_TRIES, classify, pause_seconds
from clouds.aws.read import AwsClient, CallTarget
from clouds.call_failed import CallFailed, InDoubt
from model.call import Call

_NOTHING_SENT = (botocore.exceptions.EndpointConnectionError, botocore.exceptions.ConnectTimeoutError)
_SERVER_BROKEN = 500


class AwsWriteClient(AwsClient):
    """Reads like any client, and sends each writing call once; safe to share between threads."""

    def ask(self, call: Call) -> Any:
        """Return the reply of a call that reads; raises `CallFailed`."""
        return self.call(call.service, call.region, call.op, call.args)

    def send(self, call: Call) -> None:
        """Send a call that writes. Only what was throttled is sent again: the service says that it did nothing.

        Raises `CallFailed`, and `InDoubt` where the answer was lost or the service broke.
        """
        target = CallTarget(call.service, call.region, call.op)
        attempt, rate = self.attempt(target), self.rate(target)
        for tries in range(1, THROTTLED_TRIES + 1):
            rate.wait()
            try:
                attempt(**call.args)
            except Exception as problem:  # noqa: BLE001 - every failure becomes a named cause
                failure, most = classify(problem)
                if most == THROTTLED_TRIES:
                    rate.objected()
                    if tries < most:
                        self.pause(pause_seconds(tries))
                        continue
                raise failure if _did_nothing(problem) else InDoubt(failure.code) from None
            else:
                rate.went_well()
                return

    def close(self) -> None:
        """Drop all clients."""
        for region in self.regions():
            self.forget(region)


def _did_nothing(problem: Exception) -> bool:
    """Return whether a failure certainly changed nothing: the service refused, or was not reached."""
    if isinstance(problem, botocore.exceptions.ClientError):
        status = problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_BROKEN)
        return bool(int(status) < _SERVER_BROKEN)
    # What the SDK refuses by itself (a missing parameter) was never sent.
    own = (*_NOTHING_SENT, botocore.exceptions.ParamValidationError, botocore.exceptions.NoCredentialsError, CallFailed)
    return isinstance(problem, own)
