"""How a supervised agent fails."""


class AgentError(Exception):
    """Any of these; the message is what an operator reads."""


class ModelError(AgentError):
    """The model cannot be made or loaded: starting again would end the same."""


class ServerError(AgentError):
    """The model server ended, or answers no more: starting it again may help."""


class GaveUpError(AgentError):
    """The model server failed too often."""
