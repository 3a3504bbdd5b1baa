"""A local AWS emulator (moto server) for the demonstration and the tests: real API calls, no account."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from clouds.aws.login import bare_session
from model.fault import Refused

ACCOUNT = "123456789012"
_STARTS_WITHIN_SECONDS = 60.0
# Names nothing of the machine's own AWS configuration: the emulator is all that can be reached.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "demo",
    "AWS_SECRET_ACCESS_KEY": "demo",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "ap-northeast-1",
    "AWS_REGION": "ap-northeast-1",
}


class Emulator:
    """A running emulator; `stop` ends it."""

    def __init__(self, *, managed_policies: bool = True) -> None:
        """Start on a free port of loopback and wait until it answers; raises `Refused` where it does not.

        AWS's managed policies take seconds for each account.
        """
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        settings = {
            "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
            "MOTO_IAM_LOAD_MANAGED_POLICIES": str(managed_policies).lower(),
            "MOTO_PORT": str(self.port),
        }
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, fixed arguments
            [sys.executable, "-m", "demo.stand_ins.aws_emulator_server", str(self.port)],
            env=_clean_environment() | settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the command, and --keep outlives it
        )
        self.pid = self._process.pid
        self._session = bare_session(None)
        self._session.set_credentials("demo", "demo")
        self._clients: dict[tuple[str, str], Any] = {}
        self._wait()

    def stop(self) -> None:
        """End the process."""
        for client in self._clients.values():
            client.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def reset(self) -> None:
        """Forget everything that was made in it."""
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")  # noqa: S310 - loopback
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - loopback

    def environment(self) -> dict[str, str]:
        """Return the environment for whoever is to see this emulator and nothing else."""
        return _clean_environment() | {"AWS_ENDPOINT_URL": self.url}

    def client(self, service: str, region: str) -> Any:
        """Return a plain SDK client."""
        if (service, region) not in self._clients:
            self._clients[service, region] = self._session.create_client(
                service, region_name=region, endpoint_url=self.url
            )
        return self._clients[service, region]

    def _wait(self) -> None:
        until = time.monotonic() + _STARTS_WITHIN_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/moto-api/", timeout=5).close()  # noqa: S310 - loopback
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
            else:
                return
        self.stop()
        raise Refused("the local emulator does not start; it is part of a checkout: run `make demo` there")


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | ENVIRONMENT


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
