"""The tenants' skills, out of the bundles a stack names."""

import base64
from pathlib import Path

import pulumi

from components.agent.openclaw_spec import SkillUse
from components.agent.spec import SkillFile, SkillsSpec
from components.labels import TenantId
from infra.settings.models import Agent
from infra.settings.skills import Skills
from runtime.skills.bundle import Bundle, Expected, verify_bundle
from runtime.skills.config_map import config_map_entries
from runtime.skills.errors import SkillError

SignedBundle = tuple[Bundle, str]
"""A bundle and the key it is signed with."""


def read_bundle(tenant: TenantId, skills: Skills | None) -> SignedBundle | None:
    """A tenant's bundle with the key it is signed with, verified; None where it has none.

    Raises pulumi.RunError for a bundle that isn't there, or isn't the tenant's.
    """
    return None if skills is None else (_read(tenant, skills), skills.key)


def _read(tenant: TenantId, skills: Skills) -> Bundle:
    try:
        archive = Path(skills.bundle).read_bytes()
        return verify_bundle(archive, Expected(base64.b64decode(skills.key), tenant))
    except (OSError, SkillError) as error:
        raise pulumi.RunError(f"{skills.bundle}: the skills of {tenant} cannot be used: {error}") from None


def skills_spec(agent: Agent, signed: SignedBundle | None, tenant: TenantId) -> SkillsSpec | None:
    """The skills of one agent of a tenant; None for an agent that has none.

    Raises pulumi.RunError for a skill the bundle lacks, and for a bundle too large to be mounted.
    """
    if not agent.skills:
        return None
    if signed is None:
        raise pulumi.RunError(f"agent {tenant}/{agent.name}: has skills, but {tenant} has no bundle of them")
    bundle, key = signed
    try:
        enabled = tuple(
            SkillUse(id=skill, config=config, instructions=bundle.manifest.skill(skill).instructions)
            for skill, config in agent.skills.items()
        )
        entries = config_map_entries(bundle)
    except SkillError as error:
        raise pulumi.RunError(f"agent {tenant}/{agent.name}: {error}") from None
    return SkillsSpec(
        key=key,
        digest=bundle.manifest.digest,
        files=tuple(SkillFile(key=entry.key, path=entry.path, content=entry.content) for entry in entries),
        enabled=enabled,
    )
