"""What stands before the Worker in a stack: the zone; where there are any, clients' CAs and the console's lock."""

import pulumi

from components.edge.client_certificates import ClientCertificates, ClientCertificatesArgs
from components.edge.operations import Console, ConsoleArgs
from components.edge.operations_spec import ConsoleSpec
from components.edge.zone import Zone, ZoneArgs
from components.edge.zone_spec import FirewallSpec, ZoneSpec
from components.naming import PLATFORM, resource_name
from infra.plan import Plan
from infra.stacks.access_specs import client_certificates_spec


def declare_zone(plan: Plan, cloudflare: pulumi.ProviderResource) -> list[pulumi.Resource]:
    """Declare them; what is returned must be there before clients can come in."""
    zone = Zone(resource_name(PLATFORM, plan.region, "zone"), ZoneArgs(spec=zone_spec(plan), cloudflare=cloudflare))
    declared: list[pulumi.Resource] = [zone]
    if (certificates := client_certificates_spec(plan)) is not None:
        own = resource_name(PLATFORM, plan.region, "client-certificates")
        args = ClientCertificatesArgs(spec=certificates, cloudflare=cloudflare)
        declared.append(ClientCertificates(own, args))
    if (console := console_spec(plan)) is not None:
        own = resource_name(PLATFORM, plan.region, "console")
        declared.append(Console(own, ConsoleArgs(spec=console, cloudflare=cloudflare)))
    return declared


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
