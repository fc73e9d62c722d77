"""The invariants hold of the dev stack, and each of them notices when it is broken."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.program import invariants
from tests.program.invariants import INVARIANTS, Manifest
from tests.program.recording import Recording


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda each: each.__name__)
def test_it_holds(invariant: Callable[[list[Manifest]], list[str]], recording: Recording) -> None:
    assert invariant(recording.manifests()) == []


def _first(manifests: list[Manifest], kind: str) -> Manifest:
    return next(each for each in manifests if each["kind"] == kind)


def _pod(manifests: list[Manifest]) -> Any:
    return _first(manifests, "Sandbox")["spec"]["podTemplate"]["spec"]


def _container(manifests: list[Manifest]) -> Any:
    return _pod(manifests)["containers"][0]


def _drop_policy(manifests: list[Manifest]) -> None:
    manifests.remove(next(each for each in manifests if each["metadata"]["name"] == "default-deny"))


def _way_in(manifests: list[Manifest]) -> Any:
    policy = next(each for each in manifests if each["metadata"]["name"] == "monitoring-to-agents")
    return policy["spec"]["ingress"][0]


MUTANTS: list[tuple[Callable[[list[Manifest]], list[str]], Callable[[list[Manifest]], object]]] = [
    (invariants.one_default_deny_a_namespace, _drop_policy),
    (
        invariants.one_default_deny_a_namespace,
        lambda all_: next(each for each in all_ if each["metadata"]["name"] == "default-deny")["spec"].update(
            egress=[{}]
        ),
    ),
    (invariants.every_way_in_names_port_and_caller, lambda all_: _way_in(all_).pop("ports")),
    (invariants.every_way_in_names_port_and_caller, lambda all_: _way_in(all_).pop("from")),
    (invariants.every_way_in_names_port_and_caller, lambda all_: _way_in(all_)["from"][0].pop("podSelector")),
    (
        invariants.every_way_in_names_port_and_caller,
        lambda all_: _way_in(all_)["from"][0].update(namespaceSelector={}),
    ),
    (
        invariants.every_way_in_names_port_and_caller,
        lambda all_: _way_in(all_)["from"].append({"ipBlock": {"cidr": "198.18.0.0/16"}}),
    ),
    (invariants.no_service_faces_outward, lambda all_: _first(all_, "Service")["spec"].update(type="NodePort")),
    (invariants.no_service_faces_outward, lambda all_: _first(all_, "Service")["spec"].update(type="LoadBalancer")),
    (invariants.no_service_faces_outward, lambda all_: _first(all_, "Service")["spec"].update(externalIPs=["1.1.1.1"])),
    (invariants.every_pod_is_restricted, lambda all_: _pod(all_)["securityContext"].update(runAsNonRoot=False)),
    (invariants.every_pod_is_restricted, lambda all_: _pod(all_).update(hostNetwork=True)),
    (invariants.every_pod_is_restricted, lambda all_: _pod(all_)["volumes"].append({"name": "h", "hostPath": {}})),
    (
        invariants.every_pod_is_restricted,
        lambda all_: _container(all_)["securityContext"].update(readOnlyRootFilesystem=False),
    ),
    (invariants.every_pod_is_restricted, lambda all_: _container(all_)["securityContext"].pop("capabilities")),
    (invariants.every_image_has_a_digest, lambda all_: _container(all_).update(image="runtime:latest")),
    (invariants.no_agent_has_a_token, lambda all_: _pod(all_).update(automountServiceAccountToken=True)),
    (invariants.every_container_is_probed_and_bounded, lambda all_: _container(all_).pop("readinessProbe")),
    (
        invariants.every_container_is_probed_and_bounded,
        lambda all_: _container(all_)["resources"]["limits"].pop("memory"),
    ),
    (
        invariants.nothing_of_a_tenant_lies_elsewhere,
        lambda all_: _first(all_, "Sandbox")["metadata"].update(namespace="globex-local-agents"),
    ),
    (
        invariants.no_role_is_a_master_key,
        lambda all_: _first(all_, "ClusterRole")["rules"][0]["resources"].append("secrets"),
    ),
]


@pytest.mark.parametrize(("invariant", "mutate"), MUTANTS)
def test_it_notices(
    invariant: Callable[[list[Manifest]], list[str]], mutate: Callable[[list[Manifest]], object], recording: Recording
) -> None:
    manifests = sorted(copy.deepcopy(recording.manifests()), key=lambda each: each["metadata"].get("namespace", ""))
    mutate(manifests)
    assert invariant(manifests)


def test_every_invariant_has_a_mutant() -> None:
    assert {invariant for invariant, _ in MUTANTS} == set(INVARIANTS)
