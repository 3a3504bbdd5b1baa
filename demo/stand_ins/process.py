"""Azure, Google Cloud and a cluster on this machine, in a process of their own, as the files of a folder say.

`azure.json` is a `demo.stand_ins.azure.Company`; `google.json` holds assets by their parents; `kubernetes.json` is a
list of objects. They are read anew when they change, so that anybody can change a resource there and look again.
"""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import msgspec

from clouds.gcp import write as gcp_write
from demo.stand_ins import azure as azure_stand_in
from demo.stand_ins import gcp_assets, gcp_compute
from demo.stand_ins.azure import Company, StandIn
from demo.stand_ins.azure_writes import Answer
from demo.stand_ins.gcp_assets import AssetStandIn, Row
from demo.stand_ins.gcp_compute import ComputeStandIn
from demo.stand_ins.kubernetes import ClusterStandIn, is_same
from model.fault import Refused

AZURE, GCP, KUBERNETES = "azure.json", "google.json", "kubernetes.json"


class StandIns:
    """The process, while it runs; `environment` leads to it, `stop` ends it."""

    def __init__(self, folder: Path) -> None:
        """Start it and wait until it reports where it is; raises `Refused` where it does not."""
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, fixed arguments
            [sys.executable, "-m", "demo.stand_ins.process", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the command, and --keep outlives it
        )
        self.pid = self._process.pid
        assert self._process.stdout is not None, "it is a pipe"
        with self._process.stdout as returned:
            line = returned.readline()
        if not line:
            self.stop()
            raise Refused("the local stand-ins for Azure, Google Cloud and Kubernetes do not start")
        self.environment: dict[str, str] = json.loads(line)

    def stop(self) -> None:
        """End the process."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _AzureFile(StandIn):
    """Azure as a file says."""

    def __init__(self, file: Path) -> None:
        super().__init__(_company(file))
        self._file = file
        self._changed_at = file.stat().st_mtime_ns

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if (at := self._file.stat().st_mtime_ns) != self._changed_at:
            self.company, self._changed_at = _company(self._file), at
        return super().answer(method, target, headers, body)

    def saved(self) -> None:
        self._file.write_bytes(msgspec.json.encode(self.company))
        self._changed_at = self._file.stat().st_mtime_ns


class _GcpFile(AssetStandIn):
    """Cloud Asset as a file says."""

    def __init__(self, file: Path) -> None:
        super().__init__({})
        self._file = file

    def answer(self, request: Any, context: grpc.ServicerContext) -> bytes:
        assets: dict[str, list[Row]] = json.loads(self._file.read_bytes())
        self.assets = assets
        return super().answer(request, context)


class _ComputeFile(ComputeStandIn):
    """Compute Engine as the file of Cloud Asset says."""

    def __init__(self, assets: _GcpFile, file: Path) -> None:
        super().__init__(assets)
        self._gcp, self._file = assets, file

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Row]:
        self._gcp.assets = json.loads(self._file.read_bytes())
        return super().answer(method, path, body)

    def saved(self) -> None:
        self._file.write_text(json.dumps(self._gcp.assets))


class _KubernetesFile(ClusterStandIn):
    """A cluster as a file says."""

    def __init__(self, file: Path) -> None:
        super().__init__([])
        self._file = file

    def served(self) -> list[Row]:
        return [*self.objects, *self._rows()]

    def keep(self, row: Row) -> None:
        self._file.write_text(json.dumps([row if is_same(one, row) else one for one in self._rows()]))

    def _rows(self) -> list[Row]:
        returned: list[Row] = json.loads(self._file.read_bytes())
        return returned


def _company(file: Path) -> Company:
    return msgspec.json.decode(file.read_bytes(), type=Company)


def main(folder: Path) -> None:
    """Serve them until somebody ends the process."""
    with (
        azure_stand_in.running(_AzureFile(folder / AZURE)) as environment,
        gcp_assets.serving(gcp := _GcpFile(folder / GCP)) as endpoint,
        gcp_compute.serving(_ComputeFile(gcp, folder / GCP)) as compute,
        _KubernetesFile(folder / KUBERNETES) as cluster,
    ):
        kubeconfig = str(cluster.kubeconfig(folder))
        returned = environment | {
            "HINOMI_GCP_ENDPOINT": endpoint,
            gcp_write.ENDPOINT: compute,
            "KUBECONFIG": kubeconfig,
        }
        print(json.dumps(returned), flush=True)
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        ended.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
