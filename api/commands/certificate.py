"""Certificates of devices on the command line: issued from the operator's authority, listed, revoked."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.authority import Authority, BadAuthority, save
from api.commands.connection import worker
from api.commands.refusal import stop
from core.clock import now
from core.database import transaction
from core.store import audit
from ingest.store import certificate as store

certificate = typer.Typer(name="certificate", help="Certificates with which devices sign in: issue, list, revoke.")
By = Annotated[str, typer.Option(help="Who does it.")]
Signing = Annotated[Path, typer.Option("--authority", help="Folder with ca.crt and ca.key, as PEM.")]


@certificate.command("issue")
def issue(
    name: Annotated[str, typer.Argument(help="A registered device; with --ingester any name.")],
    authority: Signing,
    into: Annotated[Path, typer.Option(help="Folder for NAME.crt and NAME.key; the key is kept nowhere else.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is good.")] = 365,
    ingester: Annotated[bool, typer.Option("--ingester", help="For an account that reads everything.")] = False,
    by: By = "command line",
) -> None:
    """Make a key and a certificate whose common name is the device. Earlier ones stay good until they are revoked."""
    at, signing = now(), authority_in(authority)
    try:
        made = signing.issue(name, at, lasts=timedelta(days=days))
    except BadAuthority as error:
        stop(f"--authority: {error}")
    kind = "ingester" if ingester else "device"
    one = store.Certificate(made.serial, name, kind, made.not_after, at, by, None)
    with worker() as engine, transaction(engine) as connection:
        if not store.add(connection, at, one, issuer=signing.fingerprint):
            stop(f"{name}: no device has this name, or the account is of another kind; register the device first")
        detail = {"kind": kind, "serial": made.serial, "not_after": made.not_after.isoformat()}
        audit(connection, at, actor=by, action="certificate.issue", subject=name, detail=detail)
        into.mkdir(parents=True, exist_ok=True)
        save(into / f"{name}.crt", made.certificate, mode=0o644)
        save(into / f"{name}.key", made.key, mode=0o600)
    typer.echo(f"{into / name}.crt and .key: serial {made.serial}, good until {made.not_after:%Y-%m-%dT%H:%M:%SZ}")


@certificate.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="The account.")], by: By = "command line") -> None:
    """Revoke all certificates of an account; it is refused after the next export and reload of the broker."""
    at = now()
    with worker() as engine, transaction(engine) as connection:
        serials = store.revoke(connection, at, name)
        if not serials:
            stop(f"{name} has no certificate that is not revoked")
        audit(connection, at, actor=by, action="certificate.revoke", subject=name, detail={"serials": serials})
    typer.echo(f"{name}: revoked {', '.join(serials)}; export with --authority, then reload the broker")


@certificate.command("list")
def list_certificates() -> None:
    """List every certificate with its end."""
    table = Table("name", "kind", "serial", "good until", "issued by", "revoked")
    with worker() as engine, transaction(engine) as connection:
        for one in store.everything(connection):
            revoked = f"{one.revoked_at:%Y-%m-%d %H:%M}" if one.revoked_at else "-"
            table.add_row(one.name, one.kind, one.serial, f"{one.not_after:%Y-%m-%d}", one.author, revoked)
    Console().print(table)


def authority_in(folder: Path) -> Authority:
    """The authority whose files lie there, or the end of the command."""
    try:
        return Authority.read(folder)
    except (BadAuthority, OSError) as error:
        stop(f"--authority: {error}")
