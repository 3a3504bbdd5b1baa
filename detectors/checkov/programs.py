"""A program that a pod runs, with its arguments where checkov looks for them and as it wants them written."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalog.checkov import Plugin, Program
from detectors.checkov.paths import at
from detectors.checkov.written import WRITTEN
from semantics.kubernetes.component_flags import admission_plugin_on

Object = Mapping[str, Any]

# A tag as Kubernetes' own images have it, perhaps with a digest behind it.
_TAG = re.compile(r":v?(\d+)\.(\d+)\.\d+[^/@:]*(?:@|$)")
PLUGINS = "--enable-admission-plugins"
NO_PLUGIN = "-"


def running(body: Object, program: Program) -> list[Object]:
    """Return the containers of a pod, or of a workload's template, that run a program."""
    return [container for container in _containers(body) if _runs(container, program)]


def release(container: Object) -> tuple[int, int] | None:
    """Return the release of Kubernetes that an image's tag states, as (1, 33)."""
    found = _TAG.search(str(container.get("image", "")))
    return (int(found[1]), int(found[2])) if found else None


def given(body: Object, program: Program) -> list[str]:
    """Return the names of the flags that a program is given."""
    if program.flags:
        return [flag for flag, path in program.flags.items() if at(body, path) is not None]
    arguments = (argument for container in running(body, program) for argument in _arguments(container))
    return [_as_called_now(argument).partition("=")[0] for argument in arguments]


def as_pod(body: Object, program: Program) -> dict[str, Any]:
    """Return a pod of the program's name, with all its arguments in `command`, and once in `args`.

    Where fields of a configuration file stand for flags, it runs the program with these. Raises ValueError where the
    arguments stand in a file that nobody shows.
    """
    if program.flags:
        containers: list[Object] = [_container(program, _configured(body, program))]
    else:
        containers = [
            _container(program, _flags(each, program)) if _runs(each, program) else each for each in _containers(body)
        ]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": program.name}, "spec": {"containers": containers}}


def _containers(body: Object) -> Iterator[Object]:
    listed = at(body, "pod.containers")
    yield from (each for each in (listed if isinstance(listed, list) else []) if isinstance(each, Mapping))


def _arguments(container: Object) -> list[str]:
    lists = (container.get("command"), container.get("args"))
    return [text for texts in lists if isinstance(texts, list) for text in texts if isinstance(text, str)]


def _runs(container: Object, program: Program) -> bool:
    first = _arguments(container)[:1]
    return bool(first) and first[0].rpartition("/")[2] == program.name


def _container(program: Program, flags: list[str]) -> dict[str, Any]:
    return {"name": program.name, "command": [program.name, *flags], "args": flags}


def _configured(body: Object, program: Program) -> list[str]:
    """Return the flags that a program's configuration file stands for."""
    values = {flag: at(body, path) for flag, path in program.flags.items()}
    return [_as_written(program, f"{flag}={_as_argument(v)}") for flag, v in values.items() if v is not None]


def _flags(container: Object, program: Program) -> list[str]:
    """Return a program's flags; where a check looks for a plugin, as if it had to be named to run."""
    flags = [*_written_out(_arguments(container)[1:])]
    if program.plugin is not None:
        return [f"{PLUGINS}={program.plugin.name if _is_on(program.plugin, flags) else NO_PLUGIN}"]
    return [_as_written(program, _as_called_now(flag)) for flag in flags]


def _is_on(plugin: Plugin, flags: Sequence[str]) -> bool:
    """Return whether a server runs a plugin: checkov does not know what runs unasked."""
    reported = {name.lstrip("-"): value for name, _, value in (flag.partition("=") for flag in flags)}
    return admission_plugin_on(reported, plugin.name, plugin.unasked)


def _as_called_now(flag: str) -> str:
    """Return a flag by the name that it has now: the old one of admission plugins names all that run."""
    return re.sub(r"^--admission-control(?==|$)", PLUGINS, flag)


def _as_written(program: Program, flag: str) -> str:
    """Return a flag with its value as checkov wants it written."""
    name, _, value = flag.partition("=")
    return f"{name}={WRITTEN[program.written[name]](value)}" if name in program.written else flag


def _as_argument(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _written_out(arguments: list[str]) -> Iterator[str]:
    """Yield flags with their values as `--name=value`: also those whose value is the next argument, or only meant."""
    is_value = False
    for argument, after in zip(arguments, [*arguments[1:], "--"], strict=False):  # none where there are no arguments
        if is_value or not argument.startswith("--") or "=" in argument:
            if not is_value:
                yield argument
            is_value = False
            continue
        is_value = not after.startswith("-")
        yield f"{argument}={after}" if is_value else f"{argument}=true"
