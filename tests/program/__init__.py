"""The whole program, recorded without an engine."""
