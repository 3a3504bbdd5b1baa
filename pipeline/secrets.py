"""What a tenant's file refers to: secrets, files, AWS profiles, Kubernetes contexts; only what is the tenant's own.

A reference is `env:NAME`, `file:PATH`, `profile:NAME` or `context:NAME`. A tenant has what the installation's file
grants it, word for word, and by default what is named after it: the files below `secrets/TENANT/` in the home, and the
variables `HINOMI_TENANT__NAME`. Values stand nowhere.
"""

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from model.fault import Refused

FOLDER = "secrets"
MAX_BYTES = 1_000_000
# Every folder is opened from the one above it, and never through a link: what was checked is what is read.
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe would be waited for without an end, a terminal would become ours.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_LINKS = (errno.ELOOP, errno.ENOTDIR)


def prefix_of(tenant: str) -> str:
    """Return how the variables begin that are a tenant's by their name.

    An id has neither `_` nor two hyphens on end, so the first `__` ends it: what begins so is no other tenant's, and
    none of the installation's own variables.
    """
    return f"HINOMI_{tenant.upper().replace('-', '_')}__"


def secret(reference: str) -> bytes:
    """Return a secret that the installation's own file refers to; raises `Refused`, which names the reference only.

    Never for what a tenant's file says: that goes through its `TenantSecrets`.
    """
    kind, _, where = reference.partition(":")
    if kind == "env":
        return _variable(os.environ, reference)
    try:
        return _filled(reference, Path(where).read_bytes())
    except OSError as problem:
        raise Refused(f"the secret {reference} cannot be read: {problem.strerror}") from None


class TenantSecrets(Struct, frozen=True):
    """What one tenant's references lead to, below the installation's home; all others are refused.

    `granted` are references as the installation's file has them for this tenant. Without `environment` it is the
    process's own, which is in no copy of ours that might be shown.
    """

    tenant: str
    home: Path
    granted: frozenset[str] = frozenset()
    environment: Mapping[str, str] | None = None

    def why_not(self, reference: str) -> str:
        """Return why a reference is not the tenant's, the empty text where it is; nothing is read."""
        if not self.tenant:
            return f"the reference {reference} belongs to no tenant here"
        kind, _, where = reference.partition(":")
        if reference in self.granted or (kind == "env" and self._is_own_variable(where)):
            return ""
        if kind == "file" and (problem := _form_fault(where)):
            return f"the reference {reference!r} {problem}"
        if kind == "file" and self._own(where):
            return ""
        return (
            f"the reference {reference} is not granted to {self.tenant}: add it under 'grants' in installation.yaml, "
            f"or use {self._default(kind)}; for a home of an earlier version run `hinomi upgrade`"
        )

    def value(self, reference: str) -> bytes:
        """Return what a variable or a file holds; raises `Refused` where it is not the tenant's or cannot be read.

        The text names the reference only.
        """
        self._require(reference)
        kind, _, where = reference.partition(":")
        if kind == "env":
            return _variable(os.environ if self.environment is None else self.environment, reference)
        if kind != "file":
            raise Refused(f"the reference {reference} has no value")
        inside = self._own(where)
        root, parts = (self.home, [FOLDER, self.tenant, *inside]) if inside else (Path("/"), where.split("/"))
        try:
            return _filled(reference, _read(root, [part for part in parts if part]))
        except OSError as problem:
            why = "a link stands on the way to it, or no folder" if problem.errno in _LINKS else problem.strerror
            raise Refused(f"the secret {reference} cannot be read: {why}") from None

    def text(self, reference: str) -> str:
        """Return what a variable or a file holds as text; raises `Refused` as `value` does, and for what is no text."""
        try:
            return self.value(reference).decode()
        except UnicodeDecodeError:
            raise Refused(f"the secret {reference} is no text in UTF-8") from None

    def path(self, reference: str) -> Path:
        """Return where a file is, for what it names beside itself; raises `Refused` where it is not the tenant's."""
        self._require(reference)
        return self._own_folder / reference.removeprefix("file:")

    def profile(self, name: str) -> str:
        """Return the name of an AWS profile, empty for none; raises `Refused` where it is not granted."""
        return self._named("profile", name)

    def context(self, name: str) -> str:
        """Return a context of the installation's own kubeconfig, empty for none.

        Raises `Refused` where it is not granted.
        """
        return self._named("context", name)

    @property
    def _own_folder(self) -> Path:
        return self.home.absolute() / FOLDER / self.tenant

    def _require(self, reference: str) -> None:
        """Raise `Refused` for a reference that is not the tenant's."""
        if why := self.why_not(reference):
            raise Refused(why)

    def _named(self, kind: str, name: str) -> str:
        if name:
            self._require(f"{kind}:{name}")
        return name

    def _own(self, where: str) -> list[str]:
        """Return the way to a file from the tenant's own folder, empty where it is not below that."""
        if where.startswith("/"):
            inside = where.removeprefix(f"{self._own_folder}/")
            return [] if inside == where else inside.split("/")
        return where.split("/")

    def _is_own_variable(self, name: str) -> bool:
        return name.startswith(prefix_of(self.tenant)) and name != prefix_of(self.tenant)

    def _default(self, kind: str) -> str:
        if kind == "env":
            return f"a variable {prefix_of(self.tenant)}NAME"
        return f"a file in {FOLDER}/{self.tenant}/ of the home" if kind == "file" else f"no '{kind}'"


UNBOUND = TenantSecrets("", Path())


def _form_fault(where: str) -> str:
    """Return what is wrong with a path beyond whose it is: the same file has one spelling only."""
    parts = where.removeprefix("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "has to name its file without '.', '..' and doubled '/'"
    return "" if where.isprintable() else "holds characters that cannot be shown"


def _variable(environment: Mapping[str, str], reference: str) -> bytes:
    value = environment.get(reference.removeprefix("env:"), "")
    if not value.strip():
        raise Refused(f"the secret {reference} is not set")
    return os.fsencode(value)


def _filled(reference: str, content: bytes) -> bytes:
    """Return a file's content without white space around it; raises `Refused` where there is nothing else."""
    if not content.strip():
        raise Refused(f"the secret {reference} is empty")
    return content.strip()


def _read(root: Path, parts: Sequence[str]) -> bytes:
    """Return a file's bytes, on a way from a root over folders only, none of them and not the file a link.

    Raises `OSError` for anything but a regular file of one name and no more than a megabyte.
    """
    with ExitStack() as opened:

        def entered(name: str, how: int, above: int | None) -> int:
            number = os.open(name, how, dir_fd=above)
            opened.callback(os.close, number)
            return number

        here = entered(str(root), _PASS & ~os.O_NOFOLLOW, None)
        for part in parts[:-1]:
            here = entered(part, _PASS, here)
        file = entered(parts[-1], _READ, here)
        if problem := _file_fault(os.fstat(file)):
            raise OSError(0, problem)
        with os.fdopen(os.dup(file), "rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise OSError(0, f"is larger than {MAX_BYTES:,} bytes")
    return content


def _file_fault(found: os.stat_result) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "is no file"
    # A second name may stand in another tenant's folder.
    return "" if found.st_nlink == 1 else "has more than one name (a hard link); copy it"
