"""Certificates for the tests' servers, made in the tests' own folder: an authority, another one, and what they sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


@dataclass(frozen=True)
class Identity:
    """A server's certificate with its chain, its key (PKCS #8), and both in one file, as Kafka wants them."""

    certificate: Path
    key: Path
    both: Path


class Authorities:
    """`ca` signs the servers' certificates, which are for the name localhost; `other_ca` signs nothing of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = trustme.CA(organization_name="castro_spark tests")
        self.ca = folder / "ca.pem"
        self.other_ca = folder / "other-ca.pem"
        self._authority.cert_pem.write_to_path(self.ca)
        trustme.CA(organization_name="somebody else").cert_pem.write_to_path(self.other_ca)
        self.valid = self._issue("valid", None)
        self.expired = self._issue("expired", datetime.now(timezone.utc) - timedelta(days=1))

    def _issue(self, name: str, not_after: datetime | None) -> Identity:
        begin = not_after - timedelta(days=30) if not_after else None
        made = self._authority.issue_cert("localhost", not_before=begin, not_after=not_after)
        chain = b"".join(part.bytes() for part in made.cert_chain_pems)
        key = load_pem_private_key(made.private_key_pem.bytes(), None)
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        identity = Identity(*(self._folder / f"{name}{kind}.pem" for kind in ("", ".key", ".both")))
        for path, content in ((identity.certificate, chain), (identity.key, text), (identity.both, text + chain)):
            path.touch(mode=0o600)
            path.write_bytes(content)
        return identity
