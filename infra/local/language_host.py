# ruff: noqa: ARG002, N802 - the method names and their arguments are the protocol's
"""Pulumi's Python language host, for machines without the official distribution that bundles one.

The engine starts it as `pulumi-language-python [flags] ENGINE_ADDRESS`, reads a port from its first line of output and
speaks LanguageRuntime over gRPC. It runs a program through the SDK's own `pulumi-language-python-exec`.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from infra.local.children import Children
from infra.local.providers import plugin
from infra.local.python_runtime import Interpreter, RuntimeProblem, interpreter

BAIL = 32
"""The exit code of a program that has already reported its error."""
VERSION = "3.256.0"
EXEC_VARIABLE = "MOLTGHOST_PYTHON_EXEC"
"""Names the SDK's pulumi-language-python-exec; else it is looked for beside `pulumi` on PATH."""


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Serves one engine."""

    def __init__(self, engine: str, children: Children) -> None:
        self.engine = engine
        self.children = children

    def Handshake(self, request: Any, context: Any) -> language_pb2.LanguageHandshakeResponse:
        self.engine = request.engine_address or self.engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        self.children.end()
        return empty_pb2.Empty()

    def GetRequiredPlugins(self, request: Any, context: Any) -> language_pb2.GetRequiredPluginsResponse:
        return language_pb2.GetRequiredPluginsResponse()

    def GetRequiredPackages(self, request: Any, context: Any) -> language_pb2.GetRequiredPackagesResponse:
        packages = [
            plugin_pb2.PackageDependency(
                name=entry["plugin"].get("name") or entry["name"].removeprefix("pulumi-"),
                kind="resource",
                version=entry["plugin"].get("version") or entry["version"],
                server=entry["plugin"].get("server", ""),
            )
            for entry in _interpreter(request.info, context).packages()
            if entry["plugin"] and entry["plugin"].get("resource")
        ]
        return language_pb2.GetRequiredPackagesResponse(packages=packages)

    def GetProgramDependencies(self, request: Any, context: Any) -> language_pb2.GetProgramDependenciesResponse:
        entries = _interpreter(request.info, context).packages()
        needed = {name for entry in entries for name in entry["requires"]}
        chosen = [e for e in entries if request.transitiveDependencies or e["name"] not in needed]
        dependencies = [language_pb2.DependencyInfo(name=e["name"], version=e["version"]) for e in chosen]
        return language_pb2.GetProgramDependenciesResponse(dependencies=dependencies)

    def About(self, request: Any, context: Any) -> language_pb2.AboutResponse:
        python = _interpreter(request.info, context)
        executable = shutil.which(python.executable) or python.executable
        metadata = {"virtualenv": str(python.virtualenv)} if python.virtualenv else {}
        return language_pb2.AboutResponse(executable=executable, version=python.version(), metadata=metadata)

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> language_pb2.RuntimeOptionsResponse:
        return language_pb2.RuntimeOptionsResponse()

    def Template(self, request: Any, context: Any) -> language_pb2.TemplateResponse:
        return language_pb2.TemplateResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Packages come from the project's hash-locked requirements only, so this checks and says what to do."""
        python = _interpreter(request.info, context)
        names = {entry["name"] for entry in python.packages()}
        if "pulumi" not in names:
            message = f"{python.executable} lacks the Pulumi SDK. Install the locked requirements: `make setup`"
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, message)
        line = f"{python.executable} has the Pulumi SDK; packages are installed with `make setup`\n"
        yield language_pb2.InstallDependenciesResponse(stdout=line.encode())

    def Run(self, request: Any, context: Any) -> language_pb2.RunResponse:
        python = _interpreter(request.info, context)
        secret_keys = json.dumps(list(request.configSecretKeys))
        environment = python.environment(os.environ) | {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": secret_keys,
        }
        try:
            command = [python.executable, "-u", program_runner(), *self._program_arguments(request)]
        except RuntimeProblem as problem:
            return language_pb2.RunResponse(error=str(problem))
        child = self.children.start(command, cwd=request.info.program_directory, env=environment)
        context.add_callback(child.end)
        code = child.wait()
        if code in (0, BAIL) or child.told_to_end:
            return language_pb2.RunResponse(bail=code != 0)
        return language_pb2.RunResponse(error=f"the program ended with {_ending(code)}")

    def _program_arguments(self, request: Any) -> list[str]:
        return [
            f"--monitor={request.monitor_address}",
            f"--engine={self.engine}",
            f"--project={request.project}",
            f"--stack={request.stack}",
            f"--organization={request.organization}",
            f"--pwd={request.pwd}",
            f"--root_directory={request.info.root_directory}",
            f"--dry_run={str(request.dryRun).lower()}",
            f"--parallel={request.parallel}",
            request.info.entry_point or ".",
            *request.args,
        ]

    def RunPlugin(self, request: Any, context: Any) -> Iterator[language_pb2.RunPluginResponse]:
        """A policy pack (kind `analyzer`) takes its folder last; any other plugin takes it first."""
        python = _interpreter(request.info, context)
        folder = request.info.program_directory
        if request.kind == "analyzer":
            command, cwd = ["-m", "pulumi.policy", *request.args, folder], folder
        else:
            command, cwd = [folder, *request.args], request.pwd
        base = dict(entry.split("=", 1) for entry in request.env) if request.env else dict(os.environ)
        child = self.children.start(
            [python.executable, "-u", *command], cwd=cwd, env=python.environment(base), piped=True
        )
        context.add_callback(child.end)
        for stream, chunk in child.output():
            part = language_pb2.RunPluginResponse()
            setattr(part, stream, chunk)
            yield part
        yield language_pb2.RunPluginResponse(exitcode=child.wait())


def program_runner() -> str:
    """The SDK's pulumi-language-python-exec. Raises `RuntimeProblem` naming where it was looked for."""
    named = os.environ.get(EXEC_VARIABLE)
    engine = shutil.which("pulumi")
    places = [Path(named)] if named else []
    if engine:
        places.append(Path(engine).resolve().with_name("pulumi-language-python-exec"))
    for place in places:
        if place.is_file():
            return str(place)
    looked = ", ".join(map(str, places)) or "beside pulumi, which is not on PATH"
    raise RuntimeProblem(f"pulumi-language-python-exec was not found ({looked}); set {EXEC_VARIABLE} to its path")


def _interpreter(info: Any, context: Any) -> Interpreter:
    options = json_format.MessageToDict(info.options)
    try:
        return interpreter(Path(info.root_directory), options)
    except RuntimeProblem as problem:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(problem))
        raise


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def main() -> None:
    """Serve as the plugin process this is, until the engine ends."""
    options = plugin.arguments(sys.argv[1:])
    plugin.log_to(options.log, "pulumi-language-python")
    children = Children()
    host = LanguageHost(options.engine, children)
    plugin.serve(
        lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server), at_end=children.kill
    )


if __name__ == "__main__":
    main()
