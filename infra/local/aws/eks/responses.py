"""EKS's API in moto's server: what moto lacks of it, and what it must do here beside keeping a record."""

from moto.core.responses import ActionResult, EmptyResult

from infra.local.aws.eks.access import Access
from infra.local.aws.eks.addons import Addons, Identities
from infra.local.aws.eks.clusters import Clusters
from infra.local.aws.eks.node_groups import NodeGroups
from infra.local.aws.eks.record import missing, tagged

PATHS = (
    "{0}/clusters$",
    "{0}/clusters/(?P<name>[^/]+)$",
    "{0}/clusters/(?P<name>[^/]+)/(?P<rest>.+)$",
    "{0}/tags/(?P<resourceArn>.+)$",
)


class Tags(Clusters):
    """Tags of everything EKS has; moto has those of clusters alone."""

    def tag_resource(self) -> ActionResult:
        """TagResource."""
        self._tags().update(self.asked["tags"])
        return EmptyResult()

    def untag_resource(self) -> ActionResult:
        """UntagResource."""
        names = self.querystring.get("tagKeys") or []
        for name in names:
            self._tags().pop(name, None)
        return EmptyResult()

    def list_tags_for_resource(self) -> ActionResult:
        """ListTagsForResource."""
        return ActionResult({"tags": self._tags()})

    def _tags(self) -> dict[str, str]:
        arn = self._extract_arn_from_path()
        for known, tags in tagged(self.backend):
            if known == arn:
                return tags
        raise missing(f"The specified resource {arn} could not be found")


class EksResponse(Tags, NodeGroups, Addons, Identities, Access):
    """Every operation."""
