"""`moltghost eks-token`: what an EKS cluster's API server knows its caller by."""

import base64
import json
from datetime import UTC, datetime, timedelta

import click
from botocore.exceptions import BotoCoreError
from botocore.session import get_session
from botocore.signers import RequestSigner

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
"""Bound into the signature, so that a token for one cluster is none for another."""
SIGNED_FOR_S = 60
_LIVES = timedelta(minutes=14)
"""EKS takes a token for 15 minutes: https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster"""


class CredentialsError(Exception):
    """AWS's SDK finds no credentials that can be used; the text says what was found."""


def make_token(region: str, cluster: str) -> str:
    """A request to STS, signed but not sent, that tells who its caller is: whoever has it may send it.

    Its signer is whom AWS's SDK finds in the environment, the files or the machine's role. Raises CredentialsError.
    """
    session = get_session()
    try:
        credentials = session.get_credentials()
        if credentials is None:
            raise CredentialsError("none are found")
        sts = session.create_client("sts", region_name=region)
        events = session.get_component("event_emitter")
        signer = RequestSigner(sts.meta.service_model.service_id, region, "sts", "v4", credentials, events)
        request = {
            "method": "GET",
            "url": f"https://sts.{region}.{_domain(session.get_partition_for_region(region))}"
            "/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {CLUSTER_HEADER: cluster},
            "context": {},
        }
        signed = signer.generate_presigned_url(request, region_name=region, expires_in=SIGNED_FOR_S, operation_name="")
    except BotoCoreError as error:
        raise CredentialsError(str(error)) from None
    return PREFIX + base64.urlsafe_b64encode(signed.encode()).decode().rstrip("=")


def _domain(partition: str) -> str:
    return "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"


@click.command("eks-token")
@click.option("--region", required=True, help="AWS's name of the cluster's region.")
@click.option("--cluster", required=True, help="The cluster's name.")
def eks_token(region: str, cluster: str) -> None:
    """Print a token for an EKS cluster, as kubectl and Pulumi ask for it; a region's kubeconfig names this command."""
    try:
        token = make_token(region, cluster)
    except CredentialsError as error:
        remedy = "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is given"
        raise click.ClickException(f"AWS credentials: {error}; {remedy}") from None
    expires = (datetime.now(UTC) + _LIVES).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"token": token, "expirationTimestamp": expires}
    click.echo(
        json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status})
    )
