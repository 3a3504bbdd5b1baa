"""The client that sends approved changes where the cloud speaks HTTP and JSON: each writing call is sent once."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from clouds.call_failed import CallFailed, InDoubt, NotThere
from clouds.rate import Rate
from model.call import Call
from model.clock import Clock

_THROTTLED_TRIES, _BROKEN_TRIES = 8, 3
_LONGEST_PAUSE_SECONDS = 30.0
_TOO_MANY_REQUESTS, _NOT_FOUND, _BAD, _BROKEN = 429, 404, 400, 500
# Of an operation that was begun: so long it may take (less than a resource's lease), and how often it is asked after.
PATIENCE_SECONDS = 240.0
_LOOK_SECONDS = 2.0


class Reply(Struct, frozen=True):
    """An answer; headers under lower-case names."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> dict[str, Any]:
        """Return the document, empty where there is none; raises DecodeError where it is cut off."""
        if not self.content.strip():
            return {}
        decoded = msgspec.json.decode(self.content)
        return decoded if isinstance(decoded, dict) else {}

    @property
    def pause_seconds(self) -> float:
        """Return what a Retry-After header asks for (RFC 9110 10.2.3), nought without one."""
        returned = self.headers.get("retry-after", "")
        return min(float(returned), _LONGEST_PAUSE_SECONDS) if returned.isdecimal() else 0.0


class NotSent(Exception):
    """A request that certainly did not reach the server; its name is the SDK's exception's."""


class Lost(Exception):
    """A request after which there was no whole answer."""


class Wire(Protocol):
    """What differs between clouds: who sends, how errors are called, how to learn that an operation has ended."""

    def transmit(self, call: Call) -> Reply:
        """Send one request once; raises `NotSent`, `Lost`, and `CallFailed` where there are no credentials."""
        ...

    def code(self, reply: Reply) -> str:
        """Return the provider's code of an error, a word; empty where the reply has none."""
        ...

    def next_look(self, asked: Call, reply: Reply) -> Call | None:
        """Return what to ask about an operation that goes on, None where all is done.

        Raises `CallFailed` where it has failed.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class RestWriteClient:
    """Reads with patience, writes once; safe to share between threads."""

    def __init__(self, wire: Wire, clock: Clock, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._wire = wire
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._rate = Rate(clock)

    def ask(self, call: Call) -> Any:
        """Return the document that a GET returns; raises `NotThere` and `CallFailed`."""
        if call.op != "GET":
            raise CallFailed(f"{call.op} is no reading")
        return self._read(call)[1]

    def send(self, call: Call) -> None:
        """Send a call that writes. Only what was throttled is sent again: the server says that it did nothing.

        Raises `CallFailed`, and `InDoubt` where the answer was lost, the server broke, or an operation does not end.
        """
        if call.op == "GET":
            raise CallFailed("GET is no writing")
        reply = self._sent(call)
        try:
            self._see_it_end(call, reply)
        except msgspec.DecodeError:
            raise InDoubt("TruncatedReply") from None

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _sent(self, call: Call) -> Reply:
        for tries in range(1, _THROTTLED_TRIES + 1):
            self._rate.wait()
            try:
                reply = self._wire.transmit(call)
            except NotSent as problem:
                raise CallFailed(str(problem), unreachable=True) from None
            except Lost as problem:
                raise InDoubt(str(problem)) from None
            if reply.status != _TOO_MANY_REQUESTS or tries == _THROTTLED_TRIES:
                break
            self._rate.objected()
            self._clock.sleep(reply.pause_seconds or 0.5 * 2**tries)
        if reply.status >= _BROKEN:
            raise InDoubt(self._named(reply))
        if reply.status >= _BAD:
            raise CallFailed(self._named(reply))
        self._rate.went_well()
        return reply

    def _see_it_end(self, asked: Call, reply: Reply) -> None:
        """Ask how far an operation is until it has ended."""
        ends = self._clock.now().timestamp() + self._patience_seconds
        while (look := self._wire.next_look(asked, reply)) is not None:
            pause = reply.pause_seconds or _LOOK_SECONDS
            if self._clock.now().timestamp() + pause > ends:
                raise InDoubt("OperationNotEnded")
            self._clock.sleep(pause)
            try:
                asked, (reply, _) = look, self._read(look)
            except CallFailed as failure:  # what became of it is not known
                raise InDoubt(failure.code) from None

    def _read(self, call: Call) -> tuple[Reply, dict[str, Any]]:
        tries = 0
        while True:
            self._rate.wait()
            tries += 1
            try:
                reply = self._wire.transmit(call)
                if reply.status < _BAD:
                    body = reply.body
                    self._rate.went_well()
                    return reply, body
            except (NotSent, Lost, msgspec.DecodeError) as problem:
                code = str(problem) if isinstance(problem, NotSent | Lost) else "TruncatedReply"
                if tries >= _BROKEN_TRIES:
                    raise CallFailed(code, unreachable=isinstance(problem, NotSent)) from None
                self._clock.sleep(0.25 * 2**tries)
                continue
            self._pause_or_raise(reply, tries)

    def _pause_or_raise(self, reply: Reply, tries: int) -> None:
        """Wait before the next try of a reading that was refused; raises where it is worth none."""
        if reply.status == _NOT_FOUND:
            raise NotThere(self._named(reply))
        throttled = reply.status == _TOO_MANY_REQUESTS
        if throttled:
            self._rate.objected()
        if tries >= (_THROTTLED_TRIES if throttled else _BROKEN_TRIES if reply.status >= _BROKEN else 1):
            raise CallFailed(self._named(reply))
        self._clock.sleep(reply.pause_seconds or 0.25 * 2**tries)

    def _named(self, reply: Reply) -> str:
        return self._wire.code(reply) or f"HTTP {reply.status}"


def document(call: Call) -> bytes | None:
    """Return a call's body as JSON, None where it has none."""
    body = call.args.get("body")
    return None if body is None else msgspec.json.encode(body)


def headers(call: Call) -> dict[str, str]:
    """Return a call's own headers: what it sends, and which version has to be there still."""
    returned = {"Accept": "application/json"}
    if "body" in call.args:
        returned["Content-Type"] = call.args.get("type", "application/json")
    if "if_match" in call.args:
        returned["If-Match"] = call.args["if_match"]
    return returned
