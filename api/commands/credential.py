"""Accounts of devices at the broker, and the broker's files, on the command line."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from api.authority import save
from api.commands.certificate import authority_in
from api.commands.connection import worker
from api.commands.refusal import stop
from core.clock import now
from core.database import transaction
from core.store import audit
from ingest import broker
from ingest.store import certificate
from ingest.store import credential as store

credential = typer.Typer(name="credential", help="Accounts of devices at the broker: create, revoke, export.")
By = Annotated[str, typer.Option(help="Who does it.")]
_PASSWORD_OCTETS = 32
MODE = 0o640
LIST_LASTS = timedelta(days=365)
"""Export at least so often: with a list that is too old the broker refuses everybody."""


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
            stop(f"{name}: no device has this name, or the account is of another kind; register the device first")
        audit(connection, at, actor=by, action="credential.create", subject=name, detail={"kind": kind})
    typer.echo(password)


@credential.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="The account.")], by: By = "command line") -> None:
    """Close an account; it ends with the next export and reload of the broker."""
    at = now()
    with worker() as engine, transaction(engine) as connection:
        if not store.revoke(connection, at, name):
            stop(f"{name} has no open account")
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
    authority: Annotated[
        Path | None,
        typer.Option(help="Folder with ca.crt and ca.key, to sign the list of revoked certificates (crl.pem)."),
    ] = None,
) -> None:
    """Write the broker's files; then reload it (SIGHUP re-reads passwords, access and the revocation list)."""
    if client_certificates and not certificates:
        stop("--client-certificates needs --certificates")
    if authority and not client_certificates:
        stop("--authority is for --client-certificates")
    at, place = now(), str(folder.resolve())
    signing = authority_in(authority) if authority else None
    with worker() as engine, transaction(engine) as connection:
        passwords = store.active(connection)
        accounts = certificate.accounts(connection, at)
        revoked = certificate.revoked(connection, at, issuer=signing.fingerprint) if signing else []
        if signing:
            certificate.add_list(connection, at, issuer=signing.fingerprint, until=at + LIST_LASTS)
    folder.mkdir(parents=True, exist_ok=True)
    if signing:
        save(folder / "crl.pem", signing.revocations(revoked, at, lasts=LIST_LASTS), mode=MODE)
    has_list = (folder / "crl.pem").exists()
    tls = _tls(certificates, clients=client_certificates, revocations=f"{place}/crl.pem" if has_list else "")
    save(folder / "passwd", broker.password_file((name, hashed) for name, _, hashed in passwords), mode=MODE)
    save(folder / "acl", broker.access_file(accounts), mode=MODE)
    save(folder / "mosquitto.conf", broker.configuration(place, port=port, data=data, tls=tls), mode=MODE)
    typer.echo(f"{folder}: {sum(one.is_open for one in accounts)} accounts")


def _tls(folder: str | None, *, clients: bool, revocations: str) -> broker.Tls | None:
    if folder is None:
        return None
    return broker.Tls(
        f"{folder}/ca.crt", f"{folder}/server.crt", f"{folder}/server.key", clients=clients, revocations=revocations
    )
