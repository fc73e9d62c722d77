"""What a client may ask for, and what OpenClaw gets of it.

A request is not passed on but written anew from what is declared here. At the top a field nobody declared is refused,
as OpenAI refuses it: to ignore it would be to do something else than was asked for. Further in, unknown fields are left
out: clients send back what they were answered, and every vendor's answers have fields of their own.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag, ValidationError
from pydantic_core import ErrorDetails

from runtime.contract import errors, limits
from runtime.http.answers import RefusedError

MAX_TOOLS = 128
MAX_STOPS = 4
_SAFE_INTEGER = 2**53 - 1
"""What every JSON parser keeps exactly."""

_SHOWN_CHARS = 64
"""As much of an unknown field's name is said again."""
_MESSAGE_CHARS = 300

_ToolName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
_Id = Annotated[str, StringConstraints(min_length=1, max_length=256)]
_Penalty = Annotated[float, Field(ge=-2, le=2)]
_Count = Annotated[int, Field(ge=1, le=_SAFE_INTEGER)]
_Choice = Literal["auto", "none", "required"]

# OpenClaw would fetch any other kind of URL from inside the pod.
_IMAGE_URL = r"^data:image/(jpeg|png|gif|webp|heic|heif);base64,[A-Za-z0-9+/=]+$"
_FILE_DATA = r"^data:[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64};base64,[A-Za-z0-9+/=]+$"
_DATA = re.compile(r"data:([^;]+);base64,(.+)")


class _Inner(BaseModel):
    """A part of a request; what it does not declare is left out."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class TextPart(_Inner):
    """Text in a message."""

    type: Literal["text"]
    text: str


class _ImageUrl(_Inner):
    url: Annotated[str, StringConstraints(pattern=_IMAGE_URL)]


class ImagePart(_Inner):
    """A picture in a message, as a data URL: an agent fetches nothing a client names."""

    type: Literal["image_url"]
    image_url: _ImageUrl


class _Function(_Inner):
    name: _ToolName
    arguments: str


class _ToolCall(_Inner):
    id: _Id
    type: Literal["function"]
    function: _Function


class _Instruction(_Inner):
    role: Literal["system", "developer"]
    content: str | list[TextPart]


class _Question(_Inner):
    role: Literal["user"]
    content: str | list[Annotated[TextPart | ImagePart, Field(discriminator="type")]]


class _Answer(_Inner):
    role: Literal["assistant"]
    content: str | list[TextPart] | None = None
    tool_calls: list[_ToolCall] | None = None


class _ToolResult(_Inner):
    role: Literal["tool"]
    content: str | list[TextPart]
    tool_call_id: _Id


class _FunctionDefinition(_Inner):
    name: _ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class _Tool(_Inner):
    """A function the client itself will run; its definition is all the agent gets."""

    type: Literal["function"]
    function: _FunctionDefinition


class _FunctionName(_Inner):
    name: _ToolName


class _ToolChoice(_Inner):
    type: Literal["function"]
    function: _FunctionName


class _Plain(_Inner):
    type: Literal["text", "json_object"]


class _JsonSchema(_Inner):
    name: _ToolName
    description: str | None = None
    definition: dict[str, Any] | None = Field(None, alias="schema")
    strict: bool | None = None


class _Structured(_Inner):
    type: Literal["json_schema"]
    json_schema: _JsonSchema


class _StreamOptions(_Inner):
    include_usage: bool | None = None


class _Wish(BaseModel):
    """What both routes take, all of which ends at the door."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    model: Annotated[str, StringConstraints(max_length=256)] | None = None
    """Names the agent; the edge has decided by it already."""
    agent: Annotated[str, StringConstraints(max_length=256)] | None = None
    """The same, in the alias of the path."""
    user: Annotated[str, StringConstraints(max_length=limits.USER_CHARS)] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None

    # Hints: an answer is right without them.
    metadata: dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    store: bool | None = None

    _ENDS_HERE: ClassVar[frozenset[str]] = frozenset()
    _LENGTHS: ClassVar[tuple[str, ...]] = ()
    """What says how long the answer may be; the first is what OpenClaw gets."""

    @classmethod
    def read(cls, wish: dict[str, Any]) -> Self:
        """Raises RefusedError, naming the field."""
        try:
            return cls.model_validate(wish)
        except ValidationError as error:
            raise _refusal(error, wish) from None

    @property
    def streamed(self) -> bool:
        """Is the answer wanted piece by piece?"""
        return self.stream is True

    @property
    def wants_usage(self) -> bool:
        """Is the stream to end with what it cost?"""
        return self.stream_options is not None and self.stream_options.include_usage is True

    def passed_on(self, max_tokens: int) -> dict[str, Any]:
        """The fields OpenClaw gets: it is always told how long an answer may be, at most `max_tokens`."""
        ends_here = _Wish.model_fields.keys() | self._ENDS_HERE
        passed = self.model_dump(exclude=set(ends_here), exclude_none=True, by_alias=True)
        wanted = [passed.pop(name) for name in self._LENGTHS if name in passed]
        return {**passed, self._LENGTHS[0]: min([max_tokens, *wanted])}


class ChatWish(_Wish):
    """A body of POST /v1/chat/completions."""

    messages: Annotated[
        list[Annotated[_Instruction | _Question | _Answer | _ToolResult, Field(discriminator="role")]],
        Field(min_length=1),
    ]
    tools: Annotated[list[_Tool], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: _Choice | _ToolChoice | None = None
    max_tokens: _Count | None = None
    max_completion_tokens: _Count | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    frequency_penalty: _Penalty | None = None
    presence_penalty: _Penalty | None = None
    seed: Annotated[int, Field(ge=-_SAFE_INTEGER, le=_SAFE_INTEGER)] | None = None
    stop: (
        Annotated[str, Field(min_length=1)]
        | Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=MAX_STOPS)]
        | None
    ) = None
    response_format: Annotated[_Plain | _Structured, Field(discriminator="type")] | None = None

    # Only what they are without being said.
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    modalities: list[Literal["text"]] | None = None
    # Hints.
    reasoning_effort: str | None = None
    verbosity: str | None = None

    _ENDS_HERE: ClassVar[frozenset[str]] = frozenset({"n", "logprobs", "modalities", "reasoning_effort", "verbosity"})
    _LENGTHS: ClassVar[tuple[str, ...]] = ("max_completion_tokens", "max_tokens")


class InputText(_Inner):
    """Text in an item."""

    type: Literal["input_text", "output_text"]
    text: str


class InputImage(_Inner):
    """A picture in an item, as a data URL."""

    type: Literal["input_image"]
    image_url: Annotated[str, StringConstraints(pattern=_IMAGE_URL)]


class InputFile(_Inner):
    """A file in an item, as a data URL. Its name is shown to the model and is no path."""

    type: Literal["input_file"]
    file_data: Annotated[str, StringConstraints(pattern=_FILE_DATA)]
    filename: Annotated[str, StringConstraints(pattern=r"^[\w][\w .()+-]{0,127}$")] | None = None


_Content = Annotated[InputText | InputImage | InputFile, Field(discriminator="type")]


class _MessageItem(_Inner):
    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[_Content]


class _CallItem(_Inner):
    type: Literal["function_call"]
    call_id: _Id
    name: _ToolName
    arguments: str


class _ResultItem(_Inner):
    type: Literal["function_call_output"]
    call_id: _Id
    output: str | list[InputText]


class _ReasoningItem(_Inner):
    """What a model thought: clients send it back, and OpenClaw has its own."""

    type: Literal["reasoning"]


def _kind_of_item(item: Any) -> str | None:
    kind = item.get("type", "message") if isinstance(item, dict) else getattr(item, "type", None)
    return kind if isinstance(kind, str) else None


_Item = Annotated[
    Annotated[_MessageItem, Tag("message")]
    | Annotated[_CallItem, Tag("function_call")]
    | Annotated[_ResultItem, Tag("function_call_output")]
    | Annotated[_ReasoningItem, Tag("reasoning")],
    Discriminator(
        _kind_of_item,
        custom_error_type="item_type",
        custom_error_message="Items of this type are not supported",
    ),
]


class _FlatTool(_FunctionDefinition):
    """A function the client itself will run. OpenAI's own tools (search, interpreter, MCP) are nobody's here."""

    type: Literal["function"]


class _FlatToolChoice(_Inner):
    type: Literal["function"]
    name: _ToolName


class _TextFormat(_Inner):
    type: Literal["text"]


class _TextOptions(_Inner):
    format: _TextFormat | None = None


class ResponsesWish(_Wish):
    """A body of POST /v1/responses."""

    input: str | Annotated[list[_Item], Field(min_length=1)]
    instructions: str | None = None
    tools: Annotated[list[_FlatTool], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: _Choice | _FlatToolChoice | None = None
    max_output_tokens: _Count | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None

    previous_response_id: _Id | None = None
    """Chooses the session, at the door."""
    # Only what they are without being said.
    background: Literal[False] | None = None
    text: _TextOptions | None = None
    # Hints.
    include: list[str] | None = None
    max_tool_calls: _Count | None = None
    reasoning: dict[str, Any] | None = None
    truncation: str | None = None

    _ENDS_HERE: ClassVar[frozenset[str]] = frozenset(
        {
            "previous_response_id", "background", "text", "include", "max_tool_calls", "reasoning", "truncation",
        }
    )  # fmt: skip
    _LENGTHS: ClassVar[tuple[str, ...]] = ("max_output_tokens",)

    def passed_on(self, max_tokens: int) -> dict[str, Any]:
        """The fields OpenClaw gets, in its own shapes where they differ from OpenAI's."""
        passed = super().passed_on(max_tokens)
        if not isinstance(self.input, str):
            passed["input"] = [_openclaws(item) for item in passed["input"] if item["type"] != "reasoning"]
        return passed


def _openclaws(item: dict[str, Any]) -> dict[str, Any]:
    """An item as OpenClaw reads it."""
    if item["type"] == "message" and not isinstance(item["content"], str):
        return {**item, "content": [_openclaws_part(part) for part in item["content"]]}
    if item["type"] == "function_call_output" and not isinstance(item["output"], str):
        return {**item, "output": "\n".join(part["text"] for part in item["output"])}
    return item


def _openclaws_part(part: dict[str, Any]) -> dict[str, Any]:
    url = part.get("image_url") or part.get("file_data")
    found = _DATA.fullmatch(url) if url else None
    if found is None:
        return part
    source = {"type": "base64", "media_type": found[1], "data": found[2]}
    if "filename" in part:
        source["filename"] = part["filename"]
    return {"type": part["type"], "source": source}


def _refusal(error: ValidationError, wish: dict[str, Any]) -> RefusedError:
    """What a client reads of what was wrong: the field, never its value."""
    # Of a field that may be one thing or another, the try that came furthest is the one that was meant.
    worst = max(error.errors(include_url=False, include_input=False, include_context=False), key=_depth)
    param = str(worst["loc"][0])[:_SHOWN_CHARS]
    if worst["type"] == "extra_forbidden":
        return RefusedError(errors.INVALID_REQUEST, f"Unknown parameter: {param!r}.", param=param)
    missing = [str(worst["loc"][-1])] if worst["type"] == "missing" else []
    where = ".".join([*_path(worst["loc"], wish), *missing])
    return RefusedError(errors.INVALID_REQUEST, f"{where}: {worst['msg']}."[:_MESSAGE_CHARS], param=param)


def _depth(problem: ErrorDetails) -> int:
    return len(problem["loc"])


def _path(loc: tuple[int | str, ...], wish: Any) -> Iterator[str]:
    """Where in the request it is: `loc` names what was tried on the way, too."""
    for part in loc:
        if isinstance(part, int) if isinstance(wish, list) else isinstance(wish, dict) and part in wish:
            wish = wish[part]
            yield str(part)
