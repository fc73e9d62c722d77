"""Stacks recorded without an engine: the same each time, nothing made up, nothing secret told."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from infra.synth.command import synth as command
from infra.synth.fleet import Fleet, fleet_stacks, synth
from infra.synth.model import Secret, Stack, Unknown, Value, from_json, to_json
from infra.synth.monitor import SynthError
from infra.synth.pool import synth_all
from infra.synth.symbols import symbols_in
from tests.infra.fleets import change_stack, clone_stack
from tests.program.fleet import SECRETS, TUNNEL_SECRET
from tests.stack_files import PEPPER, PROJECT, RECEIPT_KEY

STACKS = ("global", "use1", "acme")


def values(value: Value) -> Iterator[Value]:
    """Every value in a value."""
    yield value
    if isinstance(value, Mapping):
        for each in value.values():
            yield from values(each)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from values(each)


def all_values(stack: Stack) -> list[Value]:
    return [each for resource in stack.resources for each in values(resource.inputs)] + list(values(stack.outputs))


def secret_values(kind: str) -> dict[str, str]:
    return {name.partition(":")[2]: value for name, value in SECRETS[kind].items()}


def test_records_are_the_same_each_time_and_in_each_order(committed: Fleet) -> None:
    made = {name: to_json(each) for name, each in synth(committed, STACKS).items()}
    reverse = synth(Fleet(PROJECT), STACKS[::-1])
    assert {name: to_json(each) for name, each in reverse.items()} == made


def test_processes_record_what_one_does(folder: Path) -> None:
    names = [f"g{at}" for at in range(14)]
    for name in names:
        clone_stack(folder, "global", name, lambda _config: None)
    made = synth_all(Fleet(folder), names, jobs=2)
    assert list(made) == names
    assert to_json(made["g7"]) == to_json(Fleet(folder).stack("g7"))


def test_a_record_survives_its_file(committed: Fleet) -> None:
    stack = committed.stack("acme")
    assert from_json(to_json(stack)) == stack


def test_what_only_a_deployment_tells_is_unknown_and_says_where_it_comes_from(committed: Fleet) -> None:
    stack = committed.stack("acme")
    known = {each.urn for each in stack.resources}
    unknown = [each for each in all_values(stack) if isinstance(each, Unknown)]
    assert unknown
    for each in unknown:
        for source in each.why.partition(" (")[0].split(", "):
            urn = source.partition("#")[0]
            assert urn in known or re.fullmatch(r"(urn:pulumi|stack):(global|use1|usw2|acme)", urn.split("::")[0])


@pytest.mark.parametrize("stack", STACKS)
def test_no_name_of_an_unknown_value_passes_for_a_known_one(committed: Fleet, stack: str) -> None:
    assert not [each for each in all_values(committed.stack(stack)) if isinstance(each, str) and symbols_in(each)]


def test_a_policy_made_from_what_is_not_known_shows_all_else(committed: Fleet) -> None:
    (policy, *_) = [
        each.inputs["policy"]
        for each in committed.stack("acme").resources
        if each.type == "aws:s3/bucketPolicy:BucketPolicy"
    ]
    assert isinstance(policy, Unknown)
    assert policy.text is not None
    document = json.loads(policy.text)
    assert "aws:SecureTransport" in json.dumps(document)
    assert symbols_in(policy.text)


def test_what_one_stack_tells_reaches_the_other(committed: Fleet) -> None:
    tenant, region = committed.stack("acme"), committed.stack("use1")
    (provider,) = [each for each in tenant.resources if each.name == "platform-use1-aws"]
    assert provider.inputs["region"] == region.outputs["aws_region"] == "us-east-1"


def test_encrypted_settings_stay_secret_and_are_told_apart(folder: Path) -> None:
    def sealed(text: str) -> Stack:
        change_stack(folder, "acme", lambda config: config.update({"moltghost:agentSecrets": {"secure": f"v1:{text}"}}))
        return Fleet(folder).stack("acme")

    one, other = sealed("abc"), sealed("abd")
    changed = [
        ours.name for ours, theirs in zip(one.resources, other.resources, strict=True) if ours.inputs != theirs.inputs
    ]
    assert {name.rpartition("-")[2] for name in changed} == {"secrets"}
    assert len(changed) == 2


def test_secrets_given_are_hashed_under_the_key_alone(folder: Path) -> None:
    secrets = {"acme": secret_values("tenant"), "use1": secret_values("region"), "global": secret_values("global")}
    first, second = (Fleet(folder, key, secrets) for key in (b"one key", b"another"))
    for name in STACKS:
        one, other = first.stack(name), second.stack(name)
        text = to_json(one)
        for hidden in (PEPPER, TUNNEL_SECRET, RECEIPT_KEY.splitlines()[1]):
            assert hidden not in text
        digests = [each.digest for each in all_values(one) if isinstance(each, Secret)]
        assert digests
        assert not set(digests) & {each.digest for each in all_values(other) if isinstance(each, Secret)}


def test_nothing_of_the_users_environment_counts(committed: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_PROFILE", "CLOUDFLARE_API_TOKEN", "KUBECONFIG", "PULUMI_CONFIG_PASSPHRASE"):
        monkeypatch.setenv(name, "mine" if name != "PULUMI_CONFIG_PASSPHRASE" else "")
    before = dict(os.environ)
    assert to_json(Fleet(PROJECT).stack("global")) == to_json(committed.stack("global"))
    assert dict(os.environ) == before


def test_a_global_stack_that_steers_asks_regions_that_ask_it(folder: Path) -> None:
    steering = {"hostname": "any.moltghost.example", "region_stacks": {"use1": "organization/moltghost/use1"}}
    change_stack(folder, "global", lambda config: config.update({"moltghost:steering": steering}))
    made = synth(Fleet(folder), ["global", "use1"])
    (balancer,) = [each for each in made["global"].resources if "loadBalancer:" in each.type]
    assert balancer.inputs["fallbackPool"] == Unknown("stack:use1#pool", "{{stack:use1#pool}}")


def test_every_failure_is_told_with_its_stack(folder: Path) -> None:
    change_stack(folder, "acme", lambda config: config.update({"moltghost:global_stack": "organization/moltghost/no"}))
    change_stack(folder, "use1", lambda config: config["moltghost:region"].update(block="10.0.0.0/30"))
    with pytest.raises(SynthError) as raised:
        synth(Fleet(folder), ["acme", "use1", "usw2"])
    assert "acme: it asks for what organization/moltghost/no exports" in str(raised.value)
    assert "use1: " in str(raised.value)
    assert "moltghost:region.block" in str(raised.value)


def test_a_secret_read_in_plain_text_is_asked_for(folder: Path) -> None:
    def given(config: dict[str, object]) -> None:
        for name in ("eks", "pools", "database", "mesh"):
            config.pop(f"moltghost:{name}", None)
        config["moltghost:region"] |= {  # type: ignore[operator]
            "network": {"nodes": "10.24.0.0/20", "pods": "10.25.0.0/16", "services": "10.26.0.0/20"},
            "gpu_classes": {"l40s": {"count": 8}},
        }

    change_stack(folder, "use1", given)
    with pytest.raises(SynthError, match=r"moltghost:kubeconfig is encrypted, .* --secrets"):
        Fleet(folder).stack("use1")


def test_a_fleet_is_every_stack_but_a_machines_own() -> None:
    assert fleet_stacks(PROJECT) == ["global", "jkt", "sin", "use1", "usw2", "acme"]


def test_the_command_writes_records_and_names_what_fails(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = CliRunner().invoke(command, ["global", "--folder", str(folder), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert from_json((out / "global.json").read_text()).kind == "global"
    failed = CliRunner().invoke(command, ["nobody", "--folder", str(folder)])
    assert failed.exit_code == 1
    assert "nobody" in failed.output


def test_a_file_of_secrets_of_the_wrong_shape_is_not_quoted(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "secrets.yaml"
    file.write_text(yaml.safe_dump({"acme": "hunter2"}))
    done = CliRunner().invoke(command, ["acme", "--folder", str(folder), "--secrets", str(file)])
    assert done.exit_code == 2
    assert "hunter2" not in done.output
