"""A sample fleet: stack files of a global stack, three regions and many customers, the same from the same seed."""

import base64
import copy
import hashlib
import random
from collections.abc import Iterator, Mapping
from functools import cache
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from components.network.addresses import ZONE_SLOTS, allocate
from components.network.mesh.spec import PLANES
from infra.additions import RegionRequest, build_pools, quota_of, region_config, render
from infra.fleet import stack_file
from infra.settings import NAMESPACE
from infra.synth.program import PROJECT

REGIONS = (
    RegionRequest("use1", "us-east-1", ("us-east-1a", "us-east-1b", "us-east-1c"), "10.16.0.0/14", gpus=("l40s",)),
    RegionRequest("usw2", "us-west-2", ("us-west-2a", "us-west-2b", "us-west-2c"), "10.20.0.0/14", gpus=("l40s",)),
    RegionRequest("euc1", "eu-central-1", ("eu-central-1a", "eu-central-1b", "eu-central-1c"), "10.24.0.0/14",
                  gpus=("l40s",), location=(50.1, 8.7)),
)  # fmt: skip
"""Three regions AWS has our smallest GPU class in."""

_ENDPOINTS = IPv4Network("203.0.113.0/24")
"""Addresses nobody has (RFC 5737)."""

_LIKE = "use1"
_PREFIX = "organization/moltghost/"
_GLOBAL = "global"
_MOST_AGENTS = 3
_GPUS_A_NODE = 1
_NAMES = ("helper", "analyst", "clerk")
_MODELS = ("qwen3-32b", "gemma3-27b")


def write_fleet(folder: Path, tenants: int = 100, seed: int = 1) -> list[str]:
    """Write the stack files, and return the stacks' names in the order they are deployed in.

    Every stack is right by itself and beside the others: `moltghost check` has nothing to say of them.
    """
    configs = dict(sample_fleet(tenants, seed))
    for name, config in configs.items():
        stack_file(folder, name).write_text(render(config, f"{name} of a sample fleet of {tenants} customers."))
    return list(configs)


def sample_fleet(tenants: int, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each stack's name and settings."""
    chance = random.Random(seed)  # noqa: S311  # nothing here is secret
    yield _GLOBAL, _everywhere()
    customers = [_customer(f"customer{at:04}", chance) for at in range(1, tenants + 1)]
    for request in REGIONS:
        yield request.name, _region(request, customers)
    for customer in customers:
        yield str(customer["tenant"]["id"]), customer


def _everywhere() -> dict[str, Any]:
    config = _committed(_GLOBAL)
    return config | {
        "regions": {each.name: {"block": each.block, "near": []} for each in REGIONS},
        "sites": [_site(at, each) for at, each in enumerate(REGIONS)],
    }


def _site(at: int, request: RegionRequest) -> dict[str, Any]:
    vpc = allocate(IPv4Network(str(request.block)), ZONE_SLOTS).vpc
    return {
        "name": request.name,
        "kind": "region",
        "number": at + 1,
        "ranges": [str(vpc)],
        "gateways": [
            {
                "plane": plane,
                "endpoint": str(_ENDPOINTS[2 * at + number]),
                "keys": [{"generation": 1, "key": _public_key(f"{request.name}-{plane}")}],
            }
            for number, plane in enumerate(PLANES[:2], 1)
        ],
    }


def _public_key(gateway: str) -> str:
    """A key nobody has the private half of."""
    return base64.b64encode(hashlib.sha256(gateway.encode()).digest()).decode()


def _region(request: RegionRequest, customers: list[dict[str, Any]]) -> dict[str, Any]:
    """A region with a GPU for each that a customer may use there, and room for as many more."""
    like = _committed(_LIKE)
    config = region_config(request, like, str(request.block))
    release = next(iter(like["pools"].values()))["release"]
    pools = build_pools(request, release)
    placed = (each for each in customers if request.name in each["region_stacks"])
    gpus = sum(each["tenant"]["quota"]["gpus"] for each in placed)
    pools["l40s"]["max"] = max(len(request.zones), 2 * gpus // _GPUS_A_NODE)
    return config | {"pools": pools, "mesh": like["mesh"]}


def _customer(name: str, chance: random.Random) -> dict[str, Any]:
    home, failover, _ = chance.sample([each.name for each in REGIONS], 3)
    placed = [home, failover] if chance.random() < 0.7 else [home]
    agents = chance.randint(1, _MOST_AGENTS)
    models = sorted(chance.sample(_MODELS, chance.randint(1, len(_MODELS))))
    return {
        "kind": "tenant",
        "global_stack": f"{_PREFIX}{_GLOBAL}",
        "region_stacks": {each: f"{_PREFIX}{each}" for each in placed},
        "placement": {
            "home": home,
            **({"failover": failover} if failover in placed else {}),
            "residency": placed,
        },
        "models": {model: _model(model) for model in models},
        "tenant": {
            "id": name,
            "quota": quota_of(agents),
            "limits": {"per_minute": chance.choice((100, 600, 6000)), "burst": 60, "streams": 20},
            "agents": [_agent(agent, chance.choice(models), chance) for agent in _NAMES[:agents]],
        },
    }


def _agent(name: str, model: str, chance: random.Random) -> dict[str, Any]:
    return {
        "name": name,
        "model": model,
        "gpu_class": "l40s",
        "cpu": 3,
        "memory_gib": 24,
        "volume_gb": 100,
        "lifecycle": chance.choice(("always-on", "suspendable")),
    }


def _model(name: str) -> dict[str, Any]:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {
        "digest": f"sha256:{digest}",
        "bucket": {"name": "moltghost-example-models", "prefix": f"models/{name}/"},
    }


@cache
def _read(stack: str) -> Mapping[str, Any]:
    config: Mapping[str, Any] = yaml.safe_load(stack_file(PROJECT, stack).read_text())["config"]
    return config


def _committed(stack: str) -> dict[str, Any]:
    """The settings of a stack of the project's own."""
    config = _read(stack)
    own = {name.removeprefix(f"{NAMESPACE}:"): each for name, each in config.items() if name.startswith(NAMESPACE)}
    return copy.deepcopy(own)
