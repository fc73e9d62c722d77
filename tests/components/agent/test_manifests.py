"""One agent is one restricted pod with one whole GPU and one volume."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.agent.manifests import build_config, build_egress, build_pod, build_sandbox, build_skills
from components.agent.spec import AgentSpec, ClaimSource, EgressSpec, ImageSource, Lifecycle
from components.quantities import GPU
from runtime.contract import env, image, labels, ports
from tests.components.specs import AGENT, IMAGE


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
    [
        ("volume_gb", 49),
        ("volume_gb", 2001),
        ("cpu", 0),
        ("memory_gib", 1.5),
        ("image", "runtime:latest"),
        ("secrets", ("../x",)),
    ],
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


def test_only_its_volume_and_its_scratch_can_be_written() -> None:
    pod = build_pod(AGENT)
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {image.DATA_DIR, image.RUN_DIR, "/tmp"}  # noqa: S108  # a path in the pod
    assert pod["securityContext"]["runAsUser"] == image.UID


def test_every_volume_is_mounted_and_scratch_is_bounded() -> None:
    for spec in (AGENT, AGENT.model_copy(update={"skills": None})):
        pod = build_pod(spec)
        (container,) = pod["containers"]
        mounted = [mount["name"] for mount in container["volumeMounts"]]
        assert sorted(mounted) == sorted(["data", *(volume["name"] for volume in pod["volumes"])])
        assert all(volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if "emptyDir" in volume)


def test_the_token_of_the_pod_lies_in_memory() -> None:
    (own,) = [volume for volume in build_pod(AGENT)["volumes"] if volume["name"] == "own"]
    assert own["emptyDir"]["medium"] == "Memory"


@pytest.mark.parametrize(
    ("source", "volume"),
    [
        (ImageSource(reference=IMAGE), {"image": {"reference": IMAGE, "pullPolicy": "IfNotPresent"}}),
        (ClaimSource(claim="weights"), {"persistentVolumeClaim": {"claimName": "weights", "readOnly": True}}),
    ],
)
def test_a_model_is_mounted_from_where_it_is(source: ImageSource | ClaimSource, volume: dict[str, object]) -> None:
    model = AGENT.model.model_copy(update={"source": source})
    volumes = build_pod(AGENT.model_copy(update={"model": model}))["volumes"]
    assert {"name": "model", **volume} in volumes


def test_skills_are_mounted_as_the_tree_they_were_signed_as_and_never_change_in_place() -> None:
    skills = build_skills(AGENT)
    assert skills is not None
    assert skills["immutable"] is True
    (mounted,) = [volume for volume in build_pod(AGENT)["volumes"] if volume["name"] == "skills"]
    assert mounted["configMap"]["name"] == skills["metadata"]["name"]
    assert {item["key"] for item in mounted["configMap"]["items"]} == set(skills["binaryData"])
    assert AGENT.skills is not None
    other = AGENT.model_copy(update={"skills": AGENT.skills.model_copy(update={"digest": "99" * 32})})
    renamed = build_skills(other)
    assert renamed is not None
    assert renamed["metadata"]["name"] != skills["metadata"]["name"]


def test_an_agent_without_skills_has_none_mounted() -> None:
    assert build_skills(AGENT.model_copy(update={"skills": None})) is None


def test_no_secret_of_the_agents_is_in_its_environment_or_configuration() -> None:
    (container,) = build_pod(AGENT)["containers"]
    assert all("valueFrom" not in each for each in container["env"])
    assert set(build_config(AGENT)["data"]) == {image.OPENCLAW_CONFIG_FILE, image.EDGE_KEYS_FILE}


def test_it_is_placed_where_its_gpu_class_is() -> None:
    pod = build_pod(AGENT.model_copy(update={"gpu_class": "h100"}))
    assert pod["nodeSelector"] == {labels.GPU_CLASS: "h100"}
    assert pod["tolerations"] == [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}]


def test_the_image_is_told_who_it_is() -> None:
    (container,) = build_pod(AGENT)["containers"]
    told = {each["name"]: each["value"] for each in container["env"]}
    assert (told[env.TENANT], told[env.AGENT]) == ("acme", "helper")
    assert told[env.MODEL_DIGEST] == AGENT.model.digest
    assert AGENT.skills is not None
    assert (told[env.SKILLS_KEY], told[env.SKILLS_DIGEST]) == (AGENT.skills.key, AGENT.skills.digest)
    assert '"kid": "one"' in build_config(AGENT)["data"][image.EDGE_KEYS_FILE]


def test_it_is_ready_only_when_its_own_port_says_so() -> None:
    (container,) = build_pod(AGENT)["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] == ports.AGENT_OPS
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


def test_an_agent_of_two_regions_is_told_where_its_latest_state_is_and_one_of_one_is_not() -> None:
    def told(spec: AgentSpec) -> str | None:
        (container,) = build_sandbox(spec)["spec"]["podTemplate"]["spec"]["containers"]
        return {each["name"]: each["value"] for each in container["env"]}.get(env.RESUME_FROM)

    source = "s3://acme-usw2-snapshots/helper/"
    assert told(AGENT.model_copy(update={"resume_from": source})) == source
    assert told(AGENT) is None


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
