"""The gRPC side, asked as the engine asks: over a real connection."""

from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2
from google.rpc import status_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from infra.local.providers.base import (
    Call,
    Failure,
    InvalidInputsError,
    Kind,
    Live,
    Provider,
    ProviderError,
    UnfinishedError,
)
from infra.local.providers.properties import UNKNOWN, Marks, Properties, decode, encode
from infra.local.providers.servicer import ProviderServicer

URN = "urn:pulumi:dev::tiny::test:index:Thing::one"


class Thing(Kind):
    computed = ("address",)
    replace_on = ("size",)

    def __init__(self) -> None:
        self.known: frozenset[str] = frozenset()

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        if inputs.get("size") == "big":
            raise InvalidInputsError([Failure(("size",), f"big is not a size; token {inputs.get('token')}")])
        return {"colour": "red"} | inputs

    def create(self, call: Call, inputs: Properties) -> Live:
        self.known = call.known_ids
        match inputs.get("mode"):
            case "half":
                raise UnfinishedError("half-1", inputs | {"address": "a"}, ["not ready"])
            case "refused":
                raise ProviderError(f"refused {inputs['token']}")
            case "broken":
                raise RuntimeError(f"broken {inputs['token']}")
            case "wait":
                call.sleep(60)
        return Live("thing-1", inputs | {"address": f"http://x/?token={inputs.get('token')}"})

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        return None if call.id == "gone" else Live(call.id, state, inputs)

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        return inputs

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        return None


class Things(Provider):
    name = "test"
    version = "1.0.0"

    def __init__(self) -> None:
        self.thing = Thing()

    def kind(self, token: str) -> Kind:
        if token != "test:index:Thing":
            raise ProviderError(f"{token}: no such resource")
        return self.thing


@pytest.fixture
def things() -> Things:
    return Things()


@pytest.fixture
def stub(things: Things) -> Iterator[Any]:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(ProviderServicer(things), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    server.stop(None).wait()


def inputs(**properties: object) -> Any:
    return encode(properties, Marks(paths=frozenset({("token",)})))


def create(stub: Any, preview: bool = False, **properties: object) -> Any:
    return stub.Create(provider_pb2.CreateRequest(urn=URN, properties=inputs(**properties), preview=preview))


def test_check_fills_in_defaults_and_keeps_secrets(stub: Any) -> None:
    answer = stub.Check(provider_pb2.CheckRequest(urn=URN, news=inputs(token="s3cret-value")))
    decoded = decode(answer.inputs)
    assert decoded.value == {"colour": "red", "token": "s3cret-value"}
    assert decoded.secrets == {("token",)}


def test_a_failed_check_names_the_property_but_no_secret(stub: Any) -> None:
    answer = stub.Check(provider_pb2.CheckRequest(urn=URN, news=inputs(size="big", token="s3cret-value")))
    (failure,) = answer.failures
    assert failure.property == "size"
    assert failure.reason == "big is not a size; token [secret]"


def test_a_failed_check_of_a_secret_names_it_in_the_reason_alone(stub: Any) -> None:
    """The engine prints the value of the property a failure is of, marked as a secret or not."""
    marked = encode({"size": "big"}, Marks(paths=frozenset({("size",)})))
    (failure,) = stub.Check(provider_pb2.CheckRequest(urn=URN, news=marked)).failures
    assert failure.property == ""
    assert failure.reason.startswith("size: ")


def test_preview_of_a_create_leaves_computed_outputs_unknown(stub: Any) -> None:
    answer = create(stub, preview=True, size="small")
    assert answer.id == ""
    assert decode(answer.properties).value == {"address": UNKNOWN, "size": "small"}


def test_preview_of_an_update_keeps_what_the_inputs_do_not_give(stub: Any) -> None:
    answer = stub.Update(
        provider_pb2.UpdateRequest(
            urn=URN,
            id="thing-1",
            preview=True,
            olds=encode({"colour": "red", "address": "a"}),
            old_inputs=encode({"colour": "red"}),
            news=encode({"colour": "blue"}),
        )
    )
    assert decode(answer.properties).value == {"colour": "blue", "address": "a"}


def test_an_output_made_of_a_secret_is_secret(stub: Any) -> None:
    decoded = decode(create(stub, token="s3cret-value").properties)
    assert decoded.secrets == {("token",), ("address",)}


def test_a_create_that_failed_halfway_returns_what_there_is(stub: Any) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        create(stub, mode="half", token="s3cret-value")
    trailer = dict(failed.value.trailing_metadata())["grpc-status-details-bin"]
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status_pb2.Status.FromString(trailer).details[0].Unpack(detail)
    assert detail.id == "half-1"
    assert list(detail.reasons) == ["not ready"]
    assert decode(detail.properties).value["address"] == "a"
    assert decode(detail.properties).secrets == {("token",)}


@pytest.mark.parametrize(("mode", "code"), [("refused", "INVALID_ARGUMENT"), ("broken", "INTERNAL")])
def test_errors_are_scrubbed(stub: Any, mode: str, code: str) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        create(stub, mode=mode, token="s3cret-value")
    assert failed.value.code().name == code
    assert failed.value.details().endswith(f"{mode} [secret]")


def test_cancel_ends_a_wait(stub: Any) -> None:
    waiting = stub.Create.future(provider_pb2.CreateRequest(urn=URN, properties=inputs(mode="wait")))
    stub.Cancel(empty_pb2.Empty())
    assert waiting.exception(timeout=10).code() is grpc.StatusCode.CANCELLED


def test_diff_names_paths_and_replacements(stub: Any) -> None:
    answer = stub.Diff(
        provider_pb2.DiffRequest(
            urn=URN,
            id="thing-1",
            olds=encode({}),
            old_inputs=encode({"size": "s", "n": {"x": 1}}),
            news=encode({"size": "m", "n": {"x": 2}}),
        )
    )
    assert list(answer.replaces) == ["size"]
    assert set(answer.detailedDiff) == {"size", "n.x"}
    assert answer.detailedDiff["size"].kind == provider_pb2.PropertyDiff.UPDATE_REPLACE


def test_ids_the_engine_has_mentioned_are_known_to_a_create(stub: Any, things: Things) -> None:
    stub.Read(provider_pb2.ReadRequest(urn=URN, id="thing-0"))
    create(stub)
    assert things.thing.known == {"thing-0"}


def test_what_is_gone_reads_as_nothing(stub: Any) -> None:
    assert stub.Read(provider_pb2.ReadRequest(urn=URN, id="gone")).id == ""


def test_an_unknown_type_is_named(stub: Any) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        stub.Check(provider_pb2.CheckRequest(urn=URN.replace("Thing", "Other"), news=inputs()))
    assert "test:index:Other" in failed.value.details()
