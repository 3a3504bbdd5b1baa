"""The quick tests start nothing: what watches over it."""

import socket

import pytest

from tests.starting import Watch

Failed = pytest.fail.Exception


def test_an_unmarked_test_that_starts_something_fails() -> None:
    watch = Watch()
    watch.heard("subprocess.Popen", ())  # a marked one may
    watch.is_held = True
    watch.heard("open", ())
    for event in ("subprocess.Popen", "os.fork", "socket.bind"):
        with pytest.raises(Failed, match="mark the test `process`"):
            watch.heard(event, ())


def test_so_does_one_that_asks_for_what_another_has_started() -> None:
    watch = Watch()
    watch.fixture = "server"
    watch.heard("socket.bind", ())
    watch.is_held = True
    watch.asked(["clock"])
    with pytest.raises(Failed, match="server"):
        watch.asked(["clock", "server"])


def test_this_very_test_is_watched() -> None:
    with socket.socket() as probe, pytest.raises(Failed, match=r"socket\.bind"):
        probe.bind(("127.0.0.1", 0))
