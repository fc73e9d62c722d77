"""Limits every hop keeps, so that no hop buffers what the next one refuses."""

BODY_BYTES = 1_048_576
"""Largest request body, in bytes; more is answered 413."""
USER_CHARS = 256
"""Longest `user`, in characters; more is answered 400."""
FIRST_BYTE_S = 120
"""Seconds a hop waits for the next one's response headers; more is answered 504."""
IDLE_S = 120
"""Seconds a stream may stay silent before a hop gives it up."""
REQUEST_S = 3600
"""Seconds a request may take in an agent from its first byte to its answer's last; more ends as `upstream_timeout`."""
CONNECT_S = 5
"""Seconds a hop waits for a connection to the next one; more is answered 502."""
DRAIN_S = 3
"""Seconds a gateway that is being stopped goes on accepting, until the tunnel has seen that it is not ready."""
GRACE_S = 45
"""Seconds running answers get to finish in a pod that is being stopped."""
TERMINATION_GRACE_S = 60
"""Seconds a pod gets from SIGTERM to SIGKILL: more than its program waits for, and for the end of its child."""
