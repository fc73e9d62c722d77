"""A bundle is what its tenant signed, to the last byte."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.skills.bundle import Bundle, Expected, open_bundle, read_bundle, seal, verify_bundle, write_bundle
from runtime.skills.errors import SkillError
from runtime.skills.limits import MAX_BYTES, MAX_FILES, MAX_MANIFEST_BYTES
from runtime.skills.manifest import File, Manifest, Skill, decode, encode
from tests.runtime.skills.bundles import (
    CRM,
    EXPECTED,
    FILES,
    KEY,
    OTHER_KEY,
    OTHER_PUBLIC,
    PUBLIC,
    bundle_of,
    manifest_of,
)

Contents = dict[str, bytes]


def test_a_bundle_comes_back_as_it_was_sealed() -> None:
    bundle = bundle_of()
    archive = write_bundle(bundle)
    assert read_bundle(archive) == bundle
    assert verify_bundle(archive, EXPECTED) == bundle
    assert verify_bundle(archive, Expected(PUBLIC, digest=bundle.manifest.digest)) == bundle


def test_the_digest_tells_contents_apart() -> None:
    changed = {**FILES, "crm/dist/index.js": b"export default null;\n"}
    assert manifest_of().digest == manifest_of().digest != manifest_of(changed).digest


def with_file(path: str, data: bytes) -> Callable[[Contents], Contents]:
    return lambda contents: {**contents, path: data}


def without(path: str) -> Callable[[Contents], Contents]:
    return lambda contents: {name: data for name, data in contents.items() if name != path}


def renamed(before: str, after: str) -> Callable[[Contents], Contents]:
    return lambda contents: {after if name == before else name: data for name, data in contents.items()}


def signed_again(change: Callable[[str], str], key: object = OTHER_KEY) -> Callable[[Contents], Contents]:
    """The manifest changed, and signed with another key."""

    def tampered(contents: Contents) -> Contents:
        raw = change(contents["manifest.json"].decode()).encode()
        signature = base64.b64encode((OTHER_KEY if key is OTHER_KEY else KEY).sign(raw)) + b"\n"
        return {**contents, "manifest.json": raw, "manifest.sig": signature}

    return tampered


TAMPERED: dict[str, tuple[Callable[[Contents], Contents], str]] = {
    "a file changed": (with_file("crm/dist/index.js", b"export default 666"), "crm/dist/index.js: was changed"),
    "a file changed, of the same size": (
        with_file("crm/dist/index.js", FILES["crm/dist/index.js"].swapcase()),
        "crm/dist/index.js: was changed",
    ),
    "an empty file filled": (with_file("crm/skills/crm/empty.txt", b"x"), "crm/skills/crm/empty.txt: was changed"),
    "a file added": (with_file("crm/dist/evil.js", b""), "crm/dist/evil.js: is not in the manifest"),
    "a file added at the top": (with_file("evil.js", b""), "evil.js: is not in the manifest"),
    "a file removed": (without("crm/skills/crm/SKILL.md"), "crm/skills/crm/SKILL.md: is missing"),
    "a file renamed": (renamed("crm/dist/index.js", "crm/dist/main.js"), "crm/dist/index.js: is missing"),
    "no manifest": (without("manifest.json"), "manifest.json: is missing"),
    "no signature": (without("manifest.sig"), "manifest.sig: is missing"),
    "an empty signature": (with_file("manifest.sig", b"\n"), "not signed with the key"),
    "a signature that is none": (with_file("manifest.sig", b"?"), "manifest.sig: is no signature"),
    "a signature with a blank": (
        lambda contents: {**contents, "manifest.sig": b" " + contents["manifest.sig"]},
        "manifest.sig: is no signature",
    ),
    "the manifest signed with another key": (signed_again(lambda text: text), "not signed with the key"),
    "the manifest changed": (
        lambda contents: {**contents, "manifest.json": contents["manifest.json"].replace(b"1.2.0", b"1.3.0")},
        "not signed with the key",
    ),
    "the manifest in other words, well signed": (
        signed_again(lambda text: text.replace("\n", ""), KEY),
        "manifest.json: is not written as",
    ),
    "the manifest with more in it, well signed": (
        signed_again(lambda text: text.replace("{", '{"x": 1,', 1), KEY),
        "manifest.json: is not written as",
    ),
    "another format, well signed": (
        signed_again(lambda text: text.replace("skills/1", "skills/2"), KEY),
        "no manifest of format moltghost-skills/1",
    ),
    "no JSON, well signed": (signed_again(lambda text: text[:-3], KEY), "no manifest of format"),
    "a deep manifest": (with_file("manifest.json", b"[" * 100_000), "no manifest of format"),
    "a huge manifest": (with_file("manifest.json", bytes(MAX_MANIFEST_BYTES + 1)), "is larger than"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_a_bundle_is_refused_that_has(case: str) -> None:
    tamper, reason = TAMPERED[case]
    with pytest.raises(SkillError) as refused:
        open_bundle(tamper(bundle_of().contents), EXPECTED)
    assert reason in str(refused.value)


CONTENTS = bundle_of().contents


@given(st.sampled_from(sorted(CONTENTS)), st.integers(0, 10**6), st.integers(1, 255))
def test_any_flipped_byte_is_refused(path: str, at: int, flip: int) -> None:
    data = bytearray(CONTENTS[path] or b"\0")
    data[at % len(data)] ^= flip
    with pytest.raises(SkillError):
        open_bundle({**CONTENTS, path: bytes(data)}, EXPECTED)


def test_a_bundle_of_another_tenant_is_refused() -> None:
    with pytest.raises(SkillError, match="was built for tenant globex, not for acme"):
        open_bundle(bundle_of(tenant="globex").contents, EXPECTED)


def test_a_key_of_another_tenant_is_refused() -> None:
    with pytest.raises(SkillError, match="not signed with the key"):
        open_bundle(bundle_of(key=OTHER_KEY).contents, EXPECTED)
    assert open_bundle(bundle_of(key=OTHER_KEY).contents, Expected(OTHER_PUBLIC))


def test_an_older_bundle_of_the_tenant_is_refused_where_a_newer_is_declared() -> None:
    older, newer = bundle_of(version="1.2.0"), bundle_of(version="1.3.0")
    with pytest.raises(SkillError, match="is that of another bundle"):
        open_bundle(older.contents, replace(EXPECTED, digest=newer.manifest.digest))


def test_a_key_that_is_none_signs_nothing() -> None:
    with pytest.raises(SkillError, match="not signed"):
        open_bundle(CONTENTS, Expected(b"short"))


def test_all_problems_are_named_at_once() -> None:
    files = {**FILES, "crm/dist/index.js": b"changed", "crm/new.js": b""}
    with pytest.raises(SkillError) as refused:
        open_bundle({**bundle_of(key=OTHER_KEY, tenant="globex").contents, **files}, EXPECTED)
    assert len(refused.value.problems) == 4


def test_a_long_list_is_cut_in_the_message_alone() -> None:
    many = {f"crm/x{number}.js": b"" for number in range(30)}
    with pytest.raises(SkillError, match="and 20 more") as refused:
        open_bundle({**CONTENTS, **many}, EXPECTED)
    assert len(refused.value.problems) == 30


GOOD = manifest_of()
INDEX = next(file for file in GOOD.files if file.path.endswith("index.js"))


def with_files(*files: File) -> Manifest:
    return replace(GOOD, files=tuple(sorted((*GOOD.files, *files), key=lambda file: file.path)))


BAD_MANIFESTS: dict[str, tuple[Manifest, str]] = {
    "a name with capitals": (replace(GOOD, name="CRM"), "name 'CRM' does not match"),
    "a version with a letter": (replace(GOOD, version="1.0.0-rc1"), "version '1.0.0-rc1' does not match"),
    "a version in other digits": (replace(GOOD, version="\N{ARABIC-INDIC DIGIT ONE}.0.0"), "does not match"),
    "no tenant": (replace(GOOD, tenant=""), "tenant '' does not match"),
    "no floor": (replace(GOOD, openclaw="latest"), "openclaw 'latest' does not match"),
    "no skill": (replace(GOOD, skills=()), "lists no skill"),
    "a skill twice": (replace(GOOD, skills=(CRM, CRM)), "skill crm: is there twice"),
    "a tool of two skills": (
        replace(GOOD, skills=(CRM, Skill("erp", "1.0.0", ("crm_query",), ()))),
        "tool crm_query: is there twice",
    ),
    "instructions of two skills": (
        replace(GOOD, skills=(CRM, Skill("erp", "1.0.0", (), ("crm",)))),
        "instructions crm: is there twice",
    ),
    "a tool with a blank": (replace(GOOD, skills=(replace(CRM, tools=("a b",)),)), "tool 'a b' does not match"),
    "a skill that leads elsewhere": (replace(GOOD, skills=(replace(CRM, id=".."),)), "skill '..' does not match"),
    "a skill without its instructions": (
        replace(GOOD, skills=(replace(CRM, instructions=("other",)),)),
        "crm/skills/other/SKILL.md: is needed and not listed",
    ),
    "a file of no skill": (with_files(replace(INDEX, path="erp/x.js")), "erp/x.js: belongs to no skill"),
    "a file at the top": (with_files(replace(INDEX, path="x.js")), "x.js: belongs to no skill"),
    "a way up": (with_files(replace(INDEX, path="crm/../x")), "'crm/../x' leads elsewhere"),
    "a file twice": (with_files(INDEX), "one twice"),
    "another order": (replace(GOOD, files=tuple(reversed(GOOD.files))), "out of order"),
    "a hash in capitals": (with_files(File("crm/x", 1, "A" * 64)), "no SHA-256"),
    "a size below nothing": (with_files(File("crm/x", -1, "0" * 64)), "no size"),
    "too large a file": (with_files(File("crm/x", MAX_BYTES + 1, "0" * 64)), f"{MAX_BYTES} at most"),
    "too many files": (
        with_files(*(File(f"crm/x{n}", 0, "0" * 64) for n in range(MAX_FILES))),
        f"{MAX_FILES} at most",
    ),
}


@pytest.mark.parametrize("case", BAD_MANIFESTS)
def test_a_manifest_is_refused_that_has(case: str) -> None:
    manifest, reason = BAD_MANIFESTS[case]
    contents = Bundle(manifest, KEY.sign(encode(manifest)), FILES).contents
    with pytest.raises(SkillError) as refused:
        open_bundle(contents, EXPECTED)
    assert reason in str(refused.value)
    with pytest.raises(SkillError):
        seal(manifest, FILES, KEY)


@pytest.mark.parametrize("path", ["crm/package.json", "crm/openclaw.plugin.json", "crm/dist/index.js"])
def test_a_skill_without_what_it_needs_is_not_sealed(path: str) -> None:
    files = {name: data for name, data in FILES.items() if name != path}
    with pytest.raises(SkillError, match=f"{path}: is needed and not listed"):
        bundle_of(files)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.just("moltghost-skills/1"),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from([*json.loads(encode(GOOD)), "id", "path"]), inner)
        ),
    )
)
def test_any_json_is_a_manifest_or_refused(document: object) -> None:
    with pytest.raises(SkillError):
        decode(json.dumps(document).encode())


def test_a_skill_is_found_by_name() -> None:
    assert GOOD.skill("crm") is CRM
    with pytest.raises(SkillError, match=r"skill erp: bundle crm 1\.2\.0 has none of this name, but crm"):
        GOOD.skill("erp")


@pytest.mark.parametrize("version", ["2026.5.18", "2026.9.6", "2027.1.0"])
def test_a_new_enough_openclaw_is_fine(version: str) -> None:
    GOOD.require_openclaw(version)


@pytest.mark.parametrize("version", ["2026.5.17", "2026.4.99", "2025.12.30"])
def test_an_older_openclaw_is_refused(version: str) -> None:
    with pytest.raises(SkillError, match=rf"needs OpenClaw 2026\.5\.18, this is {version}"):
        GOOD.require_openclaw(version)
