"""The control plane component: for now, the regional gateway."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.control_plane import manifests, policies
from components.control_plane.spec import GATEWAY, GatewaySpec
from components.naming import PLATFORM, resource_name
from components.objects import declare
from components.values import Manifest


@dataclass(frozen=True, kw_only=True)
class ControlPlaneArgs:
    """What a ControlPlane is made from; `needs` is what the cluster must have ready first."""

    gateway: GatewaySpec
    kubernetes: pulumi.ProviderResource
    needs: Sequence[pulumi.Resource] = ()


class ControlPlane(pulumi.ComponentResource):
    """The gateway, spread over nodes, guarded, and reachable through the tunnel alone."""

    def __init__(self, name: str, args: ControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:control_plane:ControlPlane", name, None, opts)
        spec = args.gateway
        self._region = spec.region
        self._options = pulumi.ResourceOptions(parent=self, provider=args.kubernetes)

        guards = [
            self._declare(GATEWAY, manifest, args.needs)
            for manifest in (*manifests.build_identity(spec), manifests.build_config(spec))
        ]
        guards += [
            self._declare(f"{GATEWAY}-{policy['metadata']['name']}", policy, args.needs)
            for policy in policies.build_policies(spec)
        ]
        deployment = self._declare(GATEWAY, manifests.build_deployment(spec), guards)
        self._declare(GATEWAY, manifests.build_disruption_budget(spec), args.needs)
        # After the pods, so that waiting for the Service's endpoints cannot outlast a pod that never comes.
        self._declare(GATEWAY, manifests.build_service(spec), [deployment])
        self.gateway_namespace = spec.namespace
        self.register_outputs({"gateway_namespace": spec.namespace})

    def _declare(self, role: str, manifest: Manifest, needs: Sequence[pulumi.Resource]) -> pulumi.CustomResource:
        options = pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=list(needs)))
        return declare(resource_name(PLATFORM, self._region, role), manifest, options)
