"""Commands whose parameters follow from data: those of the providers."""

from collections.abc import Callable, Iterable
from inspect import Parameter, Signature
from typing import Annotated, Any, Literal

import typer


def parameter(name: str, annotation: Any, default: Any = Parameter.empty) -> Parameter:
    """Return a parameter of this `name` and `annotation`, as typer reads it; without a default it has to be given."""
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def choice(names: Iterable[str], help: str, flag: str) -> Any:
    """Return the annotation of an option, under this flag with this help, that is one of these names."""
    return Annotated[Literal.__getitem__(tuple(names)), typer.Option(flag, help=help)]


def command(run: Callable[..., None], help: str, parameters: Iterable[Parameter]) -> Callable[..., None]:
    """Return a function that takes these parameters and passes them to `run` by name; its docstring is the `help`."""

    def called(**given: Any) -> None:
        run(**given)

    called.__doc__ = help
    called.__dict__["__signature__"] = Signature(list(parameters))
    return called
