"""How a command ends that cannot do what it was asked."""

from typing import NoReturn

import typer

_CANNOT_RUN = 2


def stop(message: str) -> NoReturn:
    """Say why on standard error, and end with 2."""
    typer.echo(message, err=True)
    raise typer.Exit(_CANNOT_RUN)
