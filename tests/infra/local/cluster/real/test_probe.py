"""Packets on a real cluster pass where the proof says they do."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra.prove.cluster import Cluster, read_clusters
from infra.prove.declared import Declared, Findings
from infra.prove.live import MADE_BY, Live
from infra.prove.probe import Rehearsal, rehearsal, rehearse
from infra.prove.selectors import EVERYTHING
from tests.infra.local.cluster.kubectl import Kubectl
from tests.infra.local.cluster.oci import Archive
from tests.infra.local.cluster.real.pods import MARKS
from tests.infra.prove.fleet import sample
from tests.infra.prove.living import expected, living, pods_of

pytestmark = MARKS

SETS = 20
REGION = "platform-use1-kubernetes"


@pytest.fixture
def live(kubectl: Kubectl, images: dict[str, Archive]) -> Live:
    return Live(kubectl.binary, kubectl.kubeconfig, images["probe"].reference)


def test_packets_of_generated_clusters_pass_where_the_model_says(live: Live, kubectl: Kubectl) -> None:
    sets = living(range(0, 2 * SETS, 2))
    pods = [each for at, made in enumerate(sets) for each in pods_of(made, at)]
    among = [[each.key for each in pods_of(made, at)] for at, made in enumerate(sets)]
    with live.pods({name: labels for made in sets for name, labels in made.spaces.items()}, pods) as addresses:
        said = set().union(*(expected(made, at, addresses) for at, made in enumerate(sets)))
        with live.policies([each for made in sets for each in made.policies]):
            found = live.settled(pods, addresses, said, among)
    assert found == said
    pairs = sum(len(each) * (len(each) - 1) for each in among) * len(pods[0].ports)
    assert 0.1 < len(said) / pairs < 0.9, "clusters in which nothing is decided show nothing"
    left = kubectl.get("namespaces", "-l", MADE_BY)["items"]
    assert all(each["status"]["phase"] == "Terminating" for each in left)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A region of the sample fleet, with its three customers."""
    folder: Path = tmp_path_factory.mktemp("fleet")
    declared = Declared(sample(folder))
    (cluster,) = [each for each in read_clusters(declared, Findings()) if each.name == REGION]
    return rehearsal(declared, cluster, most=8)


def test_a_regions_claims_hold_as_packets(live: Live, region: Rehearsal) -> None:
    (summary,) = rehearse(live, region)
    tenants = {region.cluster.tenant(each.namespace) for each in region.pods} - {None}
    assert len(tenants) == 3
    assert "0 declared open" not in summary


def test_a_way_the_records_do_not_have_is_found(live: Live, region: Rehearsal) -> None:
    """The cluster runs a policy with `from: []`; the records are those from before."""
    slipped = [
        {**each, "spec": {**each["spec"], "ingress": [{**rule, "from": []} for rule in each["spec"]["ingress"]]}}
        if each["metadata"]["name"] == "gateway-to-agents" and "ingress" in each["spec"]
        else each
        for each in region.policies
    ]
    lines = list(rehearse(live, replace(region, policies=slipped)))
    opened = [line for line in lines if line.startswith("OPEN, and declared shut: a stranger labelled as a gateway")]
    assert len(opened) == len([each for each in region.pods if region.cluster.tenant(each.namespace)])


def test_a_rehearsal_has_each_kind_of_a_tenants_pods_once(region: Rehearsal) -> None:
    cluster: Cluster = region.cluster
    assert len({each.key for each in region.pods}) == len(region.pods)
    assert {policy.selector == EVERYTHING for policy in cluster.policies} == {True, False}
