"""Authorities of client certificates, made as tests need them."""

import datetime as dt
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

_KEY = ec.generate_private_key(ec.SECP256R1())
_OTHER_KEY = ed25519.Ed25519PrivateKey.generate()


def signs(certificates: bool) -> x509.KeyUsage:
    """What a certificate's key is for: to sign others, or not."""
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign")
    never = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=True, key_cert_sign=certificates, **never)


def pem(
    identifier: str | None = "A5" * 20,
    ca: bool = True,
    end: str = "9999-12-31",
    more: Sequence[x509.ExtensionType] = (),
    as_cloudflare_takes_it: bool = True,
) -> str:
    """A certificate by its subject key identifier: a CA's, good until `end`, unless told otherwise."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "clients of acme")])
    extensions = [x509.BasicConstraints(ca=ca, path_length=None), *more]
    if identifier is not None:
        extensions.append(x509.SubjectKeyIdentifier(bytes.fromhex(identifier)))
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
    builder = builder.public_key(_KEY.public_key()).not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    builder = builder.not_valid_after(dt.datetime.fromisoformat(end).replace(tzinfo=dt.UTC))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    signed = builder.sign(_KEY, hashes.SHA256()) if as_cloudflare_takes_it else builder.sign(_OTHER_KEY, None)
    return signed.public_bytes(serialization.Encoding.PEM).decode()


FIXED = """\
-----BEGIN CERTIFICATE-----
MIIBUzCB+qADAgECAgEHMAoGCCqGSM49BAMCMBoxGDAWBgNVBAMMD2NsaWVudHMg
b2YgYWNtZTAgFw0yMDAxMDEwMDAwMDBaGA85OTk5MTIzMTAwMDAwMFowGjEYMBYG
A1UEAwwPY2xpZW50cyBvZiBhY21lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
VpKiBckCNea9rmgaHJXhx909rvaQ4vtSCwra7/IpiCGMbDurtvyMas23/tcK8kTP
VTd/7pWD9L0Ey+r6j74FvKMvMC0wDAYDVR0TBAUwAwEB/zAdBgNVHQ4EFgQUpaWl
paWlpaWlpaWlpaWlpaWlpaUwCgYIKoZIzj0EAwIDSAAwRQIhAIX5QVg2P/e7vj11
7LWGsvCnflBditsl2oVGIReEUuFQAiBpjnEEt8x4Ju+Q4gLHOXXMdp6xCZK8gJT7
WkXFXxTe5g==
-----END CERTIFICATE-----"""
FIXED_OTHER = """\
-----BEGIN CERTIFICATE-----
MIIBUTCB+KADAgECAgEHMAoGCCqGSM49BAMCMBoxGDAWBgNVBAMMD2NsaWVudHMg
b2YgYWNtZTAeFw0yMDAxMDEwMDAwMDBaFw0yNTEyMzEwMDAwMDBaMBoxGDAWBgNV
BAMMD2NsaWVudHMgb2YgYWNtZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFaS
ogXJAjXmva5oGhyV4cfdPa72kOL7UgsK2u/yKYghjGw7q7b8jGrNt/7XCvJEz1U3
f+6Vg/S9BMvq+o++BbyjLzAtMAwGA1UdEwQFMAMBAf8wHQYDVR0OBBYEFLa2tra2
tra2tra2tra2tra2tra2MAoGCCqGSM49BAMCA0gAMEUCIQC0RBH5/o+iFSuuO1ZX
dpatXowbck+3S2EXL9I/MW7aIQIgEuEamjBYN7ZKONh9yUX9NR8Bwt275Jo64pKi
vn+UkzM=
-----END CERTIFICATE-----"""
"""Two CAs' for what is compared as text."""
