"""A bundle of private skills."""

from typing import Annotated

from infra.settings.fields import AbsolutePath, PublicKey, Section, Setting


class Skills(Section):
    """A tenant's bundle of private skills, and the key it is signed with."""

    bundle: Annotated[AbsolutePath, Setting("/example/crm.skills.tar.gz", "Give the absolute path of a bundle")]
    key: Annotated[PublicKey, Setting("A" * 43 + "=", "Give the public key that `moltghost skills keygen` printed")]
