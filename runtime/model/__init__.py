"""Models made at build time."""
