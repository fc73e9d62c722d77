"""How much of a month a request finds its way, computed from what is promised, measured or assumed of each part.

Parts in a row are all needed, and their availabilities multiply; parts beside each other are replicas, of which one is
enough. Both hold for failures that are independent of each other. Parts of one region are not, entirely: that is why a
region's own SLA stands in the row as well, and bounds what replicas inside it can reach.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Literal

from runtime.contract import edge

DAYS = 30
MONTH_S = DAYS * 24 * 60 * 60
TARGET = 0.9999
"""What is asked of the platform: at most 259.2 s (4.32 min) of 30 days without an answer."""

Basis = Literal["published", "measured", "assumed"]


@dataclass(frozen=True)
class Part:
    """Something a request needs. `availability` is a share of time; `source` is where the number comes from."""

    name: str
    availability: float
    basis: Basis
    source: str

    def __post_init__(self) -> None:
        if not 0.0 <= self.availability <= 1.0:
            raise ValueError(f"{self.name}: availability must lie between 0 and 1, not {self.availability}")


@dataclass(frozen=True)
class Path:
    """One way a request goes: what it is called, how available it is, what that counts and what it doesn't."""

    name: str
    availability: float
    covers: str

    @property
    def lost_s(self) -> float:
        """Seconds of 30 days without an answer."""
        return (1 - self.availability) * MONTH_S

    @property
    def reaches_target(self) -> bool:
        """Whether it is TARGET or better, to a tenth of a second in the month."""
        return self.lost_s <= (1 - TARGET) * MONTH_S + 0.1


def serial(availabilities: Iterable[float]) -> float:
    """Of parts that are all needed."""
    return prod(availabilities)


def parallel(availabilities: Iterable[float]) -> float:
    """Of parts of which one is enough; 0 for none at all."""
    return 1 - prod(1 - each for each in availabilities)


def interrupted(times: float, seconds: float) -> float:
    """Of a part that is away `times` a month for so many seconds each. Raises ValueError for a negative amount."""
    if times < 0 or seconds < 0:
        raise ValueError("times and seconds must not be negative")
    return max(0.0, 1 - times * seconds / MONTH_S)


def failing_over(first: float, second: float, failures: float, gap_s: float) -> float:
    """Of two regions, of which the second is asked once the first is known to be away.

    Each of `failures` a month costs `gap_s` until that is known, or the whole failure where it is shorter: a failover
    is never worse than none.
    """
    noticing = min(failures * gap_s / MONTH_S, 1 - first)
    return 1 - (1 - first) * (1 - second) - noticing * second


EC2_ZONES = Part("EC2 in two zones or more", 0.9999, "published", "https://aws.amazon.com/compute/sla/")
EC2_INSTANCE = Part("one EC2 instance", 0.995, "published", "https://aws.amazon.com/compute/sla/")
RDS_ZONES = Part("RDS in two zones", 0.9995, "published", "https://aws.amazon.com/rds/sla/")
EKS = Part("the API server of EKS", 0.9995, "published", "https://aws.amazon.com/eks/sla/")
CLOUDFLARE = Part(
    "Cloudflare: Worker, KV, Durable Object and tunnel together",
    0.99999,
    "assumed",
    "its SLA promises 100 % as a credit: https://www.cloudflare.com/business-sla/",
)
AGENT_RESTARTS = 2.0
AGENT_RESTART_S = 57.0
AGENT = Part(
    "the restarts of an agent's own pod",
    interrupted(AGENT_RESTARTS, AGENT_RESTART_S),
    "measured",
    "21.5 to 57 s until it is ready; two restarts a month are assumed",
)
INPUTS = (CLOUDFLARE, EC2_ZONES, EC2_INSTANCE, RDS_ZONES, EKS, AGENT)

MONITOR_INTERVAL_S, MONITOR_TRIES = 60, 2
"""How the load balancer's monitor asks (components/edge/origin_spec.py)."""
TABLE_AGE_S = edge.KV_CACHE_S + edge.RECORD_MEMORY_S
FAILOVER_GAP_S = MONITOR_INTERVAL_S * MONITOR_TRIES + TABLE_AGE_S
"""Seconds until every Worker knows that a region is away, at worst: of one that takes a request and says nothing.

One that refuses is passed over at once.
"""
REGION_FAILURES = 0.1
"""Failures of a whole region in a month that are assumed: about one a year."""
REPLICAS = 3


def gateways(replicas: int) -> float:
    """Of so many gateways, each on an instance in a zone of its own."""
    return parallel([EC2_INSTANCE.availability] * replicas)


def _region(gateway_replicas: int) -> float:
    return serial([EC2_ZONES.availability, gateways(gateway_replicas)])


def _paths() -> tuple[Path, ...]:
    region = _region(REPLICAS)
    agent = serial([EC2_INSTANCE.availability, AGENT.availability])
    two = failing_over(region, region, REGION_FAILURES, FAILOVER_GAP_S)
    two_agents = failing_over(region * agent, region * agent, REGION_FAILURES + AGENT_RESTARTS, FAILOVER_GAP_S)
    edge_alone = CLOUDFLARE.availability
    return (
        Path("one region, one gateway, one zone", serial([edge_alone, EC2_INSTANCE.availability]), "edge to gateway"),
        Path("one region, three gateways in three zones", serial([edge_alone, region]), "edge to gateway"),
        Path("two regions, three gateways each", serial([edge_alone, two]), "edge to gateway"),
        Path("one region, with the agent", serial([edge_alone, region, agent]), "edge to an answer"),
        Path("two regions, an agent in each", serial([edge_alone, two_agents]), "edge to an answer"),
    )


PATHS = _paths()


def render_tables() -> str:
    """The inputs and the paths as Markdown, for docs/availability.md."""
    inputs = ["| part | availability | basis | source |", "|---|---|---|---|"]
    inputs += [f"| {each.name} | {_percent(each.availability)} | {each.basis} | {each.source} |" for each in INPUTS]
    paths = ["| path | covers | availability | lost in 30 days | 99.99 % |", "|---|---|---|---|---|"]
    paths += [
        f"| {each.name} | {each.covers} | {_percent(each.availability)} | {_minutes(each.lost_s)} | "
        f"{'reached' if each.reaches_target else 'not reached'} |"
        for each in PATHS
    ]
    return "\n".join([*inputs, "", *paths]) + "\n"


def _percent(share: float) -> str:
    return f"{share * 100:.4f} %"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.2f} min"
