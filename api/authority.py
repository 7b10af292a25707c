"""The operator's certificate authority: certificates for devices and ingesters, and the list of those revoked."""

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SKEW = timedelta(hours=1)
"""A device's clock may be behind ours."""


class BadAuthority(ValueError):
    """The files of the authority cannot be used."""


class Issued(NamedTuple):
    """A certificate and its key as PEM; serial: in hexadecimal."""

    certificate: bytes
    key: bytes
    serial: str
    not_after: datetime


class Authority(NamedTuple):
    """A certificate that may sign others, and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    @classmethod
    def read(cls, folder: Path, *, password: str | None = None) -> Self:
        """From `ca.crt` and `ca.key` in a folder. Raises BadAuthority, OSError."""
        try:
            certificate = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
            secret = password.encode() if password else None
            key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), secret)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise BadAuthority(f"{folder}: ca.crt and ca.key must be PEM files that can be read: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise BadAuthority(f"{folder}: the key of the authority must be of an elliptic curve or RSA")
        if key.public_key() != certificate.public_key():
            raise BadAuthority(f"{folder}: ca.key is not the key of ca.crt")
        return cls(certificate, key)

    @property
    def fingerprint(self) -> str:
        """What tells it from other authorities."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def issue(self, name: str, at: datetime, *, lasts: timedelta) -> Issued:
        """A new key, and a certificate for it whose common name is `name`; never longer than the authority's own.

        Raises BadAuthority if that has ended.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        if at >= self.certificate.not_valid_after_utc:
            ended = f"{self.certificate.not_valid_after_utc:%Y-%m-%d}"
            raise BadAuthority(f"the certificate of the authority itself ended on {ended}; renew it")
        not_after = min(at.replace(microsecond=0) + lasts, self.certificate.not_valid_after_utc)
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at - SKEW)
            .not_valid_after(not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )  # fmt: skip
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Issued(made.public_bytes(serialization.Encoding.PEM), secret, f"{made.serial_number:x}", not_after)

    def revocations(self, revoked: Iterable[tuple[str, datetime]], at: datetime, *, lasts: timedelta) -> bytes:
        """A list (CRL, PEM) of revoked serials with their instants. After `lasts` a broker trusts nobody by it."""
        listed = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        listed = listed.last_update(at - SKEW).next_update(at + lasts)
        for serial, since in revoked:
            one = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(since).build()
            listed = listed.add_revoked_certificate(one)
        return listed.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def save(path: Path, content: bytes | str, *, mode: int) -> None:
    """Whole or not at all, and from its first moment for nobody else's eyes than `mode` allows."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    new.replace(path)
