"""The plugin `pulumi-resource-kubernetes`."""

from infra.local.providers.kubernetes.provider import KubernetesProvider
from infra.local.providers.run import run

if __name__ == "__main__":
    run(KubernetesProvider())
