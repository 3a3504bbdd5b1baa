"""What strangers can hold up at the API's real server: only each other."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import argon2
import httpx
import pytest

from api.app import make_app
from api.dependencies import Service
from api.server import MOST_CONNECTIONS
from catalog import access as access_files
from catalog.folder import config_folder
from model.installation import Installation, OpenId
from people.local import Passwords
from pipeline.access.sign_in import Gate
from pipeline.clock import SystemClock
from pipeline.log_spool import spools_in
from tests.homes import Originals, SqliteHomes, home_at
from tests.servers.api_server import Answering, HurriedLoop, answering_on_loopback

pytestmark = pytest.mark.process
BODY = b"POST /v1/sign-in/local HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n"
GET = b"GET /v1/me HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def address(tmp_path: Path, originals: Originals) -> str:
    """Where a home's empty stores are, of one kind: what is shown here is before any store."""
    return originals.copy("empty", SqliteHomes(tmp_path), lambda _: None)


class Held(argon2.PasswordHasher):
    """Looks at a password only once it is let."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.let = threading.Event()
        self.at_once = 0
        self.most_at_once = 0

    def verify(self, *given: Any) -> Any:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.let.wait(30)
        self.at_once -= 1
        return super().verify(*given)


@contextmanager
def service(address: str, installation: Installation, hasher: Held) -> Iterator[Service]:
    home = home_at(address)
    gate = Gate(home.service, lambda: b"k" * 32, SystemClock(), Passwords(hasher))
    with httpx.Client(timeout=30) as http:
        table, segments = access_files.load(config_folder()), spools_in(Path(address))
        yield Service(home, gate, table, SystemClock(), installation, http, segments)


class Strangers:
    """A crowd before a server; each asks in a thread of its own."""

    def __init__(self, server: Answering, hasher: Held) -> None:
        self.server = server
        self.hasher = hasher
        self._threads = ThreadPoolExecutor(80)
        self._client = httpx.Client(base_url=server.url, timeout=30, limits=httpx.Limits(max_connections=None))

    def post(self, path: str, *bodies: Any, **headers: str) -> "list[Future[httpx.Response]]":
        return [self._threads.submit(self._client.post, path, json=body, headers=headers) for body in bodies]

    def guess(self, number: int, **headers: str) -> "list[Future[httpx.Response]]":
        """Guess once at each of so many people's passwords."""
        names = [{"person": f"n{each}", "password": "a wrong password", "code": "0"} for each in range(number)]
        return self.post("/v1/sign-in/local", *names, **headers)

    def get(self, path: str) -> httpx.Response:
        return self._client.get(path)

    def close(self) -> None:
        self.hasher.let.set()
        self._threads.shutdown()
        self._client.close()


@contextmanager
def strangers(address: str, installation: Installation = Installation()) -> Iterator[Strangers]:
    hasher = Held()
    with (
        service(address, installation, hasher) as made,
        answering_on_loopback(make_app(made), installation) as server,
    ):
        crowd = Strangers(server, hasher)
        try:
            yield crowd
        finally:
            crowd.close()


def refused(asked: "list[Future[httpx.Response]]", number: int) -> list[httpx.Response]:
    """Wait until so many have been refused for their number, and return these answers."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        done = [each.result() for each in asked if each.done()]
        if len(done) >= number:
            return done
        time.sleep(0.005)
    raise AssertionError([each.result().status_code for each in asked if each.done()])


def test_passwords_that_are_looked_at_hold_up_nobody_else(address: str) -> None:
    with strangers(address) as crowd:
        asked = crowd.guess(60)
        for answer in refused(asked, 56):  # four places are one address'
            assert (answer.status_code, int(answer.headers["retry-after"]) >= 1) == (429, True)
        for path, status in (("/healthz", 200), ("/metrics", 200), ("/v1/me", 401)):
            assert crowd.get(path).status_code == status
        crowd.hasher.let.set()
        rest = [each.result().status_code for each in asked]
    assert (rest.count(429), rest.count(401)) == (56, 4)
    assert crowd.hasher.most_at_once == 1, "one password's memory is 64 MiB"


def test_a_provider_that_does_not_answer_holds_up_nobody_else(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        issuer = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with strangers(address, Installation(sign_in=OpenId(issuer, "hinomi"))) as crowd:
            asked = crowd.post("/v1/sign-in/device", *[None] * 30)
            asked += crowd.post("/v1/sign-in/device/token", *[{"handle": "x"}] * 30)
            assert {answer.status_code for answer in refused(asked, 56)} == {429}
            assert crowd.get("/healthz").status_code == 200
            crowd.hasher.let.set()
            (guess,) = crowd.guess(1)
            assert guess.result().status_code == 401, "passwords are looked at beside"
            silent.close()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "is_same"),
    [
        (["127.0.0.1"], "203.0.113.1", True),
        (["127.0.0.1"], "203.0.113.2", False),
        (["127.0.0.1"], "203.0.113.2, 203.0.113.1", True),  # what the client itself sent comes first
        (["127.0.0.0/8", "192.0.2.0/24"], "203.0.113.2, 203.0.113.1, 192.0.2.9", True),
        (["127.0.0.0/8"], "203.0.113.1, 192.0.2.9", False),  # not one of ours: it is whom we know
        ([], "203.0.113.2", True),  # nobody is believed: all are one
    ],
)
def test_an_address_is_whom_the_named_proxies_say(
    address: str, proxies: list[str], forwarded: str, is_same: bool
) -> None:
    with strangers(address, Installation(proxies=proxies)) as crowd:
        first = {"x-forwarded-for": "203.0.113.1"}
        refused(crowd.guess(5, **first), 1)
        (another,) = crowd.guess(1, **{"x-forwarded-for": forwarded})
        if not is_same:
            crowd.hasher.let.set()
        assert another.result().status_code == (429 if is_same else 401)


@pytest.fixture
def hurried(address: str) -> Iterator[Answering]:
    """A server whose ten seconds are a third of one."""
    with (
        service(address, Installation(), Held()) as made,
        answering_on_loopback(make_app(made), loop=HurriedLoop) as server,
    ):
        yield server


def all_of(connection: socket.socket) -> bytes:
    """Return what a server says until it closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


@pytest.mark.parametrize(
    ("sent", "dripped", "said"),
    [
        (b"", b"", b""),
        (b"GET /heal", b"", b"HTTP/1.1 408 "),
        (b"GET /healthz HTTP/1.1\r\n", b"a: b\r\n", b"HTTP/1.1 408 "),
        (BODY, b"", b"HTTP/1.1 408 "),
        (BODY, b" ", b"HTTP/1.1 408 "),
        (GET, b"", b"HTTP/1.1 401 "),
        (GET, b"G", b"HTTP/1.1 401 "),
        (BODY.replace(b": 50", b": 5000000"), b" ", b"HTTP/1.1 413 "),
        (b"\x16\x03\x01", b"", b"HTTP/1.1 400 "),
    ],
)
def test_who_takes_long_is_closed(hurried: Answering, sent: bytes, dripped: bytes, said: bytes) -> None:
    with hurried.connect() as connection:
        connection.sendall(sent)
        ended = threading.Event()

        def drip() -> None:
            while dripped and not ended.wait(0.02):
                try:
                    connection.sendall(dripped)
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        heard = all_of(connection)
        ended.set()
        dripping.join()
    assert heard.startswith(said)
    assert heard.count(b"HTTP/1.1") == (1 if said else 0) + heard.count(b"HTTP/1.1 408", 1)


def test_who_does_not_read_is_closed(hurried: Answering) -> None:
    with hurried.connect() as connection:
        for _ in range(400):  # more than the kernel keeps for a reader
            try:
                connection.sendall(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n")
            except OSError:
                break
        for wanted in (1, 0):
            until = time.monotonic() + 30
            while hurried.held() != wanted and time.monotonic() < until:
                time.sleep(0.01)
            assert hurried.held() == wanted


@pytest.mark.parametrize("sent", [b"", b"GET /", BODY])
def test_whoever_holds_connections_loses_them_to_those_who_ask(address: str, sent: bytes) -> None:
    with (
        service(address, Installation(), Held()) as made,
        answering_on_loopback(make_app(made)) as server,
        ExitStack() as opened,
    ):
        held = []
        for _ in range(MOST_CONNECTIONS + 20):
            held.append(opened.enter_context(server.connect()))
            held[-1].sendall(sent)
        for _ in range(5):
            assert httpx.get(f"{server.url}/healthz", timeout=30).status_code == 200
        assert server.held() <= MOST_CONNECTIONS
        assert all_of(held[0]) == b"" if not sent else all_of(held[0]).startswith(b"HTTP/1.1 408")
