"""The agent component: one Sandbox, and what it may reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.agent import manifests
from components.agent.sealed import declare_secret
from components.agent.spec import AgentSpec, Lifecycle
from components.naming import resource_name
from components.objects import declare

_WAIT = f"{manifests.START_BUDGET_S + 60}s"


@dataclass(frozen=True, kw_only=True)
class AgentArgs:
    """What an Agent is made from.

    `secrets` are the contents of the files its spec names, each a Pulumi secret; `needs` is what must hold it before
    its pod starts.
    """

    spec: AgentSpec
    secrets: Mapping[str, pulumi.Output[str]]
    kubernetes: pulumi.ProviderResource
    needs: Sequence[pulumi.Resource] = ()


class Agent(pulumi.ComponentResource):
    """One agent, there when its model answers. `sandbox` is the name of its Sandbox."""

    def __init__(self, name: str, args: AgentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:agent:Agent", name, None, opts)
        spec = args.spec
        options = pulumi.ResourceOptions(parent=self, provider=args.kubernetes, depends_on=list(args.needs))
        mounted = [declare_secret(spec, args.secrets, options)]
        for manifest in (manifests.build_config(spec), manifests.build_skills(spec), manifests.build_egress(spec)):
            if manifest is not None:
                own = resource_name(spec.tenant, spec.region, manifest["metadata"]["name"])
                mounted.append(declare(own, manifest, options))
        after = pulumi.ResourceOptions.merge(_sandbox_options(spec), pulumi.ResourceOptions(depends_on=mounted))
        declare(
            resource_name(spec.tenant, spec.region, spec.name),
            manifests.build_sandbox(spec),
            pulumi.ResourceOptions.merge(options, after),
            shared=True,
        )
        self.sandbox = spec.name
        self.register_outputs({"namespace": spec.namespace, "sandbox": spec.name})


def _sandbox_options(spec: AgentSpec) -> pulumi.ResourceOptions:
    # Whoever puts a suspendable agent to sleep owns its mode from then on; a deployment must not wake it.
    ignored = ["spec.operatingMode"] if spec.lifecycle is Lifecycle.SUSPENDABLE else []
    timeouts = pulumi.CustomTimeouts(create=_WAIT, update=_WAIT, delete="3m")
    return pulumi.ResourceOptions(custom_timeouts=timeouts, ignore_changes=ignored)
