"""The process of checkov's checks: where its venv is, and how it is asked."""

import atexit
import os
from functools import lru_cache
from pathlib import Path

import workers
from model.worker import NoAnswer
from workers.child import Child, Limits

NOT_INSTALLED = "checkov is not installed (`make checkov`, or HINOMI_CHECKOV for another place)"
_VARIABLE = "HINOMI_CHECKOV"
# Measured (docs/benchmarks.md): 34 MB of addresses with all Kubernetes checks, 0.1 seconds for 200 workloads.
_LIMITS = Limits(cpu_seconds=30, wall_seconds=120)


class NotInstalled(Child):
    """Stands for the process where there is no checkov: says so whenever it is asked."""

    def __init__(self) -> None:
        super().__init__([])

    def ready(self) -> None:
        """Raise `NoAnswer` always: there is nobody to ask."""
        raise NoAnswer(NOT_INSTALLED)


def venv() -> Path:
    """Return where checkov's venv has to be: what HINOMI_CHECKOV says, else beside the checkout."""
    named = os.environ.get(_VARIABLE, "")
    return Path(named).absolute() if named else Path(__file__).parent.parent / ".checkov-venv"


def checkov_worker(limits: Limits = _LIMITS) -> Child:
    """Return a process to ask, started when it is first asked; without checkov, one that says so."""
    python = venv() / "bin" / "python"
    if not python.exists():
        return NotInstalled()
    child = Path(workers.__file__).parent / "checkov_child.py"
    return Child([str(python), "-I", "-B", str(child)], limits)


def kept() -> Child:
    """Return the one process that all scans of this process ask: importing checkov takes longer than most scans."""
    return _kept(venv(), os.getpid())


@lru_cache
def _kept(_venv: Path, _process: int) -> Child:
    child = checkov_worker()
    atexit.register(child.close)
    return child
