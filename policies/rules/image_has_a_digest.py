"""Images are named by what is in them."""

import re

from policies.field import Field, Findings
from policies.pods import POD_TYPES, Pod, admit_pods, per_pod
from policies.rule import Rule

DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")
_SAYS = "another image can be put under this name"


def _named(image: Field) -> Findings:
    yield from image.require(lambda name: isinstance(name, str) and DIGEST.fullmatch(name) is not None, _SAYS)


def check(pod: Pod) -> Findings:
    """Every image, run or mounted, is named by its digest."""
    for each in pod.containers():
        yield from _named(each["image"])
    for volume in pod.spec["volumes"].each():
        if volume["image"].is_set:
            yield from _named(volume.at("image", "reference"))


_CEL = r'.matches("^.+@sha256:[0-9a-f]{64}$")'

RULE = Rule(
    name="image-has-a-digest",
    says="Images are named by digest.",
    reason="A tag is whatever its registry says today: what was reviewed would not be what runs.",
    remedy="Name the image as <repository>@sha256:<digest>.",
    controls=("CIS Kubernetes 5.5.1", "SOC2 CC8.1", "ISO 27001 A.8.19", "ISO 27001 A.8.32"),
    types=POD_TYPES,
    check=per_pod(check),
    admission=admit_pods(
        f'variables.containers.all(c, c.?image.orValue(""){_CEL}) && '
        f'object.spec.?volumes.orValue([]).all(v, !has(v.image) || v.image.?reference.orValue(""){_CEL})'
    ),
)
