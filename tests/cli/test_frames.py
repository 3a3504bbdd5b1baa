"""From a command to the first call of a cloud there are few steps: the stack is read while the call is on its way."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import FrameType

import pytest

from catalog.folder import config_folder
from catalog.policies import load
from pipeline.clock import SystemClock
from pipeline.installation import make, open_home
from pipeline.tenants.contracts import evidence_of
from pipeline.tenants.files import carry_out, load_tenant, plan
from tests.commands import run

pytestmark = pytest.mark.process

ROOT = Path(__file__).parent.parent.parent
MOST = 9
TENANT = """
tenant: aozora
name: {en: Aozora, ja: 青空}
contract: {start: 2026-01-01}
scopes: [{aws: "123456789012", regions: [ap-northeast-1]}]
"""


@contextmanager
def watching(thread: int | None) -> Iterator[tuple[str, list[list[str]]]]:
    """Run a server that refuses whatever is asked; yield its URL and our frames of a thread, the first call's first."""
    seen: list[list[str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(ours(sys._current_frames()[thread or 0]))
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(403)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()
        serving.join()


def ours(frame: FrameType | None) -> list[str]:
    """Return the frames of our own rooms on a stack, the innermost first."""
    found = []
    while frame:
        file = Path(frame.f_code.co_filename)
        if file.is_relative_to(ROOT) and file.relative_to(ROOT).parts[0] not in ("tests", ".venv"):
            found.append(f"{file.relative_to(ROOT)} {frame.f_code.co_name}")
        frame = frame.f_back
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a home with one tenant."""
    (tmp_path / "tenant.yaml").write_text(TENANT, encoding="utf-8")
    make(tmp_path / "home", config_folder() / "example" / "installation.yaml")
    home = open_home(tmp_path / "home")
    file = tmp_path / "tenant.yaml"
    wanted = plan(home, load_tenant(file, load(config_folder() / "policies")))
    carry_out(home, wanted, SystemClock(), "p", evidence_of(file))
    return tmp_path / "home"


def test_from_the_command_to_the_first_call(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with watching(threading.main_thread().ident) as (url, seen):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "x")
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-1")
        status, _ = run(capsys, "scan", "aozora", "--home", str(folder))
    assert status == 3, "the account could not be entered"
    assert len(seen[0]) <= MOST, "\n".join(seen[0])
    assert seen[0][-1] == "cli/main.py main"
