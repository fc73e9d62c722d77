"""Configs of the global, region and tenant kinds that must be refused: how each departs from a committed one."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.infra.departures import PRIVATE_PEM, Bad, Config, both, put, take

R, E, P, D = "moltghost:region", "moltghost:eks", "moltghost:pools", "moltghost:database"
G, EDGE, KEYS = "moltghost:regions", "moltghost:edge", "moltghost:edge_keys"
T, W, M, S = "moltghost:tenant", "moltghost:placement", "moltghost:models", "moltghost:region_stacks"
STEERING, X, SITES = "moltghost:steering", "moltghost:mesh", "moltghost:sites"
FIRST = (SITES, 0, "gateways", 0)
MACHINE = {
    "address": "gw.example.com",
    "host_key": "ssh-ed25519 AAAA",
    "underlay": "eth0",
    "lan": "eth1",
    "lan_address": "172.20.0.4",
}
NODES = {"site": "dc1", "gpu_class": "l40s", "machines": 2, "gpus": 4, "cpu": 16, "memory_gib": 128}
VERSION = "00000000-0000-4000-8000-000000000001"
AGENT = (T, "agents", 0)
NETWORK = {"nodes": "10.24.0.0/16", "pods": "10.26.0.0/15", "services": "10.25.0.0/20"}


def given(config: Config) -> None:
    """Make a committed region one whose cluster is given."""
    both(take(E), take(P), take(D), take(X))(config)
    config[R] |= {"network": dict(NETWORK), "gpu_classes": {"l40s": {"count": 8}}}


def steered(hostname: str, region: str = "sin") -> Callable[[Config], object]:
    """A name that leads to a region."""
    stacks = {region: f"organization/moltghost/{region}"}
    return put({"hostname": hostname, "region_stacks": stacks}, STEERING)


def tried(stable: str, percent: int) -> Callable[[Config], object]:
    """A new version of the Worker beside one that runs."""
    return put({"stable": stable, "percent": percent}, "moltghost:rollout")


@dataclass(frozen=True)
class OfStack(Bad):
    """A departure from the committed file of a stack."""

    stack: str = "use1"


def region(name: str, change: Callable[[Config], object], path: str, *says: str) -> OfStack:
    return OfStack(name, change, path, says, "use1")


def everywhere(name: str, change: Callable[[Config], object], path: str, *says: str) -> OfStack:
    return OfStack(name, change, path, says, "global")


def tenant(name: str, change: Callable[[Config], object], path: str, *says: str) -> OfStack:
    return OfStack(name, change, path, says, "acme")


REGIONS = [
    region(
        "nodes at one site twice",
        put([NODES, NODES], X, "nodes_at"),
        f"{X}.nodes_at[1].site",
        "is a site twice",
    ),
    region(
        "nodes beyond a mesh that is not there",
        both(put([NODES], X, "nodes_at"), put(False, X, "joined")),
        f"{X}.nodes_at",
        "the region is not joined",
    ),
    region(
        "nodes without disks",
        both(put([NODES], X, "nodes_at"), take(E, "images", "local_disks")),
        f"{X}.nodes_at",
        "needs the image that makes disks volumes",
    ),
    region(
        "nodes of no known class",
        put([{**NODES, "gpu_class": "b300"}], X, "nodes_at"),
        f"{X}.nodes_at[0].gpu_class",
        "h100, a100, l40s",
    ),
    region("no block", take(R, "block"), f"{R}.block", "is missing", "block: 10.16.0.0/14"),
    region("block is public", put("100.64.0.0/14", R, "block"), f"{R}.block", "is not private"),
    region("block is another's", put("192.168.0.0/16", R, "block"), f"{R}.block", "is not in 10.0.0.0/8"),
    region("block is small", put("10.24.0.0/20", R, "block"), f"{R}.block", "is too small"),
    region("block with bits", put("10.24.1.0/14", R, "block"), f"{R}.block", "bits set beyond", "10.24.0.0/14"),
    region(
        "two zones",
        put(["us-east-1a", "us-east-1b"], E, "zones"),
        f"{E}.zones",
        "at least 3 items, not 2",
        "three or four zones",
    ),
    region(
        "zone of another region",
        put("us-west-2a", E, "zones", 2),
        f"{E}.zones[2]",
        '= "us-west-2a"',
        "is no zone of us-east-1",
    ),
    region(
        "five zones",
        put([f"us-east-1{zone}" for zone in "abcde"], E, "zones"),
        f"{E}.zones",
        "at most 4",
        "three or four zones",
    ),
    region(
        "kubelet newer than the cluster",
        put("1.37.0-20261101", P, "l40s", "release"),
        f"{P}.l40s.release",
        "newer than the cluster's 1.36",
    ),
    region(
        "disks without their image",
        both(take(E, "images", "local_disks"), put("local", P, "a100", "storage"), put(2, P, "a100", "min")),
        f"{P}.a100.storage",
        "the image that makes disks volumes",
    ),
    region(
        "local disks that come and go",
        put("local", P, "a100", "storage"),
        f"{P}.a100.min",
        "no autoscaler can tell",
    ),
    region(
        "GPU plugin with a known hole",
        put(f"r.example/plugin:v0.17.0@sha256:{'0' * 64}", E, "images", "device_plugin"),
        f"{E}.images.device_plugin",
        "is older than 0.17.3",
    ),
    region(
        "GPU plugin of no version",
        put(f"r.example/plugin@sha256:{'0' * 64}", E, "images", "device_plugin"),
        f"{E}.images.device_plugin",
        "with version and digest",
    ),
    region("one zone twice", put("us-east-1a", E, "zones", 2), f"{E}.zones[2]", "is a zone twice"),
    region("a zone is a region", put("us-east-1", E, "zones", 0), f"{E}.zones[0]", "does not have the form"),
    region(
        "egress is private",
        put([{"name": "crm", "range": "10.9.0.0/16", "ports": [443]}], E, "egress"),
        f"{E}.egress[0].range",
        "is not public",
        "through the mesh",
    ),
    region(
        "egress named twice",
        put([{"name": "crm", "range": f"1.1.{at}.0/24", "ports": [443]} for at in (1, 2)], E, "egress"),
        f"{E}.egress[1].name",
        "is a range twice",
    ),
    region(
        "egress is the tunnel's",
        put([{"name": "tunnel-one-tcp", "range": "1.1.1.0/24", "ports": [443]}], E, "egress"),
        f"{E}.egress[0].name",
        "is the tunnel's own",
    ),
    region(
        "more ports than a group takes",
        put([{"name": "crm", "range": "1.1.1.0/24", "ports": list(range(1, 60))}], E, "egress"),
        f"{E}.egress",
        "rules of a security group, one way: nodes, egress",
        "L-0EA8095F",
    ),
    region(
        "a pool beyond its node group",
        put(451, P, "system", "max"),
        f"{P}.system.max",
        "nodes in a managed node group: system to 451",
        "L-BD136A63",
    ),
    region("a quota by name", put({"addresses": 9}, E, "quotas"), f"{E}.quotas.addresses", "by the quota's code"),
    region("version is a number", put(1.36, E, "version"), f"{E}.version", "must be text", "quoted"),
    region("version with a patch", put("1.36.2", E, "version"), f"{E}.version", "does not have the form"),
    region("nobody may administer", put([], E, "admins"), f"{E}.admins", "is empty", "the deployer's among them"),
    region("admin is a name", put(["root"], E, "admins"), f"{E}.admins[0]", "does not have the form"),
    region("addon by range", put("latest", E, "addons", "coredns"), f"{E}.addons.coredns", "Name a version in full"),
    region("logs for a day", put(1, E, "log_retention_days"), f"{E}.log_retention_days", "CloudWatch's own steps"),
    region("public API", put(True, E, "public"), f"{E}.public", "is not a setting"),
    region("no pools", put({}, P), P, "has no pool for the platform's own pods"),
    region("no system pool", take(P, "system"), P, "Add one with `purpose: system`"),
    region(
        "pool grows below its least",
        put(40, P, "l40s", "min"),
        f"{P}.l40s.max",
        "= 24",
        "below the 40 nodes there are at least",
    ),
    region(
        "unknown type",
        put("g9.xlarge", P, "l40s", "instance_type"),
        f"{P}.l40s.instance_type",
        "is not in the catalogue of instance types",
    ),
    region(
        "type AWS has elsewhere",
        both(
            put("ap-southeast-3", R, "aws", "region"),
            put([f"ap-southeast-3{z}" for z in "abc"], E, "zones"),
            take(P, "a100"),
            take(P, "h100"),
            take(P, "memory"),
            put("m7i.2xlarge", P, "system", "instance_type"),
        ),
        f"{P}.l40s.instance_type",
        "is not offered in ap-southeast-3",
    ),
    region(
        "agents' pool without a GPU",
        put("m7a.2xlarge", P, "l40s", "instance_type"),
        f"{P}.l40s.purpose",
        "does not fit m7a.2xlarge, which has no GPU",
    ),
    region(
        "platform on GPUs",
        put("g6e.2xlarge", P, "system", "instance_type"),
        f"{P}.system.purpose",
        "which has GPUs",
    ),
    region("unknown purpose", put("batch", P, "l40s", "purpose"), f"{P}.l40s.purpose", "'system', 'memory' or 'gpu'"),
    region(
        "local disks where there are none",
        put("local", P, "memory", "storage"),
        f"{P}.memory.storage",
        "0 local disks",
    ),
    region(
        "reservation without an id",
        take(P, "a100", "reservation"),
        f"{P}.a100.reservation",
        "is missing: capacity is reservation",
    ),
    region(
        "id without a reservation",
        put("on-demand", P, "a100", "capacity"),
        f"{P}.a100.reservation",
        "say `capacity: reservation`",
    ),
    region("block in every zone", take(P, "h100", "zones"), f"{P}.h100.zones", "a Capacity Block is in one"),
    region(
        "block of a type not sold so",
        both(
            put("block", P, "l40s", "capacity"),
            put("cr-0123456789abcdef0", P, "l40s", "reservation"),
            put(["us-east-1a"], P, "l40s", "zones"),
        ),
        f"{P}.l40s.capacity",
        "not sold in Capacity Blocks",
    ),
    region(
        "pool in no zone of ours",
        put(["us-east-1f"], P, "l40s", "zones"),
        f"{P}.l40s.zones[0]",
        "no zone of the cluster's",
    ),
    region("release is latest", put("latest", P, "l40s", "release"), f"{P}.l40s.release", "Name an EKS AMI release"),
    region(
        "pool in capitals",
        put(
            {"purpose": "memory", "instance_type": "r7a.4xlarge", "min": 0, "max": 1, "release": "1.36.2-20260728"},
            P,
            "L40S",
        ),
        f"{P}.L40S",
        "is not a DNS label",
    ),
    region("no GPUs at all", both(take(P, "l40s"), take(P, "a100"), take(P, "h100")), P, "every agent wants one"),
    region("database that cannot grow", put(105, D, "max_storage_gib"), f"{D}.max_storage_gib", "a tenth above 100"),
    region("a week of backups is the least", put(1, D, "backup_days"), f"{D}.backup_days", "7 to 35"),
    region("made, and its network told", put(dict(NETWORK), R, "network"), f"{R}.network", "it is computed"),
    region(
        "made, and its GPUs told", put({"l40s": {"count": 1}}, R, "gpu_classes"), f"{R}.gpu_classes", "it is computed"
    ),
    region("given, and its network not told", both(given, take(R, "network")), f"{R}.network", "a cluster is given"),
    region(
        "given, and its GPUs not told", both(given, take(R, "gpu_classes")), f"{R}.gpu_classes", "a cluster is given"
    ),
    region(
        "given, and pools",
        both(
            take(E), take(D), take(X), put(dict(NETWORK), R, "network"), put({"l40s": {"count": 8}}, R, "gpu_classes")
        ),
        P,
        "for a cluster the stack makes",
    ),
    region(
        "given, with pods of another region's",
        both(given, put("10.32.0.0/15", R, "network", "pods")),
        f"{R}.network.pods",
        "is not in the region's block 10.24.0.0/14",
    ),
    region(
        "pods among the nodes",
        both(given, put("10.24.128.0/17", R, "network", "pods")),
        f"{R}.network.nodes",
        "overlaps",
    ),
    region("nowhere", take("moltghost:edge", "location"), "moltghost:edge.location", "is missing", "latitude"),
    region(
        "off the globe",
        put(91.0, "moltghost:edge", "location", "latitude"),
        "moltghost:edge.location.latitude",
        "-90 to 90",
    ),
    region("region in capitals", put("USE1", R, "name"), f"{R}.name", "2 to 16 lower-case letters"),
    region(
        "locked and deletable", put(True, R, "backup", "delete_with_stack"), f"{R}.backup.delete_with_stack", "locked"
    ),
    region(
        "tag for a digest", put("r.example/a:v1", "moltghost:images", "agent"), "moltghost:images.agent", "by digest"
    ),
    region(
        "stack by half its name",
        put("global", "moltghost:global_stack"),
        "moltghost:global_stack",
        "organization/project/stack",
    ),
    region(
        "kubeconfig in the clear",
        put("apiVersion: v1", "moltghost:kubeconfig"),
        "moltghost:kubeconfig",
        "in plain text",
    ),
    region("one gateway", put(1, X, "gateways"), f"{X}.gateways", "its loss is the region's"),
    region(
        "more gateways than zones",
        both(put(4, X, "gateways"), put({"L-0263D0A3": 10}, E, "quotas")),
        f"{X}.gateways",
        "more than the 3 zones",
    ),
    region(
        "gateways beyond the quota",
        put(3, X, "gateways"),
        E,
        "Elastic IPs in a region to 6; the limit is 5",
        "L-0263D0A3",
    ),
    region("gateways of no image", put("debian-12", X, "image"), f"{X}.image", "an AMI of its AWS region"),
    region("gateways without an image", take(X, "image"), f"{X}.image", "is missing"),
    region("gateways that route by chance", put("ecmp", X, "routing"), f"{X}.routing", "Route Server"),
    region("a port twice", put([9443, 9443], X, "ports"), f"{X}.ports[1]", "is a port twice"),
    region(
        "given, and gateways",
        both(given, put({"image": "ami-0123456789abcdef0"}, X)),
        X,
        "for a network the stack makes",
        "moltghost:sites of the global stack",
    ),
    region("keys of the mesh in the clear", put("{}", "moltghost:meshKeys"), "moltghost:meshKeys", "in plain text"),
    region(
        "machine tells of a made cluster",
        put({"aws_endpoint": "http://127.0.0.1:1", "kubeconfig": "/nowhere/kubeconfig"}, "moltghost:machine"),
        "moltghost:machine.kubeconfig",
        "the stack makes the cluster",
    ),
    region(
        "machine tells nothing of a given cluster",
        both(
            given, put({"aws_endpoint": "http://127.0.0.1:1", "kubeconfig": "/nowhere/kubeconfig"}, "moltghost:machine")
        ),
        "moltghost:machine.tunnel_source",
        "is missing: a cluster is given",
    ),
    region("tenants in a region", put([], "moltghost:tenants"), "moltghost:tenants", "is not a setting"),
]

EVERYWHERE = [
    everywhere("no regions", put({}, G), G, "is empty", "List the regions"),
    everywhere(
        "steering out of the zone", steered("any.example.org"), f"{STEERING}.hostname", "is not a name in the zone"
    ),
    everywhere("steering is the Worker", steered("api.moltghost.example"), f"{STEERING}.hostname", "leads elsewhere"),
    everywhere(
        "steering to nowhere",
        steered("any.moltghost.example", "mars"),
        f"{STEERING}.region_stacks.mars",
        "is no region of this stack",
    ),
    everywhere(
        "logs to no bucket",
        put({"requests": "s3://b?region=x", "worker": "s3://logs/w?region=us-east-1"}, "moltghost:logs"),
        "moltghost:logs.requests",
        "does not have the form",
    ),
    everywhere(
        "a version that is none", tried("latest", 10), "moltghost:rollout.stable", "does not have the form", "wrangler"
    ),
    everywhere("more than all", tried(VERSION, 101), "moltghost:rollout.percent", "100", "0 to 100"),
    everywhere("no share", put({"stable": VERSION}, "moltghost:rollout"), "moltghost:rollout.percent", "is missing"),
    everywhere("region without a block", take(G, "sin", "block"), f"{G}.sin.block", "is missing"),
    everywhere("blocks overlap", put("10.16.0.0/14", G, "jkt", "block"), f"{G}.jkt.block", f"overlaps {G}.sin.block"),
    everywhere("block holds another", put("10.16.0.0/12", G, "usw2", "block"), f"{G}.usw2.block", "overlaps"),
    everywhere("near a city", put(["Singapore"], G, "sin", "near"), f"{G}.sin.near[0]", "codes of colos"),
    everywhere("half open", put("half", G, "sin", "state"), f"{G}.sin.state", "'open' or 'closed'"),
    everywhere("no key", put([], KEYS), KEYS, "is empty", "moltghost edge-key"),
    everywhere("private key", put(PRIVATE_PEM, KEYS, 0, "x"), f"{KEYS}[0].x", "a private key in plain text"),
    everywhere(
        "hostname elsewhere", put("api.example.org", EDGE, "hostname"), f"{EDGE}.hostname", "not a name in the zone"
    ),
    everywhere("sites, and no mesh", take(X), X, "is missing: there are sites", "tunnel_range"),
    everywhere("a mesh of no sites", take(SITES), X, "joins no site"),
    everywhere(
        "a site nobody knows",
        both(put("fra", SITES, 0, "name"), put(["172.20.0.0/16"], SITES, 0, "ranges")),
        f"{SITES}[0].name",
        "is no region of this stack",
    ),
    everywhere("a site twice", put(1, SITES, 1, "number"), f"{SITES}[1].number", "twice"),
    everywhere(
        "a site out of its region",
        put(["172.20.0.0/16"], SITES, 0, "ranges"),
        f"{SITES}[0].ranges[0]",
        "is not in 10.16.0.0/14",
        "Write 10.16.0.0/16",
    ),
    everywhere(
        "a site in another's region",
        both(put("dc1", SITES, 3, "name"), put("metal", SITES, 3, "kind")),
        f"{SITES}[3].ranges[0]",
        f"overlaps {G}.usw2.block",
    ),
    everywhere(
        "tunnels in a region",
        put("10.18.0.0/16", X, "tunnel_range"),
        f"{X}.tunnel_range",
        f"overlaps {G}.sin.block",
    ),
    everywhere(
        "a number without addresses",
        put(8192, SITES, 0, "number"),
        f"{SITES}[0].number",
        "no addresses in the tunnel range",
        "below 8192",
    ),
    everywhere("a site with one gateway", take(SITES, 0, "gateways", 1), f"{SITES}[0].gateways", "at least 2 items"),
    everywhere(
        "sites that only dial out",
        both(take(*FIRST, "endpoint"), take(SITES, 1, "gateways", 0, "endpoint")),
        f"{SITES}[1].gateways[0].endpoint",
        "is missing at both ends",
    ),
    everywhere("an endpoint by name", put("gw.example.com", *FIRST, "endpoint"), f"{SITES}[0].gateways[0].endpoint"),
    everywhere("an MTU too large", put(1500, SITES, 0, "mtu"), f"{SITES}[0].mtu", "is too large", "Give 1420 or less"),
    everywhere("an MTU too small", put(576, SITES, 0, "mtu"), f"{SITES}[0].mtu", "is too small for IP"),
    everywhere("a neighbour nowhere", put(["fra"], SITES, 0, "neighbours"), f"{SITES}[0].neighbours[0]", "is no site"),
    everywhere(
        "no key of a generation",
        put(2, *FIRST, "keys", 0, "generation"),
        f"{SITES}[0].gateways[0].keys",
        "has none of generation 1",
    ),
    everywhere("three generations", put([1, 2, 3], X, "generations"), f"{X}.generations", "at most 2"),
    everywhere(
        "a private key's form", put("nonsense", *FIRST, "keys", 0, "key"), f"{SITES}[0].gateways[0].keys[0].key"
    ),
    everywhere(
        "a machine out of its site",
        put(MACHINE, *FIRST, "machine"),
        f"{SITES}[0].gateways[0].machine.lan_address",
        "is not in its site",
        "Give an address of 10.16.0.0/16",
    ),
    everywhere(
        "one machine twice",
        both(
            put({**MACHINE, "lan_address": "10.16.0.4"}, *FIRST, "machine"),
            put({**MACHINE, "lan_address": "10.16.0.5"}, SITES, 0, "gateways", 1, "machine"),
        ),
        f"{SITES}[0].gateways[1].machine.address",
        "is a gateway's machine twice",
    ),
    everywhere(
        "a machine whose host is not known",
        put({**MACHINE, "lan_address": "10.16.0.4", "host_key": "none"}, *FIRST, "machine"),
        f"{SITES}[0].gateways[0].machine.host_key",
        "public host key",
    ),
    everywhere("region in capitals", put({"block": "10.40.0.0/14"}, G, "SYD"), f"{G}.SYD", "does not have the form"),
]

TENANTS = [
    tenant("nobody at a site", put({"nobody": "dc1"}, W, "sites"), f"{W}.sites.nobody", "is no agent of this customer"),
    tenant(
        "a site outside residency",
        put({"helper": "dc1"}, W, "sites"),
        f"{W}.sites.helper",
        "is not among the places the data may be in",
    ),
    tenant(
        "a bucket at a site",
        both(put({"helper": "dc1"}, W, "sites"), put(["use1", "usw2", "dc1"], W, "residency")),
        f"{W}.sites.helper",
        "no bucket can be mounted",
        "Give moltghost:models.qwen3-32b an `image`",
    ),
    tenant("two tenants", put([], "moltghost:tenants"), "moltghost:tenants", "Did you mean `tenant`?"),
    tenant("no home", take(W, "home"), f"{W}.home", "is missing"),
    tenant(
        "failover at home",
        both(put("use1", W, "failover"), take(S, "usw2")),
        f"{W}.failover",
        "is lost together with home",
    ),
    tenant(
        "home outside residency", put(["usw2"], W, "residency"), f"{W}.home", "not among the regions the data may be in"
    ),
    tenant("failover outside residency", put(["use1"], W, "residency"), f"{W}.failover", "add it to residency"),
    tenant("residency twice", put(["use1", "usw2", "use1"], W, "residency"), f"{W}.residency[2]", "is listed twice"),
    tenant("no residency", put([], W, "residency"), f"{W}.residency", "is empty"),
    tenant("region without its stack", take(S, "usw2"), f"{W}.failover", "has no stack", "Add `usw2:"),
    tenant(
        "stack for nothing", put("organization/moltghost/sin", S, "sin"), f"{S}.sin", "is no region of this customer"
    ),
    tenant("stack by half its name", put("use1", S, "use1"), f"{S}.use1", "Name a stack in full"),
    tenant("agent over quota", put(1, T, "quota", "gpus"), f"{T}.quota.gpus", "below the 2 GPUs"),
    tenant(
        "private egress",
        put([{"cidr": "10.0.0.0/8", "ports": [443]}], *AGENT, "egress"),
        f"{T}.agents[0].egress[0].cidr",
        "10.0.0.0/8",
    ),
    tenant("model nobody lists", put("gpt", *AGENT, "model"), f"{T}.agents[0].model", "is not listed"),
    tenant("model of two sources", put("weights", M, "qwen3-32b", "claim"), f"{M}.qwen3-32b", "has 2 sources"),
    tenant("reserved id", put("platform", T, "id"), f"{T}.id", "is a name of the platform's own"),
    tenant("secrets in the clear", put("{}", "moltghost:agentSecrets"), "moltghost:agentSecrets", "in plain text"),
]

BAD_KINDS = [*REGIONS, *EVERYWHERE, *TENANTS]
