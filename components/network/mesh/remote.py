"""A gateway outside the cloud: a machine reached by SSH."""

from dataclasses import dataclass

import pulumi
import pulumi_command as command

from components.network.mesh.delivery import INSTALL, build_bundle, install_input
from components.network.mesh.planning import GatewayId, Mesh
from components.network.mesh.spec import HostSpec, MeshSpec

_LEAVE = (
    "systemctl disable --now moltghost-mesh.service moltghost-mesh-routing.service; "
    'while read -r name _; do ip link delete dev "$name"; done </etc/moltghost-mesh/current/interfaces; '
    "rm -rf /etc/moltghost-mesh"
)
"""Takes a machine out of the mesh. The packet filter stays until the next boot: what was shut isn't opened."""


@dataclass(frozen=True, kw_only=True)
class RemoteGatewayArgs:
    """What a RemoteGateway is made from. `private_key` is SSH's; `host_key` must be the machine's."""

    gateway: GatewayId
    mesh: MeshSpec
    host: HostSpec
    keys: pulumi.Input[str]
    address: str
    user: str
    private_key: pulumi.Input[str]
    host_key: str
    command: pulumi.ProviderResource


class RemoteGateway(pulumi.ComponentResource):
    """One gateway's bundle on a machine, and in force there. A bundle that fails leaves what was, and is an error."""

    def __init__(self, name: str, args: RemoteGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:network:RemoteGateway", name, None, opts)
        plan = Mesh(args.mesh).gateway(args.gateway)
        delivered: pulumi.Output[str] = pulumi.Output.secret(args.keys).apply(
            lambda keys: install_input(build_bundle(plan, args.host, keys))
        )
        installed = command.remote.Command(
            name,
            connection={
                "host": args.address,
                "user": args.user,
                "private_key": pulumi.Output.secret(args.private_key),
                "host_key": args.host_key,
            },
            create=INSTALL,
            update=INSTALL,
            delete=_LEAVE,
            stdin=delivered,
            logging=command.remote.Logging.NONE,
            opts=pulumi.ResourceOptions(parent=self, provider=args.command, additional_secret_outputs=["stdin"]),
        )
        self.ready: list[pulumi.Resource] = [installed]
        self.register_outputs({})
