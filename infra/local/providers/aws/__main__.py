"""The plugin `pulumi-resource-aws`."""

from infra.local.providers.aws.provider import AwsProvider
from infra.local.providers.run import run

if __name__ == "__main__":
    run(AwsProvider())
