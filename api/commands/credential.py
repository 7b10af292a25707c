"""Accounts of devices at the broker, and the broker's files, on the command line."""

import secrets
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from api.commands.connection import worker
from core.clock import now
from core.database import transaction
from core.store import audit
from ingest import broker
from ingest.store import credential as store

credential = typer.Typer(name="credential", help="Accounts of devices at the broker: create, revoke, export.")
By = Annotated[str, typer.Option(help="Who does it.")]
_PASSWORD_OCTETS = 32


@credential.command("create")
def create(
    name: Annotated[str, typer.Argument(help="A registered device; with --ingester any name.")],
    ingester: Annotated[bool, typer.Option("--ingester", help="An account that reads everything.")] = False,
    by: By = "command line",
) -> None:
    """Make a password, which is shown this once; an older one ends with the next export."""
    password = secrets.token_urlsafe(_PASSWORD_OCTETS)
    hashed = broker.password_hash(password, secrets.token_bytes(broker.SALT_OCTETS))
    kind, at = "ingester" if ingester else "device", now()
    with worker() as engine, transaction(engine) as connection:
        if not store.create(connection, at, name=name, kind=kind, hashed=hashed, author=by):
            _stop(f"{name}: no device has this name, or the account is of another kind; register the device first")
        audit(connection, at, actor=by, action="credential.create", subject=name, detail={"kind": kind})
    typer.echo(password)


@credential.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="The account.")], by: By = "command line") -> None:
    """Close an account; it ends with the next export and reload of the broker."""
    at = now()
    with worker() as engine, transaction(engine) as connection:
        if not store.revoke(connection, at, name):
            _stop(f"{name} has no open account")
        audit(connection, at, actor=by, action="credential.revoke", subject=name, detail={})


@credential.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="Where passwd, acl and mosquitto.conf are written.")],
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8883,
    data: Annotated[str, typer.Option(help="Where the broker keeps sessions.")] = "/mosquitto/data",
    certificates: Annotated[
        str | None, typer.Option(help="Folder with ca.crt, server.crt, server.key; without it there is no TLS.")
    ] = None,
    client_certificates: Annotated[
        bool, typer.Option("--client-certificates", help="Devices sign in by certificate; its CN is the device.")
    ] = False,
) -> None:
    """Write the broker's files; then reload it (SIGHUP re-reads passwords and access)."""
    if client_certificates and not certificates:
        _stop("--client-certificates needs --certificates")
    tls = None
    if certificates:
        tls = broker.Tls(
            f"{certificates}/ca.crt",
            f"{certificates}/server.crt",
            f"{certificates}/server.key",
            clients=client_certificates,
        )
    with worker() as engine, transaction(engine) as connection:
        accounts = store.active(connection)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "passwd", broker.password_file((name, hashed) for name, _, hashed in accounts))
    _write(folder / "acl", broker.access_file(name for name, kind, _ in accounts if kind == "ingester"))
    _write(folder / "mosquitto.conf", broker.configuration(str(folder.resolve()), port=port, data=data, tls=tls))
    typer.echo(f"{folder}: {len(accounts)} accounts")


def _write(path: Path, content: str) -> None:
    """Whole or not at all, and not for everybody's eyes."""
    new = path.with_suffix(".new")
    new.touch(mode=0o640)
    new.write_text(content)
    new.replace(path)


def _stop(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(2)
