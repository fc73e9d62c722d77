"""The entry point every provider plugin shares."""

import logging
import sys

from pulumi.runtime.proto import provider_pb2_grpc

from infra.local.providers import plugin
from infra.local.providers.base import Provider
from infra.local.providers.servicer import ProviderServicer


def run(provider: Provider) -> None:
    """Serve `provider` as the plugin process this is, until its engine ends."""
    options = plugin.arguments(sys.argv[1:])
    plugin.log_to(options.log, f"pulumi-resource-{provider.name}")
    logging.captureWarnings(True)
    servicer = ProviderServicer(provider, options.engine)

    def end() -> None:
        servicer.cancelled.set()
        provider.close()

    plugin.serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server), at_end=end)
