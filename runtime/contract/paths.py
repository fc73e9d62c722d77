"""HTTP paths clients, probes and the monitoring use."""

CHAT_COMPLETIONS = "/v1/chat/completions"
"""OpenAI's chat completions; `model` names the agent."""

CHAT = "/v1/chat"
"""The alias: the agent is named as `/v1/chat/<agent>`, or by `agent` or `model` in the body."""

RESPONSES = "/v1/responses"
"""OpenAI's responses; `model` names the agent."""

MODELS = "/v1/models"
"""OpenAI's list of models: the agents a caller may name."""

AGENTS = "/v1/agents"
"""What is known of agents: `/v1/agents/<agent>/health` says whether one is ready."""

HOOKS = "/v1/hooks"
"""Where webhooks are delivered: `/v1/hooks/<hook>`."""

HEALTH = "/v1/health"
"""At a gateway: whether the agent the edge token is for is ready."""

LIVE = "/healthz"
READY = "/readyz"
METRICS = "/metrics"
