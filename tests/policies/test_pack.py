"""The rules as the real engine asks them, through the policy pack."""

import json
from datetime import date
from pathlib import Path

import pytest
import yaml

from policies.record import Resource
from policies.registry import RULES
from tests.policies.all_cases import CASES
from tests.policies.cases.clouds import bucket
from tests.policies.cases.pods import DIGEST, with_container, with_spec
from tests.policies.engine_program import PACK, EngineProgram, Later, Said
from tests.policies.resources import kubernetes, resource
from tests.stack_files import PROJECT

BY_ITSELF = {rule.name for rule in RULES if rule.check}
MUTANTS = [(name, mutant) for name, case in CASES.items() for mutant in case.mutants]
THING = "aws:sqs/queue:Queue"


def made(name: str, mutant: str) -> tuple[Resource, ...]:
    return CASES[name].mutants[mutant](f"{name}-{mutant}")


def previewed(folder: Path, *resources: Resource, kind: str = "region") -> Said:
    program = EngineProgram(folder, kind)
    program.declare(resources)
    return program.preview()


@pytest.fixture(scope="module")
def mutants(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """What the engine finds broken in all mutants. Where resources are refused it doesn't ask of the whole stack."""
    folder = tmp_path_factory.mktemp("mutants")
    alone = [each for name, mutant in MUTANTS if name in BY_ITSELF for each in made(name, mutant)]
    together = [each for name, mutant in MUTANTS if name not in BY_ITSELF for each in made(name, mutant)]
    found = [previewed(folder / "alone", *alone), previewed(folder / "together", *together)]
    assert all(each.refused for each in found)
    return found[0].violations() | found[1].violations()


def test_all_good_cases_pass_together(tmp_path: Path) -> None:
    resources = [each for name, case in CASES.items() for each in case.good(name)]
    said = previewed(tmp_path / "program", *resources)
    assert not said.refused, said.text
    assert said.violations() == set()
    assert f"+ {len(resources) + 6} to create" in said.text, "the stack and its providers beside them"


@pytest.mark.parametrize(("name", "mutant"), MUTANTS)
def test_a_mutant_is_refused_in_its_rules_name(name: str, mutant: str, mutants: set[tuple[str, str]]) -> None:
    names = {each.name for each in made(name, mutant)}
    assert [found for rule, found in mutants if rule == name and found in names]


def test_what_a_preview_cannot_know_is_listed_and_judged_at_the_update(tmp_path: Path) -> None:
    first = resource(THING, "first", {})
    (pod,) = with_container(image=Later(first, "registry.example/agent:1.2"))("later")
    program = EngineProgram(tmp_path / "program", "tenant")
    program.declare([first, pod])
    preview = program.preview()
    assert not preview.refused, preview.text
    assert preview.violations("advisory") == {("not-known-yet", "pod-later")}
    assert "image-has-a-digest: spec.containers[0].image: not known before the deployment" in preview.text
    update = program.up()
    assert update.refused
    assert ("image-has-a-digest", "pod-later") in update.violations()

    (mended,) = with_container(image=Later(first, f"registry.example/agent@{DIGEST}"))("later")
    program.declare([first, mended])
    assert not program.up().refused


def test_a_dev_stack_keeps_nothing_and_is_asked_the_rest(tmp_path: Path) -> None:
    said = previewed(tmp_path / "program", *bucket("dev", protect=False, without="Versioning"), kind="dev")
    assert said.violations() == {("bucket-is-versioned", "dev")}


def test_a_configuration_of_the_pack_lowers_a_rule_by_name(tmp_path: Path) -> None:
    host, alone = "pod-shares-no-host-namespace", "bucket-is-versioned"
    program = EngineProgram(tmp_path / "program", "region")
    program.declare([*with_spec(hostPID=True)("one"), *bucket("two", without="Versioning")])
    levels = tmp_path / "levels.json"
    levels.write_text(json.dumps({host: "advisory", alone: {"enforcementLevel": "disabled"}}))
    said = program.preview(PACK, "--policy-pack-config", str(levels))
    assert not said.refused, said.text
    assert (host, "pod-one") in said.violations("advisory")
    assert alone not in said.text


def own_pack(folder: Path, expires: date) -> Path:
    """The pack with one exemption of the test's own."""
    folder.mkdir()
    entry = {
        "rule": "pod-shares-no-host-namespace",
        "resource": "kubernetes:core/v1:Pod::pod-shared-*",
        "reason": "a test",
        "owner": "tests",
        "expires": expires,
    }
    (folder / "exemptions.yaml").write_text(yaml.safe_dump({"exemptions": [entry]}))
    settings = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text())
    settings["runtime"]["options"]["virtualenv"] = str(PROJECT / ".venv")
    (folder / "PulumiPolicy.yaml").write_text(yaml.safe_dump(settings))
    (folder / "__main__.py").write_text(
        "from pathlib import Path\n\nfrom policies.pack import serve\n\n"
        'serve(Path(__file__).with_name("exemptions.yaml"))\n'
    )
    return folder


def test_an_exemption_counts_until_its_day_is_over(tmp_path: Path) -> None:
    program = EngineProgram(tmp_path / "program", "region")
    program.declare([*with_spec(hostPID=True)("shared-one"), *with_spec(hostPID=True)("other")])
    said = program.preview(own_pack(tmp_path / "in-force", date.max))
    assert said.violations() == {("pod-shares-no-host-namespace", "pod-other")}
    expired = program.preview(own_pack(tmp_path / "expired", date(2026, 1, 31)))
    assert ("pod-shares-no-host-namespace", "pod-shared-one") in expired.violations()
    program.declare(with_spec()("good"))
    refused = program.preview(tmp_path / "expired")
    assert refused.refused
    assert "exemptions-are-in-force" in refused.text
    assert "exemptions.yaml: exemptions[0].expires: 2026-01-31 has passed" in refused.text


def test_an_object_that_is_not_one_of_ours_is_let_be(tmp_path: Path) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "some"}, "data": {}}
    assert not previewed(tmp_path / "program", kubernetes(config)).refused
