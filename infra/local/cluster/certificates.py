"""The cluster's certificates: an authority per purpose, leaf certificates for its servers and clients.

They are made once and kept in a folder only their owner can enter.
"""

import datetime as dt
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.local.credentials import write_private

LIFETIME = dt.timedelta(days=365)
RENEW_BEFORE = dt.timedelta(days=30)


@dataclass(frozen=True)
class Pair:
    """Paths of a certificate and its private key, both PEM."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority in `folder`; asking twice for the same leaf gives the same files."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self.pair = Pair(folder / "ca.crt", folder / "ca.key")
        if not _usable(self.pair):
            for stale in folder.iterdir():
                stale.unlink()
            key = ec.generate_private_key(ec.SECP256R1())
            _write(self.pair, key, _self_signed(name, key))

    def server(self, name: str, hosts: Sequence[str]) -> Pair:
        """A server's certificate for DNS names and IP addresses; usable as a client's, as etcd's peers need."""
        return self._leaf(f"server-{name}", name, (), hosts)

    def client(self, name: str, *groups: str) -> Pair:
        """A client's certificate: Kubernetes takes the common name as user and the organizations as groups."""
        return self._leaf(f"client-{name.replace(':', '-')}", name, groups, ())

    def _leaf(self, file: str, name: str, groups: Sequence[str], hosts: Sequence[str]) -> Pair:
        pair = Pair(self.folder / f"{file}.crt", self.folder / f"{file}.key")
        if _usable(pair) and _hosts(pair) == set(hosts):
            return pair
        ca_key = serialization.load_pem_private_key(self.pair.key.read_bytes(), None)
        assert isinstance(ca_key, ec.EllipticCurvePrivateKey)  # noqa: S101  # made above
        ca = x509.load_pem_x509_certificate(self.pair.certificate.read_bytes())
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        builder = _builder(x509.Name([*subject, x509.NameAttribute(NameOID.COMMON_NAME, name)]), ca.subject, key)
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if hosts else [])]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if hosts:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False
            )
        _write(pair, key, builder.sign(ca_key, hashes.SHA256()))
        return pair


def signing_key(path: Path) -> Pair:
    """The pair service-account tokens are signed and verified with; `certificate` is the bare public key."""
    pair = Pair(path.with_suffix(".pub"), path)
    if not (pair.certificate.exists() and pair.key.exists()):
        key = ec.generate_private_key(ec.SECP256R1())
        write_private(pair.key, _pem(key))
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        write_private(pair.certificate, public.decode())
    return pair


def _self_signed(name: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    return _builder(subject, subject, key).add_extension(constraints, critical=True).sign(key, hashes.SHA256())


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))  # clocks may differ a little
        .not_valid_after(now + LIFETIME)
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _hosts(pair: Pair) -> set[str]:
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in names}


def _usable(pair: Pair, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> bool:
    if not (pair.certificate.exists() and pair.key.exists()):
        return False
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    return certificate.not_valid_after_utc - now() > RENEW_BEFORE


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def _write(pair: Pair, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    # The certificate comes last: a pair is only taken for whole when both are there, and must then belong together.
    pair.certificate.unlink(missing_ok=True)
    write_private(pair.key, _pem(key))
    write_private(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM).decode())
