"""Plausible one-line changes that let a tenant out or somebody in, each caught; and others like them that do not."""

import json
from dataclasses import replace
from typing import Any

import pytest

from infra.prove.proof import prove
from infra.prove.verdict import (
    EDGE_APART,
    EGRESS_LISTS,
    IDENTITIES_APART,
    NOTHING_OUTSIDE,
    ONLY_THE_GATEWAY,
    TENANTS_APART,
)
from policies.record import Unknown
from runtime.contract import labels
from tests.infra.prove.fleet import (
    Change,
    Stacks,
    adding,
    chained,
    document,
    editing,
    one,
    swapped,
    thawed,
    with_outputs,
)

A, B, HERE = "customer0001-use1", "customer0002-use1", "platform-use1"
POLICY, ROLE_POLICY = ":NetworkPolicy", ":RolePolicy"
DOOR, DNS, METRICS = f"{A}-gateway-to-agents", f"{A}-agents-to-dns", f"{A}-monitoring-to-agents"
AGENTS_B = f"{B}-agents"


def spec(edit: Any) -> Any:
    return lambda inputs: edit(inputs["spec"])


def rule(way: str, edit: Any) -> Any:
    return lambda inputs: edit(inputs["spec"][way][0])


def own_list(cidr: str, *, agent: str = "helper", **selector: str) -> Change:
    """An egress list of an agent's own, as the program writes it, to one range."""

    def edit(inputs: dict[str, Any]) -> None:
        inputs["metadata"]["name"] = f"{agent}-egress"
        inputs["metadata"]["labels"][labels.AGENT] = agent
        wanted = selector or {labels.ROLE: labels.ROLE_AGENT, labels.AGENT: agent}
        inputs["spec"]["podSelector"] = {"matchLabels": wanted}
        inputs["spec"]["egress"] = [{"to": [{"ipBlock": {"cidr": cidr}}], "ports": [{"protocol": "TCP", "port": 443}]}]

    return adding((POLICY, DNS), f"{A}-{agent}-egress", edit)


def volume_of(stacks: Stacks) -> Stacks:
    """A's model volume on B's snapshot bucket."""
    bucket = one(stacks, ":Bucket", f"{B}-snapshots").inputs["bucket"]
    (volume,) = [
        each
        for stack in stacks
        for each in stack.resources
        if each.type.endswith(":PersistentVolume") and each.name.startswith(A)
    ][:1]
    inputs = thawed(volume.inputs)
    inputs["spec"]["csi"]["volumeAttributes"]["bucketName"] = bucket
    return swapped(stacks, volume.urn, replace(volume, inputs=inputs))


def aliased(stacks: Stacks) -> Stacks:
    """A's alias on B's key."""
    alias, key = one(stacks, ":Alias", f"{A}-snapshots"), one(stacks, ":Alias", f"{B}-snapshots")
    inputs = {**alias.inputs, "targetKeyId": key.inputs["targetKeyId"]}
    return swapped(stacks, alias.urn, replace(alias, inputs=inputs, property_dependencies=key.property_dependencies))


def routed(stacks: Stacks) -> Stacks:
    """A node subnet with the public subnets' table."""
    here, public = (one(stacks, ":RouteTableAssociation", f"{HERE}-{name}-us-east-1a") for name in ("nodes", "public"))
    inputs = {**here.inputs, "routeTableId": public.inputs["routeTableId"]}
    dependencies = {**here.property_dependencies, "routeTableId": public.property_dependencies["routeTableId"]}
    return swapped(stacks, here.urn, replace(here, inputs=inputs, property_dependencies=dependencies))


def open_group(cidr: str) -> Change:
    """Whoever may speak to the nodes' kubelets, by address."""

    def edit(inputs: dict[str, Any]) -> None:
        del inputs["referencedSecurityGroupId"]
        inputs["cidrIpv4"] = cidr

    return editing(":SecurityGroupIngressRule", f"{HERE}-nodes-ingress-kubelet-from-nodes", edit)


def site(name: str, *ranges: str) -> dict[str, Any]:
    return {"name": name, "ranges": list(ranges)}


def interface(name: str, type_: str, **made_from: str) -> Change:
    """A resource of the region's, made from others."""

    def change(stacks: Stacks) -> Stacks:
        named = {
            each.name: each.urn
            for stack in stacks
            for each in stack.resources
            if each.type.endswith((":SecurityGroup", ":NetworkInterface"))
        }
        dependencies = {field: (named[other],) for field, other in made_from.items()}
        like = (":SecurityGroup", f"{HERE}-nodes")
        urn = one(stacks, *like).urn.replace("aws:ec2/securityGroup:SecurityGroup", type_).replace(like[1], name)
        add = adding(like, name, lambda inputs: inputs.clear(), type=type_, property_dependencies=dependencies, urn=urn)
        return add(stacks)

    return change


def pod(edit: Any) -> Change:
    return editing(":Sandbox", f"{A}-helper", lambda inputs: edit(inputs["spec"]["podTemplate"]))


def record(name: str, edit: Any) -> Change:
    def whole(inputs: dict[str, Any]) -> None:
        value = json.loads(inputs["value"])
        edit(inputs, value)
        inputs["value"] = json.dumps(value)

    return editing(":WorkersKv", name, whole)


def system_peer(inputs: dict[str, Any]) -> None:
    """A list's dash too many: pods of the gateways' namespace, or gateways of this one."""
    peer = inputs["spec"]["ingress"][0]["from"][0]
    inputs["spec"]["ingress"][0]["from"] = [{key: value} for key, value in peer.items()]


def every_peer(peer: dict[str, Any]) -> None:
    peer["namespaceSelector"] = {}


DISASTERS: dict[str, tuple[Change, str]] = {
    "a typo in the monitoring's namespace": (
        editing(
            POLICY,
            METRICS,
            rule(
                "ingress",
                lambda one: one["from"][0]["namespaceSelector"].update(
                    matchLabels={"kubernetes.io/metadata.name": "moltghost-monitorng"}
                ),
            ),
        ),
        ONLY_THE_GATEWAY,
    ),
    "a typo in a pod's role": (pod(lambda it: it["metadata"]["labels"].update({labels.ROLE: "agnet"})), TENANTS_APART),
    "another tenant's label on a pod": (
        pod(lambda it: it["metadata"]["labels"].update({labels.TENANT: "customer0002"})),
        TENANTS_APART,
    ),
    "an added from: []": (
        editing(POLICY, DOOR, rule("ingress", lambda one: one.update({"from": []}))),
        ONLY_THE_GATEWAY,
    ),
    "a namespaceSelector left empty": (
        editing(POLICY, DOOR, rule("ingress", lambda one: every_peer(one["from"][0]))),
        ONLY_THE_GATEWAY,
    ),
    "ports left out": (editing(POLICY, METRICS, rule("ingress", lambda one: one.pop("ports"))), ONLY_THE_GATEWAY),
    "an address let into an agent": (
        editing(POLICY, DOOR, rule("ingress", lambda one: one["from"].append({"ipBlock": {"cidr": "10.16.0.0/16"}}))),
        ONLY_THE_GATEWAY,
    ),
    "DNS to everyone": (editing(POLICY, DNS, rule("egress", lambda one: one.pop("to"))), EGRESS_LISTS),
    "DNS with a range of ports": (
        editing(POLICY, DNS, rule("egress", lambda one: one["ports"][0].update(endPort=5353))),
        EGRESS_LISTS,
    ),
    "agents let out to the gateways": (
        editing(
            POLICY,
            DNS,
            rule(
                "egress",
                lambda one: (
                    one.pop("ports"),
                    one["to"][0].update(namespaceSelector={}),
                    one["to"][0].pop("podSelector"),
                ),
            ),
        ),
        EGRESS_LISTS,
    ),
    "an agent let out to everything": (own_list("0.0.0.0/0"), EGRESS_LISTS),
    "an agent let out to the metadata service": (own_list("169.254.169.254/32"), EGRESS_LISTS),
    "an agent let out to the databases": (own_list("10.16.62.0/24"), EGRESS_LISTS),
    "an egress list that selects every agent": (
        own_list("203.0.114.0/24", **{labels.ROLE: labels.ROLE_AGENT}),
        EGRESS_LISTS,
    ),
    "a pod in its node's network": (pod(lambda it: it["spec"].update(hostNetwork=True)), TENANTS_APART),
    "a pod with its node's files": (
        pod(lambda it: it["spec"]["volumes"].append({"name": "logs", "hostPath": {"path": "/var/log"}})),
        IDENTITIES_APART,
    ),
    "a shared key alias": (
        editing(":Alias", f"{B}-snapshots", lambda it: it.update(name="alias/moltghost/use1/customer0001")),
        IDENTITIES_APART,
    ),
    "an alias on another's key": (aliased, IDENTITIES_APART),
    "a wildcard in a bucket policy": (
        editing(
            ":BucketPolicy", f"{A}-snapshots", lambda it: document(it, lambda all_: all_[0].update(Effect="Allow"))
        ),
        NOTHING_OUTSIDE,
    ),
    "a bucket's policy for another's role": (
        editing(
            ":BucketPolicy",
            f"{A}-snapshots",
            lambda it: document(
                it,
                lambda all_: all_.append(
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
                        "Action": "s3:GetObject",
                        "Resource": "*",
                    }
                ),
            ),
        ),
        IDENTITIES_APART,
    ),
    "a wildcard in a role's buckets": (
        editing(
            ROLE_POLICY,
            f"{A}-replication",
            lambda it: document(it, lambda all_: all_[0].update(Resource="arn:aws:s3:::moltghost-customer*")),
        ),
        IDENTITIES_APART,
    ),
    "a driver that reads every bucket": (
        editing(
            ROLE_POLICY,
            f"{HERE}-aws-mountpoint-s3-csi-driver",
            lambda it: document(it, lambda all_: all_[1].update(Resource="arn:aws:s3:::*/*")),
        ),
        IDENTITIES_APART,
    ),
    "a key for everyone": (
        editing(
            ":Key", f"{A}-snapshots", lambda it: document(it, lambda all_: all_[-1].update(Principal={"AWS": "*"}))
        ),
        IDENTITIES_APART,
    ),
    "a role anyone of the account may take": (
        editing(
            ":Role",
            f"{A}-replication",
            lambda it: document(it, lambda all_: all_[0].update(Principal={"AWS": "*"}), "assumeRolePolicy"),
        ),
        IDENTITIES_APART,
    ),
    "a bucket that is not blocked": (
        editing(":BucketPublicAccessBlock", f"{A}-snapshots", lambda it: it.update(blockPublicPolicy=False)),
        NOTHING_OUTSIDE,
    ),
    "a platform's role for a tenant's pods": (
        editing(":PodIdentityAssociation", f"{HERE}-cluster-autoscaler", lambda it: it.update(namespace=AGENTS_B)),
        IDENTITIES_APART,
    ),
    "rights for every account": (
        editing(
            ":ClusterRoleBinding",
            f"{HERE}-gateway",
            lambda it: it["subjects"].append({"kind": "Group", "name": "system:serviceaccounts"}),
        ),
        IDENTITIES_APART,
    ),
    "a gateway that reads secrets": (
        editing(
            ":ClusterRole", f"{HERE}-gateway", lambda it: it["rules"][0].update(resources=["secrets"], apiGroups=[""])
        ),
        IDENTITIES_APART,
    ),
    "another's bucket as a volume": (volume_of, IDENTITIES_APART),
    "another tenant in a route's key": (
        record(f"{A.partition('-')[0]}-global-route-helper", lambda it, _: it.update(keyName="customer0002/helper")),
        EDGE_APART,
    ),
    "a route to nowhere": (
        record("customer0001-global-route-helper", lambda _, value: value["regions"].append("sin1")),
        EDGE_APART,
    ),
    "a tunnel to an agent": (
        editing(
            ":ZeroTrustTunnelCloudflaredConfig",
            f"{HERE}-origin",
            lambda it: it["config"]["ingresses"][0].update(service="http://10.18.0.7:8090"),
        ),
        NOTHING_OUTSIDE,
    ),
    "a tunnel to a Service of a tenant's": (
        editing(
            ":ZeroTrustTunnelCloudflaredConfig",
            f"{HERE}-origin",
            lambda it: it["config"]["ingresses"][0].update(service="http://gateway.customer0001-use1-agents.svc"),
        ),
        NOTHING_OUTSIDE,
    ),
    "a load balancer for the gateways": (
        editing(":Service", f"{HERE}-gateway", spec(lambda it: it.update(type="LoadBalancer"))),
        NOTHING_OUTSIDE,
    ),
    "a name past the edge": (
        editing(":DnsRecord", "platform-global-worker", lambda it: it.update(proxied=False)),
        NOTHING_OUTSIDE,
    ),
    "an open security group": (open_group("0.0.0.0/0"), NOTHING_OUTSIDE),
    "a /8 for a /16": (open_group("10.0.0.0/8"), NOTHING_OUTSIDE),
    "an open network ACL": (
        editing(":NetworkAcl", f"{HERE}-database", lambda it: it["ingress"][0].update(cidrBlock="0.0.0.0/0")),
        NOTHING_OUTSIDE,
    ),
    "nodes in a public subnet": (routed, NOTHING_OUTSIDE),
    "a public API server": (
        editing("eks/cluster:Cluster", f"{HERE}-cluster", lambda it: it["vpcConfig"].update(endpointPublicAccess=True)),
        NOTHING_OUTSIDE,
    ),
    "a public database": (
        editing("rds/instance:Instance", f"{HERE}-database", lambda it: it.update(publiclyAccessible=True)),
        NOTHING_OUTSIDE,
    ),
    "a peer allowed everything": (
        with_outputs("global", mesh={"sites": [site("use1", "10.16.0.0/14"), site("dc1", "0.0.0.0/0")]}),
        NOTHING_OUTSIDE,
    ),
    "a public address for what is no gateway": (
        chained(
            interface(f"{HERE}-more", "aws:ec2/networkInterface:NetworkInterface", securityGroups=f"{HERE}-nodes"),
            interface(f"{HERE}-public", "aws:ec2/eipAssociation:EipAssociation", networkInterfaceId=f"{HERE}-more"),
        ),
        NOTHING_OUTSIDE,
    ),
    "a peer's allowed addresses widened": (
        with_outputs("global", mesh={"sites": [site("use1", "10.16.0.0/14"), site("usw2", "10.16.0.0/12")]}),
        NOTHING_OUTSIDE,
    ),
}

FINE: dict[str, Change] = {
    "an agent let out to a public range": own_list("203.0.114.0/24"),
    "ports left out where the gateways' own policy names them": editing(
        POLICY, DOOR, rule("ingress", lambda one: one.pop("ports"))
    ),
    "a port by its name": editing(POLICY, DOOR, rule("ingress", lambda one: one["ports"][0].update(port="agent"))),
    "default deny in two policies": chained(
        editing(POLICY, f"{A}-default-deny", spec(lambda it: it.update(policyTypes=["Ingress"]))),
        adding((POLICY, f"{A}-default-deny"), f"{A}-deny-out", spec(lambda it: it.update(policyTypes=["Egress"]))),
    ),
    "a dash too many where the gateways' namespace lets nobody else out": editing(POLICY, DOOR, system_peer),
    "a narrower range in a group": open_group("10.16.0.0/24"),
    "another refusal in a bucket policy": editing(
        ":BucketPolicy",
        f"{A}-snapshots",
        lambda it: document(
            it,
            lambda all_: all_.append(
                {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": "*"}
            ),
        ),
    ),
    "a role kept to a part of its own bucket": editing(
        ROLE_POLICY,
        f"{A}-replication",
        lambda it: document(it, lambda all_: all_[1].update(Resource=f"{all_[0]['Resource']}/today/*")),
    ),
    "sites of the mesh that lie apart": with_outputs(
        "global", mesh={"sites": [site("use1", "10.16.0.0/14"), site("usw2", "10.20.0.0/14")]}
    ),
}


def test_the_fleet_is_proved(fleet: Stacks) -> None:
    verdict = prove(fleet)
    assert verdict.holds, verdict.to_text()
    assert verdict.counted["tenants"] == 3
    assert verdict.counted["ways between pods"] > 0


def test_there_are_enough() -> None:
    assert len(DISASTERS) >= 20
    assert len(FINE) >= 5


@pytest.mark.parametrize("name", DISASTERS)
def test_a_disaster_is_caught_and_its_path_shown(name: str, fleet: Stacks) -> None:
    change, claim = DISASTERS[name]
    changed = change(fleet)
    verdict = prove(changed)
    found = [each for each in verdict.breaches if each.claim == claim]
    assert found, verdict.to_text()[:3000]
    shown = verdict.to_text()
    assert shown.startswith("NOT PROVED")
    known = {each.urn for stack in changed for each in stack.resources} | {stack.name for stack in changed}
    for breach in found:
        places = [hop for hop in breach.path if hop.urn]
        assert places, breach
        assert {hop.urn for hop in places} <= known
        assert any(hop.field for hop in places), breach
    # The resource that was changed is on the path of one of them.
    before = {each.urn: each for stack in fleet for each in stack.resources}
    touched = {each.urn for stack in changed for each in stack.resources if before.get(each.urn) != each} or {"global"}
    assert touched & {hop.urn for breach in found for hop in breach.path}, verdict.to_text()[:3000]


@pytest.mark.parametrize("name", FINE)
def test_what_only_looks_like_one_is_passed(name: str, fleet: Stacks) -> None:
    verdict = prove(FINE[name](fleet))
    assert verdict.holds, verdict.to_text()


def test_an_unknown_label_is_a_failure(fleet: Stacks) -> None:
    change = editing(POLICY, DOOR, spec(lambda it: it.update(podSelector={"matchLabels": Unknown("some#label")})))
    verdict = prove(change(fleet))
    assert not verdict.holds
    assert [each.field for each in verdict.unmodelled] == ["spec.podSelector.matchLabels"]


def test_a_kind_nobody_knows_is_a_failure(fleet: Stacks) -> None:
    change = adding((POLICY, DNS), "more", lambda it: it, type="kubernetes:cilium.io/v2:CiliumNetworkPolicy")
    verdict = prove(change(fleet))
    assert not verdict.holds
    assert "of a kind the proof does not know" in verdict.to_text()


def test_no_tenant_is_no_proof(fleet: Stacks) -> None:
    assert not prove([stack for stack in fleet if stack.kind != "tenant"]).holds


def test_the_certificate_is_the_same_whatever_the_order(fleet: Stacks) -> None:
    assert prove(fleet).to_json() == prove(tuple(reversed(fleet))).to_json()
    changed = own_list("203.0.114.0/24")(fleet)
    digests, others = prove(fleet).inputs, prove(changed).inputs
    assert {name for name in digests if digests[name] != others[name]} == {"customer0001"}


def _main(template: dict[str, Any]) -> Any:
    return template["spec"]["containers"][0]


READ: dict[str, Any] = {
    "a label": lambda template: template["metadata"]["labels"].update(more="label"),
    "a port's name": lambda template: _main(template)["ports"][0].update(name="other"),
    "a port's number": lambda template: _main(template)["ports"][0].update(containerPort=8099),
    "a port of the node": lambda template: _main(template)["ports"][0].update(hostPort=8099),
    "a privilege": lambda template: _main(template)["securityContext"].update(privileged=True),
    "the node's network": lambda template: template["spec"].update(hostNetwork=True),
    "the node's processes": lambda template: template["spec"].update(hostPID=True),
    "the node's files": lambda template: template["spec"]["volumes"].append({"name": "own", "hostPath": {"path": "/"}}),
    "what can't be read": lambda template: template["spec"].update(containers=[]),
}


@pytest.mark.parametrize("what", READ)
def test_the_digest_is_another_when_what_is_read_of_pods_is(what: str, fleet: Stacks) -> None:
    digests, others = prove(fleet).inputs, prove(pod(READ[what])(fleet)).inputs
    assert {name for name in digests if digests[name] != others[name]} == {"customer0001"}


def test_the_digest_is_the_same_when_what_is_not_read_of_pods_changes(fleet: Stacks) -> None:
    changed = pod(lambda template: _main(template)["resources"]["limits"].update(memory="25Gi"))(fleet)
    assert prove(fleet).inputs == prove(changed).inputs
