"""The base of every spec: plain frozen values, nothing unknown, and the shapes several specs share."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from components.naming import is_label


class Values(BaseModel):
    """Plain values: frozen, no unknown field, no coercion between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _label(text: str) -> str:
    if not is_label(text):
        raise ValueError("must be a DNS label: at most 63 lower-case letters, digits and hyphens, a letter first")
    return text


Label = Annotated[str, AfterValidator(_label)]

ImageReference = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}$")]
"""An image by digest: a tag can move under a running platform, a digest cannot."""

Manifest = dict[str, Any]
"""A Kubernetes object as its API writes it."""
