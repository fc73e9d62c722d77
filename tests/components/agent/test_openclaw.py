"""OpenClaw's configuration as the platform renders it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.agent.openclaw import render_openclaw
from components.agent.openclaw_spec import NEVER, OpenClawSpec, SkillUse

PLAIN = OpenClawSpec(model="tiny", context_tokens=16384, max_tokens=512)
CRM = SkillUse(id="crm", config={"baseUrl": "http://10.0.0.1:8000"}, instructions=("crm-query",))
WITH_SKILL = PLAIN.model_copy(update={"skills": (CRM,)})

names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True)


def rendered(spec: OpenClawSpec) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render_openclaw(spec))
    return found


def changed(**values: Any) -> OpenClawSpec:
    return OpenClawSpec(**{**PLAIN.model_dump(), **values})


def read_back(text: str) -> str:
    """What OpenClaw makes of a text: `$${` is `${`."""
    return text.replace("$${", "${")


@given(st.dictionaries(names, st.text(), max_size=4))
def test_whatever_a_skill_is_told_it_is_told_as_it_stands(config: dict[str, str]) -> None:
    skill = SkillUse(id="crm", config=config)
    found = rendered(PLAIN.model_copy(update={"skills": (skill,)}))
    told = found["plugins"]["entries"]["crm"]["config"]
    assert {name: read_back(text) for name, text in told.items()} == config
    del found["plugins"]["entries"]["crm"]["config"]
    plain = rendered(PLAIN.model_copy(update={"skills": (SkillUse(id="crm"),)}))
    del plain["plugins"]["entries"]["crm"]["config"]
    assert found == plain


@pytest.mark.parametrize("text", ["${HOME}", "a ${HOME} b", "$${HOME}", '"}, "gateway": {"bind": "lan"'])
def test_no_text_of_a_customer_is_replaced_by_a_variable_or_breaks_out(text: str) -> None:
    found = rendered(PLAIN.model_copy(update={"skills": (SkillUse(id="crm", config={"note": text}),)}))
    note = found["plugins"]["entries"]["crm"]["config"]["note"]
    assert note == text.replace("${", "$${")
    assert found["gateway"]["bind"] == "loopback"


@pytest.mark.parametrize("name", ["$include", "__proto__", "a.b", "", "a b", "${HOME}"])
def test_a_setting_whose_name_could_mean_more_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        SkillUse(id="crm", config={name: "x"})


def test_an_agent_has_the_tools_of_its_skills_those_allowed_and_no_other() -> None:
    tools = rendered(WITH_SKILL.model_copy(update={"tools_allow": ("write", "edit"), "tools_deny": ("edit",)}))["tools"]
    assert tools["allow"] == ["crm", "read", "write"]
    assert {"edit", "exec", "process", *NEVER} == set(tools["deny"])


def test_an_agent_without_any_tool_is_denied_all_since_an_empty_list_would_fail_each_request() -> None:
    tools = rendered(PLAIN)["tools"]
    assert "allow" not in tools
    assert tools["deny"] == ["*"]


def test_programs_run_only_where_the_template_says_so() -> None:
    shut, opened = (
        rendered(WITH_SKILL)["tools"],
        rendered(WITH_SKILL.model_copy(update={"exec_allowed": True}))["tools"],
    )
    assert {"exec", "process"} <= set(shut["deny"])
    assert shut["exec"]["security"] == "deny"
    assert {"exec", "process"} <= set(opened["allow"])
    assert opened["exec"] == {"security": "full", "ask": "off"}
    assert {"code_execution", "terminal"} <= set(opened["deny"])


@pytest.mark.parametrize("tool", sorted(NEVER))
def test_a_tool_no_agent_has_cannot_be_allowed(tool: str) -> None:
    with pytest.raises(ValidationError, match=f"tool '{tool}' cannot be allowed: "):
        changed(tools_allow=(tool,))


@pytest.mark.parametrize("tool", ["exec", "process"])
def test_a_tool_that_runs_programs_needs_its_own_word(tool: str) -> None:
    with pytest.raises(ValidationError, match=f"tool '{tool}' runs programs"):
        changed(tools_allow=(tool,))
    assert changed(tools_allow=(tool,), exec_allowed=True)


@pytest.mark.parametrize("tool", ["*", "group:fs", "read*", "READ", ""])
def test_a_list_of_tools_holds_names_alone(tool: str) -> None:
    with pytest.raises(ValidationError):
        changed(tools_allow=(tool,))
    with pytest.raises(ValidationError):
        changed(tools_deny=(tool,))


def test_only_the_model_server_and_the_agents_skills_are_plugins() -> None:
    plugins = rendered(WITH_SKILL)["plugins"]
    assert plugins["allow"] == ["ollama", "crm"]
    assert plugins["load"]["paths"] == ["/skills/crm"]
    assert plugins["entries"] == {"crm": {"enabled": True, "config": {"baseUrl": "http://10.0.0.1:8000"}}}
    assert rendered(PLAIN)["plugins"]["allow"] == ["ollama"]


def test_only_the_agents_own_instructions_are_in_its_prompt() -> None:
    assert rendered(WITH_SKILL)["agents"]["defaults"]["skills"] == ["crm-query"]
    assert rendered(PLAIN)["agents"]["defaults"]["skills"] == []


def test_the_token_is_read_from_a_file_and_written_nowhere() -> None:
    found = rendered(PLAIN)
    assert found["gateway"]["auth"] == {"mode": "token", "token": {"source": "file", "provider": "own", "id": "value"}}
    assert found["secrets"]["providers"]["own"]["path"] == "/run/moltghost/own/openclaw-token"


def test_the_one_model_is_the_pods_own_with_the_context_asked_for() -> None:
    models = rendered(PLAIN)["models"]
    (provider,) = models["providers"].values()
    (model,) = provider["models"]
    assert models["mode"] == "replace"
    assert provider["baseUrl"] == "http://127.0.0.1:11434"
    assert (model["id"], model["contextWindow"], model["maxTokens"], model["params"]) == (
        *("tiny", 16384, 512),
        {"num_ctx": 16384},
    )
