"""A session with an SMTP server that ends: every reply has its time and size, and all of them together have a time."""

import io
import smtplib
import socket
import ssl
from time import monotonic
from typing import Any

from msgspec import Struct

from outgoing.border import Border

# A reply of 512 bytes a line (RFC 5321, 4.5.3.1.5) may have over a hundred lines, far more than EHLO's longest.
_LONGEST_REPLY = 64 * 1024
_FAREWELL_SECONDS = 5.0
_ENDLESS = "the server's reply has no end"


class Patience(Struct, frozen=True):
    """How many seconds are waited: for a connection, for a reply, for the one after the message, and in all."""

    step: float = 30.0
    verdict: float = 600.0  # whoever gives up sooner may have sent a mail twice (RFC 5321, 4.5.3.2.6)
    whole: float = 900.0


class Lost(smtplib.SMTPServerDisconnected):
    """The session is over without a reply; `at_message`: it broke off while the message went over, or after it."""

    def __init__(self, why: str, at_message: bool) -> None:
        super().__init__(why)
        self.why = why
        self.at_message = at_message


class Silent(Lost):
    """The server took too long: whatever else is handed to it may take as long."""


class Session(smtplib.SMTP):
    """smtplib's session, which alone would wait for ever for a server that drips, and keep all that one never ends."""

    def __init__(self, patience: Patience, border: Border, **more: Any) -> None:
        self._patience = patience
        self._border = border
        self._end = monotonic() + patience.whole
        self._awaits_verdict = False
        self._allow(patience.step)
        super().__init__(timeout=patience.step, **more)

    def send(self, s: Any) -> None:
        """Send a command, or a message: that one alone is bytes.

        Raises `Lost` where the server has gone.
        """
        is_message = isinstance(s, bytes)
        self._awaits_verdict = False
        self._allow(self._patience.step)
        try:
            super().send(s)
        except smtplib.SMTPServerDisconnected as gone:
            raise self._lost(gone, is_message) from None
        self._awaits_verdict = is_message

    def getreply(self) -> tuple[int, bytes]:
        """Return the reply's code and text; raise `Lost` where it does not come whole within its time and size."""
        self._allow(self._patience.verdict if self._awaits_verdict else self._patience.step)
        if self.file is None and self.sock:
            self.file = io.BufferedReader(_Incoming(self.sock, self))
        self.room = _LONGEST_REPLY
        try:
            reply = super().getreply()
        except smtplib.SMTPServerDisconnected as gone:
            raise self._lost(gone, self._awaits_verdict) from None
        except smtplib.SMTPResponseException:  # smtplib's own word for a line that is too long, said by no server
            raise Lost(_ENDLESS, self._awaits_verdict) from None
        self._allow(self._patience.step)  # for the handshake of TLS, if that is next
        return reply

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Return a connection to an address that was judged; smtplib keeps the name, which TLS verifies."""
        return self._border.connect(host, port, timeout)

    def leave(self) -> None:
        """Say good-bye, and wait a little for the answer."""
        self._end = min(self._end, monotonic() + _FAREWELL_SECONDS)
        self.quit()

    def left(self) -> float:
        """Return the seconds left for what is under way; raises `TimeoutError` where there are none."""
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _allow(self, seconds: float) -> None:
        """Give the next step its time, which ends with the whole's at the latest."""
        now = monotonic()
        self._until = min(now + seconds, self._end)
        self._why = f"did not answer within {seconds:g} s"
        if self._until == self._end:
            self._why = f"took longer than {self._patience.whole:g} s in all"
        if self.sock:
            self.sock.settimeout(max(self._until - now, 0.001))  # nought would mean: do not wait at all

    def _lost(self, gone: smtplib.SMTPServerDisconnected, at_message: bool) -> Lost:
        after = " after the message: it may have been delivered" if self._awaits_verdict else ""
        match gone.__context__:
            case TimeoutError():
                return Silent(f"the server {self._why}{after}", at_message)
            case _Endless():
                return Lost(_ENDLESS, at_message)
        return Lost(f"the server hung up{after}", at_message)


class TlsSession(Session):
    """The same with TLS from the first byte; whom it trusts is the context."""

    def __init__(self, patience: Patience, border: Border, context: ssl.SSLContext, **more: Any) -> None:
        self._context = context
        self._name = more["host"]
        super().__init__(patience, border, **more)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._context.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=self._name)


class _Endless(OSError):
    pass


class _Incoming(io.RawIOBase):
    """What a server says, as long as there is time left for it, and room."""

    def __init__(self, connection: socket.socket, session: Session) -> None:
        self._connection, self._session = connection, session

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._session.room <= 0:
            raise _Endless
        self._connection.settimeout(self._session.left())
        size = self._connection.recv_into(buffer)
        self._session.room -= size
        return size
