"""The rule language on this machine, held to the examples and the statements of Cloudflare's own pages."""

import json
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.edge import rules as builder
from infra.local.cloudflare import rules
from infra.local.cloudflare.rules.types import FIELDS, RESPONSE_FIELDS
from infra.local.node import node_program

EVALUATOR = Path(rules.__file__).parent.parent / "evaluate.mjs"
PROGRAM = f"""
import {{ holds }} from {json.dumps(EVALUATOR.as_uri())};
const cases = JSON.parse(await new Response(process.stdin).text());
console.log(JSON.stringify(cases.map(([tree, fields]) => holds(tree, fields))));
"""

REQUEST: dict[str, Any] = {
    "http.host": "www.example.com",
    "http.request.full_uri": "https://example.com/a/page.html",
    "http.request.headers": {"accept": ["application/json"], "content-type": ["application/json", "text/plain"]},
    "http.request.headers.names": ["accept", "content-type"],
    "http.request.headers.values": ["application/json", "text/plain"],
    "http.request.method": "GET",
    "http.request.uri.args": {"filter": ["waf", "botm", "cdn"]},
    "http.request.uri.path": "/articles/2008/",
    "http.request.uri.query": "a=%3Cscript%3E+b",
    "http.request.body.size": 8000,
    "ip.src": "198.51.100.5",
    "ssl": True,
}

# Expression, and what it is for REQUEST.
EXAMPLES = [
    ('http.request.uri.path eq "/articles/2008/"', True),
    ('http.request.uri.path == "/articles/2008"', False),
    ("ip.src ne 203.0.113.0", True),
    ("http.request.body.size lt 10", False),
    ("http.request.body.size >= 8000", True),
    ("http.request.body.size gt 25", True),
    ('http.request.uri.path contains "/articles/"', True),
    ('http.request.uri.path matches "^/articles/200[7-8]/$"', True),
    ('http.request.uri.path ~ r"/articles/\\d+/$"', True),
    ('http.request.uri.path matches r#"a"b"#', False),
    ("ip.src in {198.51.100.5 203.0.113.1}", True),
    ("ip.src in {192.0.2.0/24 198.51.100.0/24 2001:0db8::/32}", True),
    ("ip.src in {198.51.101.0/24 2001:0db8::/32}", False),
    ("http.request.body.size in {8000..8009 8080..8089}", True),
    ("http.request.body.size in {8001..8009}", False),
    ('http.host in {"example.com" "www.example.com"}', True),
    ('ends_with(http.request.uri.path, ".html")', False),
    ('starts_with(http.request.uri.path, "/articles")', True),
    ('lower(http.host) eq "www.example.com"', True),
    ('http.request.full_uri wildcard "https://EXAMPLE.com/a/*"', True),
    ('http.request.full_uri strict wildcard "https://EXAMPLE.com/a/*"', False),
    ('http.request.full_uri wildcard "https://example.com/a/"', False),
    ('http.request.full_uri wildcard r"*.html"', True),
    ("ssl", True),
    ("not ssl", False),
    ("true", True),
    ('any(http.request.headers["accept"][*] == "application/json")', True),
    ('any(http.request.headers["accept"][*] == "text/plain")', False),
    ('all(http.request.headers["content-type"][*] == "application/json")', False),
    ('http.request.headers["accept"][0] eq "application/json"', True),
    ('http.request.headers["accept"][1] eq "application/json"', False),
    ('not http.request.headers["accept"][1] eq "application/json"', True),
    ('any(lower(http.request.headers.names[*])[*] == "content-type")', True),
    ('len(http.request.uri.args["filter"][1]) == 4', True),
    ('all(len(http.request.uri.args["filter"][*])[*] in {3 4})', True),
    ('all(not len(http.request.uri.args["filter"][*])[*] in {3 4})', False),
    ('len(http.request.uri.args["filter"]) >= 0', True),
    ('not len(http.request.uri.args["order"]) >= 0', True),
    ('any(http.request.uri.args["order"][*] contains "a")', False),
    ('url_decode(http.request.uri.query) contains "<script> b"', True),
    # `not` is stronger than `and`, that than `xor`, that than `or`
    ('not ssl and ssl or http.host contains "www"', True),
    ('not (ssl and ssl or http.host contains "www")', False),
    ("ssl xor ssl and not ssl", True),
    ("ssl ^^ ssl || not ssl", False),
    ('ssl && !(http.host eq "a")', True),
    ('http.request.method ne "GET" or ssl', True),
    # a part that isn't there makes its comparison false, whatever the comparison is
    ("cf.bot_management.score lt 30", False),
    ("not cf.bot_management.score lt 30", True),
]

WRONG = [
    ('http.hostname eq "a"', "there is no field 'http.hostname'"),
    ('sha256(http.host) eq "a"', "there is no function 'sha256'"),
    ('http.request.uri.path ends_with ".html"', "a String needs an operator"),
    ('http.request.headers.names[*] == "Content-Type"', "is a Each<Boolean>"),
    ('http.request.headers["accept"] == "a"', "`eq` does not compare a Array<String>"),
    ("http.host eq 1", "a text was expected"),
    ('ip.src eq "a"', "an address was expected"),
    ("ip.src lt 1.2.3.4", "`lt` does not compare a IP address"),
    ("ip.src in $office_network", "lists are not known here"),
    ("ip.src in {1.2.3.4/24}", "has host bits set"),
    ("http.host in {}", "nothing is in an empty set"),
    ('http.host EQ "a"', "a String needs an operator"),
    ('http.host eq "a" AND ssl', "nothing more was expected"),
    ('http.host eq "a', "a text was expected"),
    ('http.host eq "a\\n"', "is no escape"),
    ('http.host matches "("', "no regular expression"),
    ('http.host matches "(?=a)"', "nothing Cloudflare's regular expressions have"),
    ('http.host wildcard "a**"', "`**` is not allowed"),
    ("(ssl", "`)` was expected"),
    ("any(ssl)", "`any` is of a condition on each of several values"),
    ('ssl and any(http.request.headers.names[*] eq "a") and http.request.headers.names[*] eq "a"', "`and` joins"),
    ("http.response.code eq 401", "there is no field 'http.response.code'"),
    ("", "the name of a field or function was expected"),
    (f'http.host eq "{"a" * 4100}"', "at most 4096 are taken"),
]  # fmt: skip


def evaluate(expressions: list[str], fields: dict[str, Any]) -> list[bool]:
    """What each expression is, by the evaluator that runs before the Workers."""
    cases = json.dumps([[rules.parse(expression), fields] for expression in expressions])
    command = [str(node_program()), "--input-type=module", "--eval", PROGRAM]
    done = subprocess.run(command, input=cases, capture_output=True, text=True, check=True, timeout=60)
    answers: list[bool] = json.loads(done.stdout)
    return answers


def test_the_documented_examples_are_what_the_documents_say() -> None:
    said = evaluate([expression for expression, _ in EXAMPLES], REQUEST)
    assert [(expression, one) for (expression, _), one in zip(EXAMPLES, said, strict=True)] == EXAMPLES


@pytest.mark.parametrize(("expression", "message"), WRONG, ids=[text[:40] for text, _ in WRONG])
def test_what_is_no_expression_is_refused_with_the_reason(expression: str, message: str) -> None:
    with pytest.raises(rules.ExpressionError, match=re.escape(message)):
        rules.parse(expression)


@given(st.text(st.sampled_from('abhost. "\\\\{}()[]*,=!<>~&|^r#019/:-\\n') | st.characters(), max_size=80))
def test_any_text_is_an_expression_or_refused_as_none(text: str) -> None:
    with suppress(rules.ExpressionError):
        rules.parse(f"http.host eq {text}")
    with suppress(rules.ExpressionError):
        rules.parse(text)


def test_fields_of_the_answer_are_known_where_answers_are_counted() -> None:
    assert rules.parse("http.response.code eq 401", response=True)


def test_every_field_the_builder_knows_is_known_here_as_the_same() -> None:
    kinds = {
        "String": "text", "Integer": "number", "Boolean": "truth", "IP address": "address",
        "Array<String>": "texts", "Map<Array<String>>": "map",
    }  # fmt: skip
    here = {name: kinds[str(kind)] for name, kind in {**FIELDS, **RESPONSE_FIELDS}.items()}
    assert builder.FIELDS.items() <= here.items()
