"""A port, header or label domain of the contract is written nowhere but there; everything else imports it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.contract import headers, labels, ports

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("components", "infra", "policies", "runtime", "workers/edge/src")
CONTRACT = ("runtime/contract/", "workers/edge/src/generated/")

PORTS = {value for name, value in vars(ports).items() if name.isupper()}
HEADERS = {value for name, value in vars(headers).items() if name.isupper()}
TEXTS = HEADERS | {labels.DOMAIN}

NOT_OURS = {("components/cluster/controller.py", str(ports.GATEWAY)): "the sandbox controller's own metrics port"}
"""Where another program's number happens to be one of ours, and what it is there."""

_TS_COMMENT = re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.DOTALL)


def sources() -> list[Path]:
    """Every Python and TypeScript source that is neither the contract, nor generated from it, nor a test."""
    found = [path for folder in SOURCES for suffix in ("*.py", "*.ts") for path in (ROOT / folder).rglob(suffix)]
    return sorted(path for path in found if not is_exempt(path.relative_to(ROOT).as_posix()))


def is_exempt(path: str) -> bool:
    return path.startswith(CONTRACT) or path.endswith(".test.ts") or "/node_modules/" in path


def literals(path: Path) -> list[tuple[int, str]]:
    """The contract's facts a source writes itself, each with its line."""
    read = python_literals if path.suffix == ".py" else typescript_literals
    return list(read(path.read_text(encoding="utf-8")))


def python_literals(text: str) -> Iterator[tuple[int, str]]:
    """The contract's facts written in Python code; docstrings are prose."""
    tree = ast.parse(text)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in prose and type(node.value) in (int, str):
            yield from ((node.lineno, fact) for fact in text_facts(str(node.value)))


def typescript_literals(text: str) -> Iterator[tuple[int, str]]:
    """The contract's facts written in TypeScript code; comments are prose."""
    for number, line in enumerate(_TS_COMMENT.sub(_blank, text).splitlines(), start=1):
        yield from ((number, fact) for fact in text_facts(line))


def _blank(comment: re.Match[str]) -> str:
    return "\n" * comment[0].count("\n")


def text_facts(text: str) -> Iterator[str]:
    """The facts some text holds, each as a word of its own."""
    yield from (fact for fact in TEXTS if re.search(rf"(?<![\w-]){re.escape(fact)}(?![\w-])", text, re.IGNORECASE))
    yield from (str(port) for port in PORTS if re.search(rf"(?<![\w.-]){port}(?![\w.])", text))


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_literal_of_the_contract_stands_in(path: Path) -> None:
    where = path.relative_to(ROOT).as_posix()
    found = [f"{where}:{line}: {fact}" for line, fact in literals(path) if (where, fact) not in NOT_OURS]
    assert found == [], f"import these from runtime/contract: {found}"


def test_every_exception_is_still_needed() -> None:
    written = {(path.relative_to(ROOT).as_posix(), fact) for path in sources() for _, fact in literals(path)}
    assert set(NOT_OURS) <= written


@pytest.mark.parametrize(
    "code",
    [
        f"port = {ports.GATEWAY}",
        f"url = 'http://127.0.0.1:{ports.OLLAMA}/api'",
        f"url = f'http://{{host}}:{ports.AGENT}/'",
        f"given = request.headers['{headers.EDGE_TOKEN}']",
        f"given = request.headers['{headers.REQUEST_ID.title()}']",
        f"labels = {{'{labels.TENANT}': tenant}}",
        f"key = f'{labels.DOMAIN}/{{name}}'",
    ],
)
def test_a_literal_in_python_is_seen(code: str) -> None:
    assert list(python_literals(code))


@pytest.mark.parametrize(
    "code",
    [
        f'"""Listens on {ports.GATEWAY}, as {labels.DOMAIN} wants."""',
        f"x = 1  # not {ports.GATEWAY}",
        f"size = 1{ports.GATEWAY}",
        f"name = 'my{labels.DOMAIN}'",
    ],
)
def test_what_is_no_literal_in_python_is_not_seen(code: str) -> None:
    assert list(python_literals(code)) == []


@pytest.mark.parametrize(
    "code",
    [
        f'headers.get("{headers.EDGE_TOKEN}")',
        f"const url = `http://127.0.0.1:{ports.AGENT}`;",
        f"const PORT = {ports.GATEWAY};",
        f'const label = "{labels.AGENT}";',
    ],
)
def test_a_literal_in_typescript_is_seen(code: str) -> None:
    assert list(typescript_literals(code))


def test_a_comment_in_typescript_is_not_seen() -> None:
    text = f"/** Adds {headers.EDGE_TOKEN}. */\nconst a = 1; // {ports.GATEWAY}\n"
    assert list(typescript_literals(text)) == []


def test_sources_of_every_kind_are_scanned() -> None:
    suffixes = {path.suffix for path in sources()}
    assert suffixes == {".py", ".ts"}
