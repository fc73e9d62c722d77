"""Who deploys to the AWS of this machine: a role that clusters can name among their administrators."""

import json
from typing import Any

from botocore.exceptions import ClientError
from botocore.session import Session

SESSION = "deployer"
_KEY = "test"  # moto takes any: it opens nothing anywhere


def sign_in(endpoint: str, region: str, role_arn: str) -> dict[str, str]:
    """Credentials of the role, made if it isn't there, as variables of an environment; they are good for an hour."""
    trust = {"Effect": "Allow", "Principal": {"AWS": role_arn.split(":")[4]}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam, sts = (_client(service, endpoint, region) for service in ("iam", "sts"))
    try:
        iam.create_role(RoleName=role_arn.rpartition("/")[2], AssumeRolePolicyDocument=document)
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise
    made = sts.assume_role(RoleArn=role_arn, RoleSessionName=SESSION)["Credentials"]
    return {
        "AWS_ENDPOINT_URL_STS": endpoint,
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
        "AWS_SESSION_TOKEN": made["SessionToken"],
    }


def _client(service: str, endpoint: str, region: str) -> Any:
    return Session().create_client(
        service, endpoint_url=endpoint, region_name=region, aws_access_key_id=_KEY, aws_secret_access_key=_KEY
    )
