"""The public half of the key an agent signs its receipts with."""

import pulumi
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from runtime.contract import image
from runtime.receipts import keys


def public_jwk(pem: str) -> dict[str, str]:
    """The public key (JWK) of a private one. Raises pulumi.RunError, which quotes nothing, if it is no Ed25519 key."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise pulumi.RunError(
            f"moltghost:agentSecrets: a {image.RECEIPT_KEY_FILE} is no private Ed25519 key (PKCS 8, PEM): make one "
            "with `openssl genpkey -algorithm ed25519`"
        )
    return keys.public_jwk(key.public_key())
