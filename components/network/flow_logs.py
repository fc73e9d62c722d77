"""A record of every connection of the VPC, made or refused."""

import pulumi
import pulumi_aws as aws

from components.network import manifests
from components.network.declaring import Declaring

_ROLE = "flow-logs"
_SHORTEST_INTERVAL_S = 60


def declare_flow_logs(declaring: Declaring, vpc: aws.ec2.Vpc) -> pulumi.CustomResource:
    """The VPC's flow logs, in a log group encrypted with a key of its own."""
    name, tags, options = declaring.name(_ROLE), declaring.tags(_ROLE), declaring.options
    role = aws.iam.Role(
        name,
        name=name,
        assume_role_policy=manifests.build_flow_log_trust(declaring.spec),
        tags=tags,
        opts=options,
    )
    rights = aws.iam.RolePolicy(
        name, name=name, role=role.name, policy=manifests.build_flow_log_rights(declaring.spec), opts=options
    )
    group = _log_group(declaring)
    return aws.ec2.FlowLog(
        name,
        vpc_id=vpc.id,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_destination=group.arn,
        iam_role_arn=role.arn,
        log_format=manifests.build_flow_log_format(),
        max_aggregation_interval=_SHORTEST_INTERVAL_S,
        tags=tags,
        opts=declaring.after(rights),
    )


def _log_group(declaring: Declaring) -> aws.cloudwatch.LogGroup:
    spec, name, tags, options = declaring.spec, declaring.name(_ROLE), declaring.tags(_ROLE), declaring.options
    key = aws.kms.Key(
        name,
        description=f"Flow logs of {spec.region}",
        policy=manifests.build_flow_log_key_policy(spec),
        enable_key_rotation=True,
        rotation_period_in_days=365,
        deletion_window_in_days=spec.key_deletion_window_days,
        tags=tags,
        opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(protect=spec.deletion_protection)),
    )
    aws.kms.Alias(name, name=f"alias/moltghost/{spec.region}/{_ROLE}", target_key_id=key.key_id, opts=options)
    return aws.cloudwatch.LogGroup(
        name,
        name=manifests.flow_log_group(spec),
        kms_key_id=key.arn,
        retention_in_days=spec.flow_log_retention_days,
        tags=tags,
        opts=options,
    )
