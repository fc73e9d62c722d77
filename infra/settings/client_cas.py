"""The authorities (CAs) whose client certificates the edge asks for."""

from typing import Annotated

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import SignatureAlgorithmOID
from pydantic import AfterValidator

from infra.settings.fields import Section, Setting, wrong

_SIGNATURES = frozenset(
    {
        SignatureAlgorithmOID.RSA_WITH_SHA1,
        SignatureAlgorithmOID.RSA_WITH_SHA256,
        SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
        SignatureAlgorithmOID.ECDSA_WITH_SHA1,
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        SignatureAlgorithmOID.ECDSA_WITH_SHA512,
    }
)
"""What Cloudflare takes: https://developers.cloudflare.com/ssl/client-certificates/byo-ca/#ca-certificate-requirements"""

_EXAMPLE = """\
-----BEGIN CERTIFICATE-----
MIIBSTCB8KADAgECAgEBMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB2V4YW1wbGUw
IBcNMjYwMTAxMDAwMDAwWhgPOTk5OTEyMzEwMDAwMDBaMBIxEDAOBgNVBAMMB2V4
YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASOf+QkdqcVEWSvxStmgbvP
GhqcW0PUscnmH7GCKhPifuumSsp8FKheaO1TQKWNeNc0vbKhajEPPkR+rvycQ6Ds
ozUwMzASBgNVHRMBAf8ECDAGAQH/AgEAMB0GA1UdDgQWBBQeL8orSCmhUCHi4btL
5MhHqT8BnjAKBggqhkjOPQQDAgNIADBFAiEAtKJh+QG5GYxJbV5U3HBk+hb3D1jT
7eVx1IRZeNs3uxcCIBwDSdM6mbznQ7zEg+m2wARvdqD4htcjJDkjN/RhsKzz
-----END CERTIFICATE-----
"""
"""Stands in for a wrong one while the rest is judged. Its key was thrown away."""


def load_ca(pem: str) -> x509.Certificate:
    """The certificate in a text that has passed as a `ClientCa`'s."""
    return x509.load_pem_x509_certificate(pem.encode())


def key_identifier(ca: x509.Certificate) -> str:
    """Its subject key identifier in upper-case hex, as Cloudflare tells the Worker of the one that signed."""
    return ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex().upper()


def _ca(text: str) -> str:
    """The certificate alone, in one form: what stands around it in a file would be a difference in each preview."""
    try:
        found = x509.load_pem_x509_certificates(text.encode())
        extensions = found[0].extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise wrong("is not a certificate in PEM form") from None
    if len(found) > 1:
        raise wrong(f"holds {len(found)} certificates, and each CA is trusted by an id of its own")
    if not _may_sign(extensions):
        raise wrong("is not a CA's: by its basic constraints or key usage it signs no certificates")
    if not any(isinstance(each.value, x509.SubjectKeyIdentifier) for each in extensions):
        raise wrong("has no subject key identifier, by which tenants name it")
    if found[0].signature_algorithm_oid not in _SIGNATURES:
        raise wrong("is signed in a way that Cloudflare does not take: neither RSA nor ECDSA with SHA")
    return found[0].public_bytes(Encoding.PEM).decode().strip()


def _may_sign(extensions: x509.Extensions) -> bool:
    values = [each.value for each in extensions]
    is_ca = any(isinstance(value, x509.BasicConstraints) and value.ca for value in values)
    return is_ca and all(value.key_cert_sign for value in values if isinstance(value, x509.KeyUsage))


class ClientCa(Section):
    """One authority whose certificates clients may show."""

    certificate: Annotated[
        str,
        AfterValidator(_ca),
        Setting(
            _EXAMPLE,
            "Give the one certificate of a CA as PEM text, below `|`: what clients' certificates are signed by",
        ),
    ]
    trusted: Annotated[
        bool, Setting(True, "`false` ends the trust, as it must before the CA is taken out; leave it out to trust it")
    ] = True
