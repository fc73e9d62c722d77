"""TCP ports the platform's own programs listen on inside a pod."""

GATEWAY = 8080
"""The regional gateway: chat and probes."""

AGENT = 8090
"""The agent's door, for the gateway alone: chat, responses, models."""

AGENT_OPS = 8091
"""The agent's probes and metrics, for the kubelet and the monitoring alone."""

CONNECTOR_OPS = 20241
"""The readiness and metrics of the tunnel's connectors."""

OPENCLAW = 18789
"""OpenClaw's gateway, on loopback inside the pod."""

OLLAMA = 11434
"""The model server, on loopback inside the pod."""
