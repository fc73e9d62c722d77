"""The edge token of a request."""

from aiohttp import web

from runtime.contract import errors, headers
from runtime.http.answers import EXCHANGE, RefusedError
from runtime.http.edge_token import EdgeClaims, TokenError, TokenVerifier


def authenticate(request: web.Request, verifier: TokenVerifier) -> EdgeClaims:
    """What the request's edge token says, noted for its line in the log. Raises RefusedError(INVALID_TOKEN)."""
    exchange = request[EXCHANGE]
    given = request.headers.getall(headers.EDGE_TOKEN, [])
    try:
        if len(given) != 1:
            raise TokenError("expected exactly one token")
        claims = verifier.verify(given[0])
    except TokenError as refused:
        exchange.fields["reason"] = str(refused)
        raise RefusedError(errors.INVALID_TOKEN) from refused
    exchange.fields.update(tenant=claims.tenant, agent=claims.agent, key=claims.key)
    return claims
