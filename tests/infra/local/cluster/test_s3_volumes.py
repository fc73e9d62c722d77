"""The stand-in for the S3 driver: what it takes, where each object lies, and what the kubelet gets for an answer."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import boto3
import grpc  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from components.models.manifests import DRIVER
from infra.local.cluster import csi, s3_driver
from infra.local.cluster.csi import MESSAGES, RefusedError
from infra.local.cluster.enclosure import mounts
from infra.local.cluster.s3_volumes import Volumes, build_server, plan_files, read_options, read_source
from infra.local.cluster.shell import run
from runtime.contract.image import UID

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a mount needs root")


def publish_request(
    target: Path = Path("/var/lib/kubelet/pods/p/volumes/v/mount"),
    bucket: str = "weights",
    flags: Sequence[str] = ("read-only",),
    mode: int = csi.MULTI_NODE_READER_ONLY,
    group: str = "",
) -> Any:
    capability = MESSAGES["VolumeCapability"](
        mount=MESSAGES["MountVolume"](mount_flags=flags, volume_mount_group=group),
        access_mode=MESSAGES["AccessMode"](mode=mode),
    )
    context = [MESSAGES["Entry"](key="bucketName", value=bucket)] if bucket else []
    return MESSAGES["NodePublishVolumeRequest"](
        volume_id="v", target_path=str(target), volume_capability=capability, volume_context=context
    )


@pytest.mark.parametrize(
    "flag", ["prefix models/tiny/", "--prefix models/tiny/", "prefix=models/tiny/", " prefix  models/tiny/ "]
)
def test_an_option_may_be_spelled_as_the_driver_takes_it(flag: str) -> None:
    assert read_options([flag, "allow-other"]) == {"prefix": "models/tiny/", "allow-other": ""}


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (publish_request(bucket=""), "volumeAttributes: bucketName is missing"),
        (publish_request(mode=1), "accessModes: must be ReadOnlyMany or ReadWriteMany"),
        (publish_request(mode=csi.MULTI_NODE_MULTI_WRITER, flags=[]), "must be read-only here"),
        (publish_request(flags=["allow-delete"]), "'allow-delete' is not known to the local stand-in"),
        (publish_request(flags=["prefix models"]), "prefix 'models' must end with a slash"),
        (publish_request(flags=["prefix"]), "'prefix' takes a value"),
        (publish_request(flags=["allow-other=yes"]), "'allow-other' takes no value"),
        (publish_request(flags=["uid root"]), "uid 'root' is no number of base 10"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(request_: Any, said: str) -> None:
    with pytest.raises(RefusedError, match=said) as refused:
        read_source(request_)
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT


def test_a_pods_group_gets_in_and_without_one_nobody_does() -> None:
    grouped = read_source(publish_request(group="10001"))
    assert (grouped.gid, grouped.others, grouped.dir_mode, grouped.file_mode) == (10001, True, 0o770, 0o660)
    own = read_source(publish_request(group="10001", flags=["gid 7", "dir-mode 555"]))
    assert (own.gid, own.dir_mode) == (7, 0o555)
    alone = read_source(publish_request())
    assert (alone.gid, alone.others) == (0, False)


def test_a_key_lies_below_the_mount_or_nowhere() -> None:
    keys = ["m/a", "m/b/c", "m/b", "m/", "m//x", "m/../etc", "m/./x", "m/folder/", f"m/{'n' * 256}"]
    assert plan_files("m/", keys) == {"m/a": PurePosixPath("a"), "m/b/c": PurePosixPath("b/c")}


@given(keys=st.lists(st.lists(st.sampled_from(["", ".", "..", "a", "b", "é", "x\0y"]), max_size=4).map("/".join)))
def test_no_file_escapes_or_lies_in_another(keys: list[str]) -> None:
    paths = list(plan_files("", keys).values())
    assert not any(path.is_absolute() or ".." in path.parts or path == PurePosixPath() for path in paths)
    assert not any(one in other.parents for one in paths for other in paths)
    assert len(set(paths)) == len(paths)


class Plugin:
    """A served plugin, called as the kubelet calls it."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.kubelet = folder / "kubelet"
        self.copies = folder / "copies"
        self.target = self.kubelet / "pods" / "p" / "mount"
        self.sockets = (folder / "r.sock", folder / "c.sock")
        volumes = Volumes(endpoint, self.copies, self.kubelet)
        self.server = build_server(volumes, "node-1", self.sockets)
        self.server.start()

    def call(self, method: str, request: Any, response: str = "Empty", socket: int = 1) -> Any:
        with grpc.insecure_channel(f"unix:{self.sockets[socket]}") as channel:
            call = channel.unary_unary(
                method, lambda message: message.SerializeToString(), MESSAGES[response].FromString
            )
            return call(request, timeout=10)

    def publish(self, **given: Any) -> None:
        self.call("/csi.v1.Node/NodePublishVolume", publish_request(self.target, **given))

    def unpublish(self) -> None:
        request = MESSAGES["NodeUnpublishVolumeRequest"](volume_id="v", target_path=str(self.target))
        self.call("/csi.v1.Node/NodeUnpublishVolume", request)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    url = f"http://{host}:{port}"
    own = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    s3 = boto3.session.Session().client("s3", endpoint_url=url, **own)
    s3.create_bucket(Bucket="weights")
    s3.put_object(Bucket="weights", Key="tiny/blobs/one", Body=b"one")
    s3.close()
    yield url
    running.stop()


@pytest.fixture
def plugin(tmp_path: Path, endpoint: str) -> Iterator[Plugin]:
    plugin = Plugin(tmp_path, endpoint)
    yield plugin
    plugin.server.stop(None)
    if plugin.target in mounts():
        run(["umount", str(plugin.target)])


def test_the_kubelet_is_told_who_it_is_and_where(plugin: Plugin) -> None:
    empty = MESSAGES["Empty"]()
    info = plugin.call("/pluginregistration.Registration/GetInfo", empty, "PluginInfo", socket=0)
    assert (info.type, info.name, info.endpoint) == ("CSIPlugin", DRIVER, str(plugin.sockets[1]))
    assert plugin.call("/csi.v1.Node/NodeGetInfo", empty, "NodeGetInfoResponse").node_id == "node-1"
    told = plugin.call("/csi.v1.Node/NodeGetCapabilities", empty, "NodeGetCapabilitiesResponse")
    assert [one.rpc.type for one in told.capabilities] == [csi.VOLUME_MOUNT_GROUP]


@needs_root
def test_a_prefix_is_mounted_read_only_for_the_pods_group(plugin: Plugin) -> None:
    plugin.publish(flags=["read-only", "prefix tiny/", "region eu-west-1"], group=str(UID))
    assert (plugin.target / "blobs" / "one").read_bytes() == b"one"
    assert [path.name for path in plugin.target.iterdir()] == ["blobs"]
    with pytest.raises(OSError, match="Read-only file system"):
        (plugin.target / "new").touch()
    found = (plugin.target / "blobs" / "one").stat()
    assert (found.st_gid, found.st_mode & 0o777) == (UID, 0o660)


@needs_root
def test_asked_twice_it_mounts_and_unmounts_once_and_leaves_nothing(plugin: Plugin) -> None:
    for _ in range(2):
        plugin.publish(flags=["prefix tiny/"])
    assert mounts().count(plugin.target) == 1
    assert plugin.target.stat().st_mode & 0o777 == 0o700, "nobody but root gets in unless others are allowed"
    for _ in range(2):
        plugin.unpublish()
    assert not plugin.target.exists()
    assert list(plugin.copies.iterdir()) == []


@needs_root
def test_a_mount_in_use_stays_and_is_told(plugin: Plugin) -> None:
    plugin.publish(flags=["prefix tiny/"])
    with (plugin.target / "blobs" / "one").open() as reader:
        with pytest.raises(grpc.RpcError, match="target is busy") as failed:
            plugin.unpublish()
        assert reader.read() == "one"
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    plugin.unpublish()


@needs_root
def test_a_bucket_that_is_not_there_is_named_and_leaves_nothing(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        plugin.publish(bucket="not-there", flags=["prefix tiny/"])
    assert failed.value.code() is grpc.StatusCode.NOT_FOUND
    assert "bucket 'not-there', prefix 'tiny/'" in failed.value.details()
    assert not plugin.target.exists()
    assert list(plugin.copies.iterdir()) == []


@needs_root
def test_without_a_server_it_says_so_and_works_once_there_is_one(tmp_path: Path, endpoint: str) -> None:
    volumes = Volumes("http://127.0.0.1:1", tmp_path / "copies", tmp_path)
    request = publish_request(tmp_path / "mount", flags=["prefix tiny/"])
    with pytest.raises(RefusedError, match=r"Could not connect to the endpoint URL") as refused:
        volumes.publish(request)
    assert refused.value.code is grpc.StatusCode.UNAVAILABLE
    volumes.endpoint = endpoint
    try:
        volumes.publish(request)
        assert (tmp_path / "mount" / "blobs" / "one").exists()
    finally:
        volumes.unpublish(MESSAGES["NodeUnpublishVolumeRequest"](target_path=str(tmp_path / "mount")))


@pytest.mark.parametrize("target", ["/etc", "/var/lib/kubelet/../../../etc", ""])
def test_it_mounts_nowhere_but_below_the_kubelets_folder(tmp_path: Path, target: str) -> None:
    request = publish_request()
    request.target_path = target
    with pytest.raises(RefusedError, match="is not the kubelet's"):
        Volumes("http://127.0.0.1:1", tmp_path).publish(request)


def test_it_is_ready_once_the_kubelet_lists_it() -> None:
    assert not s3_driver.is_registered(None)
    assert not s3_driver.is_registered({"spec": {"drivers": None}})
    assert not s3_driver.is_registered({"spec": {"drivers": [{"name": "another"}]}})
    assert s3_driver.is_registered({"spec": {"drivers": [{"name": DRIVER}]}})
    assert s3_driver.build_object()["spec"]["attachRequired"] is False
