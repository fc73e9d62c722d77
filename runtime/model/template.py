"""The scripted model's template: what a chat becomes for the model, in the model server's template language.

Its last token picks what the model says, so the template itself reads the conversation. It has little to read with:
there is no search in a text, hence the loop over every place in it. And it must not be confused by what an agent adds
to its user's words: a time before them, and a message of its own after them.
"""

from runtime.model.script import (
    ANSWER,
    ASK_COLOUR,
    ASK_COUNT,
    ASK_TOOL,
    CALL,
    CALL_TAG,
    COLOURS,
    COUNT,
    FOUND,
    NO_COLOUR,
    TOOL,
    TURN,
    colour_token,
    tell_colour,
)

AGENTS_OWN = "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>"
"""Begins a message that has the role of the user, but is the agent's own: it asks for nothing."""
READ_BYTES = 4096
"""So much of a message is read for what it asks: a long one must not cost seconds."""


def render() -> str:
    """The template. Of tools it gives the names alone: the model cannot read what they are for."""
    return "".join(
        (
            _set("has_tool", "", new=True),
            "{{- range .Tools }}" + TURN + "tool: {{ .Function.Name }}",
            f'{{{{- if eq .Function.Name "{TOOL}" }}}}' + _set("has_tool", "yes") + "{{- end }}",
            "{{- end }}",
            _set("asks", ANSWER, new=True),
            _set("colour", colour_token(NO_COLOUR), new=True),
            "{{- range .Messages }}",
            _TURN,
            '{{- if eq .Role "tool" }}' + _set("asks", FOUND) + "{{- end }}",
            '{{- if eq .Role "user" }}' + _read_user() + "{{- end }}",
            "{{- end }}",
            _answer(),
        )
    )


_TURN = (
    TURN + "{{ .Role }}: {{ .Content }}{{ if .ToolCalls }}{{ range .ToolCalls }}" + CALL_TAG + '{"name": '
    '"{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}{{ end }}{{ end }}'
)
"""One message. The model server takes what stands before the first brace for the mark of a tool call."""


def _read_user() -> str:
    """What a message of the user asks for, and the colour it tells."""
    return "".join(
        (
            "{{- $text := .Content }}",
            f"{{{{- if gt (len $text) {READ_BYTES} }}}}{{{{ $text = slice $text 0 {READ_BYTES} }}}}{{{{ end }}}}",
            "{{- if not " + _begins("$text", AGENTS_OWN) + " }}" + _set("asks", ANSWER) + "{{- end }}",
            "{{- range $at := len $text }}{{- $rest := slice $text $at }}",
            _on(ASK_COUNT, "asks", COUNT),
            _on(ASK_TOOL, "asks", CALL),
            _on(ASK_COLOUR, "asks", ASK_COLOUR),
            *(_on(tell_colour(colour), "colour", colour_token(colour)) for colour in COLOURS),
            "{{- end }}",
        )
    )


def _answer() -> str:
    return (
        f'{{{{- if eq $asks "{ASK_COLOUR}" }}}}{{{{ $colour }}}}'
        f'{{{{- else if and (eq $asks "{CALL}") (not $has_tool) }}}}{ANSWER}'
        "{{- else }}{{ $asks }}{{ end }}"
    )


def _on(text: str, variable: str, value: str) -> str:
    """Where `$rest` begins with `text`, set the variable."""
    return "{{- if " + _begins("$rest", text) + " }}" + _set(variable, value) + "{{- end }}"


def _begins(variable: str, text: str) -> str:
    size = len(text.encode())
    return f'(and (ge (len {variable}) {size}) (eq (slice {variable} 0 {size}) "{text}"))'


def _set(variable: str, value: str, new: bool = False) -> str:
    return f'{{{{- ${variable} {":=" if new else "="} "{value}" }}}}'
