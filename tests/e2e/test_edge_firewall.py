"""What the zone's rules refuse on the running region, and what they let through to the Worker."""

import httpx
import pytest

from runtime.contract import errors, headers, paths
from tests.e2e.conftest import Customer

pytestmark = pytest.mark.cluster

REFUSED_BY = "moltghost-local-rule"


@pytest.mark.parametrize(
    ("method", "path", "sent", "rule"),
    [
        ("GET", "/.env", {}, "api-path"),
        ("DELETE", paths.MODELS, {}, "api-method"),
        ("GET", f"{paths.MODELS}?after=%27%20OR%201", {}, "api-query"),
        ("GET", paths.MODELS, {headers.EDGE_TOKEN: "a.b.c"}, "api-own-headers"),
        ("GET", paths.MODELS, {"user-agent": "${jndi:ldap://x}"}, "api-header-form"),
        ("POST", paths.CHAT_COMPLETIONS, {"content-type": "text/plain"}, "api-content-type"),
    ],
)
def test_a_rule_refuses_before_the_worker(
    customers: dict[str, Customer], method: str, path: str, sent: dict[str, str], rule: str
) -> None:
    answer = httpx.request(method, f"{customers['acme'].edge_url}{path}", headers=sent, timeout=60, trust_env=False)
    assert 400 <= answer.status_code < 500
    assert answer.headers[REFUSED_BY] == rule
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_what_no_rule_refuses_is_the_workers_to_answer(customers: dict[str, Customer]) -> None:
    answer = httpx.get(f"{customers['acme'].edge_url}{paths.MODELS}", timeout=60, trust_env=False)
    assert answer.status_code == errors.INVALID_KEY.status
    assert REFUSED_BY not in answer.headers
    assert headers.REQUEST_ID in answer.headers
