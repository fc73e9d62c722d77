"""What the API and its clients agree on beyond Cloudflare's paths. It imports nothing: the plugin must start fast."""

from typing import Any, Final

OWNER_HEADER: Final = "Moltghost-Owner"
"""Set on a create: kept with the record, so that whoever was killed before it could note the id finds it again."""
OWNER_FIELD: Final = "moltghost_owner"
"""The same, in an answer."""
MODULE: Final = "application/javascript+module"
"""Content type of a script's part: an ES module."""
MIGRATIONS: Final = "migrations"
"""The field of an upload's metadata that is applied once and not kept."""
KEEP_BINDINGS: Final = "keep_bindings"
"""The field of an upload's metadata that names types of bindings that stay from the upload before; not kept itself."""
METADATA: Final[dict[str, tuple[type, Any]]] = {
    "main_module": (str, None),
    "bindings": (list, []),
    "compatibility_date": (str, None),
    "compatibility_flags": (list, []),
    "observability": (dict, {"enabled": False}),
    "logpush": (bool, False),
}
"""Field of a script's metadata -> its type and what it is when it isn't given (None: it must be). Of `observability`
nothing more comes than what is always so here: a Worker's console output goes to the server's own log."""
