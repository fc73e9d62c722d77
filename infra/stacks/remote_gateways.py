"""Gateways of sites outside the cloud: machines the global stack configures by SSH."""

import pulumi

from components.naming import PLATFORM, resource_name
from components.network.mesh.planning import GatewayId, Mesh
from components.network.mesh.remote import RemoteGateway, RemoteGatewayArgs
from components.network.mesh.spec import HostSpec, MeshSpec
from infra import providers
from infra.mesh_keys import require_own_halves
from infra.plan.build import EVERYWHERE
from infra.settings.kinds import GlobalSettings
from infra.settings.mesh import GatewayMachine


def declare_machines(settings: GlobalSettings, mesh: MeshSpec) -> None:
    """Declare every gateway that is a machine of its own."""
    machines = {
        GatewayId(site.name, own.plane): own.machine
        for site in settings.sites
        for own in site.gateways
        if own.machine is not None
    }
    if not machines:
        return
    config, provider = pulumi.Config(), providers.command_provider(EVERYWHERE)
    keys = config.require_secret("meshKeys").apply(lambda stored: require_own_halves(stored, Mesh(mesh), machines))
    ssh_key = config.require_secret("meshSshKey")
    for gateway, machine in machines.items():
        RemoteGateway(
            resource_name(PLATFORM, EVERYWHERE, f"mesh-{gateway}"),
            RemoteGatewayArgs(
                gateway=gateway,
                mesh=mesh,
                host=host_spec(machine),
                keys=keys,
                address=machine.address,
                user=machine.user,
                private_key=ssh_key,
                host_key=machine.host_key,
                command=provider,
            ),
        )


def host_spec(machine: GatewayMachine) -> HostSpec:
    """The machine as its configuration needs to know it."""
    return HostSpec(
        underlay=machine.underlay,
        lan=machine.lan,
        address=machine.lan_address,
        next_hop=machine.next_hop,
        routers=tuple(machine.routers),
    )
