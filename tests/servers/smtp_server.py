"""Real local SMTP servers: one that takes mail, with TLS and sign-in, and one that breaks off where it is asked to."""

import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

USER, PASSWORD = "hinomi", "only+for this/test"


class Certificate:
    """A certificate that signs itself, with its key, as files."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", days: int = 1) -> None:
        now = datetime.now(UTC)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail for tests")])
        is_address = host[0].isdigit()
        names = [x509.IPAddress(ip_address(host)) if is_address else x509.DNSName(host)]
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=10))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.file, self.key_file = folder / "certificate.pem", folder / "key.pem"
        folder.mkdir(parents=True, exist_ok=True)
        self.file.write_bytes(made.public_bytes(Encoding.PEM))
        self.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.file, self.key_file)
        return context


class Mailbox:
    """What a server took, and what it answers: by recipient, and to each message by turns, the last one for ever."""

    def __init__(self, rcpt: dict[str, str] | None = None, data: Sequence[str] = ("250 2.0.0 taken",)) -> None:
        self.port = 0
        self.taken: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.signed_in: list[Any] = []
        self.greeted_as: list[str] = []
        self._rcpt, self._data, self.tries = rcpt or {}, data, 0

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=default) for raw in self.taken]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        answer = self._rcpt.get(address, "250 2.1.5 known")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self._data[min(self.tries, len(self._data) - 1)]
        self.tries += 1
        if answer.startswith("250"):
            self.taken.append(envelope.original_content)
            self.recipients.append(envelope.rcpt_tos)
            self.signed_in.append(session.auth_data)
            self.greeted_as.append(session.host_name)
        return answer

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, said: Any) -> AuthResult:
        right = (said.login, said.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False, auth_data=said.login if right else None)


@contextmanager
def mail_server(mailbox: Mailbox, certificate: Certificate | None, implicit: bool = False) -> Iterator[Mailbox]:
    """Run a server: in the clear without a certificate, else with TLS, from the first byte where it is implicit."""
    options: dict[str, Any] = {}
    if certificate and implicit:
        options = {"ssl_context": certificate.context(), "auth_exclude_mechanism": ["LOGIN"]}
    elif certificate:
        options = {"tls_context": certificate.context(), "require_starttls": True}
    controller = Controller(
        mailbox, hostname="127.0.0.1", port=free_port(), authenticator=mailbox.authenticate, **options
    )
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()


class _Breaking(socketserver.StreamRequestHandler):
    """Takes everything up to one command, and breaks off there as its server says."""

    server: "_BreakingServer"

    def handle(self) -> None:
        if self.breaks("greeting"):
            return
        self.say("220 here")
        while line := self.rfile.readline():
            verb = line.split()[0].decode().lower()
            if verb == "data":
                self.take_message()
            if self.breaks(verb):
                return
            self.say({"quit": "221 bye", "ehlo": "250-here\r\n250-STARTTLS\r\n250 AUTH CRAM-MD5"}.get(verb, "250 well"))

    def take_message(self) -> None:
        self.say("354 go on")
        while self.rfile.readline() not in (b".\r\n", b""):
            pass

    def say(self, text: str) -> None:
        if self.server.how == "is slow":
            self.server.released.wait(0.4)
        self.wfile.write(f"{text}\r\n".encode())

    def say_for_ever(self, what: bytes, pause: float) -> None:
        with suppress(OSError):
            while not self.server.released.wait(pause):
                self.connection.sendall(what)

    def breaks(self, verb: str) -> bool:
        if verb != self.server.breaks_at:
            return False
        how = self.server.how
        if how == "hangs":
            self.server.released.wait(30)
        elif how == "never ends":
            self.say_for_ever(b"250-and on\r\n" * 100, 0)
        elif how == "never ends its line":
            self.say_for_ever(b"250-" + b"x" * 1000, 0)
        elif how == "drips":
            self.say_for_ever(b"2", 0.1)
        elif how == "resets":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how[0].isdigit():
            self.say(how)
        return True


class _BreakingServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, breaks_at: str, how: str, certificate: Certificate | None) -> None:
        super().__init__(("127.0.0.1", 0), _Breaking)
        self.breaks_at, self.how, self.released = breaks_at, how, threading.Event()
        if certificate:
            self.socket = certificate.context().wrap_socket(self.socket, server_side=True)

    def shutdown_request(self, request: Any) -> None:
        if self.how == "resets":
            self.close_request(request)  # a shutdown would say good-bye first
        else:
            super().shutdown_request(request)


@contextmanager
def breaking_server(breaks_at: str, how: str, certificate: Certificate | None = None) -> Iterator[int]:
    """Run a server; at one command (`greeting`: before any) it hangs, drips, never ends, hangs up, resets or refuses.

    Without a certificate there is no TLS; with one, it begins with the first byte.
    """
    server = _BreakingServer(breaks_at, how, certificate)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
