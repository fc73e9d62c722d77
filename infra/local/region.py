"""A whole region on this machine: prepared, started, deployed by the real engine, asked, taken down."""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from infra.local.cache import cache_root
from infra.local.chat import stream_chat
from infra.local.cluster.addresses import Addresses
from infra.local.credentials import Credentials
from infra.local.engine import Engine, EngineError
from infra.local.images import IMAGE_TOOLS, Image, Images
from infra.local.machine import AUTO, Machine, Mode
from infra.local.progress import Steps
from infra.local.stack_file import write_stack_file
from infra.local.status import EdgeStatus, ProgramStatus, RegionStatus, TenantStatus
from infra.local.tools import Tools
from infra.settings import DevSettings, load_settings
from infra.settings.models import Tenant
from infra.skills import building, keys
from runtime.skills.bundle import write_bundle

PROJECT = Path(__file__).resolve().parents[2]
EDGE = PROJECT / "workers" / "edge"
WORKER_SCRIPT = EDGE / "dist" / "index.js"
STACK = "dev"
COMMITTED = PROJECT / f"Pulumi.{STACK}.yaml"
EXAMPLE_SKILLS = PROJECT / "examples" / "skills" / "crm"
QUESTION = "Who are you?"
_IMAGES = {"agent": "agent", "platform": "platform", "agent_sandbox": "agent-sandbox-controller"}
"""The machine's settings for images, and what they are called here."""
_MODELS = {"tiny": "model-tiny"}
"""The models made here, and the images that hold them."""
_AGENT_SECRETS = "moltghost:agentSecrets"
DONE = re.compile(r" (created|updated|deleted|replaced)\b|\*\*|error:")
"""Lines of the engine's that tell something is done or went wrong; the others only say that it is at work."""


@dataclass(frozen=True)
class Prepared:
    """What a region is started from."""

    tools: dict[str, Path]
    images: dict[str, Image]
    skills: dict[str, dict[str, str]]
    """The bundles made here, by tenant, as the machine's settings name them."""


class LocalRegion:
    """The region whose state is in `state`. `slot` (0…15) keeps its ports and addresses apart from another region's.

    `mode` is what its pods run on, a `Mode`; by itself what this user can have.
    """

    def __init__(self, state: Path, slot: int = 0, mode: str = AUTO) -> None:
        self.state = state.resolve()
        self.addresses = Addresses(slot)
        self.machine = Machine(self.state, slot, mode)
        self.tools = Tools(cache_root())
        self.stack_file = self.state / f"Pulumi.{STACK}.yaml"

    @property
    def edge_url(self) -> str:
        """Where the Worker answers."""
        return self.machine.info().edge_url

    @property
    def gateway_origin(self) -> str:
        """What the Worker fetches for this region: the tunnel's end on loopback."""
        return self.machine.info().gateway_origin

    @cached_property
    def credentials(self) -> Credentials:
        """The region's own secrets."""
        return Credentials(self.state / "keys")

    @cached_property
    def engine(self) -> Engine:
        """The engine that runs the stack here."""
        pulumi = self.tools.ensure(["pulumi"], lambda _detail: None)["pulumi"]
        return Engine(self.state, self.stack_file, PROJECT, pulumi, STACK)

    def prepare(self, steps: Steps) -> Prepared:
        """Make what the region is started from; what is there already is left alone."""
        with steps.step("System packages") as step:
            self.machine.ensure_packages(step)
        with steps.step("Tools") as step:
            builders = IMAGE_TOOLS if self.machine.mode is Mode.REAL else ()
            tools = self.tools.ensure(["pulumi", *self.machine.tools, *builders], step)
        images: dict[str, Image] = {}
        if self.machine.mode is Mode.REAL:
            with steps.step("Images") as step:
                images = Images(cache_root(), self.tools).ensure(step)
        with steps.step("Edge Worker"):
            subprocess.run(["npm", "run", "--silent", "build"], cwd=EDGE, check=True)
        with steps.step("Skills"):
            skills = self._build_skills()
        return Prepared(tools, images, skills)

    def start(self, steps: Steps) -> None:
        """Bring up the machine a stack can land on: cluster, cloud stand-ins, engine."""
        prepared = self.prepare(steps)
        with steps.step("Machine") as step:
            self.machine.up(prepared.tools, prepared.images, step)
        with steps.step("Engine"):
            self._write_stack_file(prepared)

    def deploy(self, steps: Steps) -> None:
        """Run `pulumi up`."""
        with steps.step("pulumi up") as step:
            self.engine.up(on_line=lambda line: step(line.strip()) if DONE.search(line) else None)

    def chat(self) -> Iterator[str]:
        """Ask the first tenant's first agent; the pieces of its answer as they come."""
        tenant = self.tenants()[0]
        return stream_chat(self.edge_url, Path(tenant.key_file).read_text(), tenant.agents[0], QUESTION)

    def down(self, steps: Steps) -> None:
        """Stop and remove everything; nothing is left of the region but the tool cache."""
        with steps.step("Taking the region down"):
            self.machine.down()

    def status(self) -> RegionStatus:
        """What runs and where."""
        programs = [
            ProgramStatus(one.name, one.state, one.pid, one.address, str(one.log)) for one in self.machine.status()
        ]
        tenants = self.tenants() if programs else []
        return RegionStatus(
            state=str(self.state),
            deployed=bool(tenants),
            edge=EdgeStatus(self.edge_url),
            tenants=tenants,
            kubeconfig=str(self.machine.kubeconfig),
            backend_url=f"file://{self.state / 'pulumi'}",
            programs=programs,
        )

    def tenants(self) -> list[TenantStatus]:
        """The tenants as deployed; none before the first `pulumi up` has ended."""
        if not self.stack_file.exists():
            return []
        return [
            TenantStatus(
                id=tenant["id"],
                key_file=str(self.credentials.api_key(tenant["id"]).file),
                namespace=tenant["namespace"],
                agents=[agent["name"] for agent in tenant["agents"]],
            )
            for tenant in self.engine.stack_output().get("tenants", [])
        ]

    def require_started(self) -> None:
        """Raise EngineError unless `up` has prepared the engine here."""
        if not self.stack_file.exists():
            raise EngineError(f"{self.state} holds no region: run `make up` first")

    def _build_skills(self) -> dict[str, dict[str, str]]:
        """Build the example's bundle for each tenant whose agents ask for skills, and that has no bundle of its own.

        It is signed with a key made here: only on this machine does the platform hold a tenant's.
        """
        made = {}
        for tenant in load_settings(COMMITTED, DevSettings).tenants:
            if tenant.skills is None and any(agent.skills for agent in tenant.agents):
                key = keys.read_key(self.credentials.skills_key(tenant.id))
                archive = self.state / "skills" / f"{tenant.id}.skills.tar.gz"
                archive.parent.mkdir(exist_ok=True)
                archive.write_bytes(write_bundle(building.build(EXAMPLE_SKILLS, tenant.id, key)))
                made[tenant.id] = {"bundle": str(archive), "key": keys.public_text(key)}
        return made

    def _write_stack_file(self, prepared: Prepared) -> None:
        overlay = self._overlay(prepared)
        write_stack_file(COMMITTED, overlay, self.stack_file)
        tenants = load_settings(self.stack_file, DevSettings).tenants
        overlay["moltghost:machine"]["api_keys"] = [self._api_key(tenant.id) for tenant in tenants]
        lacking = write_stack_file(COMMITTED, overlay, self.stack_file)
        self.engine.prepare()
        values = {"keyPepper": self.credentials.pepper, "edgeSigningKey": self.credentials.signing_key}
        for name, make in values.items():  # other kinds of stacks have others
            if f"moltghost:{name}" in lacking:
                self.engine.set_secret(f"moltghost:{name}", make())
        # Always: the agents may be others than last time.
        self.engine.set_secret(_AGENT_SECRETS, self._agent_secrets(tenants))

    def _overlay(self, prepared: Prepared) -> dict[str, Any]:
        """What only this machine knows of the stack; of a cluster that was given, the stack file itself must tell."""
        here, info = self.addresses, self.machine.info()
        machine = {
            "kubeconfig": str(info.kubeconfig),
            "aws_endpoint": info.aws_endpoint,
            "cloudflare_endpoint": info.cloudflare_endpoint,
            "gateway_origin": info.gateway_origin,
            "worker_script": str(WORKER_SCRIPT),
            "edge_keys": self.credentials.public_keys(),
            "skills": prepared.skills,
        }
        if self.machine.mode is Mode.GIVEN:
            return {"moltghost:machine": machine}
        network = {"nodes": str(here.node_network), "pods": str(here.pods), "services": str(here.services)}
        own = {"tunnel_source": info.tunnel_source, **self._image_references(prepared.images)}
        return {"moltghost:region": {"network": network}, "moltghost:machine": machine | own}

    def _agent_secrets(self, tenants: Sequence[Tenant]) -> str:
        held = {
            f"{tenant.id}/{agent.name}": self.credentials.agent_secrets(tenant.id, agent.name, agent.secrets)
            for tenant in tenants
            for agent in tenant.agents
        }
        return json.dumps(held, sort_keys=True)

    def _api_key(self, tenant: str) -> dict[str, str]:
        key = self.credentials.api_key(tenant)
        return {"tenant": key.tenant, "id": key.id, "hash": key.hash}

    def _image_references(self, images: dict[str, Image]) -> dict[str, dict[str, str]]:
        if self.machine.mode is Mode.SIMULATED:
            references = Images(cache_root(), self.tools).planned_references()
        else:
            references = {name: image.reference for name, image in images.items()}
        return {
            "images": {field: references[name] for field, name in _IMAGES.items()},
            "models": {model: references[name] for model, name in _MODELS.items()},
        }
