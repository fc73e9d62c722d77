"""The token between the supervisor and OpenClaw: made anew at each start of the pod, known to nobody else."""

import secrets

from runtime.agent.openclaw.config import write_private
from runtime.agent.settings import Places
from runtime.contract import image

_BYTES = 32
_OWNER_READS = 0o400


def mint_token(places: Places) -> str:
    """A fresh token, in the file OpenClaw reads it from; the caller keeps it out of logs, arguments, environment."""
    token = secrets.token_urlsafe(_BYTES)
    write_private(places.run / image.OPENCLAW_TOKEN_FILE, token, _OWNER_READS)
    return token
