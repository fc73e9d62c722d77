"""Machines of another site as nodes: proof and policies hold with them, and a rule that is too wide is caught."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from infra.prove.proof import prove
from infra.prove.verdict import NOTHING_OUTSIDE
from infra.stacks import worker
from infra.synth.fleet import Fleet, synth
from policies.judging import committed_exemptions, judge
from policies.record import Unknown
from tests.infra.departures import Config
from tests.infra.fleets import change_stack, copy_fleet, with_site
from tests.infra.prove.fleet import Change, Stacks, editing

INGRESS = ":SecurityGroupIngressRule"
NODES = "platform-use1-nodes-ingress"


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """The committed region and customer, with nodes and an agent at a site."""
    folder: Path = copy_fleet(tmp_path_factory.mktemp("fleet"))
    with_site(folder)
    change_stack(folder, "acme", _at_home)
    script = folder / "index.js"
    script.write_text("export default {}")
    with patch.object(worker, "BUILT", script):
        return tuple(synth(Fleet(folder), ["global", "use1", "acme"]).values())


def _at_home(config: Config) -> None:
    config["moltghost:placement"] |= {"home": "use1", "residency": ["use1", "dc1"]}
    del config["moltghost:placement"]["failover"], config["moltghost:region_stacks"]["usw2"]


def test_isolation_is_proved_with_nodes_at_a_site(stacks: Stacks) -> None:
    proof = prove(stacks)
    assert (proof.breaches, proof.unmodelled) == ((), ())


def broken(stacks: Stacks) -> set[str]:
    """The rules of the policy pack that a stack breaks."""
    exemptions = committed_exemptions(date(2026, 11, 26))
    return {each.rule.name for stack in stacks for each in judge(stack, exemptions).failures}


def test_the_policy_pack_passes_them(stacks: Stacks) -> None:
    assert broken(stacks) == set()


def test_the_policy_pack_refuses_the_world_in_their_stead(stacks: Stacks) -> None:
    whole_world = named(f"{NODES}-vxlan-from-nodes-at-0", cidrIpv4="0.0.0.0/0")
    assert broken(whole_world(stacks)) == {"security-group-is-closed"}


def named(name: str, **changed: Any) -> Change:
    return editing(INGRESS, name, lambda inputs: inputs.update(changed))


def untold(inputs: dict[str, Any]) -> None:
    del inputs["remoteNetworkConfig"]


TOO_WIDE: list[tuple[str, Change]] = [
    ("a wider range of the overlay", named(f"{NODES}-vxlan-from-nodes-at-0", cidrIpv4="10.32.0.0/23")),
    ("another site's range", named(f"{NODES}-pod-encryption-from-nodes-at-0", cidrIpv4="10.16.0.0/16")),
    ("all UDP ports from another site", named(f"{NODES}-health-from-nodes-at-0", cidrIpv4="10.16.0.0/16",
                                              ipProtocol="udp", fromPort=0, toPort=65535)),
    ("the kubelet's port", named(f"{NODES}-health-from-nodes-at-0", fromPort=10250, toPort=10250)),
    ("ports up to the kubelet's", named(f"{NODES}-health-from-nodes-at-0", toPort=20000)),
    ("the overlay by its protocol's number", named(f"{NODES}-health-from-nodes-at-0", cidrIpv4="10.16.0.0/16",
                                                   ipProtocol="17", fromPort=8472, toPort=8472)),
    ("every protocol", named(f"{NODES}-vxlan-from-nodes-at-0", ipProtocol="-1")),
    ("nodes the cluster is not told of", editing("eks/cluster:Cluster", "platform-use1-cluster", untold)),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change"), TOO_WIDE, ids=[what for what, _ in TOO_WIDE])
def test_what_lets_in_more_than_those_nodes_is_caught(
    what: str, change: Callable[[Stacks], Stacks], stacks: Stacks
) -> None:
    found = prove(change(stacks)).breaches
    assert found, what
    assert {each.claim for each in found} == {NOTHING_OUTSIDE}


@pytest.mark.parametrize("field", ["ipProtocol", "fromPort"])
def test_a_rule_that_does_not_say_what_it_opens_is_not_passed(field: str, stacks: Stacks) -> None:
    unsaid = {"cidrIpv4": "10.16.0.0/16", field: Unknown("urn:other#value", "{{urn:other#value}}")}
    (missed,) = prove(named(f"{NODES}-health-from-nodes-at-0", **unsaid)(stacks)).unmodelled
    assert f"{NODES}-health-from-nodes-at-0" in missed.urn
    assert field in missed.field


def test_probes_alone_tell_nobody_what_a_pod_says(stacks: Stacks) -> None:
    """Of the three, this port leads into no pod: another site on it is no breach of a customer's walls."""
    elsewhere = named(f"{NODES}-health-from-nodes-at-0", cidrIpv4="10.16.0.0/16")
    assert prove(elsewhere(stacks)).breaches == ()
