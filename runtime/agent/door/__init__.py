"""The door of an agent: the only listener on its pod's network."""

from runtime.agent.door.accounts import Book, Metrics
from runtime.agent.door.door import Door, door_application

__all__ = ["Book", "Door", "Metrics", "door_application"]
