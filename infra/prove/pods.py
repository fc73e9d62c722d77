"""Which pods reach which, by classes of pods no policy tells apart; sets of classes are bits of whole numbers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from infra.prove.addresses import NOWHERE, Addresses
from infra.prove.network_policies import Allowed, Direction, NetworkPolicy, Peer
from infra.prove.ports import Named, PortParts, PortRule
from infra.prove.selectors import NAME_LABEL, Selector

NONE_NAMED: Named = frozenset()


@dataclass(slots=True)  # not frozen: that doubles the time a hundred thousand take to make
class Workload:
    """Pods that are the same but for their number. `stranger` has whatever labels a selector may ask for.

    `namespace` is None for what is no pod: hosts, known by their addresses alone. `addresses` are those it may have.
    `on_host` is a pod in its node's own network: no policy holds it, and no selector finds it.
    """

    name: str
    urn: str
    namespace: str | None
    labels: Mapping[str, str]
    addresses: Addresses
    named: Named = NONE_NAMED
    stranger: bool = False
    on_host: bool = False


@dataclass
class PodClass:
    """Workloads no policy tells apart; the first stands for all of them in what is printed."""

    first: Workload
    members: list[Workload] = field(default_factory=list)


@dataclass(frozen=True)
class Way:
    """Every class of `sources` reaches every class of `targets` at the `ports`."""

    sources: int
    targets: int
    ports: int


@dataclass(frozen=True)
class _Group:
    """Classes that the same rules hold in one direction; `opened` are classes of peers, and ports to or from them."""

    classes: int
    opened: tuple[tuple[int, int], ...]


class Pods:
    """What a cluster's policies let through.

    `spaces` are namespaces' labels by name; one that is None has labels nobody knows. A policy that only lets pods out
    to `unweighed` addresses, and holds nobody that isn't held already, is left out: ways there are not all told.
    """

    def __init__(
        self,
        spaces: Mapping[str, Mapping[str, str] | None],
        workloads: Iterable[Workload],
        policies: Sequence[NetworkPolicy],
        unweighed: Addresses = NOWHERE,
    ) -> None:
        self._spaces = {
            name: None if labels is None else {**labels, NAME_LABEL: name} for name, labels in spaces.items()
        }
        self._policies: dict[str, list[NetworkPolicy]] = defaultdict(list)
        held = list(workloads)
        inert = _inert(policies, _union({id(each.addresses): each.addresses for each in held}.values()) - unweighed)
        live = [each for each in policies if each.urn not in inert]
        for policy in live:
            self._policies[policy.namespace].append(policy)
        self._keys = sorted(set(_keys(live)))
        self.classes = self._classed(held)
        rules = [rule for policy in live for each in _opened(policy) for rule in each.ports or ()]
        self.ports = PortParts(rules, {each.first.named for each in self.classes})
        self._bits: dict[Peer, int] = {}
        self._in_space: dict[str | None, int] = defaultdict(int)
        for at, each in enumerate(self.classes):
            self._in_space[each.first.namespace] |= 1 << at
        self._ways: list[Way] | None = None

    def _classed(self, workloads: list[Workload]) -> list[PodClass]:
        keys = self._keys
        found: dict[object, PodClass] = {}
        spans: dict[int, tuple[int, Addresses]] = {}
        numbers: dict[Addresses, int] = {}
        for each in workloads:
            get, addresses = each.labels.get, each.addresses
            # Addresses are many spans, and mostly the very same: they are hashed once, and known by a number.
            if (numbered := spans.get(id(addresses))) is None:
                numbered = spans[id(addresses)] = (numbers.setdefault(addresses, len(numbers)), addresses)
            key = (
                each.namespace,
                tuple([get(one) for one in keys]),
                each.named,
                numbered[0],
                each.stranger,
                each.on_host,
            )
            known = found.get(key)
            if known is None:
                known = found[key] = PodClass(each)
            known.members.append(each)
        return list(found.values())

    def bits(self, peer: Peer) -> int:
        """The classes a rule's peer is."""
        known = self._bits.get(peer)
        if known is None:
            known = self._bits[peer] = self._found(peer)
        return known

    def _found(self, peer: Peer) -> int:
        if peer.block is not None:
            block = peer.block
            return _mask(at for at, each in enumerate(self.classes) if each.first.addresses & block)
        if peer.pods is None:
            return (1 << len(self.classes)) - 1
        if peer.namespaces is None:
            spaces = [peer.namespace]
        else:
            spaces = [name for name, labels in self._spaces.items() if _may_match(peer.namespaces, name, labels)]
        within = 0
        for space in spaces:
            within |= self._in_space.get(space, 0)
        return _mask(at for at in _ones(within) if selects(peer.pods, self.classes[at].first))

    def holding(self, workload: Workload, direction: Direction) -> list[NetworkPolicy]:
        """The policies that hold a workload in a direction; none leaves it open."""
        if workload.namespace is None or workload.on_host or workload.stranger:
            return []
        return [
            each
            for each in self._policies.get(workload.namespace, ())
            if each.opened(direction) is not None and each.selector.matches(workload.labels)
        ]

    def _groups(self, direction: Direction) -> list[_Group]:
        """Classes by what holds them. Rules that say the same are one, whichever policy they stand in."""
        found: dict[tuple[frozenset[tuple[Peer, tuple[PortRule, ...] | None]] | None, Named], int] = defaultdict(int)
        for at, each in enumerate(self.classes):
            holding = self.holding(each.first, direction)
            rules = (
                frozenset((one.peer, one.ports) for policy in holding for one in policy.opened(direction) or ())
                if holding
                else None
            )
            # A named port is the destination's: rules out of a pod are read once for each destination's names.
            found[rules, each.first.named if direction == "ingress" else NONE_NAMED] |= 1 << at
        return [
            _Group(classes, tuple(self._entries(rules, named, direction))) for (rules, named), classes in found.items()
        ]

    def _entries(
        self, rules: frozenset[tuple[Peer, tuple[PortRule, ...] | None]] | None, named: Named, direction: Direction
    ) -> Iterator[tuple[int, int]]:
        if rules is None:
            yield (1 << len(self.classes)) - 1, self.ports.everything
            return
        by_ports: dict[int, int] = defaultdict(int)
        for peer, ports in rules:
            bits = self.bits(peer)
            by_ports[self.ports.mask(ports, named)] |= bits
            if direction == "egress" and ports and any(rule.name for rule in ports):
                for number, to in self._with_names(bits):
                    by_ports[self.ports.mask(ports, number)] |= to
        yield from ((bits, ports) for ports, bits in by_ports.items() if bits and ports)

    def _with_names(self, bits: int) -> Iterator[tuple[Named, int]]:
        found: dict[Named, int] = defaultdict(int)
        for at in _ones(bits):
            found[self.classes[at].first.named] |= 1 << at
        yield from found.items()

    def ways(self) -> list[Way]:
        """Every way from classes to classes, each a rectangle of sources and targets."""
        if self._ways is None:
            self._ways = list(self._crossed(self._groups("egress"), self._groups("ingress")))
        return self._ways

    def _crossed(self, sending: list[_Group], receiving: list[_Group]) -> Iterator[Way]:
        for sender in sending:
            for opened, out_ports in sender.opened:
                for receiver in receiving:
                    targets = receiver.classes & opened
                    if not targets:
                        continue
                    for let_in, in_ports in receiver.opened:
                        sources, ports = sender.classes & let_in, out_ports & in_ports
                        if sources and ports:
                            yield Way(sources, targets, ports)

    def passes(self, source: int, target: int, protocol: str, port: int) -> bool:
        """Whether class `source` reaches class `target` at one port."""
        part = self.ports.part(protocol, port)
        return any(way.sources >> source & 1 and way.targets >> target & 1 and way.ports & part for way in self.ways())

    def because(
        self, workload: Workload, other: int, direction: Direction, ports: int
    ) -> Iterator[tuple[str, str, str]]:
        """Why a workload may send to a class, or hear from it: (URN, field, words) of each rule that lets it."""
        holding = self.holding(workload, direction)
        if not holding:
            word = "may send anywhere" if direction == "egress" else "hears everyone"
            yield workload.urn, "metadata.labels", f"no policy of {direction} selects it: it {word}"
        for policy in holding:
            for each in policy.opened(direction) or ():
                names = self.classes[other].first.named if direction == "egress" else workload.named
                if self.bits(each.peer) >> other & 1 and self.ports.mask(each.ports, names) & ports:
                    at = self.ports.text(self.ports.mask(each.ports, names) & ports)
                    yield policy.urn, each.field, f"{policy.name} opens {at} {_FROM[direction]} {each.peer}"


_FROM = {"ingress": "from", "egress": "to"}


def selects(selector: Selector, workload: Workload) -> bool:
    """Whether a selector finds a pod, or may find one whose labels nobody knows."""
    if workload.on_host or workload.namespace is None:
        return False
    return workload.stranger or selector.matches(workload.labels)


def _may_match(selector: Selector, name: str, labels: Mapping[str, str] | None) -> bool:
    if labels is not None:
        return selector.matches(labels)
    wanted = [each for each in selector.requirements if each.key == NAME_LABEL]
    return all(each.holds(name) for each in wanted)


def _opened(policy: NetworkPolicy) -> Iterator[Allowed]:
    yield from policy.ingress or ()
    yield from policy.egress or ()


def _keys(policies: Iterable[NetworkPolicy]) -> Iterator[str]:
    """The labels of pods that some policy looks at."""
    for policy in policies:
        yield from (each.key for each in policy.selector.requirements)
        for allowed in _opened(policy):
            if allowed.peer.pods is not None:
                yield from (each.key for each in allowed.peer.pods.requirements)


def _inert(policies: Sequence[NetworkPolicy], weighed: Addresses) -> frozenset[str]:
    """Policies that only open ways to addresses no workload has, in namespaces whose every pod is held already."""
    held = {each.namespace for each in policies if not each.selector.requirements and each.egress is not None}
    apart: dict[Addresses, bool] = {}

    def opens_nothing(allowed: Allowed) -> bool:
        block = allowed.peer.block
        if block is None:
            return False
        if block not in apart:
            apart[block] = not block & weighed
        return apart[block]

    return frozenset(
        each.urn
        for each in policies
        if each.ingress is None
        and each.selector.requirements
        and each.namespace in held
        and all(opens_nothing(one) for one in each.egress or ())
    )


def _union(many: Iterable[Addresses]) -> Addresses:
    found = Addresses(())
    for each in many:
        found |= each
    return found


def _mask(ones: Iterable[int]) -> int:
    found = 0
    for at in ones:
        found |= 1 << at
    return found


def _ones(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
