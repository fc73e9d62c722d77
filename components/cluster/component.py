"""The cluster component: agent-sandbox and what every tenant of a region stands on."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.cluster import controller, manifests
from components.cluster.spec import PLATFORM_NAMESPACE, SANDBOX_NAMESPACE, ClusterSpec
from components.naming import PLATFORM, resource_name
from components.objects import declare
from components.values import Manifest

_ADMISSION = {"ValidatingAdmissionPolicy": "policy", "ValidatingAdmissionPolicyBinding": "binding"}


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """What a Cluster is made from.

    `kubernetes` is the provider of the region's cluster; `volumes_key_arn` the key agents' EBS volumes are encrypted
    with, where they are such. `admission` are admission policies and their bindings, manifests made elsewhere: what the
    API server asks of every object from then on, whoever sends it.
    """

    spec: ClusterSpec
    kubernetes: pulumi.ProviderResource
    volumes_key_arn: pulumi.Input[str] | None = None
    admission: Sequence[Manifest] = ()


class Cluster(pulumi.ComponentResource):
    """Namespaces, priorities, storage class, the `Sandbox` kind and its controller.

    `base` is what the platform's own pods wait for, `ready` what an agent waits for: the kind, the classes it names,
    and the controller that will see it.
    """

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:cluster:Cluster", name, None, opts)
        self._region = args.spec.region
        self._options = pulumi.ResourceOptions(parent=self, provider=args.kubernetes)
        spec = args.spec

        namespaces = {
            manifest["metadata"]["name"]: self._declare(manifest["metadata"]["name"], manifest)
            for manifest in manifests.build_namespaces(spec)
        }
        classes = [
            self._declare(manifest["metadata"]["name"], manifest)
            for manifest in (
                *manifests.build_priority_classes(spec),
                manifests.build_storage_class(spec, args.volumes_key_arn),
            )
        ]
        admission = [
            self._declare(f"{manifest['metadata']['name']}-{_ADMISSION[manifest['kind']]}", manifest)
            for manifest in args.admission
        ]
        definition = self._declare("sandbox-definition", manifests.build_sandbox_definition())
        identity = [
            self._declare(controller.NAME, manifest, needs=[namespaces[SANDBOX_NAMESPACE]])
            for manifest in controller.build_controller_identity(spec)
        ]
        policies = [
            self._declare(f"sandbox-{manifest['metadata']['name']}", manifest, needs=[namespaces[SANDBOX_NAMESPACE]])
            for manifest in controller.build_controller_policies(spec)
        ]
        self._declare(
            f"{controller.NAME}-budget",
            controller.build_disruption_budget(spec),
            needs=[namespaces[SANDBOX_NAMESPACE]],
        )
        running = self._declare(
            controller.NAME, controller.build_controller(spec), needs=[definition, *classes, *identity, *policies]
        )

        self.platform_namespace = PLATFORM_NAMESPACE
        self.base: list[pulumi.Resource] = [namespaces[PLATFORM_NAMESPACE], definition, *classes]
        self.ready: list[pulumi.Resource] = [*self.base, running, *admission]
        self.register_outputs({"namespaces": sorted(namespaces)})

    def _declare(
        self, role: str, manifest: dict[str, object], needs: list[pulumi.CustomResource] | None = None
    ) -> pulumi.CustomResource:
        options = pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=needs or []))
        return declare(resource_name(PLATFORM, self._region, role), manifest, options)
