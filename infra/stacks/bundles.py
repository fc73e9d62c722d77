"""The tenants' skills, out of the bundles a stack names."""

import base64
from collections.abc import Mapping
from pathlib import Path

import pulumi

from components.agent.openclaw_spec import SkillUse
from components.agent.spec import SkillFile, SkillsSpec
from components.labels import TenantId
from infra.plan import Plan
from infra.settings.machine import Machine
from infra.settings.models import Agent
from infra.settings.skills import Skills
from runtime.skills.bundle import Bundle, Expected, verify_bundle
from runtime.skills.config_map import config_map_entries
from runtime.skills.errors import SkillError


def read_bundles(plan: Plan, machine: Machine) -> dict[TenantId, tuple[Bundle, str]]:
    """Each tenant's bundle with the key it is signed with, verified. A stack's own bundle goes before the machine's.

    Raises pulumi.RunError for a bundle that isn't there, or isn't the tenant's.
    """
    named = {tenant.id: tenant.settings.skills or machine.skills.get(tenant.id) for tenant in plan.tenants}
    return {tenant: (_read(tenant, skills), skills.key) for tenant, skills in named.items() if skills is not None}


def _read(tenant: TenantId, skills: Skills) -> Bundle:
    try:
        archive = Path(skills.bundle).read_bytes()
        return verify_bundle(archive, Expected(base64.b64decode(skills.key), tenant))
    except (OSError, SkillError) as error:
        raise pulumi.RunError(f"{skills.bundle}: the skills of {tenant} cannot be used: {error}") from None


def skills_spec(agent: Agent, bundles: Mapping[TenantId, tuple[Bundle, str]], tenant: TenantId) -> SkillsSpec | None:
    """The skills of one agent of a tenant; None for an agent that has none.

    Raises pulumi.RunError for a skill the bundle lacks, and for a bundle too large to be mounted.
    """
    if not agent.skills:
        return None
    bundle, key = bundles[tenant]
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
