"""Ways to AWS's own services that don't leave AWS's network."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.network import manifests
from components.network.declaring import Declaring
from components.network.spec import Service


def declare_s3(declaring: Declaring, vpc: aws.ec2.Vpc, tables: Sequence[aws.ec2.RouteTable]) -> aws.ec2.VpcEndpoint:
    """S3's gateway endpoint: routes in these tables, without a charge."""
    return aws.ec2.VpcEndpoint(
        declaring.name("s3"),
        vpc_id=vpc.id,
        service_name=_service_name(declaring, "s3"),
        vpc_endpoint_type="Gateway",
        route_table_ids=[table.id for table in tables],
        policy=manifests.build_s3_policy(declaring.spec),
        tags=declaring.tags("s3"),
        opts=declaring.options,
    )


def declare_services(
    declaring: Declaring, vpc: aws.ec2.Vpc, subnets: Sequence[aws.ec2.Subnet], group: aws.ec2.SecurityGroup
) -> list[pulumi.CustomResource]:
    """Interface endpoints, one interface a zone, under the services' own names."""
    return [_interface(declaring, vpc, subnets, group, service) for service in declaring.spec.services]


def _interface(
    declaring: Declaring,
    vpc: aws.ec2.Vpc,
    subnets: Sequence[aws.ec2.Subnet],
    group: aws.ec2.SecurityGroup,
    service: Service,
) -> aws.ec2.VpcEndpoint:
    role = f"endpoint-{service.replace('.', '-')}"
    return aws.ec2.VpcEndpoint(
        declaring.name(role),
        vpc_id=vpc.id,
        service_name=_service_name(declaring, service),
        vpc_endpoint_type="Interface",
        subnet_ids=[subnet.id for subnet in subnets],
        security_group_ids=[group.id],
        private_dns_enabled=True,
        policy=manifests.build_endpoint_policy(declaring.spec, service),
        tags=declaring.tags(role),
        opts=declaring.options,
    )


def _service_name(declaring: Declaring, service: str) -> str:
    return f"com.amazonaws.{declaring.spec.aws_region}.{service}"
