"""Customers' own way to their agents: OpenAI's SDK, through the edge."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import openai

from tests.e2e.conftest import Customer


@contextmanager
def sdk(customer: Customer) -> Iterator[openai.OpenAI]:
    """OpenAI's client, for one customer."""
    with httpx2.Client(trust_env=False, timeout=90) as http:
        yield openai.OpenAI(
            base_url=f"{customer.edge_url}/v1", api_key=customer.api_key, http_client=http, max_retries=0
        )


def say(customer: Customer, text: str, user: str | None = None) -> str:
    """Say something to the customer's agent, as one of its end users; the answer."""
    with sdk(customer) as client:
        answer = client.chat.completions.create(
            model=customer.agent,
            messages=[{"role": "user", "content": text}],
            user=openai.omit if user is None else user,
        )
    return answer.choices[0].message.content or ""


def answers(customer: Customer) -> bool:
    """Whether the customer's agent answers a chat; an error without a status is raised."""
    try:
        return "tiny model" in say(customer, "Who are you?")
    except openai.APIStatusError:
        return False
