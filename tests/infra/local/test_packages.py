"""Debian packages: only what is missing, only by root, and no service is started."""

import os
from pathlib import Path

import pytest

from infra.local import packages
from infra.local.go_build import ToolError
from tests.infra.local.fake_programs import install, quiet

DPKG = """#!/bin/sh
for name in "$@"; do
  case "$name" in -*) continue;; esac
  if [ -e "{installed}/$name" ]; then echo "$name installed"; else echo "no packages found: $name" >&2; fi
done
exit 1
"""
APT = """#!/bin/sh
echo "$DEBIAN_FRONTEND $@" >> "{log}"
[ -e "{policy}" ] && echo "policy in place" >> "{log}"
for name in "$@"; do case "$name" in runc|conntrack) {act};; esac; done
exit 0
"""


class Debian:
    """Fake dpkg-query and apt-get over a folder that says what is installed."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "bin"
        self.installed = folder / "installed"
        self.log = folder / "apt.log"
        self.policy = folder / "policy-rc.d"
        self.installed.mkdir()
        install(self.path, "dpkg-query", DPKG.format(installed=self.installed))
        self.apt(f': > "{self.installed}/$name"')
        monkeypatch.setenv("PATH", str(self.path))
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(packages, "POLICY", self.policy)

    def apt(self, act: str) -> None:
        """What apt-get does to a package it is asked to install."""
        install(self.path, "apt-get", APT.format(log=self.log, policy=self.policy, act=act))

    def have(self, *names: str) -> None:
        for name in names:
            (self.installed / name).touch()


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Debian:
    return Debian(tmp_path, monkeypatch)


def test_nothing_is_done_when_nothing_is_missing(debian: Debian) -> None:
    debian.have("runc", "conntrack")
    packages.ensure_packages(["runc", "conntrack"], pytest.fail)
    assert not debian.log.exists()


def test_only_what_is_missing_is_installed_without_a_question_or_a_service(debian: Debian) -> None:
    debian.have("runc")
    said: list[str] = []
    packages.ensure_packages(["runc", "conntrack"], said.append)
    first, second = debian.log.read_text().splitlines()
    assert first.startswith("noninteractive ")
    assert first.endswith("install --yes --no-install-recommends conntrack")
    assert second == "policy in place"
    assert not debian.policy.exists()
    assert said == ["installing Debian packages: conntrack"]


def test_a_policy_of_the_machines_own_is_kept(debian: Debian) -> None:
    debian.policy.write_text("the owner's")
    packages.ensure_packages(["conntrack"], quiet)
    assert debian.policy.read_text() == "the owner's"


def test_another_user_is_told_what_to_install(debian: Debian, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ToolError, match=r"conntrack, runc\. As root, on Debian or Ubuntu: apt-get install"):
        packages.ensure_packages(["runc", "conntrack"], quiet)


def test_a_failed_install_is_tried_once_more_with_fresh_lists_then_told(debian: Debian) -> None:
    debian.apt("echo 'E: Unable to fetch some archives' >&2; exit 100")
    with pytest.raises(ToolError, match=r"failed \(exit status 100\): E: Unable to fetch"):
        packages.ensure_packages(["runc"], quiet)
    commands = [line.split(" -q ")[1].split()[0] for line in debian.log.read_text().splitlines() if " -q " in line]
    assert commands == ["install", "update", "install"]
    assert not debian.policy.exists()


def test_success_is_not_taken_at_apts_word(debian: Debian) -> None:
    debian.apt(":")
    with pytest.raises(ToolError, match="not installed: runc"):
        packages.ensure_packages(["runc"], quiet)


def test_without_dpkg_everything_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert packages.missing_packages(["runc", "conntrack"]) == ["conntrack", "runc"]
