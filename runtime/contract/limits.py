"""Limits every hop keeps, so that no hop buffers what the next one refuses."""

BODY_BYTES = 1_048_576
"""Largest request body, in bytes; more is answered 413."""
FIRST_BYTE_S = 120
"""Seconds a hop waits for the next one's response headers; more is answered 504."""
IDLE_S = 120
"""Seconds a stream may stay silent before a hop gives it up."""
