"""`moltghost check`: what `pulumi up` would say of a stack's config, without an engine."""

from pathlib import Path

import click

from infra.plan import CustomerPlan, GlobalPlan, Plan, RegionPlan, StackPlan, plan_stack
from infra.settings import ConfigError, draft_settings, read_file
from infra.settings.models import Region, Tenant

PROJECT = Path(__file__).resolve().parent.parent


@click.command()
@click.argument("stack")
@click.option(
    "--config-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The stack's file, if it is not Pulumi.<STACK>.yaml in the project.",
)
def check(stack: str, config_file: Path | None) -> None:
    """Check STACK's config: every problem at once, each with its place and its remedy."""
    try:
        plan = plan_stack(draft_settings(read_file(config_file or PROJECT / f"Pulumi.{stack}.yaml")))
    except ConfigError as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None
    click.echo(summary(stack, plan))


def summary(stack: str, plan: StackPlan) -> str:
    """The plan in a few lines."""
    match plan:
        case Plan():
            said = _dev(plan)
        case GlobalPlan():
            said = [f"edge https://{plan.settings.edge.hostname}"]
            said += [f"region {region} at {origin}" for region, origin in plan.origins.items()]
        case RegionPlan():
            region = plan.settings.region
            said = [f"{_region(plan.region, region)}; way in {plan.origin}"]
        case CustomerPlan():
            said = [f"tenant {plan.tenant} in {', then '.join(plan.regions)}: {_agents(plan.settings.tenant)}"]
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


def _agents(tenant: Tenant) -> str:
    return ", ".join(f"{agent.name} ({agent.model} on {agent.gpu_class})" for agent in tenant.agents) or "no agent yet"
