"""`moltghost region add`, `moltghost tenant add`: a stack file of a new region or customer, right from the start."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from components.cluster.catalogue import GPU_CLASSES, INSTANCE_TYPES, offered_in
from components.naming import is_label
from infra.check import PROJECT
from infra.fleet import Judged, judge_folder, stack_file
from infra.plan import GlobalPlan, RegionPlan
from infra.plan.fleet_addresses import next_free_block
from infra.settings import NAMESPACE, ConfigError
from infra.stack_yaml import dump

_SYSTEM_TYPES = ("m7a.2xlarge", "m7i.2xlarge", "m6a.2xlarge")
"""What the platform's own pods run on, the best first."""

_REGIONS = f"{NAMESPACE}:regions"
_FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=PROJECT,
    help="Where the fleet's stack files are, if not in the project.",
)


class AdditionError(click.ClickException):
    """A stack file cannot be written: why, and what to do."""


@dataclass(frozen=True)
class RegionRequest:
    """A region to be added; what is None is found: the block, the account, the region it is made like, the GPUs."""

    name: str
    aws_region: str
    zones: tuple[str, ...]
    block: str | None = None
    account_id: str | None = None
    like: str | None = None
    gpus: tuple[str, ...] = ()
    mesh_image: str | None = None
    location: tuple[float, float] = (0.0, 0.0)


@click.group()
def region() -> None:
    """Add regions to the fleet."""


@click.group()
def tenant() -> None:
    """Add customers to the fleet."""


@region.command("add")
@click.argument("name")
@click.option("--aws-region", required=True, help="The AWS region it is in, such as ap-southeast-2.")
@click.option("--zones", required=True, help="Three or four of its zones, with commas between.")
@click.option("--location", required=True, type=(float, float), help="Where it is: degrees north, degrees east.")
@click.option("--block", help="Its addresses, as 10.32.0.0/14; by itself the next that is free.")
@click.option("--account-id", help="The AWS account; by itself that of the region it is made like.")
@click.option("--like", help="The stack of the region whose versions, images and roles it takes; by itself the first.")
@click.option(
    "--gpu", "gpus", multiple=True, type=click.Choice(GPU_CLASSES), help="A GPU class; by itself all there are."
)
@click.option("--mesh-image", help="Its gateways' AMI, if it is to be a site of the mesh: AMIs are a region's own.")
@_FOLDER
def add_region(folder: Path, zones: str, gpus: Sequence[str], **asked: Any) -> None:
    """Write the stack file of region NAME, and list it in the global stack's.

    Nothing is written unless both are right. GPU pools begin with no node and can grow to one a zone.
    """
    request = RegionRequest(zones=tuple(zones.split(",")), gpus=tuple(gpus), **asked)
    judged = _judge(folder, request.name)
    listed, everywhere = _global_of(judged)
    model = _model_of(judged, request.like)
    block = request.block or _free_block(judged, everywhere)
    config = region_config(request, _config_of(folder, model), block)
    text = listed_in((stack_file(folder, listed)).read_text(), request.name, f"{{block: {block}, near: []}}")
    _write(
        folder,
        {request.name: render(config, f"Region {request.name}, written by `moltghost region add`."), listed: text},
    )
    click.echo(f"wrote Pulumi.{request.name}.yaml: block {block}, like {model}")
    click.echo(f"changed Pulumi.{listed}.yaml: it lists {request.name}; say in `near` whose clients it is near to")
    _next(
        f"pulumi stack init {request.name}",
        f"openssl rand -base64 32 | pulumi config set --stack {request.name} --secret {NAMESPACE}:tunnelSecret",
        f"pulumi up --stack {request.name}    # network, cluster, nodes, gateways, tunnel",
        f"pulumi up --stack {listed}    # from then on tenants can be placed there",
        *_joining(request, everywhere),
    )


def _joining(request: RegionRequest, everywhere: GlobalPlan) -> list[str]:
    """What is left to do until other sites reach the region, where there is a mesh."""
    if everywhere.settings.mesh is None:
        return []
    if request.mesh_image is None:
        return [f"to join it to the mesh, add {NAMESPACE}:mesh with an AMI, then: docs/runbooks/add-a-site.md"]
    number = 1 + max((site.number for site in everywhere.settings.sites), default=0)
    asked = f"pulumi stack output mesh_addresses --stack {request.name}"
    return [f"{asked}    # its site's endpoints; its number can be {number}: docs/runbooks/add-a-site.md, from step 2"]


@tenant.command("add")
@click.argument("tenant_id", metavar="ID")
@click.option("--home", required=True, help="The region its agents are in.")
@click.option("--failover", help="The region that takes over when home is lost; by itself nothing does.")
@click.option("--residency", help="All regions its data may be in, with commas between; by itself those two.")
@click.option("--agents", type=click.IntRange(min=1), default=1, show_default=True, help="How many agents it may have.")
@_FOLDER
def add_tenant(
    folder: Path, tenant_id: str, home: str, failover: str | None, residency: str | None, agents: int
) -> None:
    """Write the stack file of customer ID, with room for its agents and none yet.

    Nothing is written unless it is right.
    """
    judged = _judge(folder, tenant_id)
    listed, _ = _global_of(judged)
    placed = [home] if failover is None else [home, failover]
    stacks: dict[str, str] = {each.region: name for name, each in judged.plans.items() if isinstance(each, RegionPlan)}
    config = {
        "kind": "tenant",
        "global_stack": _full(judged, listed),
        "region_stacks": {each: _full(judged, stacks.get(each, each)) for each in placed},
        "placement": {
            "home": home,
            **({} if failover is None else {"failover": failover}),
            "residency": residency.split(",") if residency else placed,
        },
        "models": {},
        "tenant": {"id": tenant_id, "quota": quota_of(agents), "agents": []},
    }
    _write(folder, {tenant_id: render(config, f"Customer {tenant_id}, written by `moltghost tenant add`.")})
    click.echo(f"wrote Pulumi.{tenant_id}.yaml: {agents} agents at most, in {', then '.join(placed)}")
    _next(
        f"add its models and agents to Pulumi.{tenant_id}.yaml, then: moltghost check {tenant_id}",
        f"moltghost key new {tenant_id}    # and list the hash it prints under {NAMESPACE}:tenant.api_keys",
        f"pulumi stack init {tenant_id}",
        f"pulumi config set --stack {tenant_id} --secret {NAMESPACE}:agentSecrets    # from standard input",
        f"pulumi up --stack {tenant_id}",
    )


def region_config(request: RegionRequest, like: Mapping[str, Any], block: str) -> dict[str, Any]:
    """The settings of a new region. `like` are those of the region it is made like, whose cluster the stack makes."""
    cell, eks = like["region"], like["eks"]
    account = request.account_id or cell["aws"]["account_id"]
    release = next(iter(like["pools"].values()))["release"]
    kept = {field: value for field, value in cell.items() if field in {"gateway", "storage", "backup"}}
    return {
        "kind": "region",
        "global_stack": like["global_stack"],
        "region": {
            "name": request.name,
            "block": block,
            "aws": {"region": request.aws_region, "account_id": account},
            **kept,
        },
        "images": like["images"],
        "edge": {**like["edge"], "location": {"latitude": request.location[0], "longitude": request.location[1]}},
        "eks": {**eks, "zones": list(request.zones)},
        "pools": build_pools(request, release),
        **({"database": like["database"]} if "database" in like else {}),
        **({"mesh": _mesh(request.mesh_image, like.get("mesh", {}))} if request.mesh_image else {}),
    }


def _mesh(image: str, like: Mapping[str, Any]) -> dict[str, Any]:
    """Its gateways, whose addresses come first: other sites must be told them before anything else is made."""
    return {**like, "joined": False, "image": image}


def build_pools(request: RegionRequest, release: str) -> dict[str, Any]:
    """A pool for the platform, and one for each GPU class asked for, or that AWS has in the region."""
    aws_region, gpus, zones = request.aws_region, request.gpus, len(request.zones)
    there = offered_in(aws_region)
    system = next((name for name in _SYSTEM_TYPES if name in there), _SYSTEM_TYPES[0])
    pools: dict[str, Any] = {
        "system": {"purpose": "system", "instance_type": system, "min": zones, "max": 2 * zones, "release": release}
    }
    for gpu_class in GPU_CLASSES:
        types = offered_in(aws_region, gpu_class)
        if gpu_class in gpus or (not gpus and types):
            fallback = next(name for name, each in INSTANCE_TYPES.items() if each.gpu_class == gpu_class)
            made_of = types[0] if types else fallback
            pools[gpu_class] = {"purpose": "gpu", "instance_type": made_of, "min": 0, "max": zones, "release": release}
    return pools


def quota_of(agents: int) -> dict[str, int]:
    """Ceilings with room for so many agents: a GPU, 4 cores, 32 GiB and 100 GB each."""
    each = {"agents": 1, "gpus": 1, "cpu": 4, "memory_gib": 32, "volumes_gb": 100}
    return {name: amount * agents for name, amount in each.items()}


def render(config: Mapping[str, Any], comment: str) -> str:
    """A stack file's text."""
    named = {f"{NAMESPACE}:{name}": value for name, value in config.items()}
    document = {"config": {"pulumi:disable-default-providers": ["*"], **named}}
    return f"# {comment}\n{dump(document, width=120)}"


def listed_in(text: str, name: str, entry: str) -> str:
    """A global stack's file with one region more, its comments and everything else as they were.

    Raises AdditionError if the file lists its regions in a way that nothing can be added to, line by line.
    """
    holder = _mapping_at(yaml.compose(text, Loader=yaml.SafeLoader), "config", _REGIONS)
    if holder is None or holder.flow_style or not holder.value:
        raise AdditionError(f"{_REGIONS} is not a list of lines: add `{name}: {entry}` to it by hand, and ask again")
    key, last = holder.value[-1]
    lines = text.splitlines(keepends=True)
    end = _last_line(last) + 1
    lines[end - 1] = lines[end - 1].rstrip("\n") + "\n"
    lines.insert(end, f"{' ' * key.start_mark.column}{name}: {entry}\n")
    return "".join(lines)


def _mapping_at(node: yaml.Node | None, *steps: str) -> yaml.MappingNode | None:
    for step in steps:
        if not isinstance(node, yaml.MappingNode):
            return None
        node = next((value for key, value in node.value if key.value == step), None)
    return node if isinstance(node, yaml.MappingNode) else None


def _last_line(node: yaml.Node) -> int:
    """The line a node's text ends on: a block's own end is where the next thing begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    line: int = node.end_mark.line
    return line


def _judge(folder: Path, name: str) -> Judged:
    if not is_label(name):
        raise AdditionError(f"{name!r} is not a DNS label: a stack is called as what it declares, in lower case")
    if stack_file(folder, name).exists():
        raise AdditionError(f"Pulumi.{name}.yaml is there already: choose another name, or edit it")
    return judge_folder(folder)


def _global_of(judged: Judged) -> tuple[str, GlobalPlan]:
    for name, plan in judged.plans.items():
        if isinstance(plan, GlobalPlan):
            return name, plan
    raise AdditionError("no stack here is of kind global, or it is not right: see `moltghost check`")


def _model_of(judged: Judged, like: str | None) -> str:
    made = [
        name for name, plan in judged.plans.items() if isinstance(plan, RegionPlan) and plan.settings.eks is not None
    ]
    if like is not None and like not in made:
        raise AdditionError(f"--like {like} is no sound region whose cluster its stack makes: name one of {made}")
    if not made:
        raise AdditionError("no region here makes its cluster: write the first one by hand, as docs/regions.md shows")
    return like or made[0]


def _free_block(judged: Judged, everywhere: GlobalPlan) -> str:
    taken = [each.block for each in everywhere.settings.regions.values()]
    taken += [plan.settings.region.block for plan in judged.plans.values() if isinstance(plan, RegionPlan)]
    taken += [network for site in everywhere.settings.sites for network in site.ranges]
    taken += [everywhere.settings.mesh.tunnel_range] if everywhere.settings.mesh else []
    free = next_free_block(taken)
    if free is None:
        raise AdditionError("no block is free: give a smaller one with --block")
    return str(free)


def _config_of(folder: Path, stack: str) -> dict[str, Any]:
    config = yaml.safe_load(stack_file(folder, stack).read_text())["config"]
    return {name.removeprefix(f"{NAMESPACE}:"): value for name, value in config.items() if name.startswith(NAMESPACE)}


def _full(judged: Judged, stack: str) -> str:
    """A stack's full name, under the organization and project the fleet's other stacks have."""
    named = [plan.settings.global_stack for plan in judged.plans.values() if isinstance(plan, RegionPlan)]
    return f"{named[0].rpartition('/')[0] if named else 'organization/moltghost'}/{stack}"


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write stack files, all of them or none: only once they are right, each by itself and all together."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".moltghost-") as scratch:
        drafts = {stack: stack_file(Path(scratch), stack) for stack in texts}
        for stack, text in texts.items():
            drafts[stack].write_text(text)
        judged = judge_folder(folder, drafts)
        problems: dict[str, ConfigError] = {str(one): one for stack in texts for one in judged.problems_of(stack)}
        if problems:
            raise AdditionError("nothing was written:\n" + "\n".join(problems))
        for stack, draft in drafts.items():
            draft.replace(stack_file(folder, stack))


def _next(*commands: str) -> None:
    click.echo("next:")
    for at, command in enumerate(commands, 1):
        click.echo(f"  {at}. {command}")
