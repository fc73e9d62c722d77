"""What a proof comes to: a certificate, or the ways in that it found."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from infra.prove.problems import Unmodelled

TENANTS_APART = "tenants-apart"
ONLY_THE_GATEWAY = "only-the-gateway"
NOTHING_OUTSIDE = "nothing-outside"
EGRESS_LISTS = "egress-lists"
IDENTITIES_APART = "identities-apart"
EDGE_APART = "edge-apart"

CLAIMS: Mapping[str, str] = {
    TENANTS_APART: "No packet of a tenant's pods reaches another tenant's, directly or by what answers for it.",
    ONLY_THE_GATEWAY: "Nothing reaches an agent but the gateway at its door, and the monitoring at its metrics.",
    NOTHING_OUTSIDE: "Nothing outside the fleet reaches anything in it but by the edge's tunnel or WireGuard.",
    EGRESS_LISTS: "Agents reach the cluster's DNS and the public addresses their own egress list names, nothing else.",
    IDENTITIES_APART: "No identity of a tenant, and none of the platform that is not listed here as trusted, reads or "
    "writes another tenant's secret, key, bucket, volume or database.",
    EDGE_APART: "What the edge keeps of a tenant leads to that tenant's agents, and to regions of the fleet.",
}
_MOST = 50
"""Ways in that are printed; the rest are counted."""


@dataclass(frozen=True, order=True)
class Hop:
    """One step of a path: where one is, and the resource and field that let one get there."""

    at: str
    urn: str = ""
    field: str = ""
    why: str = ""


@dataclass(frozen=True, order=True)
class Breach:
    """A claim that does not hold, and the shortest way that shows it."""

    claim: str
    says: str
    path: tuple[Hop, ...]


@dataclass(frozen=True)
class Verdict:
    """Whether the claims hold of some stacks.

    `inputs` are digests of what the proof read of each stack, `assumptions` what it takes for granted, `counted` how
    much of what there was.
    """

    inputs: Mapping[str, str]
    counted: Mapping[str, int]
    assumptions: tuple[str, ...]
    breaches: tuple[Breach, ...]
    unmodelled: tuple[Unmodelled, ...]

    @property
    def holds(self) -> bool:
        """Whether every claim is proved: no way in, and nothing that could not be read."""
        return not self.breaches and not self.unmodelled

    def to_json(self) -> str:
        """The same verdict always as the same text."""
        broken = {each.claim for each in self.breaches}
        document = {
            "holds": self.holds,
            "claims": [{"id": name, "says": says, "broken": name in broken} for name, says in CLAIMS.items()],
            "inputs": dict(self.inputs),
            "counted": dict(self.counted),
            "assumptions": list(self.assumptions),
            "breaches": [asdict(each) for each in self.breaches],
            "unmodelled": [asdict(each) for each in self.unmodelled],
        }
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def to_text(self) -> str:
        """The verdict for people: what is wrong first, or what was proved, over what, and what that rests on."""
        counted = ", ".join(f"{number} {what}" for what, number in self.counted.items())
        lines = [f"{'PROVED' if self.holds else 'NOT PROVED'}: {len(self.inputs)} stacks, {counted}", ""]
        for breach in self.breaches[:_MOST]:
            lines += [f"BREACH of {breach.claim}: {breach.says}", *_hops(breach.path), ""]
        if len(self.breaches) > _MOST:
            lines += [f"… and {len(self.breaches) - _MOST} more ways in (--format json lists them)", ""]
        for each in self.unmodelled[:_MOST]:
            lines += [f"NOT READ: {each.field} {each.why}", f"    {each.urn}", ""]
        if len(self.unmodelled) > _MOST:
            lines += [f"… and {len(self.unmodelled) - _MOST} more that could not be read", ""]
        broken = {each.claim for each in self.breaches}
        lines += [
            "Claims:",
            *(f"  {_mark(name in broken, self.holds)} {name}: {says}" for name, says in CLAIMS.items()),
        ]
        lines += ["", "Taken for granted:", *(f"  - {each}" for each in self.assumptions)]
        lines += ["", "Read of each stack (SHA-256):", *(f"  {name}: {one}" for name, one in self.inputs.items())]
        return "\n".join(lines) + "\n"


def _mark(broken: bool, holds: bool) -> str:
    if broken:
        return "broken"
    return "proved" if holds else "open  "


def _hops(path: Sequence[Hop]) -> list[str]:
    lines = []
    for at, hop in enumerate(path):
        lines.append(f"  {'→ ' if at else '  '}{hop.at}{f': {hop.why}' if hop.why else ''}")
        if hop.urn:
            lines.append(f"      {hop.urn}{f' · {hop.field}' if hop.field else ''}")
    return lines
