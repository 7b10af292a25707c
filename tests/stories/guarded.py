"""A real broker with the files that `device credential export` writes, and an authority for certificates."""

import os
import signal
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from socket import create_connection
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from core.clock import now
from simulators.publish import Files
from tests.stories.ingesting import eventually

REFUSED = -1
"""The broker ended the connection before it answered."""


class Guarded:
    """A broker with the exported files in `folder`."""

    def __init__(self, program: str, folder: Path, port: int) -> None:
        self.folder = folder
        self.command = [program, "-c", str(folder / "mosquitto.conf")]
        self.port = port
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.stop()
        with (self.folder / "log").open("ab") as log:
            self.running = subprocess.Popen(self.command, stderr=log)
        eventually(self.answers, seconds=10)

    def answers(self) -> bool:
        try:
            create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        if self.running:
            self.running.terminate()
            self.running.wait(10)

    def reload(self) -> None:
        assert self.running
        self.running.send_signal(signal.SIGHUP)

    def reason(self, name: str, password: str, topic: str, payload: bytes = b"{}") -> int:
        """The broker's answer to a message, or to the connection if that is refused."""
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        client.username_pw_set(name, password)
        with speaking(client, self.port) as speaker:
            return speaker.reason(topic, payload)


class Speaker:
    """A connected client, or one that the broker refused."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._answers: list[int] = []
        self._there = threading.Event()
        client.on_connect = client.on_publish = lambda *found: self._take(found[3].value)
        client.on_disconnect = lambda *_: self._take(REFUSED)

    def _take(self, answer: int) -> None:
        self._answers.append(answer)
        self._there.set()

    def connected(self) -> int:
        """The broker's answer to the connection."""
        if not self._answers:
            assert self._there.wait(10)
        return self._answers[0]

    def reason(self, topic: str, payload: bytes = b"{}") -> int:
        """The broker's answer to a message, or to the connection if that was refused."""
        if refused := self.connected():
            return refused
        self._there.clear()
        self._client.publish(topic, payload, qos=1)
        assert self._there.wait(10)
        return self._answers[-1]


@contextmanager
def speaking(client: Client, port: int) -> Iterator[Speaker]:
    """A client that connects, once."""
    speaker = Speaker(client)
    client.connect("127.0.0.1", port)
    client.loop_start()
    yield speaker
    client.disconnect()
    client.loop_stop()


@contextmanager
def certified(port: int, files: Files, *, client_id: str = "") -> Iterator[Speaker | None]:
    """A client with a certificate; None if the broker does not even shake hands."""
    client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv5, reconnect_on_failure=False)
    client.tls_set(*files)
    try:
        with speaking(client, port) as speaker:
            # TLS 1.3 tells a client only after its own part that its certificate is refused.
            yield None if speaker.connected() == REFUSED else speaker
    except (ssl.SSLError, ConnectionError):
        yield None


def as_root_too(folder: Path) -> None:
    """Started by root, a broker would become a user who cannot read the test's folder."""
    if os.geteuid() == 0:
        with (folder / "mosquitto.conf").open("a") as configuration:
            configuration.write("user root\n")


def make_authority(folder: Path) -> None:
    """ca.crt and ca.key of a new authority, and server.crt and server.key for a broker on this machine."""
    folder.mkdir(parents=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority {folder.name}")])
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = _dated(name, name, key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    _save(folder, "ca", builder.add_extension(usage, critical=True).sign(key, hashes.SHA256()), key)
    own = ec.generate_private_key(ec.SECP256R1())
    place = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    broker = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    _save(
        folder, "server", _dated(broker, name, own).add_extension(place, critical=False).sign(key, hashes.SHA256()), own
    )


def _dated(name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(hours=1))
        .not_valid_after(now() + timedelta(days=800))
    )


def _save(folder: Path, name: str, certificate: x509.Certificate, key: Any) -> None:
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / f"{name}.key").write_bytes(secret)
