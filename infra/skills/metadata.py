"""What a skill's own files must say: package.json, openclaw.plugin.json and the head of SKILL.md."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.agent.openclaw_spec import SettingName
from runtime.skills.rules import NAME, TOOL, VERSION

ENTRY = "./dist/index.js"
_Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
_Version = Annotated[str, Field(pattern=f"^{VERSION.pattern}$")]
_Line = Annotated[str, Field(min_length=1, max_length=160, pattern=r"^[^\n\r]+$")]


class _Part(BaseModel):
    """Part of a file that may say more than is looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Whole(BaseModel):
    """Part of a file that may say no more than this: a skill brings tools and instructions, nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Extensions(_Part):
    extensions: list[Literal["./dist/index.js"]] = Field(min_length=1, max_length=1)


class _Peers(_Part):
    openclaw: str = Field(pattern=f"^>={VERSION.pattern}$")


class Package(_Part):
    """A skill's package.json."""

    version: _Version
    type: Literal["module"]
    openclaw: _Extensions
    peers: _Peers = Field(alias="peerDependencies")

    @property
    def floor(self) -> str:
        """The oldest version of OpenClaw it runs in."""
        return self.peers.openclaw.removeprefix(">=")


class Root(_Part):
    """The package.json of a bundle."""

    name: str = Field(pattern=rf"^(@[-.\w]+/)?{NAME.pattern}$")
    version: _Version

    @property
    def bundle(self) -> str:
        """The name without its scope."""
        return self.name.rpartition("/")[2]


class _Property(_Part):
    # A stack gives a skill's settings as text.
    type: Literal["string"]


class _ConfigSchema(_Part):
    type: Literal["object"]
    closed: Literal[False] = Field(alias="additionalProperties")
    properties: dict[SettingName, _Property]


class _Activation(_Whole):
    on_startup: Literal[True] = Field(alias="onStartup")


class _Contracts(_Whole):
    tools: list[Annotated[str, Field(pattern=f"^{TOOL.pattern}$")]] = Field(min_length=1)


class Plugin(_Whole):
    """A skill's openclaw.plugin.json."""

    id: _Name
    name: str = Field(min_length=1)
    description: str = Field(min_length=1)
    version: _Version
    config_schema: _ConfigSchema = Field(alias="configSchema")
    activation: _Activation
    contracts: _Contracts
    skills: list[Literal["./skills"]] = Field(min_length=1, max_length=1)
    ui_hints: dict[str, Any] = Field(default_factory=dict, alias="uiHints")
    tool_metadata: dict[str, Any] = Field(default_factory=dict, alias="toolMetadata")


class Head(_Part):
    """The head of a SKILL.md: what the model reads of it at once."""

    name: _Name
    description: _Line


def front_matter(text: str) -> object:
    """The head of a Markdown file. Raises ValueError."""
    lines = text.splitlines()
    if not lines or lines[0] != "---" or "---" not in lines[1:]:
        raise ValueError("has no head: begin with a line ---, then name: and description:, then a line ---")
    try:
        return yaml.safe_load("\n".join(lines[1 : lines.index("---", 1)]))
    except yaml.YAMLError:
        raise ValueError("has a head that is no YAML; put a description that holds a colon into quotes") from None


def complaints(error: ValidationError) -> Iterator[str]:
    """Each thing that is wrong, with its place."""
    for one in error.errors(include_url=False, include_input=False):
        place = ".".join(map(str, one["loc"]))
        yield f"{place}: {one['msg']}" if place else one["msg"]
