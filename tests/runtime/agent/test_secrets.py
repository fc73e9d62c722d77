"""Secrets are read when they are needed, rotated without a restart, and stand nowhere but in their files."""

import base64
import json
import logging
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent.failures import AgentError
from runtime.agent.secrets import (
    MAX_BYTES,
    ReceiptKey,
    SecretFile,
    exposed_texts,
    leaks,
    read_all,
    require_no_leak,
)
from runtime.contract import image
from runtime.receipts import ReceiptBook, verify_files
from tests.runtime.agent.mounted import MountedSecret, pem
from tests.runtime.receipts.making import HELPER, KEY, OTHER_KEY, entry, files, public

TOKEN = b"crm-5f0e8c2b71d94d0c"


@pytest.fixture
def mount(tmp_path: Path) -> MountedSecret:
    mounted = MountedSecret(tmp_path / "secrets")
    mounted.put({"crm-token": TOKEN, image.RECEIPT_KEY_FILE: pem(KEY)})
    return mounted


class TestAFile:
    """One secret."""

    def test_it_is_read_again_when_the_kubelet_has_replaced_it(self, mount: MountedSecret) -> None:
        secret = SecretFile(mount.folder, "crm-token")
        assert secret.read() == TOKEN
        assert not secret.changed()
        # Of the same length: neither size nor name tells the two apart.
        mount.put({"crm-token": TOKEN[::-1]})
        assert secret.changed()
        assert secret.read() == TOKEN[::-1]

    def test_unchanged_it_is_not_read_again(self, mount: MountedSecret, monkeypatch: pytest.MonkeyPatch) -> None:
        secret = SecretFile(mount.folder, "crm-token")
        secret.read()
        monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened again"))
        assert secret.read() == TOKEN

    @pytest.mark.parametrize("content", [b"", b"  \n", b"x" * (MAX_BYTES + 1)])
    def test_what_is_no_secret_is_refused_by_its_file_and_not_quoted(
        self, content: bytes, mount: MountedSecret
    ) -> None:
        mount.put({"crm-token": content})
        with pytest.raises(AgentError, match=r"/secrets/crm-token: is (empty|larger)") as refused:
            SecretFile(mount.folder, "crm-token").read()
        assert "xxxx" not in str(refused.value)

    def test_the_largest_one_is_read(self, mount: MountedSecret) -> None:
        mount.put({"crm-token": b"x" * MAX_BYTES})
        assert len(SecretFile(mount.folder, "crm-token").read()) == MAX_BYTES

    def test_one_that_is_not_there_is_told_by_its_path(self, mount: MountedSecret) -> None:
        with pytest.raises(AgentError, match=r"/secrets/other-token: cannot be read .No such file"):
            SecretFile(mount.folder, "other-token").read()

    def test_one_that_went_is_told_too(self, mount: MountedSecret) -> None:
        secret = SecretFile(mount.folder, "crm-token")
        secret.read()
        mount.put({})
        with pytest.raises(AgentError, match="crm-token: cannot be read"):
            secret.read()

    @pytest.mark.parametrize("name", ["", "..", "../other", "/etc/passwd", "..data", "a/b", ".hidden", "new\nline"])
    def test_a_name_leads_nowhere_else(self, name: str, mount: MountedSecret) -> None:
        with pytest.raises(AgentError, match="names no secret"):
            SecretFile(mount.folder, name)


class TestTheReceiptKey:
    """The key receipts are signed with."""

    def test_it_is_the_same_object_until_it_is_rotated(self, mount: MountedSecret) -> None:
        key = ReceiptKey(mount.folder)
        first = key()
        assert key() is first
        mount.put({image.RECEIPT_KEY_FILE: pem(KEY)})
        assert key() is first
        mount.put({image.RECEIPT_KEY_FILE: pem(OTHER_KEY)})
        assert key().private_bytes_raw() == OTHER_KEY.private_bytes_raw()

    @pytest.mark.parametrize(
        "content",
        [
            b"no key",
            KEY.private_bytes_raw(),
            pem(KEY).replace(b"M", b"N", 1),
            KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")),
            generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        ],
        ids=["text", "raw", "damaged", "encrypted", "elliptic"],
    )
    def test_an_agent_without_a_key_it_can_use_does_not_start(self, content: bytes, mount: MountedSecret) -> None:
        mount.put({image.RECEIPT_KEY_FILE: content})
        with pytest.raises(AgentError, match=rf"{image.RECEIPT_KEY_FILE}: is not .*openssl genpkey") as refused:
            ReceiptKey(mount.folder)
        assert not any(line in str(refused.value).encode() for line in content.splitlines() if line)

    def test_a_new_key_that_cannot_be_used_is_told_once_and_the_old_one_signs_on(
        self, mount: MountedSecret, caplog: pytest.LogCaptureFixture
    ) -> None:
        key = ReceiptKey(mount.folder)
        first = key()
        for files_ in ({image.RECEIPT_KEY_FILE: b"oops"}, {}):
            mount.put(files_)
            assert key() is first
            assert key() is first
        assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.ERROR]
        mount.put({image.RECEIPT_KEY_FILE: pem(OTHER_KEY)})
        assert key() is not first

    def test_receipts_written_while_it_is_rotated_verify_with_both_public_keys(
        self, mount: MountedSecret, tmp_path: Path
    ) -> None:
        keys = [Ed25519PrivateKey.generate() for _ in range(5)]
        rotated = threading.Event()

        def rotate() -> None:
            for key in keys:
                mount.put({image.RECEIPT_KEY_FILE: pem(key)})
            rotated.set()

        rotating = threading.Thread(target=rotate)
        with ReceiptBook(tmp_path / "receipts", HELPER, ReceiptKey(mount.folder)) as book:
            last = book.append(entry(0))
            rotating.start()
            number = 0
            while not rotated.is_set() or number < 50:
                number += 1
                last = book.append(entry(number))
            rotating.join()
            last = book.append(entry(number + 1))
        written = files(tmp_path / "receipts")
        assert verify_files(written, public(KEY, *keys), last=last).receipts == number + 2
        # The last one is under the newest key, the first under the oldest.
        assert not verify_files(written, public(KEY, *keys[:-1])).ok
        assert verify_files(written, public(*keys)).receipts == 0


class TestLeaks:
    """A secret that stands where others can read it."""

    SECRETS = {"crm-token": TOKEN, image.RECEIPT_KEY_FILE: pem(KEY)}  # noqa: RUF012

    @pytest.mark.parametrize(
        "text",
        [
            TOKEN.decode(),
            f"Bearer {TOKEN.decode()}",
            json.dumps({"token": TOKEN.decode()}),
            base64.b64encode(TOKEN).decode(),
            base64.b64encode(TOKEN + b"and more").decode(),
            f"postgres://user:{TOKEN.decode()}@db",
        ],
    )
    def test_it_is_found_however_it_is_written(self, text: str) -> None:
        assert leaks(self.SECRETS, {"a place": text, "another": "nothing"}) == [("crm-token", "a place")]

    @pytest.mark.parametrize(
        "text",
        [
            pem(KEY).decode(),
            json.dumps({"key": pem(KEY).decode()}),
            pem(KEY).decode().splitlines()[1],
            base64.urlsafe_b64encode(pem(KEY)).decode(),
        ],
    )
    def test_a_key_is_found_by_any_of_its_forms(self, text: str) -> None:
        assert leaks(self.SECRETS, {"a place": text}) == [(image.RECEIPT_KEY_FILE, "a place")]

    @given(st.binary(min_size=8, max_size=200).filter(lambda raw: len(raw.strip()) >= 8), st.text(), st.text())
    def test_whatever_it_is_it_is_found(self, secret: bytes, before: str, after: str) -> None:
        text = secret.decode("utf-8", "replace")
        assert leaks({"one": secret}, {"config": before + json.dumps(text) + after})
        assert leaks({"one": secret}, {"config": before + text + after})

    def test_what_holds_none_is_left_alone(self) -> None:
        public_parts = (
            "-----BEGIN PRIVATE KEY-----",
            f"/run/moltghost/secrets/{image.RECEIPT_KEY_FILE}",
            "crm-token",
            "",
        )
        assert leaks(self.SECRETS, {part: part for part in public_parts}) == []
        # What everybody writes is no secret's trace.
        assert leaks({"short": b"true"}, {"config": "true"}) == []

    def test_a_start_that_would_show_one_is_refused_and_says_which_and_where(self) -> None:
        for texts in (
            exposed_texts({"CRM_TOKEN": TOKEN.decode()}, [], "{}"),
            exposed_texts({}, ["--token", TOKEN.decode()], "{}"),
            exposed_texts({}, [], json.dumps({"skills": {"crm": {"token": TOKEN.decode()}}})),
        ):
            with pytest.raises(AgentError, match=r"crm-token in (the environment|argument 1|OpenClaw)") as refused:
                require_no_leak(self.SECRETS, texts)
            assert TOKEN.decode() not in str(refused.value)
        require_no_leak(self.SECRETS, exposed_texts({"HOME": "/data"}, ["gateway", "run"], "{}"))

    def test_every_secret_of_the_mount_is_sought(self, mount: MountedSecret) -> None:
        assert read_all(mount.folder) == {"crm-token": TOKEN, image.RECEIPT_KEY_FILE: pem(KEY)}
        with pytest.raises(AgentError, match="nowhere: cannot be read"):
            read_all(mount.folder / "nowhere")
