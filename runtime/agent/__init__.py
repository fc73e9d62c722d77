"""The agent's supervisor: keeps the model server running, and is the only way to it."""
