"""What stands before the Worker in a stack: the zone; where there are any, clients' CAs and the console's lock."""

from collections.abc import Sequence

import pulumi

from components.edge.client_certificates import ClientCertificates, ClientCertificatesArgs
from components.edge.operations import Console, ConsoleArgs
from components.edge.operations_spec import ConsoleSpec
from components.edge.zone import Zone, ZoneArgs
from components.edge.zone_spec import FirewallSpec, ZoneSpec
from components.labels import Region
from components.naming import PLATFORM, resource_name
from infra.settings.edge import Edge
from infra.stacks.access_specs import client_certificates_spec


def declare_zone(
    region: Region, edge: Edge, cloudflare: pulumi.ProviderResource, origins: Sequence[str] = ()
) -> list[pulumi.Resource]:
    """Declare them; what is returned must be there before clients can come in. `origins` are the tunnels' names."""
    zone = Zone(
        resource_name(PLATFORM, region, "zone"), ZoneArgs(spec=zone_spec(region, edge, origins), cloudflare=cloudflare)
    )
    declared: list[pulumi.Resource] = [zone]
    if (certificates := client_certificates_spec(region, edge)) is not None:
        own = resource_name(PLATFORM, region, "client-certificates")
        args = ClientCertificatesArgs(spec=certificates, cloudflare=cloudflare)
        declared.append(ClientCertificates(own, args))
    if (console := console_spec(region, edge)) is not None:
        own = resource_name(PLATFORM, region, "console")
        declared.append(Console(own, ConsoleArgs(spec=console, cloudflare=cloudflare)))
    return declared


def zone_spec(region: Region, edge: Edge, origins: Sequence[str] = ()) -> ZoneSpec:
    """The zone, and how its firewall judges."""
    return ZoneSpec(
        region=region,
        zone_id=edge.zone_id,
        zone=edge.zone,
        hostname=edge.hostname,
        console=edge.console.hostname if edge.console else None,
        origins=tuple(origins),
        firewall=FirewallSpec(**edge.waf.model_dump()),
    )


def console_spec(region: Region, edge: Edge) -> ConsoleSpec | None:
    """Who may open the console."""
    if edge.console is None:
        return None
    return ConsoleSpec(
        region=region,
        account_id=edge.account_id,
        hostname=edge.console.hostname,
        email_domains=tuple(edge.console.email_domains),
        session_hours=edge.console.session_hours,
    )
