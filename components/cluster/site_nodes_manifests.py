"""What lets machines of other sites be nodes: whom they are to AWS, and what they join as."""

import yaml

from components.cluster.cilium_manifests import NOT_READY_TAINT, PODS_A_NODE
from components.cluster.eks_manifests import cluster_arn, document
from components.cluster.pools_manifests import Taint
from components.cluster.site_nodes_spec import SiteMachinesSpec, SiteNodesSpec
from components.quantities import GPU
from runtime.contract import labels

IMAGES_POLICY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
"""Images, as every node has them."""


def build_trust(spec: SiteNodesSpec) -> str:
    """Systems Manager takes the role for machines that were registered with an activation of this account and region.

    https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-creds.html
    """
    condition = {
        "StringEquals": {"aws:SourceAccount": spec.account_id},
        "ArnEquals": {"aws:SourceArn": f"arn:aws:ssm:{spec.aws_region}:{spec.account_id}:*"},
    }
    service = {"Service": "ssm.amazonaws.com"}
    return document([{"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole", "Condition": condition}])


def build_permissions(spec: SiteNodesSpec) -> str:
    """What a machine may do beyond pulling images: ask about its cluster, and say that it is still there.

    AWS has nodes take its whole policy AmazonSSMManagedInstanceCore. That one reads every parameter of the account, and
    opens channels by which who may send commands is root on a machine that holds customers' data.
    """
    cluster = cluster_arn(spec.account_id, spec.aws_region, spec.cluster)
    machines = f"arn:aws:ssm:{spec.aws_region}:{spec.account_id}:managed-instance/*"
    return document(
        [
            {"Effect": "Allow", "Action": ["eks:DescribeCluster"], "Resource": cluster},
            {"Effect": "Allow", "Action": ["ssm:UpdateInstanceInformation"], "Resource": machines},
        ]
    )


def build_labels(machines: SiteMachinesSpec) -> dict[str, str]:
    """The labels its nodes join with; agents choose their node by them."""
    return {labels.PURPOSE: "gpu", labels.GPU_CLASS: machines.gpu_class, labels.SITE: machines.site}


def build_taints(machines: SiteMachinesSpec) -> list[Taint]:
    """The taints its nodes join with: beside those of any node with GPUs its site's, so that only who is placed there
    ever comes there, and no customer's data leaves its residency by chance."""
    return [
        Taint(NOT_READY_TAINT, "true", "NoExecute"),
        Taint(GPU, "present", "NoSchedule"),
        Taint(labels.SITE, machines.site, "NoSchedule"),
    ]


def build_node_config(spec: SiteNodesSpec, machines: SiteMachinesSpec) -> str:
    """What `nodeadm init` is given on a machine of the site, but for the activation it is registered with.

    https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-nodeadm.html
    """
    joined = ",".join(f"{key}={value}" for key, value in build_labels(machines).items())
    tainted = ",".join(f"{each.key}={each.value}:{each.effect}" for each in build_taints(machines))
    config = {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {
            "cluster": {"name": spec.cluster, "region": spec.aws_region},
            "hybrid": {"ssm": {"activationId": "", "activationCode": ""}},
            "kubelet": {
                "config": {"maxPods": PODS_A_NODE},
                "flags": [f"--node-labels={joined}", f"--register-with-taints={tainted}"],
            },
        },
    }
    text: str = yaml.safe_dump(config, sort_keys=False, width=1000)
    return text
