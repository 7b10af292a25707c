"""What a Mosquitto broker is told: who may connect, what each may write, how it keeps messages. Pure text."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass

ITERATIONS = 101
"""Mosquitto's own number: a password of 32 random octets needs no stretching."""
SALT_OCTETS = 12

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


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files as the broker sees them. clients: devices must show a certificate of this authority."""

    authority: str
    certificate: str
    key: str
    clients: bool


def password_hash(password: str, salt: bytes) -> str:
    """PBKDF2 with SHA-512 as Mosquitto 2 writes it: `$7$<iterations>$<salt>$<hash>`."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def password_file(accounts: Iterable[tuple[str, str]]) -> str:
    """Mosquitto's password_file of (name, hash)."""
    return "".join(f"{name}:{hashed}\n" for name, hashed in sorted(accounts))


def access_file(ingesters: Iterable[str]) -> str:
    """Mosquitto's acl_file: ingesters read all readings and write all receipts; devices only their own."""
    return "".join(f"user {name}\n{INGESTER}\n" for name in sorted(ingesters)) + ACCESS


def configuration(folder: str, *, port: int, data: str, tls: Tls | None = None) -> str:
    """mosquitto.conf with the two files in `folder`; sessions and messages are kept in `data`, and none is dropped."""
    return f"""\
listener {port}
{_tls(tls)}allow_anonymous false
per_listener_settings false
password_file {folder}/passwd
acl_file {folder}/acl
set_tcp_nodelay true

persistence true
persistence_location {data}/
persistence_file mosquitto.db
autosave_on_changes false
autosave_interval 1

max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 0
max_packet_size 2097152
"""


def _tls(tls: Tls | None) -> str:
    if tls is None:
        return ""
    own = f"cafile {tls.authority}\ncertfile {tls.certificate}\nkeyfile {tls.key}\ntls_version tlsv1.2\n"
    return own + ("require_certificate true\nuse_identity_as_username true\n" if tls.clients else "")
