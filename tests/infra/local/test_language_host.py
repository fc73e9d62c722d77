"""The language host, asked as the engine asks."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import psutil
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from infra.local.children import Children
from infra.local.language_host import EXEC_VARIABLE, LanguageHost
from infra.local.python_runtime import RuntimeProblem, interpreter

# Stands in for the SDK's script, so that a Run needs no engine: it runs the program with the arguments it was given.
RUNNER = """
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_path("program.py", run_name="__main__")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    runner = tmp_path / "runner.py"
    runner.write_text(RUNNER)
    monkeypatch.setenv(EXEC_VARIABLE, str(runner))
    monkeypatch.setenv("PULUMI_PYTHON_CMD", sys.executable)
    return tmp_path


@pytest.fixture
def stub() -> Iterator[Any]:
    server = grpc.server(futures.ThreadPoolExecutor(8))
    children = Children()
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost("127.0.0.1:1", children), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield language_pb2_grpc.LanguageRuntimeStub(channel)
    children.kill()
    server.stop(None).wait()


def info(project: Path, **options: str) -> Any:
    struct = struct_pb2.Struct()
    struct.update(options)
    return language_pb2.ProgramInfo(
        root_directory=str(project), program_directory=str(project), entry_point=".", options=struct
    )


def run_request(project: Path, program: str) -> Any:
    (project / "program.py").write_text(program)
    return language_pb2.RunRequest(
        project="tiny",
        stack="dev",
        pwd=str(project),
        info=info(project),
        config={"tiny:a": "1"},
        dryRun=True,
        parallel=4,
    )


def test_a_program_gets_its_settings(stub: Any, project: Path) -> None:
    program = """
import json, os, sys
assert json.loads(os.environ["PULUMI_CONFIG"]) == {"tiny:a": "1"}
assert "--dry_run=true" in sys.argv and "--engine=127.0.0.1:1" in sys.argv and sys.argv[-1] == "."
"""
    answer = stub.Run(run_request(project, program))
    assert (answer.error, answer.bail) == ("", False)


@pytest.mark.parametrize(("code", "error", "bail"), [(3, "the program ended with exit code 3", False), (32, "", True)])
def test_how_a_program_ends(stub: Any, project: Path, code: int, error: str, bail: bool) -> None:
    answer = stub.Run(run_request(project, f"raise SystemExit({code})"))
    assert (answer.error, answer.bail) == (error, bail)


def test_cancel_ends_the_program(stub: Any, project: Path) -> None:
    fifo = project / "started"
    os.mkfifo(fifo)
    running = stub.Run.future(run_request(project, f"import time; open({str(fifo)!r}, 'w').close(); time.sleep(60)"))
    fifo.read_text()  # returns once the program has started
    stub.Cancel(empty_pb2.Empty())
    assert running.result(timeout=10).bail


def test_a_missing_runner_is_named(stub: Any, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EXEC_VARIABLE, str(project / "gone"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert str(project / "gone") in stub.Run(run_request(project, "")).error


def test_required_packages_are_the_installed_providers(stub: Any, project: Path) -> None:
    answer = stub.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info(project)))
    found = {package.name: package.version for package in answer.packages}
    assert {"aws", "cloudflare", "command", "kubernetes"} <= set(found)
    assert "policy" not in found
    assert found["kubernetes"].count(".") == 2


def test_program_dependencies_with_and_without_what_they_need(stub: Any, project: Path) -> None:
    def names(transitive: bool) -> set[str]:
        request = language_pb2.GetProgramDependenciesRequest(info=info(project), transitiveDependencies=transitive)
        return {dependency.name for dependency in stub.GetProgramDependencies(request).dependencies}

    direct, everything = names(False), names(True)
    assert "grpcio" in everything - direct
    assert direct < everything


def test_about_and_dependencies_speak_of_the_interpreter(stub: Any, project: Path) -> None:
    about = stub.About(language_pb2.AboutRequest(info=info(project)))
    assert about.version == ".".join(map(str, sys.version_info[:3]))
    install = language_pb2.InstallDependenciesRequest(directory=str(project), info=info(project))
    assert b"make setup" in b"".join(part.stdout for part in stub.InstallDependencies(install))


def test_a_virtualenv_that_is_not_there_says_what_to_do(stub: Any, project: Path) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        stub.About(language_pb2.AboutRequest(info=info(project, virtualenv="venv")))
    assert "make setup" in failed.value.details()


def test_a_policy_pack_runs_as_one(stub: Any, project: Path) -> None:
    (project / "__main__.py").write_text("import sys; print(sys.argv); print('oops', file=sys.stderr)")
    request = language_pb2.RunPluginRequest(
        pwd="/", args=["127.0.0.1:1"], kind="analyzer", info=info(project), env=[f"PATH={os.environ['PATH']}"]
    )
    parts = list(stub.RunPlugin(request))
    assert b"127.0.0.1:1" in b"".join(part.stdout for part in parts)
    assert b"oops" in b"".join(part.stderr for part in parts)
    assert parts[-1].exitcode == 0


@pytest.mark.parametrize("toolchain", ["uv", "poetry", "conda"])
def test_toolchains(tmp_path: Path, toolchain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RuntimeProblem, match="toolchain"):
        interpreter(tmp_path, {"toolchain": toolchain})
    if toolchain == "uv":
        python = tmp_path / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
        chosen = interpreter(tmp_path, {"toolchain": "uv"})
        assert chosen.executable == str(python)
        assert chosen.environment({"PYTHONHOME": "x"})["VIRTUAL_ENV"] == str(tmp_path / ".venv")


def test_host_and_program_end_with_an_engine_that_is_killed(project: Path) -> None:
    """A parent stands in for the engine: it starts the host, and is killed while a program runs."""
    command = [sys.executable, "-P", "-m", "infra.local.protocol", "infra.local.language_host", "127.0.0.1:1"]
    script = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    parent = subprocess.Popen([sys.executable, "-c", script, *command], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    port = int(parent.stdout.readline())
    (host,) = psutil.Process(parent.pid).children()
    fifo = project / "started"
    os.mkfifo(fifo)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = language_pb2_grpc.LanguageRuntimeStub(channel)
        program = f"import time; open({str(fifo)!r}, 'w').close(); time.sleep(60)"
        request = run_request(project, program)
        threading.Thread(target=_ignore_error, args=(stub.Run, request), daemon=True).start()
        fifo.read_text()
        (running,) = host.children()
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
        assert psutil.wait_procs([host, running], timeout=10)[1] == []


def _ignore_error(run: Any, request: Any) -> None:
    try:
        run(request)
    except grpc.RpcError:
        return
