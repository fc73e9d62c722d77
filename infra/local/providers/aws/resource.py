# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""Kinds by description: a `ResourceType` says how a type is made, found, changed and deleted; `Resource` does it.

What is read is always what the service answers. An input the service never says again (a password, a wish such as
`forceDestroy`) is marked `kept`, and only such an input is reported as it was declared.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import jmespath
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.providers.aws.session import OWNER_TAG, Session, declared_tags
from infra.local.providers.aws.shapes import from_aws, in_order_of, is_absent, settled, to_aws
from infra.local.providers.base import Call, Failure, InvalidInputsError, Kind, Live, ProviderError, UnfinishedError
from infra.local.providers.base import owner as owner_of
from infra.local.providers.diff import Diff, diff_properties
from infra.local.providers.properties import UNKNOWN, Properties, has_unknown
from infra.local.providers.supported import require_inputs

Raw = dict[str, Any]
"""What the service says of one resource, in its own spelling."""
AUTONAME_DIGITS = 7
"""Hexadecimal digits the real provider adds to a resource's logical name where the program names nothing:
https://www.pulumi.com/docs/iac/concepts/resources/names/."""
SETTLE_SECONDS = 600.0
"""How long a resource may take to become ready or to be gone, where the user gives no time."""


@dataclass(frozen=True)
class At:
    """Where a type's functions act: the account, the service's client, and the resource's id once there is one."""

    session: Session
    service: str
    id: str = ""

    @property
    def client(self) -> Any:
        """The boto3 client of the type's service."""
        return self.session.client(self.service)


@dataclass(frozen=True)
class Input:
    """One input: where the create request takes it, and where the service's description has it.

    `sent` is a dotted name in the create request, empty where that does not take it. `live` is a JMESPath in the
    description or a function of it; without one it is `sent`.
    """

    sent: str = ""
    live: str | Callable[[Raw], Any] = ""
    required: bool = False
    replaces: bool = False
    """Whether a change makes the real provider replace the resource."""
    kept: bool = False
    """Whether the service never says it again: a read reports what was declared."""
    unordered: bool = False
    """Whether it is a set: the order of its items means nothing."""
    named: bool = False
    """Whether it is the resource's own name: made up when not given, and a reason to delete before replacing."""
    default: Any = None
    """What the real provider fills in."""
    members: Sequence[str] = ()
    """The fields its objects may have; empty where it holds no objects."""
    encode: Callable[[Any], Any] = to_aws
    same: Callable[[Any, Any], bool] | None = None
    """Whether a declared and a live value mean the same though they are written differently."""

    def read(self, raw: Raw) -> Any:
        """The live value in the program's spelling; None where the description has none."""
        if callable(self.live):
            return self.live(raw)
        return from_aws(jmespath.search(self.live or self.sent, raw))


@dataclass(frozen=True)
class Change:
    """How some inputs are changed in place. `after_create`: also done after a create that did not take them."""

    inputs: Sequence[str]
    apply: Callable[[At, Properties, Properties], Any]
    """Takes the wanted inputs and those before (empty after a create)."""
    after_create: bool = False


@dataclass(frozen=True)
class Tagging:
    """How a service takes tags: in the create request, and read, added and removed afterwards."""

    request: Callable[[Mapping[str, str]], Raw]
    read: Callable[[At, Raw], Mapping[str, str]]
    add: Callable[[At, Raw, Mapping[str, str]], Any]
    remove: Callable[[At, Raw, Sequence[str]], Any]


@dataclass(frozen=True)
class Ready:
    """The state a resource is waited for, and those it never leaves again."""

    path: str
    good: Sequence[str]
    bad: Sequence[str] = ("failed",)
    why: str = ""
    """Where the description says why it is bad, as JMESPath."""


@dataclass(frozen=True)
class ResourceType:
    """One type of resource, described."""

    service: str
    inputs: Mapping[str, Input]
    create: Callable[[At, Raw, Properties], str]
    """Takes the request made of what is `sent` and the inputs; gives the id."""
    find: Callable[[At], Raw | None]
    """The service's description of `at.id`, None when it is gone. An error that says "not found" counts as gone."""
    delete: Callable[[At, Raw, Properties], Any]
    outputs: Mapping[str, str | Callable[[At, Raw], Any]] = field(default_factory=dict)
    """Outputs no input gives, as JMESPath in the description or a function of it."""
    computed_in: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Fields within an input's object that the service adds, and no input gives."""
    changes: Sequence[Change] = ()
    tagging: Tagging | None = None
    orphans: Callable[[At, Properties, str], Iterable[str]] | None = None
    """Ids that may be of a killed run: takes inputs and the mark of ownership. Those of tagged types must bear it."""
    ready: Ready | None = None
    rules: Sequence[Callable[[Properties], Iterable[Failure]]] = ()
    """What must hold between inputs."""
    secret_outputs: Sequence[str] = ()
    moving: Sequence[str] = ()
    """Outputs that any change of an input moves, so that a preview can't tell them: a version number."""
    replace_on: Sequence[str] = ()
    """Fields within inputs whose change replaces too, as paths: `tag.key`."""
    stays: bool = False
    """Whether deleting it only lets go of it: AWS makes it and keeps it."""
    delete_first: bool = False
    """Whether there can be only one: the old is deleted before its replacement is made."""

    def __post_init__(self) -> None:
        """Refuse a description in which an input's change would do nothing unsaid."""
        handled = {name for change in self.changes for name in change.inputs}
        for name, about in self.inputs.items():
            if not (about.replaces or about.kept or name in handled):
                raise ValueError(f"{name}: nothing says what its change does")


class Resource(Kind):
    """A kind that does what a `ResourceType` describes."""

    def __init__(self, session: Session, about: ResourceType) -> None:
        self.session, self.about = session, about
        self.secret_outputs = tuple(about.secret_outputs)
        self.replacing = (*(name for name, one in about.inputs.items() if one.replaces), *about.replace_on)

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        required = [name for name, one in self.about.inputs.items() if one.required]
        optional = [name for name, one in self.about.inputs.items() if not one.required]
        require_inputs(call, inputs, required, (*optional, *(("tags",) if self.about.tagging else ())))
        failures = [*self._foreign_members(inputs), *(one for rule in self.about.rules for one in rule(inputs))]
        if failures:
            raise InvalidInputsError(failures)
        given = {name: value for name, value in inputs.items() if value is not None}
        return self._defaults(call, old_inputs) | given

    def diff(self, call: Call, old_inputs: Properties, state: Properties, inputs: Properties) -> Diff:
        old = {name: self._as_meant(name, inputs.get(name), value) for name, value in old_inputs.items()}
        found = diff_properties(old, inputs, self.replacing)
        taken = any(one.named and inputs.get(name) == old.get(name) for name, one in self.about.inputs.items())
        return replace(found, delete_first=bool(found.replaces) and (self.about.delete_first or taken))

    def preview_create(self, call: Call, inputs: Properties) -> Properties:
        told = [name for name, one in self.about.inputs.items() if not one.kept]
        tags = ("tagsAll",) if self.about.tagging else ()
        whole = {
            name: dict.fromkeys(fields, UNKNOWN) | inputs[name]
            for name, fields in self.about.computed_in.items()
            if isinstance(inputs.get(name), Mapping)
        }
        return dict.fromkeys([*told, *self.about.outputs, *tags], UNKNOWN) | inputs | whole

    def preview_update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        told = super().preview_update(call, state, old_inputs, inputs)
        for name, fields in self.about.computed_in.items():
            if isinstance(inputs.get(name), Mapping):
                before = state.get(name) or {}
                told[name] = {field: before.get(field, UNKNOWN) for field in fields} | inputs[name]
        if self.about.tagging:
            told["tagsAll"] = self.session.tags_all(inputs) if not has_unknown(inputs.get("tags")) else UNKNOWN
        changed = {path[0] for path in diff_properties(old_inputs, inputs).changes} - {"tags"}
        return told | (dict.fromkeys(self.about.moving, UNKNOWN) if changed else {})

    def create(self, call: Call, inputs: Properties) -> Live:
        with _named(call):
            adopted = self._adopted(call, inputs)
            identifier, old = adopted or (self._make(call, inputs), None)
        try:
            return Live(identifier, self._bring(call, identifier, old, inputs))
        except ProviderError as error:
            raise UnfinishedError(identifier, dict(inputs), [str(error)]) from error

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        return self._bring(call, call.id, old_inputs, inputs)

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        at = self._at(call.id)
        with _named(call):
            raw = self._find(at)
            if raw is None:
                return None
            live = self._live(at, raw, inputs)
            wanted = inputs if inputs or state else {name: value for name, value in live.items() if value is not None}
            declared = {name: live.get(name) for name in wanted}
            if live.get("tags"):
                declared["tags"] = live["tags"]
            return Live(call.id, self._state(at, raw, live), declared)

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        at = self._at(call.id)
        with _named(call):
            raw = self._find(at)
            if raw is not None:
                self._delete(call, at, raw, inputs)

    def _at(self, identifier: str = "") -> At:
        return At(self.session, self.about.service, identifier)

    def _find(self, at: At) -> Raw | None:
        try:
            return self.about.find(at)
        except ClientError as error:
            if is_absent(error):
                return None
            raise

    def _foreign_members(self, inputs: Properties) -> Iterator[Failure]:
        for name, about in self.about.inputs.items():
            value = inputs.get(name)
            objects = (
                [((name, i), one) for i, one in enumerate(value)] if isinstance(value, list) else [((name,), value)]
            )
            for path, one in objects:
                if about.members and isinstance(one, Mapping):
                    foreign = [key for key in one if key not in about.members and one[key] is not None]
                    known = f"is not supported by the local aws provider; it knows {', '.join(about.members)}"
                    yield from (Failure((*path, key), known) for key in foreign)

    def _defaults(self, call: Call, old_inputs: Properties) -> Properties:
        given: Properties = {}
        for name, about in self.about.inputs.items():
            if about.named and not about.required:
                digits = (call.seed.hex() or owner_of(call.urn))[:AUTONAME_DIGITS]
                given[name] = old_inputs.get(name) or f"{call.name}-{digits}"
            elif about.default is not None:
                given[name] = about.default
        return given

    def _adopted(self, call: Call, inputs: Properties) -> tuple[str, Properties] | None:
        """What a killed run made, and its inputs; where only a replacement would mend it, it is deleted instead."""
        mark = owner_of(call.urn)
        for identifier in self.about.orphans(self._at(), inputs, mark) if self.about.orphans else ():
            at = self._at(identifier)
            raw = None if identifier in call.known_ids else self._find(at)
            if raw is None or not self._bears(at, raw, mark):
                continue
            live = self._live(at, raw, inputs)
            if not diff_properties(live, live | inputs, self.replacing).replaces:
                return identifier, live
            self._delete(call, at, raw, inputs)
        return None

    def _bears(self, at: At, raw: Raw, mark: str) -> bool:
        return self.about.tagging is None or self.about.tagging.read(at, raw).get(OWNER_TAG) == mark

    def _make(self, call: Call, inputs: Properties) -> str:
        request: Raw = {}
        for name, about in self.about.inputs.items():
            if about.sent and inputs.get(name) is not None:
                _put(request, about.sent, about.encode(inputs[name]))
        if self.about.tagging:
            request |= self.about.tagging.request(self.session.owned_tags(call.urn, inputs))
        return self.about.create(self._at(), request, inputs)

    def _bring(self, call: Call, identifier: str, old: Properties | None, new: Properties) -> Properties:
        """Apply every change that `new` asks for and say what is there then; `old` is None just after a create."""
        at = self._at(identifier)
        with _named(call):
            raw = self._wait_ready(call, at)
            changed = {path[0] for path in diff_properties(old or {}, new).changes}
            for change in self.about.changes:
                if changed.intersection(change.inputs) and (old is not None or change.after_create):
                    change.apply(at, new, old or {})
            if self._retag(call, at, raw, new) or changed:
                raw = self._wait_ready(call, at)
            return self._state(at, raw, self._live(at, raw, new))

    def _wait_ready(self, call: Call, at: At) -> Raw:
        """Its description once it is ready. Raises ProviderError."""
        ready = self.about.ready

        def probe() -> Raw | None:
            raw = self._find(at)
            state = jmespath.search(ready.path, raw) if ready and raw else None
            if ready and state in ready.bad:
                why = jmespath.search(ready.why, raw) if ready.why else None
                raise ProviderError(f"{at.id} is {state}{f': {why}' if why else ''}")
            return raw if ready is None or state in ready.good else None

        raw = call.poll(probe, SETTLE_SECONDS)
        if raw is None:
            raise ProviderError(f"{at.id} did not become {' or '.join(ready.good) if ready else 'visible'} in time")
        return raw

    def _delete(self, call: Call, at: At, raw: Raw, inputs: Properties) -> None:
        try:
            self.about.delete(at, raw, inputs)
        except ClientError as error:
            if not is_absent(error):
                raise
        if self.about.stays or call.poll(lambda: self._find(at) is None or None, SETTLE_SECONDS):
            return
        raise ProviderError(f"{at.id} is still there after its deletion")

    def _retag(self, call: Call, at: At, raw: Raw, inputs: Properties) -> bool:
        """Bring the tags to what is declared; whether any had to change."""
        tagging = self.about.tagging
        if tagging is None:
            return False
        wanted, live = self.session.owned_tags(call.urn, inputs), dict(tagging.read(at, raw))
        gone = sorted(name for name in live if name not in wanted and not name.startswith("aws:"))
        missing = {name: value for name, value in wanted.items() if live.get(name) != value}
        if gone:
            tagging.remove(at, raw, gone)
        if missing:
            tagging.add(at, raw, missing)
        return bool(gone or missing)

    def _as_meant(self, name: str, new: Any, old: Any) -> Any:
        """`old` as `new` says it where both mean the same: a set in another order, the same document."""
        about = self.about.inputs.get(name, PLAIN)
        if new is None or old is None or has_unknown(new):
            return old
        if about.same and about.same(new, old):
            return new
        return in_order_of(new, old) if about.unordered and isinstance(new, list) and isinstance(old, list) else old

    def _as_written(self, name: str, declared: Any, live: Any) -> Any:
        """`live` in `declared`'s words where both mean the same."""
        about = self.about.inputs.get(name, PLAIN)
        if declared is None or live is None or declared == live:
            return live
        if about.same and about.same(declared, live):
            return declared
        return settled(declared, live, about.unordered)

    def _live(self, at: At, raw: Raw, inputs: Properties) -> Properties:
        """Every input as the service has it, in the words of `inputs` where those mean the same."""
        live: Properties = {}
        for name, about in self.about.inputs.items():
            value = inputs.get(name) if about.kept else about.read(raw)
            live[name] = self._as_written(name, inputs.get(name), value)
        if self.about.tagging:
            tags = {k: v for k, v in self.about.tagging.read(at, raw).items() if not k.startswith("aws:")}
            live["tags"] = declared_tags(inputs, tags, self.session.default_tags)
        return live

    def _state(self, at: At, raw: Raw, live: Properties) -> Properties:
        outputs = {
            name: path(at, raw) if callable(path) else from_aws(jmespath.search(path, raw))
            for name, path in self.about.outputs.items()
        }
        tags = {"tagsAll": self.session.default_tags | live["tags"]} if self.about.tagging else {}
        known = {name: value for name, value in live.items() if value is not None}
        for name, fields in self.about.computed_in.items():
            whole = self.about.inputs[name].read(raw) or {}
            known[name] = known.get(name, {}) | {one: whole[one] for one in fields if one in whole}
        return known | outputs | tags | {"region": self.session.region}


PLAIN = Input(kept=True)
"""What is not described: tags."""


@contextmanager
def _named(call: Call) -> Iterator[None]:
    """Say of a service's refusal which resource it is about."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise ProviderError(f"{call.type} {call.name}: {error}") from error


def _put(request: Raw, path: str, value: Any) -> None:
    """Set a dotted name in a request."""
    *outer, last = path.split(".")
    for part in outer:
        request = request.setdefault(part, {})
    request[last] = value
