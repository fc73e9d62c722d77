"""One chat through the edge, as a customer would send it, and the lines a newcomer can paste."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx

from runtime.contract import paths

TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class ChatFailedError(Exception):
    """The edge answered a chat with an error, or not at all."""


def stream_chat(edge_url: str, api_key: str, agent: str, prompt: str) -> Iterator[str]:
    """The pieces of the agent's answer as they arrive.

    Raises:
        ChatFailedError: the edge refused, failed or could not be reached; the message holds its answer, never the key.
    """
    request = {"model": agent, "stream": True, "messages": [{"role": "user", "content": prompt}]}
    headers = {"authorization": f"Bearer {api_key}"}
    url = f"{edge_url}{paths.CHAT_COMPLETIONS}"
    try:
        with httpx.stream("POST", url, json=request, headers=headers, timeout=TIMEOUT, trust_env=False) as answer:
            if answer.status_code != 200:
                raise ChatFailedError(f"{url} answered {answer.status_code}: {answer.read().decode(errors='replace')}")
            yield from _deltas(answer.iter_lines())
    except httpx.HTTPError as error:
        raise ChatFailedError(f"{url} failed: {type(error).__name__}: {error}") from error


def _deltas(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        data = line.removeprefix("data: ")
        if data == line or data == "[DONE]":
            continue
        for choice in json.loads(data).get("choices", []):
            if text := choice.get("delta", {}).get("content"):
                yield text


def curl_line(edge_url: str, key_file: Path, agent: str) -> str:
    """A shell line that asks the agent once and streams its answer."""
    body = json.dumps({"model": agent, "stream": True, "messages": [{"role": "user", "content": "Who are you?"}]})
    return (
        f'curl -N {edge_url}{paths.CHAT_COMPLETIONS} -H "Authorization: Bearer $(cat {key_file})" '
        f"-H 'Content-Type: application/json' -d '{body}'"
    )


def sdk_snippet(edge_url: str, key_file: Path, agent: str) -> str:
    """A Python program that asks the agent through OpenAI's SDK."""
    return f"""\
from pathlib import Path
from openai import OpenAI

client = OpenAI(base_url="{edge_url}/v1", api_key=Path("{key_file}").read_text())
stream = client.chat.completions.create(
    model="{agent}", messages=[{{"role": "user", "content": "Who are you?"}}], stream=True
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
"""
