"""The program that a kubeconfig names to make tokens (`exec`), started with what it needs and nothing of ours.

After client-go's credential plug-ins (client.authentication.k8s.io); lightkube's own way hands over the whole
environment, where the service's keys are.
"""

import os
import shutil
import subprocess
from collections.abc import Generator, Mapping, Sequence

import httpx2
import msgspec
from lightkube.config.models import UserExec
from lightkube.core.exceptions import ConfigError
from msgspec import Struct

from model.fault import Refused

_VERSIONS = frozenset(f"client.authentication.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
_SEEN = ("PATH", "HOME", "LANG")
_SECONDS = 60.0
# What a loader, a shell or an interpreter takes its own programs from: with these, one program is any program.
_LEADING = ("LD_", "DYLD_", "PYTHON", "PERL", "RUBY", "NODE_", "BASH_", "GCONV_", "GLIBC_", "JAVA_", "JDK_")
_LEADING_WHOLE = frozenset({"PATH", "HOME", "IFS", "ENV", "SHELLOPTS", "_JAVA_OPTIONS", "CLASSPATH", "GODEBUG"})
_LEADING_ENDS = "_PROXY"  # and what sends its requests elsewhere
_UNAUTHORIZED = 401


class PlugIn(Struct, frozen=True):
    """A program that makes tokens: how it is started, and in which environment."""

    command: Sequence[str]
    environment: Mapping[str, str]

    def token(self) -> str:
        """Return a token; raises `ConfigError` where the program gives none in a minute. Its words are not repeated."""
        try:
            done = subprocess.run(  # noqa: S603 - whom the operator has allowed, or their own kubeconfig names
                self.command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as problem:
            raise ConfigError(f"the plug-in cannot be run ({type(problem).__name__})") from None
        if done.returncode:
            raise ConfigError(f"the plug-in ended with {done.returncode}")
        try:
            return msgspec.json.decode(done.stdout, type=_Made).status.token
        except msgspec.DecodeError:
            raise ConfigError("the plug-in returned no token") from None


class PlugInAuth(httpx2.Auth):
    """Signs requests with a program's token, and asks for another one where the cluster no longer takes it."""

    def __init__(self, plug_in: PlugIn) -> None:
        self._plug_in = plug_in
        self._bearer = ""

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Yield the request with a token, and once more with a new one after a 401; raises `ConfigError`."""
        if self._bearer:
            request.headers["Authorization"] = self._bearer
            reply = yield request
            if reply.status_code != _UNAUTHORIZED:
                return
        self._bearer = request.headers["Authorization"] = f"Bearer {self._plug_in.token()}"
        yield request


def plug_in_of(asked: UserExec, passed_on: Sequence[str]) -> PlugIn:
    """Return the program that a kubeconfig asks for, with KUBERNETES_EXEC_INFO as kubectl gives it.

    Of the service's environment it sees PATH, HOME, LANG and what the operator has `passed_on`; then what the
    kubeconfig's `env` has. Raises `Refused` for a version of the protocol that is not known.
    """
    if asked.apiVersion not in _VERSIONS:
        raise Refused(f"the kubeconfig's exec plug-in speaks {asked.apiVersion!r}, which is not known")
    info = {"apiVersion": asked.apiVersion, "kind": "ExecCredential", "spec": {"interactive": False}}
    environment = {name: os.environ[name] for name in (*_SEEN, *passed_on) if name in os.environ}
    environment |= {one.name: one.value for one in asked.env or ()}
    environment["KUBERNETES_EXEC_INFO"] = msgspec.json.encode(info).decode()
    return PlugIn([asked.command, *(asked.args or ())], environment)


def permitted(asked: UserExec, allowed: Sequence[str]) -> UserExec:
    """Return what a tenant's kubeconfig asks for, as the path of an allowed program; raises `Refused` for all others.

    A bare name is looked for on the service's PATH. Variables that would have the program run another one are refused.
    """
    path = shutil.which(asked.command) if "/" not in asked.command else asked.command
    if path not in allowed:
        raise Refused(
            f"the kubeconfig's exec plug-in {asked.command!r} is not allowed: let the operator add its absolute path"
            f"{f' ({path})' if path else ''} under 'kubernetes.exec_allow' in installation.yaml, or use a token"
        )
    for variable in asked.env or ():
        name = variable.name.upper()
        if name in _LEADING_WHOLE or name.startswith(_LEADING) or name.endswith(_LEADING_ENDS):
            raise Refused(f"the kubeconfig's exec plug-in may not set {variable.name!r}: take it out of 'env'")
    return msgspec.structs.replace(asked, command=path)


class _Status(Struct):
    token: str


class _Made(Struct):
    status: _Status
