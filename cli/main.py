"""The `hinomi` command."""

import logging
import sys
import traceback

import typer

from cli import (
    assets,
    audit,
    catalog,
    changes,
    check,
    contract,
    coverage,
    demo,
    exceptions,
    logs,
    onboard,
    orders,
    people,
    permissions,
    plans,
    policies,
    report,
    serve,
    suspension,
    tenant_lists,
    tenants,
    upkeep,
)
from model.fault import Refused
from model.text import printable
from pipeline.process import begin

app = typer.Typer(
    name="hinomi",
    help="Hinomi (火の見): watches the clouds of many customers, notifies the right people once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for room in (
    demo,
    tenants,
    tenant_lists,
    assets,
    policies,
    exceptions,
    plans,
    orders,
    changes,
    contract,
    logs,
    coverage,
    suspension,
    onboard,
    serve,
    people,
    upkeep,
    check,
    report,
    audit,
    permissions,
    catalog,
):
    app.add_typer(room.app)


def _refuse_other_encodings(arguments: list[str]) -> None:
    for number, argument in enumerate(arguments):
        if not argument.isprintable() and any(0xD800 <= ord(character) <= 0xDFFF for character in argument):
            raise Refused(f"argument {number} is not UTF-8")


def main(arguments: list[str] | None = None) -> None:
    """Run; bad input is one line per fault and exit 2, and nobody ever sees a traceback."""
    begin()
    _damaged_rows()  # of whoever used this process before
    logging.getLogger().addHandler(logging.NullHandler())  # the SDK's own warnings are not for users
    try:
        _refuse_other_encodings(sys.argv if arguments is None else arguments)
        app(arguments)
    except Refused as refused:
        for fault in refused.faults:
            print(f"hinomi: {printable(str(fault))}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except Exception as problem:  # noqa: BLE001 - the last resort
        where = traceback.extract_tb(problem.__traceback__)[-1]
        print(
            f"hinomi: a defect of the program: {type(problem).__name__} in {where.name}, line {where.lineno}; "
            "please report it with the command that was run",
            file=sys.stderr,
        )
        sys.exit(70)
    finally:
        for row in _damaged_rows():
            print(f"hinomi: {printable(row)} cannot be read, and was left out; restore a backup", file=sys.stderr)


def _damaged_rows() -> list[str]:
    """Return the rows of stores that were left out; a command that opened none has not loaded that room."""
    damage = sys.modules.get("store.damage")
    return damage.heard() if damage else []
