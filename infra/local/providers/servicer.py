# ruff: noqa: ARG002, N802 - the method names and their arguments are the protocol's
"""The gRPC side of a provider: turns the engine's requests into calls of its kinds, and their errors into statuses."""

import logging
import threading
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc  # type: ignore[import-untyped]
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from google.rpc import status_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc

from infra.local.providers import base
from infra.local.providers.base import Failure, InvalidInputsError, Kind, Provider, ProviderError, UnfinishedError
from infra.local.providers.diff import Change, Diff
from infra.local.providers.properties import Decoded, decode, format_path
from infra.local.providers.secrecy import Secrets

log = logging.getLogger(__name__)


class ProviderServicer(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one `Provider` to one engine."""

    def __init__(self, provider: Provider, engine: str = "") -> None:
        self.provider = provider
        self.cancelled = threading.Event()
        self.known: dict[str, set[str]] = defaultdict(set)
        self.setting_texts: frozenset[str] = frozenset()
        self.engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(engine)) if engine else None

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self.provider.version)

    def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def GetSchema(self, request: Any, context: Any) -> provider_pb2.GetSchemaResponse:
        return provider_pb2.GetSchemaResponse(schema=f'{{"name": "{self.provider.name}"}}')

    def GetMapping(self, request: Any, context: Any) -> provider_pb2.GetMappingResponse:
        return provider_pb2.GetMappingResponse()

    def GetMappings(self, request: Any, context: Any) -> provider_pb2.GetMappingsResponse:
        return provider_pb2.GetMappingsResponse()

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        self.cancelled.set()
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        news = decode(request.news)
        secrets = Secrets((), news)
        with self._errors(context, secrets):
            try:
                return provider_pb2.CheckResponse(inputs=secrets.encode(self.provider.check_config(news.value)))
            except InvalidInputsError as error:
                return _failures(error, secrets)

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        olds, news = decode(request.old_inputs), decode(request.news)
        with self._errors(context, Secrets((), olds, news)):
            return diff_response(self.provider.diff_config(olds.value, news.value))

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        settings = decode(request.args)
        secrets = Secrets((), settings)
        self.setting_texts = secrets.texts
        with self._errors(context, secrets):
            self.provider.configure(settings.value)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Invoke(self, request: Any, context: Any) -> provider_pb2.InvokeResponse:
        args = decode(request.args)
        secrets = Secrets(self.setting_texts, args)
        with self._errors(context, secrets):
            answer = provider_pb2.InvokeResponse()
            # the field is called `return`, which Python can't spell
            getattr(answer, "return").CopyFrom(secrets.encode(dict(self.provider.invoke(request.tok, args.value))))
            return answer

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        olds, news = decode(request.olds), decode(request.news)
        secrets = Secrets((), news)
        with self._errors(context, secrets):
            kind, call = self._call(request)
            try:
                inputs = kind.check(call, news.value, olds.value)
            except InvalidInputsError as error:
                return _failures(error, secrets)
            return provider_pb2.CheckResponse(inputs=secrets.encode(inputs, kind))

    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        state, old, new = decode(request.olds), decode(request.old_inputs), decode(request.news)
        with self._errors(context, Secrets(self.setting_texts, state, old, new)):
            kind, call = self._call(request)
            return diff_response(kind.diff(call, old.value, state.value, new.value))

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        news = decode(request.properties)
        secrets = Secrets(self.setting_texts, news)
        with self._errors(context, secrets):
            kind, call = self._call(request, bool(news.secrets))
            if call.preview:
                return provider_pb2.CreateResponse(
                    properties=secrets.encode(kind.preview_create(call, news.value), kind)
                )
            try:
                live = kind.create(call, news.value)
            except UnfinishedError as error:
                _abort_unfinished(context, error, kind, secrets, request.properties)
            self.known[call.urn].add(live.id)
            return provider_pb2.CreateResponse(id=live.id, properties=secrets.encode(live.state, kind))

    def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        state, inputs = decode(request.properties), decode(request.inputs)
        secrets = Secrets(self.setting_texts, state, inputs)
        with self._errors(context, secrets):
            kind, call = self._call(request)
            try:
                live = kind.read(call, state.value, inputs.value)
            except UnfinishedError as error:
                _abort_unfinished(context, error, kind, secrets, request.inputs)
            if live is None:
                return provider_pb2.ReadResponse()
            declared = inputs.value if live.inputs is None else live.inputs
            return provider_pb2.ReadResponse(
                id=live.id, properties=secrets.encode(live.state, kind), inputs=secrets.encode(declared, kind)
            )

    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        state, old, new = decode(request.olds), decode(request.old_inputs), decode(request.news)
        secrets = Secrets(self.setting_texts, _kept(state, old), new)
        with self._errors(context, Secrets(self.setting_texts, state, old, new)):
            kind, call = self._call(request, bool(new.secrets))
            work = kind.preview_update if call.preview else kind.update
            try:
                outputs = work(call, state.value, old.value, new.value)
            except UnfinishedError as error:
                _abort_unfinished(context, error, kind, secrets, request.news)
            return provider_pb2.UpdateResponse(properties=secrets.encode(outputs, kind))

    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        state, old = decode(request.properties), decode(request.old_inputs)
        with self._errors(context, Secrets(self.setting_texts, state, old)):
            kind, call = self._call(request, bool(old.secrets))
            kind.delete(call, state.value, old.value)
        return empty_pb2.Empty()

    def Construct(self, request: Any, context: Any) -> provider_pb2.ConstructResponse:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{request.type}: the local provider has no component resources")
        raise AssertionError("abort returned")

    def Call(self, request: Any, context: Any) -> provider_pb2.CallResponse:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{request.tok}: the local provider has no methods")
        raise AssertionError("abort returned")

    def _call(self, request: Any, secret_inputs: bool = False) -> tuple[Kind, base.Call]:
        token = request.type or request.urn.split("::")[2].split("$")[-1]
        name = request.name or request.urn.split("::", 3)[3]
        identifier = getattr(request, "id", "")
        if identifier:
            self.known[request.urn].add(identifier)
        call = base.Call(
            urn=request.urn,
            type=token,
            name=name,
            id=identifier,
            preview=getattr(request, "preview", False),
            timeout=getattr(request, "timeout", 0) or None,
            seed=getattr(request, "randomSeed", b""),
            secret_inputs=secret_inputs,
            known_ids=frozenset(self.known[request.urn]),
            cancelled=self.cancelled,
            log=self._teller(request.urn, engine_pb2.INFO, True),
            warn=self._teller(request.urn, engine_pb2.WARNING, False),
        )
        return self.provider.kind(token), call

    def _teller(self, urn: str, severity: Any, ephemeral: bool) -> Callable[[str], None]:
        def tell(message: str) -> None:
            if self.engine is not None:
                try:
                    self.engine.Log(
                        engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral),
                        timeout=5,
                    )
                except grpc.RpcError as error:
                    log.warning("the engine didn't take a message: %s", error)

        return tell

    @contextmanager
    def _errors(self, context: Any, secrets: Secrets) -> Iterator[None]:
        """Answer with a clear status where the block fails; only `_abort_unfinished` passes through as it is."""
        try:
            yield
        except ProviderError as error:
            code = grpc.StatusCode.CANCELLED if self.cancelled.is_set() else grpc.StatusCode.INVALID_ARGUMENT
            context.abort(code, secrets.scrub(str(error)))
        except Exception as error:
            if context.code() is not None:  # raised by an abort of our own
                raise
            log.error("%s", secrets.scrub("".join(traceback.format_exception(error))))
            context.abort(grpc.StatusCode.INTERNAL, secrets.scrub(f"{type(error).__name__}: {error}"))


def diff_response(diff: Diff) -> provider_pb2.DiffResponse:
    """The engine's form of a diff."""
    if not diff:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE, hasDetailedDiff=True)
    detailed = {
        format_path(path): provider_pb2.PropertyDiff(kind=_kind_of(change, path in diff.replaces), inputDiff=True)
        for path, change in diff.changes.items()
    }
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME,
        diffs=sorted({str(path[0]) for path in diff.changes}),
        replaces=sorted(format_path(path) for path in diff.replaces),
        deleteBeforeReplace=diff.delete_first,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _kind_of(change: Change, replaces: bool) -> Any:
    return provider_pb2.PropertyDiff.Kind.Value(change.name + ("_REPLACE" if replaces else ""))


def _failures(error: InvalidInputsError, secrets: Secrets) -> provider_pb2.CheckResponse:
    return provider_pb2.CheckResponse(failures=[_failure(failure, secrets) for failure in error.failures])


def _failure(failure: Failure, secrets: Secrets) -> provider_pb2.CheckFailure:
    """The engine prints the value of a property that it is told of: of a secret one the reason alone tells."""
    place, reason = format_path(failure.path), secrets.scrub(failure.reason)
    if any(path[:1] == failure.path[:1] for path in secrets.paths):
        return provider_pb2.CheckFailure(reason=f"{place}: {reason}")
    return provider_pb2.CheckFailure(property=place, reason=reason)


def _abort_unfinished(
    context: Any, error: UnfinishedError, kind: Kind, secrets: Secrets, inputs: struct_pb2.Struct
) -> NoReturn:
    """End the request with the state so far, in the detail the engine looks for."""
    reasons = [secrets.scrub(reason) for reason in error.reasons]
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.id, properties=secrets.encode(error.state, kind), reasons=reasons, inputs=inputs
        )
    )
    code = grpc.StatusCode.UNKNOWN
    status = status_pb2.Status(code=code.value[0], message="; ".join(reasons), details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, "; ".join(reasons))
    raise AssertionError("abort returned")


def _kept(state: Decoded, old_inputs: Decoded) -> Decoded:
    """The state, its secrets only those that no input gave: an input may have become public since."""
    return Decoded(state.value, state.secrets - old_inputs.secrets)
