"""One agent is one restricted pod with one whole GPU and one volume."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.agent.manifests import build_egress, build_pod, build_sandbox
from components.agent.spec import AgentSpec, EgressSpec, Lifecycle
from components.quantities import GPU
from runtime.contract import env, image, labels, ports
from tests.components.specs import AGENT


@given(st.floats(0.1, 64), st.integers(1, 512), st.integers(50, 2000))
def test_whatever_its_size_it_has_one_gpu_and_memory_it_can_count_on(cpu: float, memory: int, volume: int) -> None:
    spec = AGENT.model_copy(update={"cpu": cpu, "memory_gib": float(memory), "volume_gb": volume})
    (container,) = build_pod(spec)["containers"]
    requests, limits = container["resources"]["requests"], container["resources"]["limits"]
    assert requests[GPU] == limits[GPU] == "1"
    assert requests["memory"] == limits["memory"] == f"{memory}Gi"
    assert requests["ephemeral-storage"] == limits["ephemeral-storage"]
    (claim,) = build_sandbox(spec)["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] in {f"{volume}G", f"{volume // 1000}T"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("volume_gb", 49), ("volume_gb", 2001), ("cpu", 0), ("image", "runtime:latest"), ("model", "../x")],
)
def test_what_is_out_of_bounds_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        AgentSpec.model_validate({**dict(AGENT), field: value})


def test_the_gateway_finds_the_pod_by_the_labels_of_its_sandbox() -> None:
    sandbox = build_sandbox(AGENT)
    own = sandbox["metadata"]["labels"]
    assert own[labels.TENANT] == "acme"
    assert own[labels.AGENT] == "helper"
    assert sandbox["spec"]["podTemplate"]["metadata"]["labels"] == own


def test_only_its_volume_and_tmp_can_be_written() -> None:
    pod = build_pod(AGENT)
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {image.DATA_DIR, "/tmp"}  # noqa: S108
    assert pod["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}]
    assert pod["securityContext"]["runAsUser"] == image.UID


def test_it_is_placed_where_its_gpu_class_is() -> None:
    pod = build_pod(AGENT.model_copy(update={"gpu_class": "h100"}))
    assert pod["nodeSelector"] == {labels.GPU_CLASS: "h100"}
    assert pod["tolerations"] == [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}]


def test_the_image_is_told_who_it_is() -> None:
    (container,) = build_pod(AGENT)["containers"]
    told = {each["name"]: each["value"] for each in container["env"]}
    assert (told[env.TENANT], told[env.AGENT]) == ("acme", "helper")
    assert told[env.MODEL_SOURCE] == "/models/tiny"
    assert told[env.DATA_DIR] == image.DATA_DIR
    assert '"kid": "one"' in told[env.EDGE_KEYS]


def test_it_is_ready_only_when_its_own_port_says_so() -> None:
    (container,) = build_pod(AGENT)["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] == ports.AGENT
    assert container["readinessProbe"]["httpGet"]["path"] != container["livenessProbe"]["httpGet"]["path"]


def test_no_service_leads_to_it() -> None:
    assert build_sandbox(AGENT)["spec"]["service"] is False


@pytest.mark.parametrize("lifecycle", Lifecycle)
def test_its_lifecycle_is_written_on_it(lifecycle: Lifecycle) -> None:
    sandbox = build_sandbox(AGENT.model_copy(update={"lifecycle": lifecycle}))
    assert sandbox["metadata"]["annotations"]["moltghost.io/lifecycle"] == lifecycle
    assert sandbox["spec"]["operatingMode"] == "Running"


def test_an_agent_without_egress_has_no_policy_of_its_own() -> None:
    assert build_egress(AGENT.model_copy(update={"egress": ()})) is None


def test_a_rule_that_wide_still_leaves_out_what_must_never_be_reached() -> None:
    wide = AGENT.model_copy(update={"egress": (EgressSpec(cidr=IPv4Network("0.0.0.0/0"), ports=(443,)),)})
    policy = build_egress(wide)
    assert policy is not None
    (rule,) = policy["spec"]["egress"]
    assert rule["to"] == [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "169.254.0.0/16"]}}]


def test_an_egress_rule_lets_its_own_agent_out_and_no_other() -> None:
    policy = build_egress(AGENT)
    assert policy is not None
    assert policy["spec"]["podSelector"]["matchLabels"][labels.AGENT] == "helper"
    assert policy["spec"]["policyTypes"] == ["Egress"]
