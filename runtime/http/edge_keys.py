"""The keys of the edge in a file that changes in place."""

import logging
from pathlib import Path

from runtime.http.edge_token import KeysError, TokenVerifier, load_keys
from runtime.http.log import event

_log = logging.getLogger("edge keys")

_State = tuple[int, int, int, int]


class EdgeKeys:
    """A verifier with the keys a JWKS file holds now.

    The file is looked at whenever the verifier is asked for; when it has changed, a new verifier begins, which
    remembers no token: one signed by a key that is gone is refused from then on. A file that is gone, or cannot be
    used, changes nothing but the log.
    """

    def __init__(self, file: Path) -> None:
        """Raises KeysError, or OSError if there is no file to read."""
        self._file = file
        self._state: _State | None = self._look()
        self._verifier = self._read()

    def verifier(self) -> TokenVerifier:
        """The verifier of the moment: to be asked for each token."""
        state = self._look_or_none()
        if state != self._state:
            self._state = state
            self._renew()
        return self._verifier

    def _renew(self) -> None:
        try:
            self._verifier = self._read()
        except (OSError, KeysError) as error:
            reason = str(error) if isinstance(error, KeysError) else type(error).__name__
            event(_log, logging.ERROR, "edge keys kept: the new ones cannot be used", reason=reason)
        else:
            event(_log, logging.INFO, "edge keys read")

    def _read(self) -> TokenVerifier:
        try:
            return TokenVerifier(load_keys(self._file.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            raise KeysError("not UTF-8") from None

    def _look_or_none(self) -> _State | None:
        try:
            return self._look()
        except OSError:
            return None

    def _look(self) -> _State:
        """What tells this file from another: a mounted configuration changes by a link to another one."""
        seen = self._file.stat()
        return (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns)
