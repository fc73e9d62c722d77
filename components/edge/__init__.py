"""The Worker that clients speak to."""
