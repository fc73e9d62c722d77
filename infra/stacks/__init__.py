"""Stack kinds: each module joins components into one."""
