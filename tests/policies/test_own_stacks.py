"""The project's own stacks keep every rule, and what they declare in a cluster is admitted there."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest

from policies.declared import matches
from policies.exemptions import Exemption
from policies.judging import committed_exemptions, judge
from policies.pods import POD_TYPES, pod_of
from policies.record import Resource, Secret, Stack, Unknown
from tests.infra.local.providers.control_plane import ControlPlane
from tests.policies.admitting import admitting, ask, path_of
from tests.policies.conftest import COMMITTED
from tests.policies.recorded import stack_of
from tests.program.recording import Recording
from tests.waiting import eventually

WRITTEN = date(2026, 11, 26)
"""A day on which every committed exemption counts, whatever day the test is run."""
MADE_FIRST = (
    "Namespace",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PriorityClass",
    "StorageClass",
    "ClusterRole",
    "Role",
)


@pytest.fixture(scope="module")
def exemptions() -> tuple[Exemption, ...]:
    return committed_exemptions(WRITTEN)


@pytest.mark.parametrize("name", COMMITTED)
def test_a_committed_stack_passes(
    name: str, own_stacks: Mapping[str, Stack], exemptions: tuple[Exemption, ...]
) -> None:
    report = judge(own_stacks[name], exemptions)
    assert report.judgements
    assert report.passed, "\n".join(report.lines())


def test_the_dev_stack_passes(recording: Recording, exemptions: tuple[Exemption, ...]) -> None:
    report = judge(stack_of(recording, "dev", "dev"), exemptions)
    assert len(report.judgements) > 100
    assert report.passed, "\n".join(report.lines())


def test_every_exemption_is_needed(own_stacks: Mapping[str, Stack], exemptions: tuple[Exemption, ...]) -> None:
    used = {each.exemption for one in own_stacks.values() for each in judge(one, exemptions).exempted}
    assert [each.path for each in exemptions if each not in used] == []


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with admitting(tmp_path_factory.mktemp("own")) as running:
        refused = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lax"}}
        eventually(lambda: ask(running, refused).status_code == 403, "the rules are asked")
        yield running


def test_what_the_stacks_declare_in_clusters_is_admitted(
    cluster: ControlPlane, own_stacks: Mapping[str, Stack]
) -> None:
    """One server stands for a region's: its own objects first, then its customer's, and the pods they make."""
    resources = [each for name in ("use1", "acme") for each in own_stacks[name].resources if _is_here(each)]
    for kind in MADE_FIRST:
        for manifest in (_manifest(each) for each in resources if each.type.endswith(f":{kind}")):
            answer = cluster.http.post(path_of(manifest), json=manifest)
            assert answer.status_code in (201, 409), answer.text  # `kube-system` is there already
    definition = "/apis/agents.x-k8s.io/v1beta1/sandboxes"
    eventually(lambda: cluster.http.get(definition).is_success, "the kind is served")
    pods = [_pod(each) for each in resources if matches(each.type, POD_TYPES)]
    rest = [
        _manifest(each)
        for each in resources
        if each.type.rpartition(":")[2] not in MADE_FIRST and "admissionregistration" not in each.type
    ]
    assert len(pods) > 5
    assert len(rest) > 40
    for manifest in (*rest, *pods):
        answer = ask(cluster, manifest)
        assert answer.is_success, f"{manifest['kind']} {manifest['metadata']}: {answer.text}"


def _is_here(resource: Resource) -> bool:
    """Whether it goes to the cluster of use1."""
    return resource.type.startswith("kubernetes:") and "usw2" not in resource.name


def _manifest(resource: Resource) -> dict[str, Any]:
    manifest = _known(resource.inputs)
    assert isinstance(manifest, dict)
    return manifest


def _pod(resource: Resource) -> dict[str, Any]:
    """The pod a resource's controller makes."""
    made, owner = pod_of(resource), _manifest(resource)["metadata"]
    metadata = {**_known(made.metadata.value or {}), "name": owner["name"], "namespace": owner["namespace"]}
    spec = _known(made.spec.value)
    claims = [each["metadata"]["name"] for each in _manifest(resource)["spec"].get("volumeClaimTemplates", [])]
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
    whole = {**spec, "volumes": [*spec.get("volumes", []), *volumes]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": whole}


def _known(value: Any) -> Any:
    """What is not known of it in a form the server takes."""
    match value:
        case Unknown():
            return "known-later"
        case Secret():
            return "c2VjcmV0"
        case Mapping():
            return {key: _known(each) for key, each in value.items()}
        case list() | tuple():
            return [_known(each) for each in value]
    return value
