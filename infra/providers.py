"""The providers a stack works through: each made here, with its endpoints, none by default."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as kubernetes
import yaml

from components.naming import PLATFORM, resource_name

# moto takes any credentials; these are no secret, and open nothing anywhere.
_LOCAL_CREDENTIALS = "test"
_HTTPS_PORT = 443
# What a stack's resources are services of; the provider has a client for these and for no other.
_LOCAL_SERVICES = ("autoscaling", "ec2", "eks", "iam", "kms", "logs", "rds", "s3", "secretsmanager", "ssm", "sts")


class KubeconfigError(Exception):
    """A kubeconfig cannot be used: the file and what is wrong with it."""


def read_kubeconfig(path: Path) -> str:
    """A kubeconfig's text. Raises KubeconfigError if it is not there."""
    try:
        return path.read_text()
    except OSError as error:
        raise KubeconfigError(f"{path}: {error.strerror}; run `make up` to start the cluster it belongs to") from None


def api_server_port(kubeconfig: str) -> int:
    """The TCP port of the API server the kubeconfig's current context uses. Raises KubeconfigError if it names none."""
    document = yaml.safe_load(kubeconfig)
    try:
        contexts = {entry["name"]: entry["context"]["cluster"] for entry in document["contexts"]}
        clusters = {entry["name"]: entry["cluster"]["server"] for entry in document["clusters"]}
        server = clusters[contexts[document["current-context"]]]
        return urlsplit(server).port or _HTTPS_PORT
    except (KeyError, TypeError, ValueError) as error:
        raise KubeconfigError(f"the kubeconfig's current context leads to no API server ({error!r})") from None


def kubernetes_provider(region: str, kubeconfig: pulumi.Input[str]) -> pulumi.ProviderResource:
    """The provider of one region's cluster."""
    return kubernetes.Provider(
        resource_name(PLATFORM, region, "kubernetes"), kubeconfig=kubeconfig, enable_server_side_apply=True
    )


def aws_provider(region: str, aws_region: str, account_id: str, endpoint: str | None = None) -> pulumi.ProviderResource:
    """AWS in one of its regions, with the credentials of whoever runs the program, or as played at `endpoint`.

    It refuses any account but the one the settings name.
    """
    import pulumi_aws as aws  # costs a quarter of a second, so only stacks that use it load it

    return aws.Provider(
        resource_name(PLATFORM, region, "aws"),
        region=aws_region,
        allowed_account_ids=[account_id],
        default_tags={"tags": {"moltghost:region": region}},
        **({} if endpoint is None else _played_aws(endpoint)),
    )


def _played_aws(endpoint: str) -> dict[str, Any]:
    return {
        "access_key": _LOCAL_CREDENTIALS,
        "secret_key": _LOCAL_CREDENTIALS,
        "endpoints": [dict.fromkeys(_LOCAL_SERVICES, endpoint)],
        "s3_use_path_style": True,
        "skip_credentials_validation": True,
        "skip_metadata_api_check": True,
    }


def command_provider(region: str) -> pulumi.ProviderResource:
    """What runs commands on machines reached by SSH."""
    import pulumi_command as command  # loaded where machines are reached alone

    return command.Provider(resource_name(PLATFORM, region, "command"))


def cloudflare_provider(region: str, endpoint: str | None = None) -> pulumi.ProviderResource:
    """Cloudflare, with the token in CLOUDFLARE_API_TOKEN, or as played at `endpoint`."""
    import pulumi_cloudflare as cloudflare  # costs two seconds

    name = resource_name(PLATFORM, region, "cloudflare")
    if endpoint is None:
        return cloudflare.Provider(name)
    token = pulumi.Output.secret(_LOCAL_CREDENTIALS)
    return cloudflare.Provider(name, base_url=f"{endpoint}/client/v4", api_token=token)
