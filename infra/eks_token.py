"""`moltghost eks-token`: the credential with which a kubeconfig's user proves itself to an EKS cluster.

The token is a presigned GetCallerIdentity request in URL-safe base64, as aws-iam-authenticator defines it
(https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster); the answer is an
ExecCredential (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
"""

import base64
import json
from datetime import UTC, datetime, timedelta

import click
from botocore.exceptions import BotoCoreError
from botocore.session import Session
from botocore.signers import RequestSigner

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
"""Bound into the signature, so that a token for one cluster is none for another."""
API_VERSION = "client.authentication.k8s.io/v1"
LIFETIME = timedelta(minutes=14)
"""A server believes a token for 15 minutes after it was signed; one less, so that none runs out on its way."""
URL_EXPIRES_S = 60
"""What the signature itself says; the authenticator asks for it and counts 15 minutes from the date all the same."""


class EksTokenError(Exception):
    """No token can be made; the text says why, and the remedy."""


def make_token(session: Session, region: str, cluster: str) -> str:
    """A request to STS, signed but not sent, that tells who its caller is: whoever has it may send it.

    Its signer is whom the session finds: the environment, the files, the machine's role. Raises EksTokenError.
    """
    try:
        credentials = session.get_credentials()
        if credentials is None:
            raise EksTokenError(
                "no AWS credentials were found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "or run `aws sso login`"
            )
        sts = session.create_client("sts", region_name=region)
        signer = RequestSigner(
            sts.meta.service_model.service_id, region, "sts", "v4", credentials, session.get_component("event_emitter")
        )
        request = {
            "method": "GET",
            "url": f"{sts.meta.endpoint_url.rstrip('/')}/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {CLUSTER_HEADER: cluster},
            "context": {},
        }
        url = signer.generate_presigned_url(
            request, region_name=region, expires_in=URL_EXPIRES_S, operation_name="GetCallerIdentity"
        )
    except BotoCoreError as error:
        raise EksTokenError(f"AWS credentials: {error}; see `aws configure list` for where they come from") from None
    return PREFIX + base64.urlsafe_b64encode(url.encode()).rstrip(b"=").decode()


def exec_credential(token: str, now: datetime) -> dict[str, object]:
    """What a kubeconfig's `exec` expects on stdout."""
    expires = (now + LIFETIME).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"expirationTimestamp": expires, "token": token}
    return {"kind": "ExecCredential", "apiVersion": API_VERSION, "spec": {}, "status": status}


@click.command("eks-token")
@click.option("--region", required=True, help="AWS region of the cluster, such as us-east-1.")
@click.option("--cluster", required=True, help="The cluster's name.")
def eks_token(region: str, cluster: str) -> None:
    """Print a token for an EKS cluster; kubeconfigs of regions run this.

    Credentials come from where the AWS command line takes them: the environment, a profile, SSO, the instance.
    """
    try:
        token = make_token(Session(), region, cluster)
    except EksTokenError as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(exec_credential(token, datetime.now(UTC))))
