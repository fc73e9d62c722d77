"""A stack's config: what is wrong is said, all at once, with place, value and remedy, and no secret."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from infra.plan import plan_stack
from infra.settings import (
    ConfigError,
    DevSettings,
    Problem,
    Source,
    draft_settings,
    load_settings,
    read_engine,
    read_file,
)
from infra.settings.fields import Section
from infra.settings.kinds import KINDS
from infra.settings.problems import ancestors, path_of, secret_in
from infra.settings.shape import example_of, section_at, setting_of
from tests.infra.bad_configs import BAD
from tests.infra.departures import AGENT, PRIVATE_JWK, PRIVATE_PEM, SECRET_KEY, Bad, both, put, take
from tests.stack_files import DEV_STACK, engine_config, machine_config


def refuse(config: dict[str, Any], folder: Path) -> ConfigError:
    """The error a config is refused with."""
    file = folder / "Pulumi.bad.yaml"
    file.write_text(yaml.safe_dump({"config": config}, sort_keys=False))
    with pytest.raises(ConfigError) as caught:
        plan_stack(draft_settings(read_file(file)))
    return caught.value


def test_the_committed_stack_is_good() -> None:
    assert [tenant.id for tenant in load_settings(DEV_STACK, DevSettings).tenants] == ["acme", "globex"]
    plan_stack(draft_settings(read_file(DEV_STACK)))


def test_the_config_the_bad_ones_depart_from_is_good(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.good.yaml"
    file.write_text(yaml.safe_dump({"config": machine_config()}))
    plan_stack(draft_settings(read_file(file)))


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_config_is_refused(bad: Bad, tmp_path: Path) -> None:
    config = machine_config()
    bad.change(config)
    error = refuse(config, tmp_path)

    about = [line for line in str(error).splitlines() if line.startswith((f"  - {bad.path}:", f"  - {bad.path} "))]
    assert about, f"nothing is said of {bad.path}: {error}"
    for part in bad.says:
        assert part in " ".join(about)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_nothing_else_is_blamed(bad: Bad, tmp_path: Path) -> None:
    config = machine_config()
    bad.change(config)
    for problem in refuse(config, tmp_path).problems:
        assert bad.path in ancestors(problem.path) or problem.path in ancestors(bad.path), problem


def test_there_are_enough_bad_configs() -> None:
    assert len({bad.name for bad in BAD}) == len(BAD) >= 40


def test_every_problem_is_said_at_once(tmp_path: Path) -> None:
    config = machine_config()
    both(
        put(1, *AGENT, "memory_gb"),
        put(20, *AGENT, "volume_gb"),
        put("h100", "moltghost:tenants", 1, "agents", 0, "gpu_class"),
        put([{"cidr": "10.0.0.0/8", "ports": [443]}], "moltghost:tenants", 1, "agents", 0, "egress"),
        put("198.18.8.0/24", "moltghost:region", "network", "services"),
        put("hunter2", "moltghost:keyPepper"),
        take("moltghost:edge", "hostname"),
        put(0, "moltghost:tenants", 1, "quota", "gpus"),
    )(config)
    assert {problem.path for problem in refuse(config, tmp_path).problems} == {
        "moltghost:tenants[0].agents[0].memory_gb",
        "moltghost:tenants[0].agents[0].volume_gb",
        "moltghost:tenants[1].agents[0].gpu_class",
        "moltghost:tenants[1].agents[0].egress[0].cidr",
        "moltghost:region.network.pods",
        "moltghost:keyPepper",
        "moltghost:edge.hostname",
        "moltghost:tenants[1].quota.gpus",
    }


def test_no_verdict_rests_on_a_stand_in(tmp_path: Path) -> None:
    config = machine_config()
    both(take(*AGENT, "gpu_class"), take("moltghost:region", "network", "pods"))(config)
    assert {problem.path for problem in refuse(config, tmp_path).problems} == {
        "moltghost:tenants[0].agents[0].gpu_class",
        "moltghost:region.network.pods",
    }


@pytest.mark.parametrize(
    ("secret", "steps"),
    [
        (SECRET_KEY, ("moltghost:tenants", 0, "id")),
        (SECRET_KEY, ("moltghost:apiKey",)),
        ("hunter2-hunter2", ("moltghost:region", "password")),
        (PRIVATE_PEM, ("moltghost:kind",)),
        (PRIVATE_JWK, ("moltghost:region",)),
        ("hunter2-hunter2", ("moltghost:keyPepper",)),
    ],
)
def test_a_secret_is_never_shown(secret: object, steps: tuple[str | int, ...], tmp_path: Path) -> None:
    config = machine_config()
    put(secret, *steps)(config)
    text = str(refuse(config, tmp_path))
    for part in ("0123456789abcdefghij", "hunter2", "MC4CAQ", "very-private"):
        assert part not in text


def test_a_problem_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.bad.yaml"
    lines = DEV_STACK.read_text().splitlines()
    at = next(number for number, line in enumerate(lines, 1) if "volume_gb: 50" in line)
    lines[at - 1] = lines[at - 1].replace("50", "5")
    file.write_text("\n".join(lines))
    with pytest.raises(ConfigError, match=rf"agents\[0\]\.volume_gb \(line {at}\) = 5:"):
        load_settings(file, DevSettings)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("config: [", "is not YAML"),
        ("- config", "must be a mapping"),
        ("config: text", "must be a mapping"),
        ("tenants: []\nconfig: {}", "Settings stand under `config:` as `moltghost:tenants`"),
    ],
)
def test_a_file_that_is_no_stack_file(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.bad.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, DevSettings)
    assert says in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "Pulumi.none.yaml", DevSettings)


def test_a_key_that_stands_twice_is_no_last_one_wins(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.bad.yaml"
    file.write_text(DEV_STACK.read_text().replace("    name: local\n", "    name: local\n    name: other\n"))
    with pytest.raises(ConfigError, match=r"region\.name \(line \d+\): stands here and again on line \d+"):
        load_settings(file, DevSettings)


def test_the_engine_and_the_file_say_the_same(tmp_path: Path) -> None:
    config = machine_config()
    put(49, *AGENT, "volume_gb")(config)
    from_file = {(problem.path, problem.message) for problem in refuse(config, tmp_path).problems}
    with pytest.raises(ConfigError) as caught:
        plan_stack(draft_settings(read_engine("dev", engine_config(config), [])))
    assert {(problem.path, problem.message) for problem in caught.value.problems} == from_file


def test_to_deploy_the_secrets_and_the_machine_must_be_there() -> None:
    config = machine_config()
    del config["moltghost:machine"]
    problems = draft_settings(read_engine("dev", engine_config(config), []), complete=True).problems
    assert {problem.path for problem in problems} == {
        "moltghost:keyPepper",
        "moltghost:edgeSigningKey",
        "moltghost:agentSecrets",
        "moltghost:machine",
    }


def test_an_encrypted_secret_never_enters_the_settings() -> None:
    secrets = dict.fromkeys(("moltghost:keyPepper", "moltghost:edgeSigningKey", "moltghost:agentSecrets"), "hunter2")
    source = read_engine("dev", {**engine_config(machine_config()), **secrets}, list(secrets))
    draft = draft_settings(source, complete=True)
    assert not draft.problems
    assert "hunter2" not in repr(draft)


@pytest.mark.parametrize("root", KINDS.values(), ids=KINDS)
def test_every_setting_has_an_example_that_is_right_and_a_remedy(root: type[Section]) -> None:
    root.model_validate(example_of(root))

    def check(location: tuple[str | int, ...]) -> None:
        section = section_at(root, location)
        assert section is not None
        for name, field in section.model_fields.items():
            here = (*location, name)
            below = section_at(root, here)
            inner = section_at(root, (*here, 0))
            setting = setting_of(field)
            assert below or (setting and len(setting.remedy) > 10), f"{path_of(here)} has no remedy"
            for each in ([here] if below else []) + ([(*here, 0)] if inner else []):
                check(each)

    check(())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(ANYTHING, st.sampled_from(["kind", "region", "edge", "tenants", "machine"]))
def test_any_value_anywhere_is_good_or_explained(value: object, name: str) -> None:
    values = {key.partition(":")[2]: each for key, each in machine_config().items() if key.startswith("moltghost:")}
    try:
        problems: Sequence[Problem] = draft_settings(Source("any", {**values, name: value}, frozenset())).problems
    except ConfigError as error:  # without its kind nothing of a stack can be judged
        assert name == "kind"
        problems = error.problems
    blamed = [problem for problem in problems if f"moltghost:{name}" in ancestors(problem.path)]
    assert blamed or value == values[name] or (name, value) == ("machine", None)


@pytest.mark.parametrize("text", ["mg_acme", "acme", "-----BEGIN PUBLIC KEY-----", '{"kty": "OKP", "x": "A"}'])
def test_what_is_no_secret_is_not_taken_for_one(text: str) -> None:
    assert secret_in(text) is None
