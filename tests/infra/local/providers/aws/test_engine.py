"""The plugin under the real engine: a key and a bucket come, drift shows, and nothing stays."""

import pytest

from infra.local.engine import EngineError
from infra.local.providers.aws.session import Session
from tests.infra.local.providers.conftest import Program

BUCKET = "moltghost-engine"
PROGRAM = f"""
key = resource("aws:kms/key:Key", "key", {{
    "description": "DESCRIPTION", "enableKeyRotation": True, "deletionWindowInDays": 7}}, outputs=["arn", "keyId"])
resource("aws:kms/alias:Alias", "alias", {{"name": "alias/moltghost/engine", "targetKeyId": key.keyId}})
bucket = resource("aws:s3/bucket:Bucket", "bucket", {{"bucket": {BUCKET!r}}})
resource("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "encryption", {{
    "bucket": bucket.id,
    "rules": [{{"applyServerSideEncryptionByDefault": {{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key.arn}}}}]}})
resource("aws:s3/bucketVersioning:BucketVersioning", "versioning", {{
    "bucket": bucket.id, "versioningConfiguration": {{"status": "Enabled"}}}})
pulumi.export("key", key.keyId)
"""

NETWORK = """
tags = {"Name": "moltghost-engine"}
vpc = resource("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.64.0.0/16", "enableDnsHostnames": True, "tags": tags})
public, private = (
    resource("aws:ec2/subnet:Subnet", name, {
        "vpcId": vpc.id, "cidrBlock": f"10.64.{number}.0/24", "availabilityZone": "ap-southeast-1a", "tags": tags})
    for number, name in enumerate(("public", "private")))
gateway = resource("aws:ec2/internetGateway:InternetGateway", "gateway", {"vpcId": vpc.id})
address = resource("aws:ec2/eip:Eip", "address", {"domain": "vpc"}, outputs=["publicIp"])
nat = resource("aws:ec2/natGateway:NatGateway", "nat", {"subnetId": public.id, "allocationId": address.id})
ways = (("public", public, {"gatewayId": gateway.id}), ("private", private, {"natGatewayId": nat.id}))
for name, subnet, target in ways:
    table = resource("aws:ec2/routeTable:RouteTable", name, {"vpcId": vpc.id})
    resource("aws:ec2/route:Route", name, {"routeTableId": table.id, "destinationCidrBlock": "0.0.0.0/0", **target})
    resource("aws:ec2/routeTableAssociation:RouteTableAssociation", name, {
        "subnetId": subnet.id, "routeTableId": table.id})
group = resource("aws:ec2/securityGroup:SecurityGroup", "group", {"vpcId": vpc.id, "name": "nodes", "tags": tags})
resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "rule", {
    "securityGroupId": group.id, "cidrIpv4": "10.64.0.0/16", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443})
resource("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "default", {"vpcId": vpc.id})
resource("aws:ec2/vpcEndpoint:VpcEndpoint", "s3", {
    "vpcId": vpc.id, "serviceName": "com.amazonaws.ap-southeast-1.s3", "routeTableIds": [table.id]})
pulumi.export("vpc", vpc.id)
pulumi.export("group", group.id)
pulumi.export("address", address.publicIp)
"""


def test_a_key_and_a_bucket_are_made_changed_mended_and_destroyed(program: Program, account: Session) -> None:
    program.up(PROGRAM)
    assert program.plan() == {}
    key = program.engine.stack_output()["key"]
    assert account.kms.describe_key(KeyId="alias/moltghost/engine")["KeyMetadata"]["Description"] == "DESCRIPTION"

    account.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    account.kms.delete_alias(AliasName="alias/moltghost/engine")
    program.engine.refresh()
    program.write(PROGRAM.replace("DESCRIPTION", "OTHER"))
    assert program.plan() == {
        "key": ("update", {"description"}),
        "alias": ("create", set()),
        "versioning": ("update", {"versioningConfiguration.status"}),
    }
    program.up()
    assert account.kms.describe_key(KeyId="alias/moltghost/engine")["KeyMetadata"]["Description"] == "OTHER"
    assert account.s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"

    program.engine.destroy()
    assert account.s3.list_buckets()["Buckets"] == []
    assert account.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert not [alias for alias in account.kms.list_aliases()["Aliases"] if "moltghost" in alias["AliasName"]]


def test_a_preview_names_what_it_cannot_make(program: Program) -> None:
    program.write('resource("aws:lambda/function:Function", "function", {"role": "x"})')
    with pytest.raises(EngineError, match="aws:lambda/function:Function: the local aws provider has no such type"):
        program.engine.preview()


def test_a_network_is_made_changed_mended_and_destroyed(program: Program, account: Session) -> None:
    ec2 = account.client("ec2")
    before = {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]}  # an account has a default one
    program.up(NETWORK)
    assert program.plan() == {}
    made = program.engine.stack_output()
    addresses = ec2.describe_nat_gateways()["NatGateways"][0]["NatGatewayAddresses"]
    assert [one["PublicIp"] for one in addresses] == [made["address"]]

    program.write(NETWORK.replace('"toPort": 443', '"toPort": 444'))
    assert program.plan() == {"rule": ("update", {"toPort"})}

    ec2.authorize_security_group_ingress(
        GroupId=made["group"], IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )
    rule = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [made["group"]]}])
    (declared,) = (one for one in rule["SecurityGroupRules"] if one["FromPort"] == 443)
    ec2.revoke_security_group_ingress(GroupId=made["group"], SecurityGroupRuleIds=[declared["SecurityGroupRuleId"]])
    ec2.modify_vpc_attribute(VpcId=made["vpc"], EnableDnsHostnames={"Value": False})
    ec2.create_tags(Resources=[made["vpc"]], Tags=[{"Key": "by", "Value": "hand"}])
    program.engine.refresh()
    program.write(NETWORK)
    assert program.plan() == {
        "vpc": ("update", {"enableDnsHostnames", "tags.by"}),
        "rule": ("create", set()),
    }
    program.up()
    assert program.plan() == {}

    program.engine.destroy()
    assert {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]} == before
    for left in (
        ec2.describe_addresses()["Addresses"],
        ec2.describe_internet_gateways()["InternetGateways"],
        [one for one in ec2.describe_subnets()["Subnets"] if one["VpcId"] not in before],
        [one for one in ec2.describe_security_groups()["SecurityGroups"] if one["VpcId"] not in before],
        [one for one in ec2.describe_route_tables()["RouteTables"] if one["VpcId"] not in before],
        [one for one in ec2.describe_nat_gateways()["NatGateways"] if one["State"] != "deleted"],
        [one for one in ec2.describe_vpc_endpoints()["VpcEndpoints"] if one["State"] != "deleted"],
    ):
        assert left == []
