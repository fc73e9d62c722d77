"""The agent component: one Sandbox, and what it may reach."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.agent import manifests
from components.agent.spec import AgentSpec, Lifecycle
from components.naming import egress_policy_name, resource_name
from components.objects import declare

_WAIT = f"{manifests.START_BUDGET_S + 60}s"


@dataclass(frozen=True, kw_only=True)
class AgentArgs:
    """What an Agent is made from; `needs` is what must hold it before its pod starts."""

    spec: AgentSpec
    kubernetes: pulumi.ProviderResource
    needs: Sequence[pulumi.Resource] = ()


class Agent(pulumi.ComponentResource):
    """One agent, there when its model answers. `sandbox` is the name of its Sandbox."""

    def __init__(self, name: str, args: AgentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:agent:Agent", name, None, opts)
        spec = args.spec
        egress = manifests.build_egress(spec)
        options = pulumi.ResourceOptions(parent=self, provider=args.kubernetes, depends_on=list(args.needs))
        if egress is not None:
            declare(resource_name(spec.tenant, spec.region, egress_policy_name(spec.name)), egress, options)
        declare(
            resource_name(spec.tenant, spec.region, spec.name),
            manifests.build_sandbox(spec),
            pulumi.ResourceOptions.merge(options, _sandbox_options(spec)),
            shared=True,
        )
        self.sandbox = spec.name
        self.register_outputs({"namespace": spec.namespace, "sandbox": spec.name})


def _sandbox_options(spec: AgentSpec) -> pulumi.ResourceOptions:
    # Whoever puts a suspendable agent to sleep owns its mode from then on; a deployment must not wake it.
    ignored = ["spec.operatingMode"] if spec.lifecycle is Lifecycle.SUSPENDABLE else []
    timeouts = pulumi.CustomTimeouts(create=_WAIT, update=_WAIT, delete="3m")
    return pulumi.ResourceOptions(custom_timeouts=timeouts, ignore_changes=ignored)
