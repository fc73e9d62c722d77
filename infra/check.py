"""`moltghost check`: what `pulumi up` would say of a stack's config, without an engine."""

from collections.abc import Sequence
from pathlib import Path

import click

from components.network.mesh.planning import Mesh
from infra.fleet import judge_folder, stack_file
from infra.plan import CustomerPlan, GlobalPlan, Plan, RegionPlan, StackPlan
from infra.plan.capacity import capacity_warnings, render_ceilings
from infra.plan.placement import when_lost
from infra.plan.region_ceilings import region_ceilings
from infra.plan.sites import Joined
from infra.settings import ConfigError
from infra.settings.models import Region, Tenant

PROJECT = Path(__file__).resolve().parent.parent
KIND_ORDER = ("global", "region", "tenant", "dev")
"""As stacks go up; a dev stack stands alone."""


@click.command()
@click.argument("stack", required=False)
@click.option(
    "--config-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The stack's file, if it is not Pulumi.<STACK>.yaml in the folder.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=PROJECT,
    help="Where the fleet's stack files are, if not in the project.",
)
@click.option(
    "--ceilings", "with_ceilings", is_flag=True, help="Show each region's limits and how much of them it uses."
)
def check(stack: str | None, config_file: Path | None, folder: Path, with_ceilings: bool) -> None:
    """Check the config of STACK, or of every stack: all problems at once, each with its place and its remedy.

    What stacks are to each other is checked with it: addresses, regions, GPUs, and what tenants are known by.
    """
    if stack is None:
        if config_file is not None:
            raise click.UsageError("--config-file is the file of one stack: name the stack")
        judged = judge_folder(folder)
        _refuse(judged.problems())
        stacks = sorted(judged.plans, key=lambda name: (KIND_ORDER.index(judged.plans[name].settings.kind), name))
    else:
        judged = judge_folder(folder, {stack: config_file or stack_file(folder, stack)})
        _refuse(judged.problems_of(stack))
        stacks = [stack]
    for name in stacks:
        plan = judged.plans[name]
        place = judged.fleet.place_of(plan.region) if isinstance(plan, RegionPlan) else None
        click.echo(summary(name, plan, place))
        if with_ceilings and isinstance(plan, RegionPlan):
            click.echo("\n".join(f"  {line}" for line in render_ceilings(region_ceilings(plan.settings, place))))


def _refuse(errors: Sequence[ConfigError]) -> None:
    if errors:
        click.echo("\n".join(map(str, errors)), err=True)
        raise SystemExit(1)


def summary(stack: str, plan: StackPlan, place: Joined | None = None) -> str:
    """The plan in a few lines; `place` is a region's own in the mesh."""
    match plan:
        case Plan():
            said = _dev(plan)
        case GlobalPlan():
            said = [f"edge https://{plan.settings.edge.hostname}"]
            said += [f"region {region} at {origin}" for region, origin in plan.origins.items()]
            said += [f"mesh of {', '.join(site.name for site in plan.settings.sites)}"] if plan.settings.sites else []
        case RegionPlan():
            said = [f"{_region(plan.region, plan.cell)}; way in {plan.origin}"]
            said += [_mesh(plan, place)] if plan.settings.mesh else []
            said += [f"near its limit: {text}" for text in capacity_warnings(region_ceilings(plan.settings, place))]
        case CustomerPlan():
            said = [f"tenant {plan.tenant} in {', then '.join(plan.regions)}: {_agents(plan.settings.tenant)}"]
            said += [f"if {each.region} is lost, {each.why}" for each in when_lost(plan.settings.placement)]
    return "\n".join([f"{stack}: no problem", *(f"  {line}" for line in said)])


def _dev(plan: Plan) -> list[str]:
    lines = [
        f"{_region(plan.region, plan.settings.region)}",
        f"edge https://{plan.settings.edge.hostname}",
    ]
    return lines + [
        f"tenant {each.id} in {each.namespace}: {_agents(each.settings)}; bucket {each.bucket}" for each in plan.tenants
    ]


def _region(name: str, region: Region) -> str:
    gpus = ", ".join(f"{offered.count} {gpu}" for gpu, offered in region.gpu_classes.items())
    return f"region {name}: {gpus}; {region.gateway.replicas} gateways"


def _mesh(plan: RegionPlan, place: Joined | None) -> str:
    if place is None:
        return "not joined to the mesh: after `pulumi up` copy its mesh_addresses into moltghost:sites of `global`"
    others = Mesh(place.mesh).neighbours[plan.region]
    return f"site {place.site.number} of the mesh, joined to {', '.join(others) or 'no other'}"


def _agents(tenant: Tenant) -> str:
    return ", ".join(f"{agent.name} ({agent.model} on {agent.gpu_class})" for agent in tenant.agents) or "no agent yet"
