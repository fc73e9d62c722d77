"""Two regions on this machine, as an operator has them: a stack of what they share, one a region, one a customer.

Their clusters are given (`Fleet`), or made by the regions' own stacks (`MadeFleet`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import yaml

from infra.local.aws.deployer import sign_in
from infra.local.cache import cache_root
from infra.local.engine import Engine
from infra.local.images import Images
from infra.local.machine import Mode
from infra.local.progress import Steps
from infra.local.region import WORKER_SCRIPT, LocalRegion
from infra.stack_yaml import dump
from tests.e2e.conftest import PROJECT
from tests.stack_files import DIGEST, dev_config

PLACEMENTS: Mapping[str, dict[str, Any]] = {
    "acme": {"home": "sin", "failover": "jkt", "residency": ["sin", "jkt"]},
    "globex": {"home": "sin", "residency": ["sin"]},
}
"""acme may be carried on in the other region; globex's data may be nowhere but at home."""
AWS_REGIONS = {"sin": "ap-southeast-1", "jkt": "ap-southeast-3"}
GLOBAL = "organization/moltghost/global"
T = TypeVar("T")


@dataclass
class Fleet:
    """Regions by name, each a cluster of its own; the last one's stand-ins play the clouds of all."""

    regions: Mapping[str, LocalRegion]
    placements: Mapping[str, dict[str, Any]] = field(default_factory=lambda: PLACEMENTS)
    _images: dict[str, str] = field(default_factory=dict)

    @property
    def clouds(self) -> LocalRegion:
        """The region whose stand-ins for AWS and Cloudflare all stacks use."""
        return list(self.regions.values())[-1]

    @property
    def machines(self) -> list[LocalRegion]:
        """What is started and taken down."""
        return list(self.regions.values())

    def start(self) -> None:
        """Bring up the clusters, side by side, and what stands for the clouds."""
        prepared = self.clouds.prepare(Steps())  # for all: they are of one mode
        _each(self.machines, lambda region: region.machine.up(prepared.tools, prepared.images, lambda _line: None))
        self._images = {name: image.reference for name, image in prepared.images.items()}
        if self.clouds.machine.mode in (Mode.SIMULATED, Mode.CLOUDS):  # where none is there, only its name counts
            self._images = Images(cache_root(), self.clouds.tools).planned_references()

    def down(self) -> None:
        """Take everything away."""
        _each(self.machines, lambda region: region.down(Steps()))

    @cached_property
    def engines(self) -> dict[str, Engine]:
        """An engine for each stack, in the order they are deployed in; all share one backend."""
        pulumi = self.clouds.tools.ensure(["pulumi"], lambda _line: None)["pulumi"]
        return {
            stack: self._engine(stack, config, secrets, pulumi) for stack, (config, secrets) in self._stacks().items()
        }

    def up(self) -> None:
        """Deploy every stack: what regions share, the regions, the customers."""
        for stage in self._stages():
            _each(stage, Engine.up)

    def destroy(self) -> None:
        """Take down every stack, the last ones first."""
        for stage in reversed(self._stages()):
            _each(stage, Engine.destroy)

    def _stages(self) -> list[list[Engine]]:
        """Stacks that don't need one another, in the order they are deployed in."""
        return [[self.engines[stack] for stack in stage] for stage in (["global"], self.regions, self.placements)]

    def _engine(self, stack: str, config: dict[str, Any], secrets: dict[str, str], pulumi: Any) -> Engine:
        file = self.clouds.state / f"Pulumi.{stack}.yaml"
        values = {"pulumi:disable-default-providers": ["*"]}
        values |= {f"moltghost:{name}": value for name, value in config.items()}
        file.write_text(dump({"config": values}))
        engine = Engine(self.clouds.state, file, PROJECT, pulumi, stack, self._environment())
        engine.prepare()
        for name, value in secrets.items():
            engine.set_secret(f"moltghost:{name}", value)
        return engine

    def _environment(self) -> dict[str, str]:
        """What the engine's environment has beside what every local one has."""
        return {}

    def _stacks(self) -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
        """Each stack's settings and secrets."""
        credentials = self.clouds.credentials
        shared = {"keyPepper": credentials.pepper(), "edgeSigningKey": credentials.signing_key()}
        return {
            "global": (self._global(), shared),
            **{name: (self._region(name, at), {}) for at, name in enumerate(self.regions)},
            **{name: (self._tenant(name), self._agent_secrets(name)) for name in self.placements},
        }

    def _global(self) -> dict[str, Any]:
        machine = {
            "cloudflare_endpoint": self.clouds.machine.info().cloudflare_endpoint,
            "worker_script": str(WORKER_SCRIPT),
            "origins": self._origins(),
        }
        return {
            "kind": "global",
            "edge": dev_config()["moltghost:edge"],
            "edge_keys": self.clouds.credentials.public_keys(),
            "regions": {name: {"block": _block(at)} for at, name in enumerate(self.regions)},
            "machine": machine,
        }

    def _origins(self) -> dict[str, str]:
        return {name: region.gateway_origin for name, region in self.regions.items()}

    def _region(self, name: str, at: int) -> dict[str, Any]:
        region, here = dev_config()["moltghost:region"], self.regions[name]
        addresses, info = here.addresses, here.machine.info()
        network = {
            "nodes": str(addresses.node_network),
            "pods": str(addresses.pods),
            "services": str(addresses.services),
        }
        return {
            "kind": "region",
            "region": {
                **region,
                "name": name,
                "block": _block(at),
                "network": network,
                "aws": {**region["aws"], "region": AWS_REGIONS[name]},
            },
            "edge": {key: dev_config()["moltghost:edge"][key] for key in ("account_id", "zone_id", "zone")},
            "images": self._region_images(),
            "global_stack": GLOBAL,
            "machine": {
                "kubeconfig": str(here.machine.kubeconfig),
                "aws_endpoint": self.clouds.machine.info().aws_endpoint,
                "tunnel_source": info.tunnel_source,
            },
        }

    def _region_images(self) -> dict[str, str]:
        return {
            "agent": self._images["agent"],
            "platform": self._images["platform"],
            "agent_sandbox": self._images["agent-sandbox-controller"],
            "cloudflared": f"localhost/moltghost/cloudflared@{DIGEST}",
        }

    def _tenant(self, name: str) -> dict[str, Any]:
        (tenant,) = [each for each in dev_config()["moltghost:tenants"] if each["id"] == name]
        for agent in tenant["agents"]:
            agent.pop("skills", None)  # a bundle is made for the machine of a dev stack alone
        key = self.clouds.credentials.api_key(name)
        placement = self.placements[name]
        regions = [placement[field] for field in ("home", "failover") if field in placement]
        info = self.clouds.machine.info()
        return {
            "kind": "tenant",
            "tenant": {**tenant, "api_keys": [{"id": key.id, "hash": key.hash, "agents": ["*"]}]},
            "placement": placement,
            "models": dev_config()["moltghost:models"],
            "global_stack": GLOBAL,
            "region_stacks": {region: f"organization/moltghost/{region}" for region in regions},
            "machine": {
                "aws_endpoint": info.aws_endpoint,
                "cloudflare_endpoint": info.cloudflare_endpoint,
                "models": {"tiny": self._images["model-tiny"]},
            },
        }

    def _agent_secrets(self, name: str) -> dict[str, str]:
        tenant = self._tenant(name)["tenant"]
        held = {
            f"{name}/{agent['name']}": self.clouds.credentials.agent_secrets(
                name, agent["name"], agent.get("secrets", [])
            )
            for agent in tenant["agents"]
        }
        return {"agentSecrets": json.dumps(held)}


class MadeFleet(Fleet):
    """Regions whose stacks, as they are committed, make their network, cluster, pools and database.

    One machine plays all clouds, and its EKS runs the clusters.
    """

    @property
    def machines(self) -> list[LocalRegion]:
        return [self.clouds]

    @cached_property
    def deployer(self) -> dict[str, str]:
        """The deployer's credentials, as variables of an environment."""
        (role,) = {admin for name in self.regions for admin in committed(name)["moltghost:eks"]["admins"]}
        return sign_in(self.clouds.machine.info().aws_endpoint, "us-east-1", role)

    def _environment(self) -> dict[str, str]:
        return self.deployer

    def _origins(self) -> dict[str, str]:
        """Nobody answers there: the pods of simulated nodes don't run."""
        return {name: f"http://127.0.0.1:{self.clouds.addresses.port(98 + at)}" for at, name in enumerate(self.regions)}

    def _region(self, name: str, at: int) -> dict[str, Any]:
        config = {key.removeprefix("moltghost:"): value for key, value in committed(name).items() if "moltghost" in key}
        config["region"]["block"] = _block(at)
        config["mesh"]["joined"] = (
            False  # as a region's first deployment is: it has its gateways' addresses, no keys yet
        )
        # What holds customers' data is protected otherwise, and a destroy stops there.
        for kept in ("eks", "database"):
            config[kept]["delete_with_stack"] = True
        config["region"]["backup"] = dev_config()["moltghost:region"]["backup"]
        edge = dev_config()["moltghost:edge"]
        config["edge"] |= {key: edge[key] for key in ("account_id", "zone_id", "zone")}
        machine = {"aws_endpoint": self.clouds.machine.info().aws_endpoint}
        return config | {"images": self._region_images(), "global_stack": GLOBAL, "machine": machine}


def committed(stack: str) -> dict[str, Any]:
    """A committed stack's settings, freely changeable."""
    config: dict[str, Any] = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())["config"]
    return config


def _each(those: Sequence[T], work: Callable[[T], object]) -> None:
    """Have all do it side by side, as an operator's pipeline does; the first failure is raised once all have ended."""
    with ThreadPoolExecutor(len(those)) as pool:
        list(pool.map(work, those))


def _block(at: int) -> str:
    return f"10.{16 + 4 * at}.0.0/14"
