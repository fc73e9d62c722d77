"""What EC2's types have in common: how they are described, tagged and found again."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jmespath

from infra.local.providers.aws.resource import At, Raw, Tagging
from infra.local.providers.aws.session import OWNER_TAG
from infra.local.providers.aws.shapes import tag_list, tag_map
from infra.local.providers.base import Failure
from infra.local.providers.properties import Properties


def ec2_tags(kind: str) -> Tagging:
    """Tags of an EC2 resource; `kind` is EC2's name for its type."""
    return Tagging(
        request=lambda tags: {"TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(tags)}]},
        read=lambda _, raw: tag_map(raw.get("Tags") or raw.get("TagSet") or []),  # interfaces say TagSet
        add=lambda at, _, tags: at.client.create_tags(Resources=[at.id], Tags=tag_list(tags)),
        remove=lambda at, _, names: at.client.delete_tags(Resources=[at.id], Tags=[{"Key": name} for name in names]),
    )


def created(operation: str, path: str) -> Callable[[At, Raw, Properties], str]:
    """Make it by one call; the answer has its id at `path`."""

    def create(at: At, request: Raw, _: Properties) -> str:
        return str(jmespath.search(path, getattr(at.client, operation)(**request)))

    return create


def described(operation: str, by: str, path: str, gone: Sequence[str] = ("deleted",)) -> Callable[[At], Raw | None]:
    """Find it by a call that takes a list of ids and answers with a list; in a state of `gone` it counts as gone."""

    def find(at: At) -> Raw | None:
        found = jmespath.search(path, getattr(at.client, operation)(**{by: [at.id]})) or []
        states = {one.get("State") for one in found if isinstance(one.get("State"), str)}
        return found[0] if found and not states.intersection(gone) else None

    return find


def deleted(operation: str, by: str) -> Callable[[At, Raw, Properties], Any]:
    """Delete it by one call that takes the id."""
    return lambda at, *_: getattr(at.client, operation)(**{by: at.id})


def marked(operation: str, path: str, filters: str = "Filters") -> Callable[[At, Properties, str], Iterable[str]]:
    """Ids of what bears a mark of ownership."""

    def orphans(at: At, _: Properties, mark: str) -> Iterable[str]:
        answer = getattr(at.client, operation)(**{filters: [{"Name": f"tag:{OWNER_TAG}", "Values": [mark]}]})
        return [str(one) for one in jmespath.search(path, answer) or []]

    return orphans


def arn(kind: str, owner: str = "OwnerId") -> Callable[[At, Raw], str]:
    """The ARN of an EC2 resource; `owner` is where its description has the account."""
    return lambda at, raw: f"arn:aws:ec2:{at.session.region}:{raw.get(owner) or at.session.account}:{kind}/{at.id}"


def one_of(*names: str, needed: bool = True) -> Callable[[Properties], Iterable[Failure]]:
    """A rule: no two of these inputs together, and one of them at least where one is needed."""

    def rule(inputs: Mapping[str, Any]) -> Iterable[Failure]:
        given = [name for name in names if inputs.get(name) is not None]
        if len(given) > 1 or (needed and not given):
            yield Failure((given[-1] if given else names[0],), f"exactly one of {', '.join(names)} must be given")

    return rule


def changed_members(old: Sequence[str] | None, new: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """What to add and what to remove to come from one set to another."""
    before, after = set(old or ()), set(new or ())
    return sorted(after - before), sorted(before - after)
