"""TCP ports the platform's own programs listen on inside a pod."""

GATEWAY = 8080
"""The regional gateway: chat and probes."""

AGENT = 8090
"""The agent supervisor, the only listener on the pod's network."""

OLLAMA = 11434
"""The model server, on loopback inside the pod."""
