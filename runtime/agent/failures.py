"""How a supervised agent fails."""


class AgentError(Exception):
    """Any of these; the message is what an operator reads. Starting again would end the same, unless said otherwise."""


class ModelError(AgentError):
    """The model is not the one asked for, or cannot be loaded as asked."""


class ServerError(AgentError):
    """A program of the agent's ended, or answers no more: starting it again may help."""


class GaveUpError(AgentError):
    """A program of the agent's failed too often."""
