"""`moltghost check`: what `pulumi up` would say of a stack's config, without an engine."""

from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

import click

from components.network.mesh.planning import Mesh
from infra.fleet import judge_folder, stack_file
from infra.plan import CustomerPlan, GlobalPlan, Plan, RegionPlan, StackPlan
from infra.plan.capacity import Ceiling, capacity_warnings, render_ceilings
from infra.plan.fleet import Fleet
from infra.plan.fleet_addresses import render_plan
from infra.plan.placement import when_lost
from infra.plan.region_ceilings import region_ceilings
from infra.plan.sites import Joined
from infra.policies import judge_stacks
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
@click.option("--addresses", is_flag=True, help="Show the fleet's address plan: every region's block and site's range.")
@click.option(
    "--ceilings", "with_ceilings", is_flag=True, help="Show each region's limits and how much of them it uses."
)
@click.option(
    "--policies", "with_policies", is_flag=True, help="Judge what each stack declares; a refusal ends with 3."
)
def check(
    stack: str | None,
    config_file: Path | None,
    folder: Path,
    *,
    addresses: bool,
    with_ceilings: bool,
    with_policies: bool,
) -> None:
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
        found = ceilings_in(judged.fleet, plan) if isinstance(plan, RegionPlan) else []
        click.echo(summary(name, plan, place, found))
        if with_ceilings and found:
            click.echo("\n".join(f"  {line}" for line in render_ceilings(found)))
    if addresses:
        click.echo("\n".join(render_plan(*addresses_of(judged.fleet))))
    if with_policies:
        fleet = [name for name in stacks if judged.plans[name].settings.kind != "dev"]
        for name in sorted(set(stacks) - set(fleet)):
            click.echo(f"{name}: of kind dev, which needs its machine: the policy pack judges it")
        judge_stacks(folder, fleet, {} if stack is None or config_file is None else {stack: config_file})


def ceilings_in(fleet: Fleet, plan: RegionPlan) -> list[Ceiling]:
    """A region's ceilings, with all its neighbours and tenants bring it."""
    return region_ceilings(plan.settings, fleet.place_of(plan.region), fleet.promised_in(plan.region))


def addresses_of(fleet: Fleet) -> tuple[dict[str, IPv4Network], dict[str, IPv4Network]]:
    """The blocks of a fleet's regions, and the ranges of other sites and of tunnels, each by where it is set."""
    listed = fleet.listed()
    if listed is None:
        return {}, {}
    settings = listed[1]
    blocks = {f"moltghost:regions.{name}.block": region.block for name, region in settings.regions.items()}
    others = {
        f"moltghost:sites[{at}].ranges[{each}] ({site.name})": network
        for at, site in enumerate(settings.sites)
        if site.name not in settings.regions
        for each, network in enumerate(site.ranges)
    }
    tunnels = {"moltghost:mesh.tunnel_range": settings.mesh.tunnel_range} if settings.mesh else {}
    return blocks, others | tunnels


def _refuse(errors: Sequence[ConfigError]) -> None:
    if errors:
        click.echo("\n".join(map(str, errors)), err=True)
        raise SystemExit(1)


def summary(stack: str, plan: StackPlan, place: Joined | None = None, found: Sequence[Ceiling] = ()) -> str:
    """The plan in a few lines; `place` is a region's own in the mesh, `found` its ceilings."""
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
            said += [f"near its limit: {text}" for text in capacity_warnings(found)]
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
