"""From a folder of TypeScript to a signed bundle, with the real compiler."""

import json
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from infra.cli import main
from infra.skills.building import build
from infra.skills.keys import new_key, public_text, read_key
from runtime.skills.bundle import Expected, read_bundle, verify_bundle, write_bundle
from runtime.skills.config_map import MAX_BYTES, config_map_entries
from runtime.skills.errors import SkillError
from runtime.skills.tree import verify_tree
from tests.runtime.skills.bundles import KEY, OTHER_KEY, PUBLIC, TENANT, mount

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "skills" / "crm"
PACKAGES = EXAMPLE / "node_modules"
FILES = {
    "crm/package.json",
    "crm/openclaw.plugin.json",
    "crm/dist/index.js",
    "crm/skills/crm/SKILL.md",
}


def copy_example(folder: Path) -> Path:
    """The example's sources, with the packages it is built with but not copied."""
    assert PACKAGES.is_dir(), "the example's packages are not installed: run `make setup`"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (folder / "node_modules").mkdir()
    for package in PACKAGES.iterdir():
        (folder / "node_modules" / package.name).symlink_to(package)
    return folder


@pytest.fixture
def crm(tmp_path: Path) -> Path:
    return copy_example(tmp_path / "crm")


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_the_example_becomes_a_bundle(crm: Path) -> None:
    bundle = build(crm, TENANT, KEY)
    assert set(bundle.files) == FILES
    manifest = bundle.manifest
    assert (manifest.name, manifest.version, manifest.tenant, manifest.openclaw) == (
        "crm",
        "1.0.0",
        TENANT,
        "2026.5.18",
    )
    skill = manifest.skill("crm")
    assert (skill.tools, skill.instructions) == (("crm_query",), ("crm",))
    assert verify_bundle(write_bundle(bundle), Expected(PUBLIC, TENANT)) == bundle
    assert config_map_entries(bundle)


def test_it_can_be_mounted_as_it_is(crm: Path, tmp_path: Path) -> None:
    bundle = build(crm, TENANT, KEY)
    volume = tmp_path / "volume"
    volume.mkdir()
    expected = Expected(PUBLIC, TENANT, bundle.manifest.digest)
    assert verify_tree(mount(volume, bundle.contents), expected) == bundle.manifest


def test_the_same_sources_give_the_same_bytes_wherever_they_lie(crm: Path, tmp_path: Path) -> None:
    elsewhere = copy_example(tmp_path / "some" / "where" / "else")
    (elsewhere / "README.md").write_text("Not part of it.")
    assert write_bundle(build(crm, TENANT, KEY)) == write_bundle(build(elsewhere, TENANT, KEY))


def test_only_what_openclaw_brings_is_left_out_of_the_code(crm: Path) -> None:
    code = build(crm, TENANT, KEY).files["crm/dist/index.js"].decode()
    imported = {line.rsplit('"', 2)[1] for line in code.splitlines() if line.startswith("import ")}
    assert imported == {"openclaw/plugin-sdk/tool-plugin", "typebox", "typebox/value", "node:fs/promises"}


def test_a_package_is_compiled_in(crm: Path) -> None:
    package = crm / "node_modules" / "shouting"
    package.mkdir()
    (package / "package.json").write_text('{"name": "shouting", "type": "module", "exports": "./index.js"}')
    (package / "index.js").write_text("export const shout = (text) => `${text}!`;\n")
    (package / "index.d.ts").write_text("export declare const shout: (text: string) => string;\n")
    with (crm / "src" / "index.ts").open("a") as file:
        file.write('import { shout } from "shouting";\nexport const loud = shout("PACKED");\n')
    code = build(crm, TENANT, KEY).files["crm/dist/index.js"].decode()
    assert "`${text}!`" in code
    assert '"shouting"' not in code


def test_nothing_of_package_json_goes_along_that_could_be_run(crm: Path) -> None:
    edit(crm / "package.json", lambda package: package["scripts"].update(postinstall="curl evil"))
    package = json.loads(build(crm, TENANT, KEY).files["crm/package.json"])
    assert package == {
        "name": "crm",
        "version": "1.0.0",
        "type": "module",
        "openclaw": {"extensions": ["./dist/index.js"]},
    }


def test_a_folder_of_skills_becomes_one_bundle(crm: Path, tmp_path: Path) -> None:
    top = tmp_path / "skills"
    top.mkdir()
    (top / "package.json").write_text('{"name": "@acme/office", "version": "2.1.0"}')
    (crm / "package-lock.json").rename(top / "package-lock.json")
    (crm / "node_modules").rename(top / "node_modules")
    erp = shutil.copytree(crm, top / "erp")
    crm.rename(top / "crm")
    for path in (erp / "openclaw.plugin.json", erp / "src" / "index.ts"):
        path.write_text(path.read_text().replace("crm_query", "erp_query").replace('"crm"', '"erp"'))
    edit(erp / "package.json", lambda package: package["peerDependencies"].update(openclaw=">=2026.9.6"))
    (erp / "skills" / "crm").rename(erp / "skills" / "erp")
    instructions = erp / "skills" / "erp" / "SKILL.md"
    instructions.write_text(instructions.read_text().replace("name: crm", "name: erp"))
    manifest = build(top, TENANT, KEY).manifest
    assert (manifest.name, manifest.version, manifest.openclaw) == ("office", "2.1.0", "2026.9.6")
    assert [(skill.id, skill.tools) for skill in manifest.skills] == [("crm", ("crm_query",)), ("erp", ("erp_query",))]


def append(path: str, text: str) -> Callable[[Path], object]:
    return lambda skill: (skill / path).write_text((skill / path).read_text() + text)


def swap(path: str, before: str, after: str) -> Callable[[Path], object]:
    def act(skill: Path) -> None:
        text = (skill / path).read_text()
        assert before in text
        (skill / path).write_text(text.replace(before, after))

    return act


def write(path: str, text: str) -> Callable[[Path], object]:
    def act(skill: Path) -> None:
        (skill / path).parent.mkdir(parents=True, exist_ok=True)
        (skill / path).write_text(text)

    return act


def declare(path: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    return lambda skill: edit(skill / path, change)


def both(first: Callable[[Path], object], second: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda skill: (first(skill), second(skill))


PLUGIN, PACKAGE, SKILL = "openclaw.plugin.json", "package.json", "skills/crm/SKILL.md"
PEM = "-----BEGIN " + "PRIVATE KEY-----"

BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a wrong type": (append("src/index.ts", "export const n: number = 'one';\n"), "crm: tsc says:\nsrc/index.ts"),
    "an import that is not installed": (append("src/index.ts", "import 'left-pad';\n"), "left-pad"),
    "a package that is compiled natively": (
        both(write("src/x.node", ""), append("src/index.ts", 'import "./x.node";\n')),
        "x.node",
    ),
    "a file from outside": (
        both(
            write("../outside.json", "{}"), append("src/crm.ts", 'import "../../outside.json" with {type: "json"};\n')
        ),
        "lies outside of",
    ),
    "a secret compiled in": (
        both(write("src/secrets.json", "{}"), append("src/crm.ts", 'import "./secrets.json" with {type: "json"};\n')),
        "looks like a secret",
    ),
    "a private key in the code": (
        append("src/crm.ts", f'export const key = "{PEM}";\nconsole.log(key);\n'),
        "private key",
    ),
    "an environment file": (write("skills/crm/.env", "TOKEN=1"), "crm/skills/crm/.env: looks like a secret"),
    "a key file": (write("skills/crm/tls.pem", ""), "crm/skills/crm/tls.pem: looks like a secret"),
    "a private key among its instructions": (append(SKILL, PEM), "crm/skills/crm/SKILL.md: holds a private key"),
    "packages among its instructions": (
        write("skills/node_modules/x.js", ""),
        "crm/skills/node_modules: belongs to no",
    ),
    "a link among its instructions": (
        lambda skill: (skill / "skills" / "crm" / "link.md").symlink_to("/etc/passwd"),
        "crm/skills/crm/link.md: is neither a file nor a folder",
    ),
    "a name no bundle holds": (write("skills/crm/a b.md", ""), "'a b.md'"),
    "no instructions": (lambda skill: (skill / SKILL).unlink(), "skills: holds no <name>/SKILL.md"),
    "instructions without a head": (write(SKILL, "# CRM\n"), f"{SKILL}: has no head"),
    "instructions whose head has no end": (write(SKILL, "---\nname: crm\n"), f"{SKILL}: has no head"),
    "a head that is no YAML": (swap(SKILL, "name: crm", "name: [crm"), f"{SKILL}: has a head that is no YAML"),
    "a head that is a list": (write(SKILL, "---\n- crm\n---\n"), f"{SKILL}: Input should be"),
    "a head without a description": (write(SKILL, "---\nname: crm\n---\n"), f"{SKILL}: description: Field required"),
    "a description of two lines": (
        write(SKILL, "---\nname: crm\ndescription: |\n  one\n  two\n---\n"),
        f"{SKILL}: description: String should match",
    ),
    "a long description": (
        write(SKILL, f"---\nname: crm\ndescription: {'x' * 161}\n---\n"),
        f"{SKILL}: description: String should have at most 160",
    ),
    "instructions of another name": (swap(SKILL, "name: crm", "name: erp"), "its folder is crm; name both alike"),
    "a tool the plugin does not list": (swap("src/index.ts", "crm_query", "crm_ask"), "tools is ['crm_query'], but"),
    "settings the plugin does not list": (swap("src/index.ts", "baseUrl: Type", "url: Type"), "crm: tsc says"),
    "settings described otherwise": (swap("src/index.ts", "The CRM's address", "An address"), "configSchema is {"),
    "another description": (
        swap(PLUGIN, "Looks customers up in", "Deletes customers of"),
        'crm/openclaw.plugin.json: description is "Deletes',
    ),
    "another skill's name": (declare(PLUGIN, lambda plugin: plugin.update(id="erp")), "id is 'erp', but 'crm'"),
    "a setting that is no text": (
        declare(PLUGIN, lambda plugin: plugin["configSchema"]["properties"]["baseUrl"].update(type="number")),
        f"{PLUGIN}: configSchema.properties.baseUrl.type: Input should be 'string'",
    ),
    "settings of any name": (
        declare(PLUGIN, lambda plugin: plugin["configSchema"].pop("additionalProperties")),
        f"{PLUGIN}: configSchema.additionalProperties: Field required",
    ),
    "a setting OpenClaw would replace": (
        declare(PLUGIN, lambda plugin: plugin["configSchema"]["properties"].update({"$include": {"type": "string"}})),
        f"{PLUGIN}: configSchema.properties.$include",
    ),
    "a tool no agent has": (
        declare(PLUGIN, lambda plugin: plugin["contracts"].update(tools=["sessions_list"])),
        f"{PLUGIN}: no agent could have 'sessions_list', for OpenClaw has one: one end user's session",
    ),
    "the name of the shell": (
        declare(PLUGIN, lambda plugin: plugin["contracts"].update(tools=["exec"])),
        f"{PLUGIN}: no agent could have 'exec'",
    ),
    "the model's plugin's name": (
        declare(PLUGIN, lambda plugin: plugin.update(id="ollama")),
        f"{PLUGIN}: no agent could have 'ollama'",
    ),
    "a server of its own": (
        declare(PLUGIN, lambda plugin: plugin.update(mcpServers={"x": {"command": "sh"}})),
        f"{PLUGIN}: mcpServers: Extra inputs are not permitted",
    ),
    "another kind of plugin": (
        declare(PLUGIN, lambda plugin: plugin["contracts"].update(webSearchProviders=["x"])),
        f"{PLUGIN}: contracts.webSearchProviders: Extra inputs",
    ),
    "no tool": (declare(PLUGIN, lambda plugin: plugin["contracts"].update(tools=[])), f"{PLUGIN}: contracts.tools"),
    "instructions elsewhere": (declare(PLUGIN, lambda plugin: plugin.update(skills=["/etc"])), f"{PLUGIN}: skills.0"),
    "two versions": (declare(PLUGIN, lambda plugin: plugin.update(version="1.0.1")), "version: is 1.0.1, but 1.0.0"),
    "no JSON": (write(PLUGIN, "{"), f"{PLUGIN}: is no JSON"),
    "no UTF-8": (lambda skill: (skill / PLUGIN).write_bytes(b"\xff"), f"{PLUGIN}: cannot be read: is not UTF-8"),
    "modules of the old kind": (declare(PACKAGE, lambda package: package.update(type="commonjs")), f"{PACKAGE}: type"),
    "another entry": (
        declare(PACKAGE, lambda package: package["openclaw"].update(extensions=["./src/index.ts"])),
        f"{PACKAGE}: openclaw.extensions.0",
    ),
    "no oldest OpenClaw": (
        declare(PACKAGE, lambda package: package["peerDependencies"].update(openclaw="*")),
        f"{PACKAGE}: peerDependencies.openclaw",
    ),
    "no package.json": (lambda skill: (skill / PACKAGE).unlink(), f"{PACKAGE}: cannot be read: No such file"),
    "nothing that pins its packages": (
        lambda skill: (skill / "package-lock.json").unlink(),
        "package-lock.json: is missing; `npm install` writes it",
    ),
    "no source": (lambda skill: (skill / "src" / "index.ts").unlink(), "src/index.ts: is missing"),
    "no compiler": (
        lambda skill: shutil.rmtree(skill / "node_modules"),
        "crm: typescript is not installed; it belongs into devDependencies; then run `npm ci`",
    ),
    "too much": (write("skills/crm/big.md", "x" * MAX_BYTES), f"takes {MAX_BYTES}: leave out"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_skill_is_not_built_that_has(case: str, crm: Path) -> None:
    spoil, reason = BAD[case]
    spoil(crm)
    with pytest.raises(SkillError) as refused:
        build(crm, TENANT, KEY)
    assert reason in "\n".join(refused.value.problems)


def test_all_that_is_wrong_with_its_files_is_said_at_once(crm: Path) -> None:
    write(PLUGIN, "{")(crm)
    write(SKILL, "# CRM\n")(crm)
    edit(crm / PACKAGE, lambda package: package.update(type="commonjs", version="one"))
    with pytest.raises(SkillError) as refused:
        build(crm, TENANT, KEY)
    assert len(refused.value.problems) == 5


def test_a_folder_without_a_skill_is_named(tmp_path: Path) -> None:
    with pytest.raises(SkillError, match=f"{tmp_path}: neither it nor a folder in it holds a skill's"):
        build(tmp_path, TENANT, KEY)


def test_a_tenant_needs_a_name(crm: Path) -> None:
    with pytest.raises(SkillError, match="tenant 'ACME Inc' does not match"):
        build(crm, "ACME Inc", KEY)


def moltghost(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["skills", *map(str, arguments)])


def test_from_the_key_to_the_check_on_the_command_line(crm: Path, tmp_path: Path) -> None:
    made = moltghost("keygen", "--out", tmp_path / "keys")
    assert made.exit_code == 0
    key, public = tmp_path / "keys" / "skills-key.pem", made.stdout.strip()
    assert "PRIVATE" not in made.output
    file = tmp_path / "crm.skills.tar.gz"
    built = moltghost("build", crm, "--key", key, "--tenant", TENANT, "--out", file)
    assert built.exit_code == 0, built.output
    digest = read_bundle(file.read_bytes()).manifest.digest
    for said in ("crm 1.0.0 for tenant acme", digest, "tools crm_query", "crm/dist/index.js", "in 4 files"):
        assert said in built.stdout
    verified = moltghost("verify", file, "--key", public, "--tenant", TENANT)
    assert (verified.exit_code, digest in verified.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--key", public_text(OTHER_KEY)), ["manifest.json: is not signed with the key given, or was changed since"]),
        (
            ("--key", public_text(OTHER_KEY), "--tenant", "globex"),
            [
                "manifest.json: is not signed with the key given, or was changed since",
                "manifest.json: the bundle was built for tenant acme, not for globex",
            ],
        ),
    ],
)
def test_every_problem_of_a_bundle_is_a_line(
    crm: Path, tmp_path: Path, arguments: tuple[str, ...], said: list[str]
) -> None:
    file = tmp_path / "bundle"
    file.write_bytes(write_bundle(build(crm, TENANT, KEY)))
    verified = moltghost("verify", file, *arguments)
    assert (verified.exit_code, verified.stdout, verified.stderr.splitlines()) == (1, "", said)


@pytest.mark.parametrize("key", ["", "AAAA", "A" * 43, "?" * 44])
def test_a_public_key_that_is_none_is_a_usage_error(tmp_path: Path, key: str) -> None:
    (tmp_path / "bundle").touch()
    refused = moltghost("verify", tmp_path / "bundle", "--key", key)
    assert refused.exit_code == 2
    assert "expected the 32 bytes in base64" in refused.stderr


def test_a_build_that_fails_says_why_and_writes_nothing(crm: Path, tmp_path: Path) -> None:
    (crm / SKILL).unlink()
    key = new_key(tmp_path)
    refused = moltghost("build", crm, "--key", key, "--tenant", TENANT, "--out", tmp_path / "bundle")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "holds no <name>/SKILL.md" in refused.stderr
    assert not (tmp_path / "bundle").exists()


def test_a_key_is_its_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = new_key(tmp_path / "keys")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(SkillError, match="is there already"):
        new_key(tmp_path / "keys")
    assert path.read_bytes() == before


def test_openssl_reads_the_key(tmp_path: Path) -> None:
    path = new_key(tmp_path)
    der = subprocess.run(
        ["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True
    ).stdout
    assert der.endswith(read_key(path).public_key().public_bytes_raw())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_others_may_use_is_not_used(tmp_path: Path, mode: int) -> None:
    path = new_key(tmp_path)
    path.chmod(mode)
    with pytest.raises(SkillError, match="run `chmod 600"):
        read_key(path)


def pem(key: Any, encryption: Any = None) -> bytes:
    raw: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return raw


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no private key in PEM"),
        (b"hello", "is no private key in PEM"),
        (pem(generate_private_key(SECP256R1())), "is no Ed25519 key"),
        (pem(KEY, BestAvailableEncryption(b"passphrase")), "without a passphrase"),
        (
            Ed25519PrivateKey.generate().public_key().public_bytes_raw(),
            "is no private key in PEM",
        ),
    ],
    ids=["empty", "text", "another curve", "behind a passphrase", "raw"],
)
def test_a_file_that_is_no_key_is_named_and_not_shown(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SkillError, match=reason):
        read_key(path)


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SkillError, match="cannot be read: No such file"):
        read_key(tmp_path / "key.pem")
