"""What of an agent its OpenClaw is told."""

from typing import Annotated

from pydantic import Field, model_validator

from components.values import Label, Values

ToolName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""One tool: neither a group of tools nor a pattern, so that a list says all it allows."""
SettingName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
"""A skill's setting; nothing OpenClaw reads as more than a name, such as `$include`."""

SHELL_TOOLS = ("exec", "process")
"""What runs programs in the pod: only for an agent whose template says so."""
_OTHERS = "one end user's session would see another's"
_LATER = "it acts when nobody asked, and no receipt tells of it"
_ITSELF = "it reads or changes OpenClaw itself"
_ELSEWHERE = "it acts on other machines"
_PAGES = "it needs OpenClaw's own pages, which are off"
_PERSON = "it waits for a person, and there is only a request"
_OUTSIDE = "it sends what it is given to a provider outside"
_REASONS = {
    _OTHERS: (
        *("conversations_list", "conversations_send", "conversations_turn", "memory_get", "memory_search", "sessions"),
        *("sessions_history", "sessions_list", "sessions_search", "sessions_send", "transcripts"),
    ),
    _LATER: (
        *("agents_list", "agents_wait", "automations", "cron", "dismiss_task", "heartbeat_respond", "sessions_spawn"),
        *("sessions_yield", "subagents", "suggest_task"),
    ),
    _ITSELF: ("gateway", "github_identity_status", "intent", "openclaw", "plugins", "skill_workshop"),
    _ELSEWHERE: (
        *("browser", "computer", "dir_fetch", "dir_list", "file_fetch", "file_write", "message", "mobile_ui"),
        *("node_inference", "nodes"),
    ),
    _PAGES: ("canvas", "dashboard", "portal", "screen", "show_widget", "terminal", "theme"),
    _PERSON: ("ask_user", "secrets"),
    _OUTSIDE: (
        *("code_execution", "image_generate", "music_generate", "talk_voice", "tts", "video_generate", "web_search"),
        "x_search",
    ),
}
NEVER = {tool: reason for reason, tools in _REASONS.items() for tool in tools}
"""Tools no agent has, whatever its template says, each with the reason. A skill's tool of such a name is out too."""


class SkillUse(Values):
    """A skill an agent has: its plugin id, its settings (never a secret), the names of its SKILL.md files."""

    id: Label
    config: dict[SettingName, str] = Field(default_factory=dict)
    instructions: tuple[Label, ...] = ()


class OpenClawSpec(Values):
    """One agent's OpenClaw.

    `max_tokens` is the longest answer. `tools_allow` are the tools it has beyond those of its skills, `tools_deny` what
    it has not even so. Raises ValueError for a tool no agent has, and for one that needs `exec_allowed`.
    """

    model: Label
    context_tokens: int = Field(ge=256)
    max_tokens: int = Field(ge=1)
    tools_allow: tuple[ToolName, ...] = ()
    tools_deny: tuple[ToolName, ...] = ()
    exec_allowed: bool = False
    skills: tuple[SkillUse, ...] = ()

    @model_validator(mode="after")
    def _require_allowable(self) -> "OpenClawSpec":
        for tool in self.tools_allow:
            if tool in NEVER:
                raise ValueError(f"tool {tool!r} cannot be allowed: {NEVER[tool]}")
            if tool in SHELL_TOOLS and not self.exec_allowed:
                raise ValueError(f"tool {tool!r} runs programs: say so with `exec: true`")
        return self
