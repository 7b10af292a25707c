"""What a Mosquitto broker is told: who may connect, what each may write, how it keeps messages. Pure text."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

ITERATIONS = 101
"""Mosquitto's own number: a password of 32 random octets needs no stretching."""
SALT_OCTETS = 12
UNLIMITED = 2_000_000_000
"""With 0, no limit either, Mosquitto 2.0 ends the connection of whoever writes a topic that it may not write."""

INGESTER = """\
topic read yardstick/+/readings
topic read yardstick/+/senml
topic read yardstick/+/event
topic read spBv1.0/#
topic write spBv1.0/+/NCMD/+
topic write yardstick/+/receipt
"""

ACCESS = """\
# A device signs in under its name. It writes its own readings, and reads its own receipts; nothing else.
pattern write yardstick/%u/readings
pattern write yardstick/%u/senml
pattern write yardstick/%u/event
pattern read yardstick/%u/receipt
"""


NODE = """\
topic write spBv1.0/{group}/NBIRTH/{node}
topic write spBv1.0/{group}/NDATA/{node}
topic write spBv1.0/{group}/NDEATH/{node}
topic write spBv1.0/{group}/DBIRTH/{node}/+
topic write spBv1.0/{group}/DDATA/{node}/+
topic write spBv1.0/{group}/DDEATH/{node}/+
topic read spBv1.0/{group}/NCMD/{node}
topic read spBv1.0/{group}/DCMD/{node}/+
topic read spBv1.0/STATE/+
"""
"""A Sparkplug edge node: it speaks for itself and its devices, hears its commands, and whether its host is there."""
CLOSED = "topic deny #\n"
"""A connection that was open when its account was closed can do nothing more."""


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files as the broker sees them.

    clients: devices must show a certificate of this authority; revocations: the list of those that count no more.
    """

    authority: str
    certificate: str
    key: str
    clients: bool
    revocations: str = ""


class Account(NamedTuple):
    """Who may sign in, if it is open; kind: `device` or `ingester`."""

    name: str
    kind: str
    is_open: bool = True


def password_hash(password: str, salt: bytes) -> str:
    """PBKDF2 with SHA-512 as Mosquitto 2 writes it: `$7$<iterations>$<salt>$<hash>`."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def password_file(accounts: Iterable[tuple[str, str]]) -> str:
    """Mosquitto's password_file of (name, hash)."""
    return "".join(f"{name}:{hashed}\n" for name, hashed in sorted(accounts))


def access_file(accounts: Iterable[Account]) -> str:
    """Mosquitto's acl_file: ingesters read all readings and write all receipts; devices only their own.

    A device called `<group>.<node>` is also the Sparkplug edge node of that name.
    """
    return "".join(f"user {one.name}\n{rules}\n" for one in sorted(accounts) if (rules := _rules(one))) + ACCESS


def _rules(account: Account) -> str:
    if not account.is_open:
        return CLOSED
    if account.kind == "ingester":
        return INGESTER
    group, _, node = account.name.partition(".")
    return NODE.format(group=group, node=node) if node and "." not in node and group else ""


def configuration(folder: str, *, port: int, data: str, tls: Tls | None = None) -> str:
    """mosquitto.conf with the two files in `folder`; sessions and messages are kept in `data`, and none is dropped.

    A session belongs to its account: no device can take over, and so end, the session of an ingester.
    """
    return f"""\
listener {port}
{_tls(tls)}use_username_as_clientid true
allow_anonymous false
per_listener_settings false
password_file {folder}/passwd
acl_file {folder}/acl
set_tcp_nodelay true

persistence true
persistence_location {data}/
persistence_file mosquitto.db
autosave_on_changes false
autosave_interval 1

max_queued_messages {UNLIMITED}
max_queued_bytes 0
max_inflight_messages 0
max_packet_size 2097152
"""


def _tls(tls: Tls | None) -> str:
    if tls is None:
        return ""
    own = f"cafile {tls.authority}\ncertfile {tls.certificate}\nkeyfile {tls.key}\ntls_version tlsv1.2\n"
    lists = f"crlfile {tls.revocations}\n" if tls.revocations else ""
    return own + ("require_certificate true\nuse_identity_as_username true\n" + lists if tls.clients else "")
