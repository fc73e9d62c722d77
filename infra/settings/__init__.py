"""Reads a stack's config: the only part of the program that does."""

from infra.settings.kinds import GlobalSettings, RegionSettings, Settings, TenantSettings
from infra.settings.loading import SECRETS, Draft, draft_settings, load_settings
from infra.settings.models import DevSettings
from infra.settings.problems import NAMESPACE, ConfigError, Problem
from infra.settings.source import Source, read_engine, read_file

__all__ = [
    "NAMESPACE",
    "SECRETS",
    "ConfigError",
    "DevSettings",
    "Draft",
    "GlobalSettings",
    "Problem",
    "RegionSettings",
    "Settings",
    "Source",
    "TenantSettings",
    "draft_settings",
    "load_settings",
    "read_engine",
    "read_file",
]
