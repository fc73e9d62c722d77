"""HTTP paths clients and probes use."""

CHAT_COMPLETIONS = "/v1/chat/completions"
"""OpenAI's chat completions; `model` names the agent."""

CHAT = "/v1/chat"
"""The alias: the agent is named as `/v1/chat/<agent>`, or by `agent` or `model` in the body."""

LIVE = "/healthz"
READY = "/readyz"
