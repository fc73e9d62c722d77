"""What stands before the Worker in a stack: the zone, and the console's lock where there is a console."""

import pulumi

from components.edge.operations import Console, ConsoleArgs
from components.edge.operations_spec import ConsoleSpec
from components.edge.zone import Zone, ZoneArgs
from components.edge.zone_spec import FirewallSpec, ZoneSpec
from components.naming import PLATFORM, resource_name
from infra.plan import Plan


def declare_zone(plan: Plan, cloudflare: pulumi.ProviderResource) -> list[pulumi.Resource]:
    """Declare both; what is returned must be there before clients can come in."""
    zone = Zone(resource_name(PLATFORM, plan.region, "zone"), ZoneArgs(spec=zone_spec(plan), cloudflare=cloudflare))
    console = console_spec(plan)
    if console is None:
        return [zone]
    own = resource_name(PLATFORM, plan.region, "console")
    return [zone, Console(own, ConsoleArgs(spec=console, cloudflare=cloudflare))]


def zone_spec(plan: Plan) -> ZoneSpec:
    """The zone, and how its firewall judges."""
    edge = plan.settings.edge
    return ZoneSpec(
        region=plan.region,
        zone_id=edge.zone_id,
        zone=edge.zone,
        hostname=edge.hostname,
        console=edge.console.hostname if edge.console else None,
        firewall=FirewallSpec(**edge.waf.model_dump()),
    )


def console_spec(plan: Plan) -> ConsoleSpec | None:
    """Who may open the console."""
    edge = plan.settings.edge
    if edge.console is None:
        return None
    return ConsoleSpec(
        region=plan.region,
        account_id=edge.account_id,
        hostname=edge.console.hostname,
        email_domains=tuple(edge.console.email_domains),
        session_hours=edge.console.session_hours,
    )
