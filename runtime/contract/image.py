"""What the image promises the program that runs it."""

UID = 10001
"""User and group the image's programs run as; nothing in it needs another."""

DATA_DIR = "/data"
"""Where an agent's own volume is mounted."""

MODELS_DIR = "/models"
"""Models the image brings, one directory each, named as `model` in a stack names it."""

GATEWAY_COMMAND = ("python", "-m", "runtime.gateway")
AGENT_COMMAND = ("python", "-m", "runtime.agent")
