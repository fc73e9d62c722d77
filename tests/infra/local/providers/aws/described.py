"""What the tests of described types share: a world to make things in, and cases that say what to make."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.providers.aws.provider import AwsProvider
from infra.local.providers.base import Call, Live

Inputs = dict[str, Any]


def call(kind: str, name: str = "one", **fields: Any) -> Call:
    return Call(urn=f"urn:pulumi:test::moltghost::{kind}::{name}", type=kind, name=name, **fields)


class World:
    """An empty account, and what a case needs to be there first."""

    def __init__(self, provider: AwsProvider) -> None:
        assert provider.session is not None
        self.provider, self.session = provider, provider.session
        self.made = 0

    def make(self, kind: str, inputs: Inputs, name: str = "", **fields: Any) -> Live:
        """Create it; every one a resource of its own unless it is named."""
        self.made += 1
        at = call(kind, name or f"need-{self.made}", **fields)
        it = self.provider.kind(kind)
        return it.create(at, it.check(at, inputs, {}))

    def id(self, kind: str, inputs: Inputs) -> str:
        return self.make(kind, inputs).id

    def vpc(self) -> str:
        return self.id("aws:ec2/vpc:Vpc", {"cidrBlock": "10.64.0.0/16"})

    def subnet(self, vpc: str, number: int = 0) -> str:
        inputs = {
            "vpcId": vpc,
            "cidrBlock": f"10.64.{number}.0/24",
            "availabilityZone": f"ap-southeast-1{'abc'[number % 3]}",
        }
        return self.id("aws:ec2/subnet:Subnet", inputs)

    def table(self, vpc: str) -> str:
        return self.id("aws:ec2/routeTable:RouteTable", {"vpcId": vpc})

    def group(self, vpc: str, name: str = "peers") -> str:
        return self.id("aws:ec2/securityGroup:SecurityGroup", {"vpcId": vpc, "name": name, "description": "peers"})

    def gateway(self, vpc: str) -> str:
        return self.id("aws:ec2/internetGateway:InternetGateway", {"vpcId": vpc})

    def address(self) -> str:
        return self.id("aws:ec2/eip:Eip", {})


@dataclass(frozen=True)
class Case:
    """What to declare, what to change it to, and what a change of each replacing input would be."""

    inputs: Callable[[World], Inputs]
    changed: Callable[[World, Inputs], Inputs] | None = None
    """Inputs to lay over the first; None where nothing of it can change in place."""
    replaces: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Outputs, and what each begins with."""
    tags: bool = True
    stays: bool = False
    """Whether deleting it only lets go of it."""
