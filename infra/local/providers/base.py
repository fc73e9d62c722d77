# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""What a stand-in provider is made of: a `Provider` gives a `Kind` for every resource type; a `Kind` does the work.

Handlers see plain property dicts (see `properties`), never protobuf, and secrets unwrapped: the servicer marks again in
every answer what was secret in the inputs or the old state, wherever a copy of it turns up.
"""

import hashlib
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from infra.local.providers.diff import Diff, diff_properties
from infra.local.providers.properties import UNKNOWN, Path, Properties, format_path

T = TypeVar("T")


class ProviderError(Exception):
    """An operation that can't be done; its text is shown to the user (secrets are scrubbed from it)."""


class CancelledError(ProviderError):
    """The user cancelled the update while a handler waited."""


@dataclass(frozen=True)
class Failure:
    """An input that is wrong: where, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{format_path(self.path)}: {self.reason}"


class InvalidInputsError(ProviderError):
    """Inputs a check refuses, all of them at once."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__("; ".join(map(str, failures)))
        self.failures = tuple(failures)


class UnfinishedError(ProviderError):
    """A create or update that did something, then failed: the state so far is recorded, so that nothing is lost.

    `id` and `state` are the live resource's, `reasons` one text a failure. The next update tries again.
    """

    def __init__(self, id: str, state: Properties, reasons: Sequence[str]) -> None:  # noqa: A002 - Pulumi's own word
        super().__init__("; ".join(reasons))
        self.id, self.state, self.reasons = id, state, tuple(reasons)


@dataclass(frozen=True)
class Call:
    """One request of the engine: which resource it is about, how long it may take, and how to talk back."""

    urn: str
    type: str
    name: str
    id: str = ""
    preview: bool = False
    timeout: float | None = None
    """Seconds the user gave this operation (`customTimeouts`), or None."""
    seed: bytes = b""
    """Random bytes of this check, the same ones for the preview and the update that follows it."""
    known_ids: frozenset[str] = frozenset()
    """Ids the engine has recorded for this URN: a live resource of this URN with another id is an orphan to adopt."""
    secret_inputs: bool = False
    """Whether any input is secret: then what is computed of them is secret too."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    log: Callable[[str], None] = lambda _: None
    """Show one line as the resource's status, for as long as the operation lasts."""
    warn: Callable[[str], None] = lambda _: None

    def sleep(self, seconds: float) -> None:
        """Wait. Raises `CancelledError` as soon as the user cancels."""
        if self.cancelled.wait(seconds):
            raise CancelledError(f"{self.name}: cancelled")

    def poll(self, probe: Callable[[], T | None], default_timeout: float, every: float = 0.2) -> T | None:
        """Ask `probe` until its answer is not None; None after the call's own or else the default time (seconds).

        Raises `CancelledError`.
        """
        deadline = time.monotonic() + (self.timeout or default_timeout)
        while (answer := probe()) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.sleep(min(every, left))
            every = min(every * 1.3, 2.0)
        return answer


def owner(urn: str) -> str:
    """The mark of what is made for a resource: its URN in characters that tags and headers may have."""
    return hashlib.sha256(urn.encode()).hexdigest()


@dataclass(frozen=True)
class Live:
    """A resource that exists: its id, its outputs, and on a read the inputs it would be declared with."""

    id: str
    state: Properties
    inputs: Properties | None = None


class Kind(ABC):
    """One kind of resource. A subclass fills in the class attributes and overrides what its kind can do."""

    computed: ClassVar[Sequence[str]] = ()
    """Top-level outputs that no input gives: unknown in the preview of a create."""
    replace_on: ClassVar[Sequence[str]] = ()
    """Inputs a change of which replaces the resource, as paths without indexes: `bucket`, `spec.selector`."""
    delete_first: ClassVar[bool] = False
    """Whether a replacement deletes the old resource before it creates the new one."""
    secret_outputs: Sequence[str] = ()
    """Top-level outputs that are always secret, and inputs of the same names with them."""

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        """Inputs with defaults filled in. Raises `InvalidInputsError`. Values may be `UNKNOWN`; touches nothing."""
        return inputs

    def diff(self, call: Call, old_inputs: Properties, state: Properties, inputs: Properties) -> Diff:
        """What an update would change."""
        return diff_properties(old_inputs, inputs, self.replace_on, self.delete_first)

    def preview_create(self, call: Call, inputs: Properties) -> Properties:
        """Outputs as far as they can be told before the create. Values may be `UNKNOWN`."""
        return dict.fromkeys(self.computed, UNKNOWN) | inputs

    def preview_update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        """Outputs as far as they can be told before the update: by default those that no input gives stay."""
        gone = set(old_inputs) - set(inputs)
        return {key: value for key, value in state.items() if key not in gone} | inputs

    @abstractmethod
    def create(self, call: Call, inputs: Properties) -> Live:
        """Make it, or adopt it where it is already there and bears `call.urn`. Raises `UnfinishedError`."""

    @abstractmethod
    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        """The live resource `call.id`, None when it is gone. On an import `state` and `inputs` are empty."""

    @abstractmethod
    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        """Bring the live resource to `inputs`; its outputs afterwards. Raises `UnfinishedError`."""

    @abstractmethod
    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        """Delete it and wait until it is gone; not an error when it is gone already."""


class Provider(ABC):
    """A package: its kinds, its functions and its configuration."""

    name: ClassVar[str]
    version: ClassVar[str]

    @abstractmethod
    def kind(self, token: str) -> Kind:
        """The kind of a type token. Raises `ProviderError` naming the token where this stand-in lacks it."""

    def check_config(self, inputs: Properties) -> Properties:
        """Provider settings with defaults filled in. Raises `InvalidInputsError`."""
        return inputs

    def diff_config(self, old: Properties, new: Properties) -> Diff:
        """What a change of the settings means; by default they only change in place."""
        return diff_properties(old, new)

    def configure(self, settings: Properties) -> None:  # noqa: B027  # a provider may have none
        """Take the settings before any resource is handled; in a preview values may be `UNKNOWN`."""

    def invoke(self, token: str, args: Properties) -> Mapping[str, Any]:
        """Call a function. Raises `ProviderError`."""
        raise ProviderError(f"{token}: the local {self.name} provider has no such function")

    def close(self) -> None:  # noqa: B027  # most have nothing running
        """End what the provider itself has running: the engine is gone."""
