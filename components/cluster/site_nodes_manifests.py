"""What lets machines of other sites be nodes: whom they are to AWS, and what they join as."""

import json

import yaml

from components.cluster.cilium_manifests import NOT_READY_TAINT, PODS_A_NODE
from components.cluster.eks_manifests import cluster_arn, document
from components.cluster.pools_manifests import Taint
from components.cluster.site_nodes_spec import SiteMachinesSpec, SiteNodesSpec
from components.labels import platform_labels
from components.quantities import GPU
from components.values import Manifest
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


ADMISSION = "moltghost-site-nodes"
"""The policy that holds machines of sites to what they are, and its binding."""

MACHINES = "system:node:mi-"
"""How users begin who are machines Systems Manager registered: it names them, and nobody else is named so."""


def build_admission(spec: SiteNodesSpec) -> list[Manifest]:
    """The policy that a machine is no other node than its site's, and its binding.

    A kubelet names its own labels and taints. Without this, whoever is root on a machine elsewhere could have it stand
    for one of the region's own: the platform's pods, and other customers' agents, would come to it.
    """
    site, purpose, gpu_class, tenant = (
        json.dumps(key) for key in (labels.SITE, labels.PURPOSE, labels.GPU_CLASS, labels.TENANT)
    )
    classes = json.dumps({each.site: each.gpu_class for each in spec.sites}, sort_keys=True)
    metadata = {"name": ADMISSION, "labels": platform_labels(spec.region, labels.ROLE_SYSTEM)}
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": metadata}
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["nodes"]}
            ]
        },
        "matchConditions": [
            {"name": "a-machine", "expression": f"request.userInfo.username.startsWith({json.dumps(MACHINES)})"}
        ],
        "variables": [
            {"name": "labels", "expression": "object.metadata.?labels.orValue({})"},
            {"name": "site", "expression": f'variables.labels[?{site}].orValue("")'},
            {"name": "classes", "expression": classes},
        ],
        "validations": [
            {
                "expression": f"variables.site in variables.classes && !({tenant} in variables.labels)"
                f' && variables.labels[?{purpose}].orValue("") == "gpu"'
                f' && variables.labels[?{gpu_class}].orValue("") == variables.classes[variables.site]',
                "message": "A machine of another site has the labels that the stack's output `site_nodes` has for it.",
                "reason": "Forbidden",
            },
            {
                "expression": "object.spec.?taints.orValue([]).exists(taint,"
                f' taint.key == {site} && taint.?value.orValue("") == variables.site && taint.effect == "NoSchedule")',
                "message": "A machine of another site has its site's taint, so that only who is placed there comes.",
                "reason": "Forbidden",
            },
        ],
    }
    bound = {"policyName": ADMISSION, "validationActions": ["Deny"]}
    return [
        {**head, "kind": "ValidatingAdmissionPolicy", "spec": policy},
        {**head, "kind": "ValidatingAdmissionPolicyBinding", "spec": bound},
    ]
