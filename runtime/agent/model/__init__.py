"""The agent's model: copied from its source, proven to be the one asked for, and asked whether it still answers."""
