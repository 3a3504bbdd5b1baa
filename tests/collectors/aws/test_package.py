"""Functions' packages: fetched in pieces, looked at within bounds, and nothing of them kept but signs."""

import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from clouds.aws.function_package import is_of_aws
from clouds.aws.login import Login, locate, session
from clouds.aws.read import AwsClient
from clouds.call_failed import CallFailed
from collectors.aws import resource_types
from collectors.aws.engine import collect
from collectors.aws.package import package_signs
from demo.stand_ins.aws_emulator import ENVIRONMENT
from model.asset import Asset, Place
from pipeline.clock import SystemClock
from tests.conftest import MovingClock
from tests.recorded_clouds import REGIONS

SECRET = 'PASSWORD = "hunter22"\n'
FOUND = {"line": 1, "looks_like": "named"}
NOISE = bytes(range(256)) * 4096  # a megabyte


def packed(files: dict[str, str | bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return data.getvalue()


class Store:
    """Holds a package, and counts what is fetched of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.fetched: list[int] = []

    def piece(self, start: int, length: int) -> tuple[bytes, int]:
        piece = self.data[start : start + length]
        self.fetched.append(len(piece))
        return piece, len(self.data)


def signs(files: dict[str, str | bytes]) -> Any:
    return package_signs(Store(packed(files)).piece)


def test_a_small_package_is_fetched_at_once() -> None:
    store = Store(packed({"main.py": f"import os\n{SECRET}", "lib/pay.js": "x = 1", "bootstrap": b"\x7fELF"}))
    assert package_signs(store.piece) == {"files": 2, "signs": [{"file": "main.py", "line": 2, "looks_like": "named"}]}
    assert len(store.fetched) == 1


def test_of_a_large_package_only_what_is_looked_at_is_fetched() -> None:
    libraries: dict[str, str | bytes] = {f"lib/{n}.so": NOISE for n in range(30)}
    store = Store(packed({"main.py": "x = 1", **libraries, "src/deep/pay.py": SECRET}))
    assert package_signs(store.piece) == {"files": 2, "signs": [{"file": "src/deep/pay.py", **FOUND}]}
    assert sum(store.fetched) < len(store.data) / 20


@pytest.mark.parametrize(
    "files",
    [
        {"node_modules/x/index.js": "p = {password: 'hunter22'}"},
        {"app/node_modules/x/index.js": "p = {password: 'hunter22'}"},
        {"vendor/bundle/ruby/3.3.0/gems/x/x.rb": "password = 'hunter22'"},
        {"vendor/composer/installed.json": "{}", "vendor/x/x.php": "$password = 'hunter22';"},
        {"x/pay.py": SECRET, "x-1.0.dist-info/RECORD": "x/pay.py,sha256=abc,22\nx-1.0.dist-info/RECORD,,\n"},
        {"python/x/pay.py": SECRET, "python/x-1.0.dist-info/RECORD": "x/pay.py,sha256=abc,22\n"},
    ],
    ids=["npm", "npm below", "bundler", "composer", "pip", "pip in a folder"],
)
def test_installed_packages_are_not_the_customers_code(files: dict[str, str | bytes]) -> None:
    assert signs(files)["signs"] == []


def test_a_folder_that_is_only_called_vendor_is_the_customers() -> None:
    assert signs({"vendor/client.php": "$password = 'hunter22';"})["signs"] == [{"file": "vendor/client.php", **FOUND}]


def test_the_files_that_differ_from_what_is_recorded_are_the_customers() -> None:
    record = "x/pay.py,sha256=abc,22\n"
    found = signs({"x/own.py": SECRET, "x/pay.py": SECRET, "x-1.0.dist-info/RECORD": record})
    assert found == {"files": 1, "signs": [{"file": "x/own.py", **FOUND}]}


@pytest.mark.parametrize(
    "files",
    [
        {"x/pay.py": SECRET + "x = 1", "x-1.0.dist-info/RECORD": "x/pay.py,sha256=abc,22\n"},
        {"x/pay.py": SECRET, "x-1.0.dist-info/RECORD": "x/pay.py,,\n"},
        {
            "x/pay.py": SECRET,
            "x-1.0.dist-info/RECORD": "x/pay.py,sha256=abc,22\n",
            "x-1.0.dist-info/direct_url.json": '{"url": "file:///shop", "dir_info": {}}',
        },
    ],
    ids=["changed", "of no size", "installed from a folder (PEP 610)"],
)
def test_what_was_not_installed_as_others_made_it_is_the_customers(files: dict[str, str | bytes]) -> None:
    assert {"file": "x/pay.py", **FOUND} in signs(files)["signs"]


def test_many_files_are_fetched_as_they_lie_there() -> None:
    small: dict[str, str | bytes] = {f"a/b{n % 7}/{n}.py": f"x = {n}\n" * 200 for n in range(300)}
    store = Store(packed({**small, "main.py": SECRET}))
    assert package_signs(store.piece) == {"files": 301, "signs": [{"file": "main.py", **FOUND}]}
    assert len(store.fetched) <= 2
    among: dict[str, str | bytes] = {f"lib/{n}.so": NOISE for n in range(8)}
    store = Store(packed({**among, **small}))
    assert package_signs(store.piece)["files"] == 300
    assert sum(store.fetched) < len(store.data) / 4


def test_signs_that_were_found_before_the_bound_are_kept() -> None:
    files: dict[str, str | bytes] = {"main.py": SECRET}
    for n in range(300):  # each behind so much that nothing else can be fetched with it
        files |= {f"lib/{n}.so": NOISE[:100_000], f"a/{n}.py": "x = 1\n" * 10}
    assert signs(files)["signs"] == [{"file": "main.py", **FOUND}]
    with pytest.raises(CallFailed, match="more code than is looked at"):
        signs(files | {"main.py": "x = 1"})


def test_other_encodings_are_read() -> None:
    assert signs({"a.ps1": f"$x = 1\n${SECRET}".encode("utf-16")})["signs"] == [
        {"file": "a.ps1", "line": 2, "looks_like": "named"}
    ]
    assert signs({"a.py": "# caf\xe9\n".encode("latin-1") + SECRET.encode()})["signs"][0]["line"] == 2


def test_a_name_that_may_be_a_secret_itself_is_reported_by_its_position() -> None:
    token = "ghp_" + "a1B2" * 9
    assert [sign["file"] for sign in signs({f"{token}.py": SECRET, "お客様/a.py": SECRET})["signs"]] == ["#1", "#2"]


def test_of_many_signs_a_hundred_are_kept() -> None:
    found = signs({"a.py": SECRET * 150})["signs"]
    assert (len(found), found[-1]) == (101, {"more": 50})


def test_more_than_the_bound_without_a_sign_is_unknown_and_with_one_a_finding() -> None:
    large: dict[str, str | bytes] = {f"a/{n}.py": "x = 1\n" * 250_000 for n in range(4)}
    with pytest.raises(CallFailed, match="more code than is looked at"):
        signs(large)
    assert signs(large | {"main.py": SECRET})["signs"] == [{"file": "main.py", **FOUND}]


def bomb() -> bytes:
    """A file that says that it is small and unpacks to a hundred megabytes."""
    data = bytearray(packed({"a.py": b"x" * 100_000_000}, zipfile.ZIP_DEFLATED))
    return bytes(data).replace((100_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))


def encrypted() -> bytes:
    data = packed({"a.py": SECRET})
    central = data.index(b"PK\x01\x02")
    return data[: central + 8] + b"\x01\x00" + data[central + 10 :]


def bad_name() -> bytes:
    """A name that is marked as UTF-8 and is none."""
    return packed({"\u3042.py": SECRET}).replace("\u3042".encode(), b"\xff\xfe\xfd")


def lying_in_each_other() -> bytes:
    """A directory in which two entries of one name share their content."""
    data = packed({"a.py": SECRET, "b.py": SECRET})
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    return data[: second + 42] + b"\0\0\0\0" + b"a.py" + data[second + 50 :]


def said_to_be_empty() -> bytes:
    data = packed({"a.py": SECRET * 10})
    central = data.index(b"PK\x01\x02")
    return data[: central + 16] + bytes(4) + data[central + 20 : central + 24] + bytes(4) + data[central + 28 :]


@pytest.mark.parametrize(
    "data",
    [
        packed({"a.py": b"x" * 2_000_000}, zipfile.ZIP_BZIP2),
        packed({"a.py": b"x" * 2_000_000}, zipfile.ZIP_LZMA),
        packed({f"{'d' * 2000}/x-1.0.dist-info/RECORD": "a,b,1\n" * 1000}),
        bad_name(),
        lying_in_each_other(),
        said_to_be_empty(),
    ],
    ids=["bzip2", "lzma", "endless name", "bad name", "lying in each other", "said to be empty"],
)
def test_what_takes_too_much_or_is_not_what_it_says_is_not_looked_at(data: bytes) -> None:
    with pytest.raises(CallFailed, match="package that cannot be read"):
        package_signs(Store(data).piece)


@pytest.mark.parametrize(
    "data",
    [b"", b"nothing", packed({"a.py": SECRET})[:-30], bomb(), encrypted()],
    ids=["empty", "no ZIP", "cut off", "bomb", "encrypted"],
)
def test_what_cannot_be_read_is_not_taken_for_harmless(data: bytes) -> None:
    with pytest.raises(CallFailed, match="package that cannot be read"):
        package_signs(Store(data).piece)


def test_a_directory_of_any_length_is_not_fetched() -> None:
    store = Store(packed({f"{'d' * 200}/{n}.txt": b"" for n in range(20_000)}))
    with pytest.raises(CallFailed, match="more code than is looked at"):
        package_signs(store.piece)
    assert sum(store.fetched) <= 5 << 20


CONTENT = bytes(range(200))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """A server that stands in for AWS, and the paths that were asked for; the first part of a path is the status."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, *rest = urlsplit(self.path).path.strip("/").split("/")
            if status == "0" or (rest == ["once"] and len(asked) == 1):
                self.close_connection = True
                return
            first, last = (int(number) for number in self.headers["range"].removeprefix("bytes=").split("-"))
            piece = CONTENT[first : last + 1]
            self.send_response(int(status))
            self.send_header("content-length", str(len(piece)))
            if rest != ["without"]:
                self.send_header("content-range", f"bytes {first}-{last}/{len(CONTENT)}")
            self.end_headers()
            self.wfile.write(piece)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    for name, value in (ENVIRONMENT | {"AWS_ENDPOINT_URL": url}).items():
        monkeypatch.setenv(name, value)
    yield url, asked
    server.shutdown()
    server.server_close()
    thread.join()


def client(clock: MovingClock) -> AwsClient:
    return AwsClient(session(Login(), clock), clock, read_seconds=2)


@pytest.mark.process
@pytest.mark.parametrize(("path", "asked"), [("/206", 1), ("/206/once", 2)], ids=["at once", "after a reset"])
def test_a_piece_is_what_was_asked_for(store: tuple[str, list[str]], clock: MovingClock, path: str, asked: int) -> None:
    assert client(clock).piece(f"{store[0]}{path}", 10, 5) == (CONTENT[10:15], 200)
    assert len(store[1]) == asked


@pytest.mark.process
@pytest.mark.parametrize(
    ("path", "cause", "asked"),
    [
        ("/403", "package HTTP 403", 1),  # the address has ended, or a key of the customer's keeps us out
        ("/200", "package HTTP 200", 1),  # the whole, however long
        ("/302", "package HTTP 302", 1),
        ("/206/without", "package without a size", 1),
        ("/0", "ConnectionClosedError", 3),
    ],
)
def test_what_is_no_piece_is_a_named_cause(
    store: tuple[str, list[str]], clock: MovingClock, path: str, cause: str, asked: int
) -> None:
    with pytest.raises(CallFailed) as failed:
        client(clock).piece(f"{store[0]}{path}", 0, 10)
    assert (failed.value.code, len(store[1])) == (cause, asked)


ADDRESSES = [
    ("https://prod-04-2014-tasks.s3.ap-northeast-1.amazonaws.com/snapshots/1/f?versionId=a&X-Amz-Signature=b", True),
    ("https://awslambda-cn-north-1-tasks.s3.cn-north-1.amazonaws.com.cn:443/snapshots/1/f", True),
    ("http://prod-04-2014-tasks.s3.ap-northeast-1.amazonaws.com/f", False),
    ("https://prod-04-2014-tasks.s3.ap-northeast-1.amazonaws.com:8443/f", False),
    ("https://amazonaws.com/f", False),
    ("https://amazonaws.com.example.com/f", False),
    ("https://example.com/f.amazonaws.com", False),
    ("https://user:password@x.amazonaws.com/f", False),
    ("https://example.com\\@x.amazonaws.com/f", False),
    ("https://example.com\\.amazonaws.com/f", False),
    ("https://[::1].amazonaws.com/f", False),
    ("https://169.254.169.254/f", False),
    ("file:///etc/passwd", False),
    ("", False),
]


@pytest.mark.parametrize(("url", "its"), ADDRESSES)
def test_an_address_is_aws_own_as_the_client_reads_it(url: str, its: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert is_of_aws(url) is its


@pytest.mark.process
@pytest.mark.parametrize("url", ["http://127.0.0.2:1/", "https://x.amazonaws.com/f", "file:///etc/passwd"])
def test_beside_a_local_server_nobody_else_is_asked(store: tuple[str, list[str]], clock: MovingClock, url: str) -> None:
    with pytest.raises(CallFailed, match="package at a strange address"):
        client(clock).piece(url, 0, 10)


@pytest.mark.process
def test_the_proxy_of_other_calls_is_taken(store: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The server that stands in for AWS is the proxy here: it is asked for the whole address."""
    monkeypatch.setenv("HTTP_PROXY", store[0])
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://packages.invalid")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(CallFailed, match="package HTTP 403"):
        client(MovingClock()).piece("http://packages.invalid/403", 0, 10)
    assert store[1] == ["http://packages.invalid/403"]


class Returned:
    """An account with one function, of which GetFunction returns what it is given."""

    def __init__(self, row: dict[str, Any], code: dict[str, Any]) -> None:
        self._row, self._code = row, code

    def pages(self, service: str, region: str, op: str, args: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield {"Functions": [{"FunctionName": "f", "FunctionArn": "arn:1", **self._row}]}

    def call(self, service: str, region: str, op: str, args: dict[str, Any]) -> dict[str, Any]:
        return self._code if op == "get_function" else {"Policy": ""} if self._row else {}

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        raise CallFailed("package HTTP 403")

    def pause(self, seconds: float) -> None: ...
    def forget(self, region: str) -> None: ...


def test_a_reply_without_the_value_is_no_answer_where_a_code_says_that_there_is_none() -> None:
    place = Place("1", "1", "arn:aws:iam::1:root", "aws", ("eu-west-1",))
    seen = collect(Returned({}, {}), resource_types.load(kinds=["aws.lambda.function"]), place)
    (function,) = (one for one in seen if isinstance(one, Asset))
    assert function.unknown["Policy"] == "lambda:GetPolicy not returned"


@pytest.mark.parametrize(
    ("row", "code", "unknown"),
    [
        ({"PackageType": "Zip"}, {}, {"Code": "lambda:GetFunction no package"}),
        ({"PackageType": "Zip"}, {"Code": {"Location": "x"}}, {"Code": "lambda:GetFunction package HTTP 403"}),
        ({"PackageType": "Image"}, {"Code": {"ImageUri": "x"}}, {}),
    ],
)
def test_a_program_that_is_not_handed_out_is_unknown_and_an_image_has_none(
    row: dict[str, Any], code: dict[str, Any], unknown: dict[str, str]
) -> None:
    place = Place("1", "1", "arn:aws:iam::1:root", "aws", ("eu-west-1",))
    seen = collect(Returned(row, code), resource_types.load(kinds=["aws.lambda.function"]), place)
    (function,) = (one for one in seen if isinstance(one, Asset))
    assert function.unknown == unknown
    assert "Code" not in function.body


@pytest.mark.usefixtures("company")
def test_the_emulators_functions_are_looked_at_and_nothing_of_them_is_kept() -> None:
    clock = SystemClock()
    client = AwsClient(session(Login(), clock), clock)
    kinds = resource_types.load(kinds=["aws.lambda.function"])
    (function,) = (one for one in collect(client, kinds, locate(client, REGIONS)) if isinstance(one, Asset))
    assert function.body["Code"] == {"files": 2, "signs": [{"file": "pay/__init__.py", **FOUND}]}
    assert "not-a-secret" not in repr(function)
