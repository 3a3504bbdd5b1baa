"""A connection goes to the address that was judged, and to no other, whatever is said at a second look-up."""

import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outgoing import web
from outgoing.addresses import network_of
from outgoing.border import NOT_ALLOWED, Border, Denied
from tests.servers.counting import counting
from tests.servers.smtp_server import Certificate

TIMEOUT = httpx2.Timeout(5)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
# Stands for the internet: these tests open nothing elsewhere.
OUTSIDE, INSIDE = "127.0.0.2", "127.0.0.1"


class Turning:
    """A resolver that says another address each time, and goes on with the last."""

    def __init__(self, *turns: Sequence[str]) -> None:
        self._turns = list(turns)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._turns[min(len(self.asked), len(self._turns)) - 1]


def to_outside(*turns: Sequence[str]) -> tuple[Border, Turning]:
    resolver = Turning(*turns)
    return Border([network_of(OUTSIDE)], resolver), resolver


@pytest.mark.process
def test_a_name_that_turns_inward_after_it_was_judged_is_met_where_it_was_judged() -> None:
    border, resolver = to_outside([OUTSIDE], [INSIDE])
    with counting(OUTSIDE, INSIDE, says=ANSWER) as server:
        url = f"http://soc.example:{server.port}/hook"
        with web.client(url, border, TIMEOUT) as client:
            assert [client.get(url).status_code for _ in range(3)] == [200] * 3
        with pytest.raises(Denied):
            web.client(url, border, TIMEOUT)
        assert server.arrived() == [OUTSIDE] * 3
    assert resolver.asked == ["soc.example"] * 2


@pytest.mark.process
def test_a_bare_connection_goes_where_was_judged() -> None:
    border, resolver = to_outside([OUTSIDE], [INSIDE])
    with counting(OUTSIDE, INSIDE) as server:
        border.connect("mail.example", server.port, 5).close()
        with pytest.raises(Denied, match="the address is not allowed"):
            border.connect("mail.example", server.port, 5)
        assert server.arrived() == [OUTSIDE]
    assert resolver.asked == ["mail.example"] * 2


@pytest.mark.process
def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with counting(OUTSIDE, says=ANSWER) as server:
        for connect in (
            lambda border: border.connect("x.example", server.port, 5).close(),
            lambda border: web.client(f"http://x.example:{server.port}", border, TIMEOUT).get("/"),
        ):
            connect(Border([network_of("127.0.0.0/8")], Turning(["127.0.0.3", OUTSIDE])))
        assert server.arrived() == [OUTSIDE] * 2
        closed = Border([network_of("127.0.0.0/8")], Turning(["127.0.0.3", "127.0.0.4"]))
        with pytest.raises(ConnectionRefusedError):
            closed.connect("x.example", server.port, 5)


@given(
    st.lists(st.sampled_from(["8.8.8.8", "2606:4700::1111"]), max_size=3),
    st.lists(st.sampled_from(["10.0.0.1", "::1", "169.254.169.254", "::ffff:8.8.8.8", "fe80::1%eth0"]), min_size=1),
    st.data(),
)
def test_one_address_inside_denies_all_in_any_order(public: list[str], inside: list[str], data: st.DataObject) -> None:
    mixed = data.draw(st.permutations(public + inside))
    with pytest.raises(Denied):
        Border(resolver=Turning(mixed)).addresses("x.example", 443)
    assert Border(resolver=Turning(public or ["8.8.8.8"])).addresses("x.example", 443)


def failing(problem: Exception) -> Border:
    def resolver(host: str, port: int) -> list[str]:
        raise problem

    return Border(resolver=resolver)


@pytest.mark.parametrize(
    "border",
    [
        failing(OSError(-2, "Name or service not known")),
        failing(UnicodeError("label empty or too long")),
        Border(resolver=Turning([])),
        Border(resolver=Turning(["no address"])),
        Border(resolver=Turning(["10.0.0.1"])),
    ],
)
def test_a_name_without_an_address_is_denied_in_the_same_words(border: Border) -> None:
    with pytest.raises(Denied) as denied:
        border.addresses("x.example", 443)
    assert str(denied.value) == NOT_ALLOWED


def test_a_name_with_thousands_of_addresses_is_tried_at_a_few() -> None:
    many = [f"8.8.{a}.{b}" for a in range(20) for b in range(250)]
    assert Border(resolver=Turning(many)).addresses("x.example", 443) == many[:8]


@pytest.mark.parametrize("url", ["http:///hook", "ftp://x.example/", "unix:///run/docker.sock", "hook"])
def test_what_is_no_web_address_is_denied(url: str) -> None:
    with pytest.raises(Denied):
        web.client(url, Border(resolver=Turning(["8.8.8.8"])), TIMEOUT)


def test_a_client_is_for_one_server() -> None:
    border = Border(resolver=Turning(["8.8.8.8"]))
    with web.client("https://a.example/x", border, TIMEOUT) as client:
        for other in ("https://b.example/x", "http://a.example/x", "https://a.example:444/x", "https://8.8.8.8/x"):
            with pytest.raises(Denied):
                client.get(other)


@contextmanager
def secured(certificate: Certificate) -> Iterator[tuple[int, list[str | None]]]:
    """Run a web server with TLS; yield its port, and the names that it was asked for (SNI)."""
    names: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            names.append(self.headers["host"])
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((INSIDE, 0), Handler)
    context = certificate.context()
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1], names
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.process
@pytest.mark.parametrize(("certified", "is_met"), [("soc.example", True), ("elsewhere.example", False)])
def test_tls_asks_for_the_name_and_verifies_it_at_the_pinned_address(
    tmp_path: Path, certified: str, is_met: bool
) -> None:
    certificate = Certificate(tmp_path, certified)
    trust = ssl.create_default_context(cafile=str(certificate.file))
    border = Border([network_of(INSIDE)], Turning([INSIDE], ["10.0.0.1"]))
    with secured(certificate) as (port, names):
        url = f"https://soc.example:{port}/"
        with web.client(url, border, TIMEOUT, web.Caller(trust)) as client:
            if is_met:
                assert client.get(url).status_code == 200
                assert names == ["soc.example", f"soc.example:{port}"]
            else:
                with pytest.raises(httpx2.ConnectError, match="Hostname mismatch"):
                    client.get(url)
                assert names == ["soc.example"]


@pytest.mark.process
def test_a_redirect_is_not_followed() -> None:
    says = b"HTTP/1.1 307 X\r\nlocation: http://127.0.0.2:%d/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    with counting(OUTSIDE) as other, counting(INSIDE, says=says % other.port) as server:
        url = f"http://127.0.0.1:{server.port}/"
        with web.client(url, Border([network_of("127.0.0.0/8")]), TIMEOUT) as client:
            assert client.get(url).status_code == 307
        assert (server.arrived(), other.arrived()) == ([INSIDE], [])


@pytest.mark.process
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_operator_s_is_used_for_what_is_allowed_and_is_no_way_around(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with counting(INSIDE, says=ANSWER) as proxy:
        monkeypatch.setenv(variable, f"http://{INSIDE}:{proxy.port}")
        with web.client("http://soc.example/x", Border(resolver=Turning(["8.8.8.8"])), TIMEOUT) as client:
            assert client.get("http://soc.example/x").status_code == 200
        for inside in ("127.0.0.1", "169.254.169.254", "localhost"):
            with pytest.raises(Denied):
                web.client(f"http://{inside}/x", Border(), TIMEOUT)
        assert proxy.arrived() == [INSIDE]
        monkeypatch.setenv("NO_PROXY", "127.0.0.2")
        with counting(OUTSIDE, says=ANSWER) as server:
            url = f"http://{OUTSIDE}:{server.port}/"
            with web.client(url, Border([network_of(OUTSIDE)]), TIMEOUT) as client:
                assert client.get(url).status_code == 200
            assert (proxy.arrived(), server.arrived()) == ([INSIDE], [OUTSIDE])
