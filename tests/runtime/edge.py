"""An edge of the tests' own: keys, and tokens good and bad."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from runtime.contract import headers, token


class Edge:
    """Signs edge tokens with one key."""

    def __init__(self, kid: str = "k1", private: Ed25519PrivateKey | None = None) -> None:
        self.kid = kid
        self.private = private or Ed25519PrivateKey.generate()

    @classmethod
    def of(cls, signing_key: str) -> "Edge":
        """The edge whose private JWK (JSON) this is, as the Worker is given it."""
        private = OKPAlgorithm.from_jwk(signing_key)
        assert isinstance(private, Ed25519PrivateKey)
        return cls(json.loads(signing_key)["kid"], private)

    @property
    def jwk(self) -> dict[str, Any]:
        public: dict[str, Any] = json.loads(OKPAlgorithm.to_jwk(self.private.public_key()))
        return {**public, "kid": self.kid}

    @property
    def jwks(self) -> str:
        return json.dumps({"keys": [self.jwk]})

    def token(self, tenant: str = "acme", agent: str = "helper", **changes: Any) -> str:
        """A good token, but for `changes`; a claim changed to None is left out."""
        return self.sign(claims(tenant, agent, **changes))

    def sign(self, payload: dict[str, Any], headers: dict[str, Any] | None = None) -> str:
        return jwt.encode(payload, self.private, algorithm=token.ALGORITHM, headers=headers or {"kid": self.kid})

    def headers(self, tenant: str = "acme", agent: str = "helper") -> dict[str, str]:
        """The header the edge sends a request on with."""
        return {headers.EDGE_TOKEN: self.token(tenant, agent)}


def claims(tenant: str = "acme", agent: str = "helper", **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    payload = {
        "iss": token.ISSUER,
        "aud": token.audience(tenant, agent),
        token.CLAIM_TENANT: tenant,
        token.CLAIM_KEY: "default",
        token.CLAIM_REQUEST: "r-1",
        "iat": now,
        "exp": now + token.LIFETIME_S,
        **changes,
    }
    return {name: value for name, value in payload.items() if value is not None}
