"""Whose history a request continues. OpenClaw keeps one for each session, and the door alone names sessions."""

import hashlib
import json
import uuid
from collections import OrderedDict
from dataclasses import dataclass

from runtime.contract import errors
from runtime.http.answers import RefusedError

REMEMBERED = 10_000
"""Most answers whose session is known; the oldest goes first."""


@dataclass(frozen=True)
class Owner:
    """Who asks: an end user of the tenant's, or nobody in particular with this API key."""

    key: str
    user: str | None


class Sessions:
    """Names the session of each request.

    A user's is the same for ever, on both routes and with any of the tenant's keys; a request of nobody's has one of
    its own, which the answer's id continues. No name holds a character a client chose: it becomes a key in OpenClaw's
    database, and part of paths.
    """

    def __init__(self, tenant: str, agent: str) -> None:
        self._scope = (tenant, agent)
        self._known: OrderedDict[str, tuple[Owner, str]] = OrderedDict()

    def open(self, owner: Owner, previous: str | None = None) -> str:
        """The session of a request by `owner` which goes on from the answer with the id `previous`.

        Raises RefusedError if there was no such answer to this owner.
        """
        if previous is not None:
            return self._continued(owner, previous)
        if owner.user is not None:
            return f"user-{self._hash(owner.user)}"
        return f"once-{uuid.uuid4().hex}"

    def remember(self, answer: str, owner: Owner, session: str) -> None:
        """The answer with this id, to this owner, is part of that session."""
        self._known[answer] = (owner, session)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _continued(self, owner: Owner, previous: str) -> str:
        whose, session = self._known.get(previous, (None, ""))
        # Of users the key does not matter: their history is theirs through every key.
        if whose is None or whose.user != owner.user or (whose.user is None and whose.key != owner.key):
            raise RefusedError(
                errors.INVALID_REQUEST, "The previous response is not known any more.", param="previous_response_id"
            )
        return session

    def _hash(self, user: str) -> str:
        return hashlib.sha256(json.dumps([*self._scope, user]).encode()).hexdigest()
