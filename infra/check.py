"""`moltghost check`: what `pulumi up` would say of a stack's config, without an engine."""

from pathlib import Path

import click

from infra.plan import Plan, plan_stack
from infra.settings import ConfigError, draft_settings, read_file

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


def summary(stack: str, plan: Plan) -> str:
    """The plan in a few lines."""
    settings = plan.settings
    gpus = ", ".join(f"{offered.count} {name}" for name, offered in settings.region.gpu_classes.items())
    lines = [
        f"{stack}: no problem",
        f"  region {plan.region}: {gpus}; {settings.region.gateway.replicas} gateways; bucket {plan.bucket}",
        f"  edge https://{settings.edge.hostname}",
    ]
    for tenant in plan.tenants:
        agents = [f"{agent.name} ({agent.model} on {agent.gpu_class})" for agent in tenant.settings.agents]
        lines.append(f"  tenant {tenant.id} in {tenant.namespace}: {', '.join(agents) or 'no agent yet'}")
    return "\n".join(lines)
