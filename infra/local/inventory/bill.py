"""An image's bill of materials, in CycloneDX, and its list of licences."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from infra.local.image_store import EPOCH
from infra.local.images import Image
from infra.local.inventory.packages import Kind, Package

UNKNOWN = "not stated"
_NAMESPACE = uuid.UUID("6f0d7c1e-3d1c-5c55-9f6e-5b1f7f3c2a10")
"""Ours: an image of the same digest has a bill of the same number."""


def write_bill(image: Image, packages: Iterable[Package]) -> str:
    """The bill as JSON; the same image always gives the same text."""
    bom = Bom(serial_number=uuid.uuid5(_NAMESPACE, image.digest))
    bom.metadata.timestamp = datetime.fromtimestamp(int(EPOCH), UTC)
    root = Component(
        name=image.name,
        version=image.digest,
        type=ComponentType.CONTAINER,
        bom_ref=f"image:{image.name}",
        properties=[Property(name="reference", value=image.reference)],
    )
    bom.metadata.component = root
    parts = [_component(package) for package in packages]
    bom.components.update(parts)
    bom.register_dependency(root, parts)
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def write_licences(packages: Iterable[Package]) -> str:
    """A line a package: kind, name, version, licences; those nobody states are named as such."""
    lines = (
        f"{package.kind}\t{package.name}\t{package.version or '-'}\t{', '.join(package.licences) or UNKNOWN}"
        for package in packages
    )
    return "\n".join(lines) + "\n"


def url_of(package: Package) -> PackageURL:
    """The package's URL: how other tools know it."""
    if package.kind is Kind.DEB:
        return PackageURL("deb", "debian", package.name, package.version)
    namespace, _, name = package.name.rpartition("/")
    return PackageURL(package.kind.value, namespace or None, name, package.version or None)


def _component(package: Package) -> Component:
    url = url_of(package)
    return Component(
        name=package.name,
        version=package.version or None,
        type=ComponentType.LIBRARY if package.kind is not Kind.GENERIC else ComponentType.APPLICATION,
        purl=url,
        bom_ref=url.to_string(),
        licenses=[DisjunctiveLicense(name=name) for name in package.licences],
    )
