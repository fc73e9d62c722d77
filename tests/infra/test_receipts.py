"""`moltghost receipts verify`, as a customer or a script calls it."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from infra.cli import main
from runtime.receipts import public_jwk
from runtime.receipts.format import read
from tests.runtime.agent.mounted import pem
from tests.runtime.receipts.making import KEY, OTHER_KEY, chain

LINES = chain(5)
HASHES = [read(line)["hash"] for line in LINES]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "receipts-000001.jsonl"
    path.write_bytes(b"".join(LINES))
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return written(tmp_path / "key.pem", KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def verify(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["receipts", "verify", *map(str, arguments)])


def test_a_whole_book_is_ok(book: Path, key: Path) -> None:
    result = verify(book, "--key", key, "--last", HASHES[3])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"ok: 5 receipts of acme/helper, the newest {HASHES[4]}; 1 after the one asked for\n"


def test_a_problem_is_told_with_line_reason_and_remedy(book: Path, key: Path) -> None:
    book.write_bytes(b"".join(LINES).replace(b'"id":"req-2"', b'"id":"req-9"'))
    result = verify(book, "--key", key)
    assert (result.exit_code, result.stdout) == (1, "")
    first, second = result.stderr.splitlines()
    assert first.startswith(f"{book}:3: receipt 2 was altered")
    assert "compare with a snapshot" in first
    assert second == f"good before that: 2 receipts of acme/helper, the newest {HASHES[1]}"


def test_a_tail_that_is_gone_shows_by_the_last_hash(book: Path, key: Path) -> None:
    book.write_bytes(b"".join(LINES[:4]))
    assert verify(book, "--key", key).exit_code == 0
    result = verify(book, "--key", key, "--last", HASHES[4])
    assert result.exit_code == 1
    assert f"{book}: ends without the receipt of hash {HASHES[4]}" in result.stderr


def test_several_files_are_one_book(tmp_path: Path, key: Path) -> None:
    one = written(tmp_path / "receipts-000001.jsonl", b"".join(LINES[:2]))
    two = written(tmp_path / "receipts-000002.jsonl", b"".join(LINES[2:]))
    assert verify(one, two, "--key", key, "--last", HASHES[4]).exit_code == 0
    assert verify(two, "--key", key, "--after", HASHES[1]).exit_code == 0
    result = verify(two, "--key", key)
    assert result.exit_code == 1
    assert "receipt 0 to 1 are missing" in result.stderr


def test_an_empty_book_is_whole(tmp_path: Path, key: Path) -> None:
    empty = written(tmp_path / "receipts-000001.jsonl", b"")
    result = verify(empty, "--key", key)
    assert (result.exit_code, result.stdout) == (0, "ok: no receipt\n")
    assert verify(empty, "--key", key, "--last", HASHES[0]).exit_code == 1


def test_programs_get_json_either_way(book: Path, key: Path) -> None:
    found = json.loads(verify(book, "--key", key, "--json").stdout)
    assert (found["ok"], found["receipts"], found["head"], found["problem"]) == (True, 5, HASHES[4], None)
    book.write_bytes(b"".join(LINES[1:]))
    result = verify(book, "--key", key, "--json")
    assert result.exit_code == 1
    problem = json.loads(result.stdout)["problem"]
    assert (problem["line"], problem["fault"], problem["source"]) == (1, "missing", str(book))


def jwk(**changes: str) -> bytes:
    return json.dumps({**public_jwk(KEY.public_key()), **changes}).encode()


@pytest.mark.parametrize(
    "content",
    [
        jwk(),
        jwk(kid="a name of its owner's"),
        json.dumps({"keys": [public_jwk(OTHER_KEY.public_key()), public_jwk(KEY.public_key())]}).encode(),
    ],
)
def test_a_key_may_be_a_jwk_or_one_of_a_jwks(content: bytes, book: Path, tmp_path: Path) -> None:
    assert verify(book, "--key", written(tmp_path / "key.json", content)).exit_code == 0


def test_of_several_keys_each_counts(book: Path, key: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other.json", json.dumps(public_jwk(OTHER_KEY.public_key())).encode())
    assert verify(book, "--key", other, "--key", key).exit_code == 0
    result = verify(book, "--key", other)
    assert result.exit_code == 1
    assert "give --key the public key with this thumbprint too" in result.stderr


def elliptic() -> bytes:
    return generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "neither a public key in PEM nor a JWK"),
        (b"\xff\xfe", "neither a public key in PEM nor a JWK"),
        (b"{", "is not JSON"),
        (b'{"keys": []}', "holds no key"),
        (b'{"keys": 5}', "holds no key"),
        (b'{"keys": [5]}', "is no Ed25519 key"),
        (jwk(kty="EC"), "is no Ed25519 key"),
        (jwk(x="AA"), "is not 32 bytes"),
        (jwk(d=base64.urlsafe_b64encode(KEY.private_bytes_raw()).decode()), "is a private key"),
        (pem(KEY), "is a private key; give its public half: openssl pkey"),
        (elliptic(), "is no Ed25519 key"),
    ],
)
def test_what_is_no_public_key_is_a_wrong_command(content: bytes, says: str, book: Path, tmp_path: Path) -> None:
    result = verify(book, "--key", written(tmp_path / "key", content))
    assert result.exit_code == 2
    assert says in result.stderr
    assert base64.b64encode(KEY.private_bytes_raw())[:20].decode() not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--key", "KEY"],
        ["BOOK"],
        ["BOOK", "--key", "nowhere"],
        ["nowhere", "--key", "KEY"],
        ["BOOK", "--key", "KEY", "--last", "x"],
    ],
)
def test_a_command_that_cannot_be_followed_ends_with_2(arguments: list[str], book: Path, key: Path) -> None:
    given = [{"BOOK": str(book), "KEY": str(key)}.get(each, each) for each in arguments]
    assert verify(*given).exit_code == 2


def test_it_needs_neither_the_engine_nor_the_local_region(book: Path, key: Path) -> None:
    script = """
import sys
from infra.cli import main
try:
    main(["receipts", "verify", *sys.argv[1:]])
except SystemExit as ended:
    assert ended.code == 0, ended.code
heavy = {"pulumi", "pydantic", "yaml", "rich", "httpx", "aiohttp", "boto3", "jwt", "grpc"}
print(sorted(heavy & set(sys.modules)))
"""
    said = subprocess.check_output([sys.executable, "-c", script, str(book), "--key", str(key)], text=True)
    assert said.splitlines()[-1] == "[]"
