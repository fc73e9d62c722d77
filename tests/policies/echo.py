"""A provider plugin that makes nothing and says back what it is told: for what only the engine does."""

# ruff: noqa: N802 - the methods' names are the protocol's
import sys
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from infra.local.providers import plugin


class Echo(provider_pb2_grpc.ResourceProviderServicer):
    """Every resource is as its inputs say; its id is told only once it is made."""

    def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True, accept_outputs=True)

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version="1.0.0")

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        return provider_pb2.DiffResponse()

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True
        )

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        name = "" if request.preview else request.urn.rpartition("::")[2]
        return provider_pb2.CreateResponse(id=name, properties=request.properties)

    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()


def main() -> None:
    """Serve until the engine ends."""
    plugin.serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(Echo(), server))


def install(home: Path) -> None:
    """Put it in the place of every provider that is installed in an engine's home."""
    script = f'#!/bin/sh\nexec {sys.executable} -P -m {__spec__.name if __spec__ else ""} "$@"\n'
    for folder in (home / "plugins").glob("resource-*"):
        name = folder.name.rpartition("-v")[0]
        path = folder / f"pulumi-{name}"
        path.write_text(script)
        path.chmod(0o755)


if __name__ == "__main__":
    main()
