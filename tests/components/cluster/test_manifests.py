"""What a cluster is given: one kind, one controller with few rights, and classes agents can name."""

import pytest
from pydantic import ValidationError

from components.cluster import controller, manifests
from components.cluster.spec import ClusterSpec, StorageSpec
from tests.components.specs import CLUSTER


def test_the_sandbox_kind_needs_no_webhook() -> None:
    definition = manifests.build_sandbox_definition()
    assert "conversion" not in definition["spec"]
    assert [(each["name"], each["served"], each["storage"]) for each in definition["spec"]["versions"]] == [
        ("v1beta1", True, True)
    ]


def test_the_controller_is_told_that_there_is_no_webhook() -> None:
    (container,) = controller.build_controller(CLUSTER)["spec"]["template"]["spec"]["containers"]
    assert {"--enable-webhook=false", "--manage-webhook-certs=false"} <= set(container["args"])


def test_the_controller_may_not_read_secrets_or_change_kinds() -> None:
    rules = [*controller.CLUSTER_RULES, *controller.LEASE_RULES]
    assert not any({"secrets", "customresourcedefinitions", "*"} & set(rule["resources"]) for rule in rules)
    assert not any({"*", "bind", "escalate", "impersonate"} & set(rule["verbs"]) for rule in rules)


def test_leases_are_its_own_namespaces_only() -> None:
    kinds = {each["kind"]: each for each in controller.build_controller_identity(CLUSTER)}
    assert kinds["Role"]["rules"] == controller.LEASE_RULES
    assert not any("leases" in rule["resources"] for rule in kinds["ClusterRole"]["rules"])


def test_every_binding_names_the_role_and_the_account_there_are() -> None:
    kinds = {each["kind"]: each for each in controller.build_controller_identity(CLUSTER)}
    for prefix in ("Cluster", ""):
        binding, role = kinds[f"{prefix}RoleBinding"], kinds[f"{prefix}Role"]
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == (role["kind"], role["metadata"]["name"])
        (subject,) = binding["subjects"]
        account = kinds["ServiceAccount"]["metadata"]
        assert (subject["name"], subject["namespace"]) == (account["name"], account["namespace"])


def test_the_controller_speaks_to_the_api_server_alone() -> None:
    _, policy = controller.build_controller_policies(CLUSTER)
    assert policy["spec"]["egress"] == [
        {"to": [{"ipBlock": {"cidr": "10.20.0.0/20"}}], "ports": [{"protocol": "TCP", "port": 6443}]}
    ]


def test_agents_never_push_one_another_out() -> None:
    platform, agent = manifests.build_priority_classes(CLUSTER)
    assert platform["value"] > agent["value"]
    assert agent["preemptionPolicy"] == "Never"


@pytest.mark.parametrize("reclaim", ["Delete", "Retain"])
def test_what_becomes_of_a_volume_is_as_asked(reclaim: str) -> None:
    storage = StorageSpec.model_validate({"provisioner": "p", "reclaim": reclaim})
    manifest = manifests.build_storage_class(CLUSTER.model_copy(update={"storage": storage}))
    assert manifest["reclaimPolicy"] == reclaim
    assert "parameters" not in manifest


def test_an_image_by_tag_is_refused() -> None:
    with pytest.raises(ValidationError, match="controller_image"):
        ClusterSpec.model_validate({**dict(CLUSTER), "controller_image": "controller:v0.5.6"})


def test_volumes_are_encrypted_with_the_key_that_is_given() -> None:
    plain = manifests.build_storage_class(CLUSTER)["parameters"]
    assert manifests.build_storage_class(CLUSTER, "arn:key")["parameters"] == {
        **plain,
        "encrypted": "true",
        "kmsKeyId": "arn:key",
    }
    assert "kmsKeyId" not in plain
