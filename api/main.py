"""The command `yardstick`: every noun is a module that is only imported when it is asked for.

An ingester must stay small, so nothing here imports the API, the engine or the demonstration.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

import typer
from typer.core import TyperGroup

PACKAGES = ("api", "billing", "contracts", "core", "embedded", "ingest", "migrations")
# Name: the module, and what of it is the command; several are put together under one name.
COMMANDS: dict[str, list[tuple[str, str]]] = {
    "migrate": [("api.commands.migrate", "migrate")],
    "serve": [("api.commands.serve", "serve")],
    "schedule": [("api.commands.schedule", "schedule")],
    "ingest": [("api.commands.ingest", "ingest")],
    "simulate": [("api.commands.simulate", "simulate")],
    "demo": [("api.commands.demo", "demo")],
    "contract": [
        ("api.commands.contract", "app"),
        ("api.commands.contract_store", "app"),
        ("api.commands.contract_fact", "app"),
    ],
    "ticket": [("api.commands.ticket", "app")],
    "index": [("api.commands.price_index", "app")],
    "device": [("api.commands.ingest", "device"), ("api.commands.assignment", "device")],
    "asset": [("api.commands.assignment", "asset")],
    "meters": [
        ("api.commands.meters", "app"),
        ("api.commands.meter_time", "app"),
        ("api.commands.meter_stake", "app"),
        ("api.commands.rollup", "app"),
        ("api.commands.retention", "app"),
    ],
    "readings": [
        ("api.commands.ingest", "readings"),
        ("api.commands.delivery", "readings"),
        ("api.commands.bulk", "readings"),
        ("api.commands.correction", "readings"),
    ],
    "bill": [("api.commands.bill", "app")],
    "key": [("api.commands.key", "app")],
    "person": [("api.commands.person", "app")],
}


class Lazy(TyperGroup):
    """Finds a command's module by its name, when it is called or shown in the help."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the framework's form
        """In the order in which they are used; those whose modules are installed."""
        return [name for name, parts in COMMANDS.items() if all(find_spec(module) for module, _ in parts)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the framework's form
        """None if there is no such command."""
        return load(cmd_name) if cmd_name in COMMANDS else None


def load(name: str) -> Any:
    """The command of this name, with the sub-commands of all its modules."""
    first, *rest = [_command(name, getattr(import_module(module), part)) for module, part in COMMANDS[name]]
    for other in rest:
        first.commands.update(other.commands)
    return first


def _command(name: str, found: Any) -> Any:
    root = typer.Typer(add_completion=False, callback=lambda: None)
    if isinstance(found, typer.Typer):
        root.add_typer(found, name=name)
    else:
        root.command(name)(found)
    return cast("TyperGroup", typer.main.get_command(root)).commands[name]


program = Lazy(
    name="yardstick",
    help="Bills what machines do and what they achieve: metering, contracts, invoices that explain themselves.",
    no_args_is_help=True,
)


def app(arguments: list[str] | None = None) -> None:
    """Run a command. What can be expected to go wrong is said in words, with exit code 1; the rest is a traceback."""
    try:
        program(arguments, prog_name="yardstick")
    except Exception as error:
        said = words(error)
        if said is None:
            raise
        sys.stderr.write(f"{said}\n")
        sys.exit(1)


def words(error: BaseException) -> str | None:
    """What is wrong, where, and what would be right; None for an error that nobody expected."""
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}
    if "sqlalchemy.exc.OperationalError" in kinds:
        return (
            f"the database at YARDSTICK_DATABASE_URL does not answer: {_first_line(error)}\n"
            "start it, or correct the address: postgresql://user:secret@host/yardstick"
        )
    if "sqlalchemy.exc.ProgrammingError" in kinds and type(getattr(error, "orig", None)).__name__.startswith(
        ("UndefinedTable", "InvalidSchemaName", "UndefinedFunction", "UndefinedColumn")
    ):
        return f"the database has another schema than this program: {_first_line(error)}\nrun `yardstick migrate`"
    if "pydantic_core._pydantic_core.ValidationError" in kinds and getattr(error, "title", "") == "Settings":
        return f"an environment variable YARDSTICK_… is not right: {error}"
    ours = type(error).__module__.partition(".")[0] in PACKAGES
    return str(error) if ours or isinstance(error, FileNotFoundError | PermissionError) else None


def _first_line(error: BaseException) -> str:
    return str(getattr(error, "orig", error)).strip().partition("\n")[0]


if __name__ == "__main__":
    app()
