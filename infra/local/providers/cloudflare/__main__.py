"""The plugin `pulumi-resource-cloudflare`."""

from infra.local.providers.cloudflare.provider import CloudflareProvider
from infra.local.providers.run import run

if __name__ == "__main__":
    run(CloudflareProvider())
