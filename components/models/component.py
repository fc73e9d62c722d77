"""The model component: a bucket's prefix that one tenant's agents can mount."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.models import manifests
from components.models.spec import BucketModelSpec
from components.naming import model_claim_name, resource_name
from components.objects import declare


@dataclass(frozen=True, kw_only=True)
class BucketModelArgs:
    """What a BucketModel is made from; `needs` is what must be there before it: the namespace and its quota."""

    spec: BucketModelSpec
    kubernetes: pulumi.ProviderResource
    needs: Sequence[pulumi.Resource] = ()


class BucketModel(pulumi.ComponentResource):
    """A model in a bucket. `claim` is what an agent mounts; `ready` what it waits for."""

    def __init__(self, name: str, args: BucketModelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:models:BucketModel", name, None, opts)
        spec = args.spec
        options = pulumi.ResourceOptions(parent=self, provider=args.kubernetes, depends_on=list(args.needs))
        own = manifests.volume_name(spec)
        volume = declare(own, manifests.build_volume(spec), options)
        bound = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[volume]))
        claim = declare(
            resource_name(spec.tenant, spec.region, f"{model_claim_name(spec.model)}-claim"),
            manifests.build_claim(spec),
            bound,
        )
        self.claim = model_claim_name(spec.model)
        self.ready: list[pulumi.Resource] = [volume, claim]
        self.register_outputs({"claim": self.claim})
