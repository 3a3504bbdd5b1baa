"""A real PostgreSQL server for tests, from the machine's own binaries, as a user without privileges."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

_NUMBERS = count(1)


def binaries() -> Path | None:
    """Return the folder of the newest server's programs; Debian keeps them away from PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda file: int(file.parts[4]))
    beside_path = shutil.which("postgres")
    return found[-1].parent if found else Path(beside_path).parent if beside_path else None


def needed() -> Path:
    """Return the server's programs; without them tests are skipped by name, and fail where CI has to run them."""
    if folder := binaries():
        return folder
    if os.environ.get("CI"):
        pytest.fail("no PostgreSQL server is installed (Debian: postgresql)")
    pytest.skip("no PostgreSQL server is installed (Debian: postgresql)")


class Server:
    """A running server; `database` makes an empty database in it."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def database(self, template: str) -> str:
        """Make a database as a copy of another that nobody is connected to, and return its URL."""
        name = f"t{next(_NUMBERS)}"
        with psycopg.connect(host=str(self._socket), user="hinomi", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return f"postgresql://hinomi@/{name}?host={self._socket}"

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        name = url.split("@/")[1].split("?")[0]
        with psycopg.connect(host=str(self._socket), user="hinomi", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _in_memory() -> Path | None:
    """Return a folder in memory where there is one: copying a database there takes a quarter of the CPU."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else None


@contextmanager
def running(programs: Path) -> Iterator[Server]:
    """Run a server in a folder of its own that is removed at the end; it listens on a socket there and nowhere else."""
    folder = Path(tempfile.mkdtemp(prefix="hinomi-pg-", dir=_in_memory()))
    nobody = pwd.getpwnam("nobody")
    rights = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    if rights:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    folder.chmod(0o700)
    data = folder / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    made = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "hinomi",
        "--auth=trust",
        "--encoding=UTF8",
        "--no-locale",
        "--no-sync",
    ]
    subprocess.run(made, check=True, **quiet, **rights)  # type: ignore[call-overload]
    settings = ["-c", "fsync=off", "-c", "max_connections=200", "-c", "listen_addresses=", "-c", "autovacuum=off"]
    process = subprocess.Popen([programs / "postgres", "-D", data, "-k", folder, *settings], **quiet, **rights)  # type: ignore[call-overload]
    try:
        _wait(folder)
        yield Server(folder)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(socket: Path) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(host=str(socket), user="hinomi", dbname="postgres").close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
