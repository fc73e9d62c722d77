"""The ingress component: the region's connectors, and nothing that listens."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.ingress import manifests
from components.ingress.spec import CONNECTOR, ConnectorSpec
from components.naming import PLATFORM, resource_name
from components.objects import declare
from components.values import Manifest


@dataclass(frozen=True, kw_only=True)
class IngressArgs:
    """What an Ingress is made from: `token` is the tunnel's, a Pulumi secret; `needs` is what must be there first."""

    spec: ConnectorSpec
    token: pulumi.Output[str]
    kubernetes: pulumi.ProviderResource
    needs: Sequence[pulumi.Resource] = ()


class Ingress(pulumi.ComponentResource):
    """cloudflared, three at least: the one way into the region, and it is dialled from inside."""

    def __init__(self, name: str, args: IngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:ingress:Ingress", name, None, opts)
        spec = args.spec
        self._region = spec.region
        self._options = pulumi.ResourceOptions(parent=self, provider=args.kubernetes)
        encoded = args.token.apply(lambda token: base64.b64encode(token.encode()).decode())
        digest = args.token.apply(lambda token: hashlib.sha256(token.encode()).hexdigest())
        guards = [self._declare(CONNECTOR, manifests.build_secret(spec, encoded), args.needs)]
        guards += [
            self._declare(f"ingress-{policy['metadata']['name']}", policy, args.needs)
            for policy in manifests.build_policies(spec)
        ]
        self._declare(CONNECTOR, manifests.build_deployment(spec, digest), guards)
        self._declare(CONNECTOR, manifests.build_disruption_budget(spec), args.needs)
        self.register_outputs({"namespace": spec.namespace})

    def _declare(self, role: str, manifest: Manifest, needs: Sequence[pulumi.Resource]) -> pulumi.CustomResource:
        options = pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=list(needs)))
        return declare(resource_name(PLATFORM, self._region, role), manifest, options)
